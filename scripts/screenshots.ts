/** Pictures of the viewer for the docs, by a real Chromium: `npm run screenshots`. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { pageOf } from "../sim/report/page.ts";
import { openBrowser } from "../test/dashboard/browser.ts";
import { storyFilm } from "./viewer-story.ts";

const DOCS = fileURLToPath(new URL("../docs/viewer/", import.meta.url));
const film = storyFilm();
const failover = film.failovers.find(({ cause }) => cause === "silent");
const at = ((failover?.detectedAt ?? film.from) - film.from) / 1000;

interface Shot {
  readonly name: string;
  readonly size: readonly [width: number, height: number];
  readonly scheme: "light" | "dark";
  readonly hash: string;
  readonly pose: (page: Page) => Promise<void>;
}
const SHOTS: readonly Shot[] = [
  {
    name: "failover",
    size: [1400, 860],
    scheme: "light",
    hash: "",
    pose: async (page) => {
      await page.locator(".broken button").click();
      await page.getByRole("tab", { name: "Changes of holder" }).click();
      await page.getByLabel("Search actors and happenings").fill("sales-1");
      await page.locator(".failover", { hasText: "silent" }).locator("h3 button").click();
    },
  },
  {
    name: "chart",
    size: [1400, 860],
    scheme: "dark",
    hash: `#t=${at}&actor=health:${failover?.from}`,
    pose: async (page) => {
      for (let press = 0; press < 4; press++) await page.keyboard.press("+");
      await page.locator(".chart").scrollIntoViewIfNeeded();
      await page
        .locator(".chart")
        .evaluate((chart: { scrollIntoView(at: object): void }) => chart.scrollIntoView({ block: "end" }));
    },
  },
  { name: "phone", size: [390, 844], scheme: "light", hash: `#t=${at}`, pose: () => Promise.resolve() },
];

const folder = mkdtempSync(join(tmpdir(), "greenroom-screenshots-"));
const file = join(folder, "film.html");
writeFileSync(file, pageOf(film));
const browser = await openBrowser();
try {
  for (const { name, size, scheme, hash, pose } of SHOTS) {
    const page = await browser.newPage({ viewport: { width: size[0], height: size[1] }, colorScheme: scheme });
    await page.goto(`file://${file}${hash}`);
    await page.waitForSelector("canvas");
    await pose(page);
    await page.waitForTimeout(500);
    await page.screenshot({ path: join(DOCS, `${name}.png`) });
    await page.close();
  }
} finally {
  await browser.close();
  rmSync(folder, { recursive: true });
}
