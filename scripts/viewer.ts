/**
 * Builds the viewer's page: `npm run viewer`. A test fails when the one in src/dashboard is not that of its sources. With `--dist` it
 * goes among what `npm run build` makes.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { viewerPage } from "./viewer-page.ts";

const folder = process.argv.includes("--dist") ? "dist/src/dashboard" : "src/dashboard";
const to = new URL(`../${folder}/`, import.meta.url);
const page = await viewerPage();
mkdirSync(to, { recursive: true });
writeFileSync(new URL("viewer.html", to), page);
console.log(`${folder}/viewer.html: ${page.length} bytes, ${gzipSync(page).length} gzipped`);
