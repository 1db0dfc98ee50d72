import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { dashboardPage } from "../../../scripts/dashboard-page.ts";

const page = readFileSync(new URL("../../../src/dashboard/app.html", import.meta.url), "utf8");

it("the dashboard's page is that of its sources (else: npm run dashboard)", { timeout: 120_000 }, async () => {
  expect((await dashboardPage()) === page).toBe(true);
});

it("is at most 120 KB gzipped, and fetches no script, style, font or picture", () => {
  expect(gzipSync(page).length).toBeLessThanOrEqual(120 * 1024);
  const outside =
    /<(?:script|img|iframe)[^>]*\ssrc="|<link[^>]*href="(?!data:)|url\((?!#)|@import|https?:\/\/(?!www\.w3\.org\/)/g;
  expect(page.match(outside)).toBeNull();
  expect(page.match(/\beval\(|new Function\(/g)).toBeNull();
});
