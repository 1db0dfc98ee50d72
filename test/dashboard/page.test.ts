import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { viewerPage } from "../../scripts/viewer-page.ts";

const page = readFileSync(new URL("../../src/dashboard/viewer.html", import.meta.url), "utf8");

it("the viewer's page is that of its sources and of the charts (else: npm run viewer)", { timeout: 120_000 }, async () => {
  expect((await viewerPage()) === page).toBe(true);
});

it("is at most 60 KB gzipped, and fetches nothing", () => {
  expect(gzipSync(page).length).toBeLessThanOrEqual(60 * 1024);
  const outside = /<(?:script|img|iframe)[^>]*\ssrc=|<link[^>]*href="(?!data:)|url\((?!#)|@import|https?:\/\/(?!www\.w3\.org\/)/g;
  expect(page.match(outside)).toBeNull();
});
