/** The viewer in a real Chromium. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { storyFilm } from "../../scripts/viewer-story.ts";
import { pageOf } from "../../sim/report/page.ts";
import { hasNoBrowser, openBrowser } from "./browser.ts";

/** What a loaded machine delays is not wrong. */
const SOON = { timeout: 30_000 };
const film = storyFilm();
const whole = pageOf(film, "<h2>All of them</h2>");

/** Presses Pause: what time is shown as soon as that is drawn, and some frames later. */
const PAUSED = `(async () => {
  const shown = () => document.querySelector(".now").innerText;
  const frame = () => new Promise(requestAnimationFrame);
  document.querySelector("button.play").click();
  await new Promise((drawn) => queueMicrotask(() => queueMicrotask(drawn)));
  const stopped = shown();
  for (let frames = 0; frames < 10; frames++) await frame();
  return [stopped, shown()];
})()`;

interface Look {
  readonly hash?: string;
  readonly width?: number;
  readonly scheme?: "light" | "dark";
}

describe.skipIf(hasNoBrowser())("the viewer in Chromium", { timeout: 120_000 }, () => {
  let browser: Browser;
  let folder = "";
  const complaints: string[] = [];
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "greenroom-viewer-"));
    browser = await openBrowser();
  }, 120_000);
  afterAll(async () => {
    await browser.close();
    rmSync(folder, { recursive: true });
  });

  const open = async (html: string, { hash = "", width = 1280, scheme = "light" }: Look = {}): Promise<Page> => {
    const file = join(folder, `${html.length}.html`);
    writeFileSync(file, html);
    const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme: scheme });
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("request", (request) => {
      if (!/^(file|data):/.test(request.url())) complaints.push(`it asked for ${request.url()}`);
    });
    await page.goto(`file://${file}${hash}`);
    await page.waitForSelector("h1");
    return page;
  };
  const now = (page: Page) => page.locator(".now").innerText();

  it("loads, says what broke, and stands at that moment", async () => {
    const page = await open(whole);
    expect(await page.title()).toBe(film.title);
    expect(await page.locator(".broken").innerText()).toContain("timed-detection");
    const broke = film.marks.find(({ kind }) => kind === "property");
    expect(await page.locator(".happenings .property").first().innerText()).toContain("BROKEN timed-detection");
    await expect.poll(() => page.evaluate<string>("location.hash"), SOON).toContain(`t=${((broke?.at ?? 0) - film.from) / 1000}`);
    await page.close();
  });

  it("plays and pauses", async () => {
    const page = await open(whole, { hash: "#t=10" });
    expect(await now(page)).toBe("0:10.000");
    await page.getByRole("button", { name: "Play", exact: true }).click();
    await expect.poll(() => now(page), SOON).not.toBe("0:10.000");
    const [stopped, later] = await page.evaluate<[string, string]>(PAUSED);
    expect(stopped).not.toBe("0:10.000");
    expect(later).toBe(stopped);
    expect(await page.getByRole("button", { name: "Play", exact: true }).count()).toBe(1);
    await page.close();
  });

  it("steps, skips and scrubs, by keys and by the pointer", async () => {
    const page = await open(whole, { hash: "#t=90" });
    await page.keyboard.press("ArrowRight");
    const stepped = await now(page);
    expect(stepped > "1:30.000").toBe(true);
    await page.keyboard.press("ArrowLeft");
    expect((await now(page)) <= stepped).toBe(true);
    await page.keyboard.press("Home");
    expect(await now(page)).toBe("0:00.000");
    await page.keyboard.press("n");
    await expect.poll(() => now(page), SOON).not.toBe("0:00.000");
    const box = await page.locator("canvas").boundingBox();
    await page.mouse.move((box?.x ?? 0) + (box?.width ?? 0) / 4, (box?.y ?? 0) + 15);
    await page.mouse.down();
    await page.mouse.move((box?.x ?? 0) + (box?.width ?? 0) / 2, (box?.y ?? 0) + 15, { steps: 5 });
    await page.mouse.up();
    const half = (film.to - film.from) / 2_000;
    const seconds = async (): Promise<number> => {
      const [minutes = 0, rest = 0] = (await now(page)).split(":").map(Number);
      return minutes * 60 + rest;
    };
    expect(Math.abs((await seconds()) - half)).toBeLessThan(2);
    await page.close();
  });

  it("shows the chart of the chosen actor, with its state and the last transition lit", async () => {
    const failover = film.failovers.find(({ cause }) => cause === "silent");
    const at = ((failover?.detectedAt ?? 0) - film.from) / 1000;
    const page = await open(whole, { hash: `#t=${at}&actor=health:${failover?.from}` });
    expect(await page.locator(".stand").innerText()).toContain("failed");
    expect(await page.locator(".chart .place.lit .name").allTextContents()).toEqual(["failed"]);
    expect(await page.locator(".chart .arrow.lit").count()).toBe(1);
    await page.getByRole("button", { name: `seat ${failover?.seat}` }).click();
    await expect.poll(() => page.locator("h2").innerText(), SOON).toBe(`seat:${failover?.seat}`);
    expect(await page.locator(".chart").getAttribute("data-state")).toBe("moving");
    await page.close();
  });

  it("tells a newcomer which fault hit whom, what was decided and why, and how long each phase took", async () => {
    const page = await open(whole);
    await page.locator(".broken button").click();
    expect(await page.locator(".happenings").innerText()).toMatch(/fault: the path of the holder of sales\/sales-1 is silent/);
    await page.getByRole("tab", { name: "Changes of holder" }).click();
    await page.getByLabel("Search actors and happenings").fill("sales-1 silent");
    const card = page.locator(".failover");
    await expect.poll(() => card.count(), SOON).toBe(1);
    const text = await card.innerText();
    expect(text).toMatch(/sales\/sales-1: sales-1\/\w+ → sales-1\/\w+ \(twin\)/);
    expect(text).toMatch(/At 1:40\.\d+, the fault: the path of the holder of sales\/sales-1 is silent .*; it hit sales-1\/a/);
    expect(text).toMatch(/fault to detected\s+5\.\d+ s of 5 s: late/);
    expect(text).toMatch(/fault to first ack\s+\d+(\.\d+)? s of 10 s/);
    expect(text).toMatch(/chose sales-1\/\w+ \(twin: same number/);
    expect(text).toContain("Candidates as they were judged");
    await page.close();
  });

  it("searches lanes, and shows the report on all runs", async () => {
    const page = await open(whole);
    await page.keyboard.press("/");
    await page.keyboard.type("lease sales-1/a");
    await expect.poll(() => page.locator(".names button").allInnerTexts(), SOON).toEqual(["lease sales-1/a"]);
    await page.getByRole("tab", { name: "All runs" }).click();
    expect(await page.locator(".report").innerText()).toContain("All of them");
    await page.close();
  });

  it.each(["light", "dark"] as const)("has names for all and enough contrast, on %s paper", async (scheme) => {
    const page = await open(whole, { scheme });
    await page.evaluate(axe.source);
    for (const tab of ["What happened", "Changes of holder", "Chosen actor"]) {
      await page.getByRole("tab", { name: tab }).click();
      if (tab === "Chosen actor") await page.getByRole("button", { name: "seat sales/sales-1" }).click();
      await page.evaluate("for (const why of document.querySelectorAll('details')) why.open = true");
      const found = await page.evaluate(async () => {
        const { axe } = globalThis as unknown as {
          axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
        };
        return (await axe.run()).violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`));
      });
      expect(found).toEqual([]);
    }
    await page.close();
  });

  it("fits a phone: nothing is wider than the screen, and all of it works", async () => {
    const page = await open(whole, { width: 360 });
    expect(await page.evaluate<number>("document.documentElement.scrollWidth")).toBeLessThanOrEqual(360);
    await page.getByRole("button", { name: "seat sales/sales-1" }).click();
    await expect.poll(() => page.locator("h2").innerText(), SOON).toBe("seat:sales/sales-1");
    await page.close();
  });

  it("says what is wrong with a film that is cut off, of another version, or not there, and shows what it can", async () => {
    const at = whole.indexOf('id="film">') + 'id="film">'.length;
    const steps = whole.indexOf("\n[[", at);
    const alert = async (html: string): Promise<string> => {
      const page = await open(html);
      const text = await page.getByRole("alert").innerText();
      await page.close();
      return text;
    };
    expect(await alert(whole.slice(0, at))).toContain("there is no film in this page");
    expect(await alert(whole.slice(0, at + 200))).toContain("cut off before its first step");
    expect(await alert(whole.replace('"film":1', '"film":7'))).toContain("version 7");
    expect(await alert(`${whole.slice(0, at)}[1,2]</script>`)).toContain("this is no film");
    const page = await open(whole.slice(0, steps + 50));
    expect(await page.getByRole("alert").innerText()).toContain("shown are the first 0 of");
    expect(await page.locator(".happenings li").count()).toBeGreaterThan(5);
    await page.close();
  });

  it("had no error and asked for nothing, through all of that", () => {
    expect(complaints).toEqual([]);
  });
});
