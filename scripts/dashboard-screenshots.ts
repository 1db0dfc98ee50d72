/** Pictures of the dashboard for the docs, by a real Chromium on the real API: `node scripts/dashboard-screenshots.ts [NAME...]`. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { openBrowser } from "../test/dashboard/browser.ts";
import { ApiRig } from "../test/http/rig.ts";

const DOCS = fileURLToPath(new URL("../docs/dashboard/", import.meta.url));

interface Shot {
  readonly name: string;
  readonly size: readonly [width: number, height: number];
  readonly scheme: "light" | "dark";
  readonly pose: (page: Page) => Promise<void>;
}
const SHOTS: readonly Shot[] = [
  { name: "fleet-light", size: [1280, 780], scheme: "light", pose: () => Promise.resolve() },
  {
    name: "move-light",
    size: [1280, 780],
    scheme: "light",
    pose: (page) => page.getByRole("button", { name: "Move… sales/sales-1" }).click(),
  },
  {
    name: "failover-dark",
    size: [1280, 560],
    scheme: "dark",
    pose: (page) => page.getByRole("link", { name: "step by step for sales/sales-1" }).click(),
  },
  {
    name: "alerts-light",
    size: [1280, 780],
    scheme: "light",
    pose: async (page) => {
      await page.getByRole("link", { name: /^Alerts/ }).click();
      await page.getByRole("button", { name: "Acknowledge account.restricted:bulk-1" }).click();
    },
  },
  {
    name: "availability-light",
    size: [1280, 780],
    scheme: "light",
    pose: (page) => page.getByRole("link", { name: "Availability" }).click(),
  },
  {
    name: "machines-dark",
    size: [1280, 780],
    scheme: "dark",
    pose: async (page) => {
      await page.getByRole("link", { name: "Machines" }).click();
      await page.getByRole("link", { name: "health:sales-1/a" }).click();
    },
  },
  {
    name: "replay-light",
    size: [1280, 780],
    scheme: "light",
    pose: async (page) => {
      await page.getByRole("link", { name: "step by step for sales/sales-1" }).click();
      await page.getByRole("link", { name: "Open in the replay viewer" }).click();
      await page.locator(".failover.current").waitFor();
    },
  },
  { name: "fleet-phone", size: [390, 844], scheme: "dark", pose: () => Promise.resolve() },
];

const wanted = process.argv.slice(2);
const rig = await ApiRig.start();
const address = await rig.api.listen();
await rig.ask("POST", "/v1/seats/sales/sales-1/failover", { body: {} });
for (const [rule, subject, text] of [
  ["device.unreachable", "sales-2/a", "sales-2/a can't be dialled: look at its proxy"],
  ["account.restricted", "bulk-1", "bulk-1 may start no new chats for two hours"],
] as const)
  rig.supervisor.node.driver.perform("orchestrator", [
    { op: "raise", key: `${rule}:${subject}`, rule, subject, level: "warning", text },
  ]);
// As after three weeks with a bad minute and an outage of WhatsApp.
const now = Date.now();
const MINUTE = 60_000;
const seats = [...(rig.supervisor.node.roster()?.seats.keys() ?? [])];
await rig.downtimes.begin(seats, now - 21 * 24 * 60 * MINUTE);
await rig.downtimes.record([
  ...seats.slice(0, 1).map((seat) => ({ seat, from: now - 5000 * MINUTE, to: now - 4999 * MINUTE, blame: "seat" as const })),
  ...seats.map((seat) => ({ seat, from: now - 900 * MINUTE, to: now - 888 * MINUTE, blame: "outage" as const })),
]);
const browser = await openBrowser();
try {
  for (const { name, size, scheme, pose } of SHOTS.filter((shot) => wanted.length === 0 || wanted.includes(shot.name))) {
    const page = await browser.newPage({ viewport: { width: size[0], height: size[1] }, colorScheme: scheme });
    await page.goto(address);
    await page.getByLabel("API key").fill(rig.admin);
    await page.keyboard.press("Enter");
    await page.waitForSelector(".seat");
    await page.locator(".live", { hasText: /^live$/ }).waitFor();
    await pose(page);
    await page.waitForTimeout(1000);
    await page.screenshot({ path: join(DOCS, `${name}.png`) });
    await page.close();
  }
} finally {
  await browser.close();
  await rig.close();
}
