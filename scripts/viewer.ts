/** Builds the viewer's page anew: `npm run viewer`; `--dist`: among what is built, too. A test fails when the one in src/dashboard is not that of its sources. */
import { mkdirSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { viewerPage } from "./viewer-page.ts";

const page = await viewerPage();
const folders = ["../src/dashboard/", ...(process.argv.includes("--dist") ? ["../dist/src/dashboard/"] : [])];
for (const folder of folders) {
  const to = new URL(folder, import.meta.url);
  mkdirSync(to, { recursive: true });
  writeFileSync(new URL("viewer.html", to), page);
}
console.log(`src/dashboard/viewer.html: ${page.length} bytes, ${gzipSync(page).length} gzipped`);
