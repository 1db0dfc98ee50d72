/** The version that package.json states, from the sources and from dist/ alike. */
import { existsSync, readFileSync } from "node:fs";

export const version = (): string => {
  for (const up of ["../package.json", "../../package.json"]) {
    const url = new URL(up, import.meta.url);
    if (existsSync(url)) return (JSON.parse(readFileSync(url, "utf8")) as { version: string }).version;
  }
  return "unknown";
};
