/** `npm ci` fails elsewhere when an optional platform package has no entry in the lock file: find that out here. */
import { readFileSync } from "node:fs";

type Locked = { optionalDependencies?: Record<string, string> };
const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8")) as { packages: Record<string, Locked> };
const missing = Object.entries(packages).flatMap(([path, entry]) =>
  Object.keys(entry.optionalDependencies ?? {}).filter(
    (name) => !packages[`node_modules/${name}`] && !packages[`${path}/node_modules/${name}`],
  ),
);
if (missing.length > 0) {
  console.error(`package-lock.json has no entry for: ${missing.join(" ")}`);
  process.exit(1);
}
console.log(`package-lock.json: every optional platform package of ${Object.keys(packages).length} packages is listed`);
