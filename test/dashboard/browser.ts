/** A real Chromium, if one is installed. In CI there has to be one. */
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const PLACES = [process.env["CHROMIUM"] ?? "", "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

const chromiumPath = (): string | undefined => PLACES.find((path) => path !== "" && existsSync(path));

/** True where tests with a browser can't be run; says so. */
export const hasNoBrowser = (): boolean => {
  if (chromiumPath() !== undefined) return false;
  if (process.env["CI"]) throw new Error("CI needs a browser: apt-get install -y chromium, or set CHROMIUM to its path");
  process.stderr.write(
    "\nNO BROWSER: what needs Chromium is skipped. Install it (apt-get install -y chromium) or set CHROMIUM.\n\n",
  );
  return true;
};

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"];

export const openBrowser = (): Promise<Browser> => {
  const executablePath = chromiumPath();
  if (executablePath === undefined) throw new Error("no Chromium here: apt-get install -y chromium, or set CHROMIUM to its path");
  return chromium.launch({ executablePath, args: [...FLAGS, "--disable-component-update", "--disable-sync"] });
};
