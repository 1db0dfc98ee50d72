/**
 * Builds the dashboard's page: `npm run dashboard`. A test fails when the one in src/dashboard is not that of its sources. With `--dist`
 * it goes among what `npm run build` makes.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { dashboardPage } from "./dashboard-page.ts";

const folder = process.argv.includes("--dist") ? "dist/src/dashboard" : "src/dashboard";
const to = new URL(`../${folder}/`, import.meta.url);
const page = await dashboardPage();
mkdirSync(to, { recursive: true });
writeFileSync(new URL("app.html", to), page);
console.log(`${folder}/app.html: ${page.length} bytes, ${gzipSync(page).length} gzipped`);
