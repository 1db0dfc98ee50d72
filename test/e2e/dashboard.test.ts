/**
 * What a newcomer does with a running fleet and a browser, and nothing else: logs in, links a device by scanning the code on the
 * screen, watches a failover, looks after its alert, and has it played again. Real Chromium, real Baileys, a server on this machine.
 */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasNoBrowser, openBrowser } from "../dashboard/browser.ts";
import { type Pixels, readQr } from "../dashboard/qr-reader.ts";
import { numberOf, Rig } from "./rig.ts";

const PATIENCE = 180_000;
const SOON = { timeout: 60_000 };
const FLEET = `fleet: acme
store: { file: ./acme.db }
api: { port: 0 }
accounts:
  sales-1: { role: master, devices: [a, b] }
lines:
  sales: { masters: [sales-1] }
`;

describe.skipIf(hasNoBrowser())("a newcomer with a browser", { timeout: PATIENCE }, () => {
  let rig: Rig;
  let browser: Browser;
  let page: Page;
  let address = "";
  const complaints: string[] = [];
  /** What the server knows the devices by. */
  const linked = new Map<string, number>();
  beforeAll(async () => {
    rig = await Rig.start(FLEET);
    const { started } = await rig.up();
    address = (started as typeof started & { readonly api: string }).api;
    browser = await openBrowser();
    page = await browser.newPage({ viewport: { width: 1280, height: 1000 } });
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => {
      if (/Content Security Policy|Trusted/.test(message.text())) complaints.push(message.text());
    });
  }, PATIENCE);
  afterAll(async () => {
    await browser.close();
    await rig.close();
  }, PATIENCE);

  it("logs in with a key", async () => {
    const { secret } = await rig.ask("keyCreate", { name: "newcomer", role: "operator" });
    await page.goto(address);
    await page.getByLabel("API key").fill(secret);
    await page.keyboard.press("Enter");
    await expect.poll(() => page.locator(".seat").count(), SOON).toBe(1);
  });

  it.each(["sales-1/a", "sales-1/b"])("links %s with a phone that scans what is on the screen", async (device) => {
    await page.goto(`${address}/#/account/sales-1`);
    await page.getByRole("button", { name: `Link… ${device}` }).click();
    await page.getByRole("button", { name: "Show a QR code" }).click();
    const code = page.getByAltText(`QR code to be scanned with the phone of ${device}`);
    await code.waitFor(SOON);
    await expect.poll(() => code.evaluate((image: { naturalWidth: number }) => image.naturalWidth), SOON).toBeGreaterThan(0);
    const text = readQr(await pixelsOf(browser, await code.screenshot()));
    linked.set(device, (await rig.loopback.account(numberOf(device)).scanQr(text)).device);
    await expect.poll(() => page.getByRole("dialog").innerText(), SOON).toContain(`${device} is linked.`);
    await page.getByRole("button", { name: "Close" }).click();
  });

  it("sees who speaks, since when, why, and who stands by", async () => {
    await page.goto(`${address}/#/fleet`);
    const seat = page.locator(".seat");
    await expect
      .poll(() => seat.innerText(), SOON)
      .toMatch(/If sales-1\/[ab] fails, sales-1\/[ab] takes over, under the same number/);
    // A machine that is busy may have moved it to the other device since it was linked.
    expect(await seat.innerText()).toMatch(
      /Speaks now\s+sales-1\/[ab].*Since\s+\d\d:\d\d:\d\d.*Why\s+(it was the first that could|[^\n]*sales-1\/[ab][^\n]* \w+)/s,
    );
  });

  it("watches a failover without touching anything, looks after its alert, and has it played again", async () => {
    const seat = page.locator(".seat");
    const before = /Speaks now\s+(sales-1\/[ab])/.exec(await seat.innerText())?.[1] ?? "";
    const after = before === "sales-1/a" ? "sales-1/b" : "sales-1/a";
    rig.loopback.account(numberOf(before)).unlink(linked.get(before) ?? -1);
    await expect
      .poll(() => seat.innerText(), SOON)
      .toMatch(new RegExp(`Speaks now\\s+${after}.*Why\\s+${before} was removed from its account.*Stands by\\s+nobody`, "s"));

    await page.getByRole("link", { name: /^Alerts/ }).click();
    const open = page.getByRole("region", { name: "Open alerts" });
    await page.getByRole("button", { name: `Acknowledge device.loggedOut:${before}` }).click(SOON);
    await expect.poll(() => open.innerText(), SOON).toMatch(/key:newcomer\s+after/);

    await page.getByRole("link", { name: "Failovers" }).click();
    await page
      .getByRole("row", { name: /was removed from its account/ })
      .getByRole("link")
      .click();
    await page.getByRole("link", { name: "Open in the replay viewer" }).waitFor();
    await page.getByRole("link", { name: "Open in the replay viewer" }).click();
    const card = page.locator(".failover.current");
    await expect
      .poll(() => card.innerText(), SOON)
      .toMatch(new RegExp(`${before} → ${after} \\(twin\\).*loggedOut; in service`, "s"));
    expect(await page.locator(".names button").allInnerTexts()).toContain("seat sales/sales-1");
    await page.getByRole("button", { name: "seat sales/sales-1" }).click();
    await page.locator(".chart .place.lit").first().waitFor(SOON);
    expect(complaints).toEqual([]);
  });
});

/** Runs in a page of its own, which may draw. */
const SEE = `async (url) => {
  const bitmap = await createImageBitmap(await (await fetch(url)).blob());
  const pen = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
  pen.drawImage(bitmap, 0, 0);
  const { data, width } = pen.getImageData(0, 0, bitmap.width, bitmap.height);
  return Array.from({ length: bitmap.height }, (_, y) => Array.from({ length: width }, (_, x) => data[(y * width + x) * 4] < 128));
}`;
/** A picture as a camera sees it: which pixels are dark. */
const pixelsOf = async (browser: Browser, png: Buffer): Promise<Pixels> => {
  const eye = await browser.newPage();
  try {
    return await eye.evaluate<Pixels>(`(${SEE})("data:image/png;base64,${png.toString("base64")}")`);
  } finally {
    await eye.close();
  }
};
