/** The dashboard in a real Chromium, on the real API, a real store and a real supervisor. */
import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KeyRole } from "../../../src/http/store.ts";
import { ApiRig, NO_ALERTS } from "../../http/rig.ts";
import { hasNoBrowser, openBrowser } from "../browser.ts";

/** What a loaded machine delays is not wrong. */
const SOON = { timeout: 30_000 };
const PAGES = [
  "fleet",
  "seat/sales/sales-1",
  "account/sales-2",
  "failovers",
  "alerts",
  "messages",
  "sla",
  "machines",
  "audit",
  "settings",
];

describe.skipIf(hasNoBrowser())("the dashboard in Chromium", { timeout: 120_000 }, () => {
  let browser: Browser;
  let rig: ApiRig;
  let address = "";
  const complaints: string[] = [];
  beforeAll(async () => {
    rig = await ApiRig.start();
    address = await rig.api.listen();
    browser = await openBrowser();
  }, 120_000);
  afterAll(async () => {
    await browser.close();
    await rig.close();
  });

  const open = async (): Promise<Page> => {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, colorScheme: "light" });
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => {
      if (/Content Security Policy|Trusted/.test(message.text())) complaints.push(message.text());
    });
    page.on("request", (request) => {
      if (!request.url().startsWith(address) && !request.url().startsWith("data:"))
        complaints.push(`it asked for ${request.url()}`);
    });
    await page.goto(address);
    return page;
  };
  const enter = async (key: string): Promise<Page> => {
    const page = await open();
    await page.getByLabel("API key").fill(key);
    await page.keyboard.press("Enter");
    await page.waitForSelector(".seat");
    return page;
  };
  /** One page a role serves several tests: a login costs a second of a processor. */
  const pages = new Map<KeyRole, Page>();
  const as = async (role: KeyRole): Promise<Page> => {
    const page = pages.get(role) ?? (await enter(role === "admin" ? rig.admin : await rig.key(role)));
    pages.set(role, page);
    if ((await page.getByRole("dialog").count()) > 0) await page.keyboard.press("Escape");
    await show(page, "fleet");
    return page;
  };
  const seat = (page: Page, id: string) => page.locator(".seat", { has: page.getByRole("link", { name: id, exact: true }) });
  const show = async (page: Page, place: string): Promise<void> => {
    await page.goto(`${address}/#/${place}`);
    await page.locator("main h2").first().waitFor({ state: "attached" });
  };
  /** Of all rules, or of one. */
  const complaintsOf = async (page: Page, runOnly?: string): Promise<string[]> =>
    page.evaluate(async (rule) => {
      const { axe } = globalThis as unknown as {
        axe: { run(options: object): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
      };
      return (
        await axe.run({ resultTypes: ["violations"], ...(rule === undefined ? {} : { runOnly: [rule] }) })
      ).violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`));
    }, runOnly);

  it("refuses a wrong key with words, takes a right one, and keeps it out of reach of scripts", async () => {
    const page = await open();
    await page.evaluate(axe.source);
    expect(await complaintsOf(page)).toEqual([]);
    await page.getByLabel("API key").fill(`gr_0000000000_${"a".repeat(43)}`);
    await page.getByRole("button", { name: "Log in" }).click();
    await expect.poll(() => page.getByRole("alert").innerText(), SOON).toContain("this key is not known here");
    await page.getByLabel("API key").fill(rig.admin);
    await page.getByRole("button", { name: "Log in" }).click();
    await page.waitForSelector(".seat");
    const [cookies, kept] = await page.evaluate<[string, string]>("[document.cookie, JSON.stringify(localStorage)]");
    expect(cookies).toBe("");
    expect(kept).not.toContain("gr_");
    await page.reload();
    await page.waitForSelector(".seat");
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByLabel("API key").waitFor();
    await page.reload();
    await page.getByLabel("API key").waitFor();
    await page.close();
  });

  it("says at a glance who speaks for a seat, since when, why, and who stands by", async () => {
    const page = await as("viewer");
    const text = await seat(page, "sales/sales-1").innerText();
    expect(text).toMatch(
      /The number of sales-1 speaks\. If sales-1\/[ab] fails, sales-1\/[ab] takes over, under the same number/,
    );
    expect(text).toMatch(/Speaks now\s+sales-1\/[ab]\s+● online/);
    expect(text).toMatch(/Since\s+\d\d:\d\d:\d\d \(\d+ s\)/);
    expect(text).toMatch(/Why\s+it was the first that could, at the start/);
    expect(text).toMatch(/Stands by\s+sales-1\/[ab]\s+● online same number/);
    expect(await seat(page, "help/help-1").innerText()).toMatch(/Stands by\s+nobody/);
  });

  it("knows why somebody speaks for a seat that moved longer ago than the last moves of all", async () => {
    const page = await as("viewer");
    await page.route("**/v1/failovers?limit=200", (route) => route.fulfill({ json: { failovers: [], next: null } }));
    await page.reload();
    await expect
      .poll(() => seat(page, "help/help-1").innerText(), SOON)
      .toMatch(/Why\s+it was the first that could, at the start/);
    await page.unroute("**/v1/failovers?limit=200");
  });

  it("offers a viewer nothing to change, and the server would refuse it", async () => {
    const page = await as("viewer");
    expect(await page.getByRole("button").allInnerTexts()).toEqual(["Log out"]);
    const status = await page.evaluate<number>("fetch('/v1/pause', { method: 'POST' }).then(({ status }) => status)");
    expect(status).toBe(403);
    await show(page, "settings");
    expect(await page.locator("main").innerText()).toContain("Only an admin");
  });

  it("shows what happens while it happens", async () => {
    const page = await as("viewer");
    await page.locator(".live", { hasText: /^live$/ }).waitFor();
    rig.supervisor.report({ type: "holder.suspect", subject: "help/help-1", data: { device: "help-1/a" } });
    await expect.poll(() => page.locator(".happenings").innerText(), SOON).toContain("nothing heard from help-1/a");
    await expect.poll(() => seat(page, "help/help-1").innerText(), SOON).toMatch(/serving/);
  });

  it("draws what is out of sight as well, when it is its turn", async () => {
    const page = await as("viewer");
    await page.setViewportSize({ width: 1280, height: 60 });
    const happenings = page.locator(".happenings");
    const below = await happenings.evaluate(
      (part: { getBoundingClientRect(): { top: number } }) => part.getBoundingClientRect().top,
    );
    expect(below).toBeGreaterThan(60 + 300);
    rig.supervisor.report({ type: "holder.suspect", subject: "sales/sales-1", data: { device: "sales-1/a" } });
    await expect.poll(() => happenings.innerText(), SOON).toContain("nothing heard from sales-1/a");
    await page.setViewportSize({ width: 1280, height: 800 });
  });

  it("switches over once the plan has been seen and said yes to, and opens what was done", async () => {
    const page = await as("admin");
    const from = (await rig.ask("GET", "/v1/seats/sales/sales-1")).body["seat"] as unknown as { holder: string; term: number };
    const to = from.holder === "sales-1/a" ? "sales-1/b" : "sales-1/a";
    await page.getByRole("button", { name: "Move… sales/sales-1" }).click();
    const dialog = page.getByRole("dialog");
    expect(await dialog.getByRole("region", { name: "Plan" }).innerText()).toContain(`sales/sales-1: ${from.holder} → ${to}`);
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    expect((await rig.ask("GET", "/v1/seats/sales/sales-1")).body["seat"]).toMatchObject(from);

    await page.getByRole("button", { name: "Move… sales/sales-1" }).click();
    await dialog.getByRole("button", { name: `Switch over: ${from.holder} → ${to}` }).click();
    await expect.poll(() => dialog.innerText(), SOON).toContain(`${from.holder} → ${to} (twin): in service`);
    expect((await rig.ask("GET", "/v1/seats/sales/sales-1")).body["seat"]).toMatchObject({ holder: to, term: from.term + 1 });
    await dialog.getByRole("button", { name: "Close" }).click();
    await expect
      .poll(() => seat(page, "sales/sales-1").innerText(), SOON)
      .toMatch(new RegExp(`Speaks now\\s+${to}.*an operator asked`, "s"));
    await page.getByRole("link", { name: "step by step for sales/sales-1" }).click();
    await expect.poll(() => page.locator("main").innerText(), SOON).toMatch(/moved to in service\s+\d+(\.\d+)? m?s of 5 s/);
    expect(await page.locator(".steps").innerText()).toContain(`${to} is in service`);
  });

  it("moves nothing if somebody else was quicker", async () => {
    const page = await as("admin");
    await page.getByRole("button", { name: "Move… sales/sales-1" }).click();
    await rig.ask("POST", "/v1/seats/sales/sales-1/switchover", { body: {} });
    await page
      .getByRole("dialog")
      .getByRole("button", { name: /^Switch over:/ })
      .click();
    await expect.poll(() => page.getByRole("alert").innerText(), SOON).toMatch(/is in term \d+ by now: look at it again/);
  });

  it("pauses and resumes automatic failover, and drains an account", async () => {
    const page = await as("admin");
    for (const [verb, mode] of [
      ["Pause", "paused"],
      ["Resume", "automatic"],
    ] as const) {
      await page.getByRole("button", { name: `${verb}…` }).click();
      await page.getByRole("dialog").getByRole("button", { name: verb, exact: true }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
      await expect.poll(() => page.locator("header .badge").innerText(), SOON).toContain(mode);
    }
    await show(page, "account/help-1");
    await page.getByRole("button", { name: "Drain…", exact: true }).click();
    const dialog = page.getByRole("dialog");
    expect(await dialog.innerText()).toContain("help/help-1: help-1/a → nobody could take it: it stays");
    await dialog.getByRole("button", { name: "Cancel" }).click();
  });

  it("shows the QR code of a device that is to be linked, and a pairing code for its number", async () => {
    const page = await as("admin");
    await show(page, "account/sales-2");
    await page.getByRole("button", { name: "Link… sales-2/a" }).click();
    await page.getByRole("button", { name: "Show a QR code" }).click();
    const code = page.getByAltText("QR code to be scanned with the phone of sales-2/a");
    await code.waitFor();
    await expect.poll(() => code.evaluate((image: { naturalWidth: number }) => image.naturalWidth), SOON).toBeGreaterThan(0);
  });

  it("shows alerts as they are raised and resolved", async () => {
    const page = await as("viewer");
    await show(page, "alerts");
    await page.locator(".live", { hasText: /^live$/ }).waitFor();
    const data = { key: "k", rule: "device.failed", level: "critical", text: "help-1/a has failed", raisedAt: Date.now() };
    // The store knows nothing of this alert, and would say so.
    await page.route("**/v1/status", () => undefined);
    rig.supervisor.report({ type: "alert.raised", subject: "help-1/a", data });
    await expect
      .poll(() => page.getByRole("region", { name: "Open alerts" }).innerText(), SOON)
      .toMatch(/critical\s+help-1\/a has failed/);
    const said = async () => page.getByRole("status").allInnerTexts();
    await expect.poll(said, SOON).toEqual(expect.arrayContaining(["live", "1 alert is open"]));
    rig.supervisor.report({ type: "alert.resolved", subject: "help-1/a", data });
    await expect.poll(() => page.locator("main").innerText(), SOON).toContain("Nothing is wrong");
    await page.unroute("**/v1/status");
  });

  it("lets somebody look after an alert, silences what is expected, and sums up what there was", async () => {
    const page = await as("admin");
    const raise = (rule: string, subject: string): void =>
      rig.supervisor.node.driver.perform("orchestrator", [
        { op: "raise", key: `${rule}:${subject}`, rule, subject, level: "critical", text: `${subject} is lost` },
      ]);
    raise("test.browser", "help-1/a");
    await show(page, "alerts");
    await page.getByRole("button", { name: "Acknowledge test.browser:help-1/a" }).click();
    const open = page.getByRole("region", { name: "Open alerts" });
    await expect.poll(() => open.innerText(), SOON).toMatch(/key:admin-0\s+after/);
    await page.getByText("Silence something for a while").click();
    const form = page.getByRole("form", { name: "New silence" });
    await form.getByLabel("Rule").fill("test.*");
    await form.getByLabel("Why").fill("they move house");
    await form.getByRole("button", { name: "Silence" }).click();
    const silences = page.getByRole("region", { name: "Silences" }).first();
    await expect.poll(() => silences.innerText(), SOON).toMatch(/test\.\*\s+everybody.*they move house/s);
    await page.evaluate(axe.source);
    expect(await complaintsOf(page)).toEqual([]);
    await page.getByRole("button", { name: /^End it/ }).click();
    await expect.poll(() => silences.innerText(), SOON).toContain("Nothing is silenced.");
    await page.getByLabel("Rule, or device.* for a family").fill("test.*");
    await expect
      .poll(() => page.getByRole("region", { name: "History of alerts" }).innerText(), SOON)
      .toContain("help-1/a is lost");
    await expect.poll(() => page.getByRole("region", { name: "Alerts summed up" }).innerText(), SOON).toContain("test.browser");
    rig.supervisor.node.driver.perform("orchestrator", [
      { op: "resolve", key: "test.browser:help-1/a", text: "help-1/a is well" },
    ]);
    await expect.poll(() => page.locator("main").innerText(), SOON).toContain("Nothing is wrong.");
  });

  it("offers to look after any alert, however many there are", async () => {
    const page = await as("admin");
    const tell = (op: "raise" | "resolve", no: number): void => {
      const [rule, subject] = ["test.many", `help-1/x${no}`];
      const text = `${subject} is lost`;
      rig.supervisor.node.driver.perform("orchestrator", [
        op === "raise"
          ? { op, key: `${rule}:${subject}`, rule, subject, level: "warning", text }
          : { op, key: `${rule}:${subject}`, text },
      ]);
    };
    const all = Array.from({ length: 230 }, (_, no) => no);
    for (const no of all) tell("raise", no);
    await show(page, "alerts");
    const open = page.getByRole("region", { name: "Open alerts" });
    await expect.poll(() => open.getByRole("button", { name: /^Acknowledge test\.many/ }).count(), SOON).toBe(all.length);
    await open.getByRole("button", { name: "Acknowledge test.many:help-1/x0", exact: true }).click();
    await expect.poll(() => open.innerText(), SOON).toMatch(/key:admin-0\s+after/);
    for (const no of all) tell("resolve", no);
    await expect.poll(() => page.locator("main").innerText(), SOON).toContain("Nothing is wrong.");
  });

  it.each([
    ["nowhere", "Seats in service"],
    ["toString", "Seats in service"],
    ["seat/%", "there is no seat %"],
    ["seat/%E0%A4", "there is no seat %E0%A4"],
  ])("shows something where the address is %s", async (place, expected) => {
    const page = await as("viewer");
    await page.goto(`${address}/#/${place}`);
    await page.reload();
    await expect.poll(() => page.locator("main").innerText(), SOON).toContain(expected);
  });

  it("asks again for events where they were refused", async () => {
    const page = await as("viewer");
    await page.route("**/v1/events", (route) => route.fulfill({ status: 503, body: "nobody there" }), { times: 1 });
    await page.reload();
    const word = page.locator(".live");
    await expect.poll(() => word.innerText(), SOON).toContain("not live");
    await expect.poll(() => word.innerText(), SOON).toBe("live");
  });

  it("says what to do without JavaScript", async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(address);
    expect(await page.locator("body").innerText()).toContain("greenroom status");
    await context.close();
  });

  it("shows the chart of any machine, with the state lit that it is in", async () => {
    const page = await as("viewer");
    await show(page, "machines");
    await page.getByLabel("Find:").fill("seat sales-1");
    await page.getByRole("link", { name: "seat:sales/sales-1" }).click();
    const chart = page.getByRole("img", { name: "The seat chart; serving is lit" });
    await chart.waitFor(SOON);
    await expect.poll(() => chart.evaluate((image: { naturalWidth: number }) => image.naturalWidth), SOON).toBeGreaterThan(100);
    const drawn = decodeURIComponent((await chart.getAttribute("src")) ?? "");
    expect([...drawn.matchAll(/<g class="place lit">.*?class="name"[^>]*>([^<]*)</g)].map(([, name]) => name)).toEqual([
      "serving",
    ]);
  });

  it("tells how an account did: deep checks and how soon its devices answer", async () => {
    const page = await as("viewer");
    await show(page, "account/sales-1");
    const health = page.getByRole("region", { name: "Health" });
    await health.waitFor();
    await expect.poll(() => health.innerText(), SOON).toMatch(/Round trip of probes: 1 ms now.*New chats that are left:/s);
  });

  it("tells when an account's phone was seen, and since when it has confirmed nothing", async () => {
    const page = await as("viewer");
    await show(page, "account/sales-1");
    const lead = page.locator("p.lead");
    await expect.poll(() => lead.innerText(), SOON).toMatch(/Its phone was seen at 2025-10-09 .*\.$/);
    await show(page, "account/sales-2");
    await expect.poll(() => lead.innerText(), SOON).toMatch(/It has confirmed nothing since 2025-10-10 /);
  });

  it("tells what was decided about an account's devices, too", async () => {
    const page = await as("viewer");
    await show(page, "account/help-1");
    await expect.poll(() => page.getByRole("region", { name: "Audit" }).innerText(), SOON).toContain("help-1/a is lost");
  });

  it("says how available the fleet was, and whether channels get through", async () => {
    const page = await as("admin");
    await show(page, "sla");
    await expect.poll(() => page.getByRole("region", { name: "Availability" }).innerText(), SOON).toContain("the fleet");
    await show(page, "settings");
    await page.getByRole("button", { name: "Test terminal" }).click();
    await expect.poll(() => page.locator("main").innerText(), SOON).toContain("terminal took the test");
    await expect.poll(() => page.locator("main").innerText(), SOON).toMatch(/crm\s+http/);
    // A channel that comes while somebody looks.
    rig.alerts.change({ ...NO_ALERTS, channels: [{ name: "night", kind: "plugin" }] });
    rig.supervisor.report({ type: "fleet.changed", subject: "channel:night", data: { text: "it is added", by: "ann" } });
    await page.getByRole("button", { name: "Test night" }).waitFor(SOON);
    rig.alerts.change(NO_ALERTS);
  });

  it("makes a key, shows its secret once, and revokes it: who is logged in with it is out", async () => {
    const page = await as("admin");
    await show(page, "settings");
    await page.getByLabel("Name").fill("night-shift");
    await page.getByLabel("Role").selectOption("operator");
    await page.getByRole("button", { name: "Make the key" }).click();
    const secret = await page.locator(".secret").innerText();
    expect(secret).toMatch(/^gr_[0-9a-z]{10}_/);
    await page.getByRole("button", { name: "I have kept it" }).click();
    expect(await page.content()).not.toContain(secret);
    const context = await browser.newContext();
    const other = await context.newPage();
    await other.goto(address);
    await other.getByLabel("API key").fill(secret);
    await other.keyboard.press("Enter");
    await other.waitForSelector(".seat");
    await page.getByRole("button", { name: "Revoke… night-shift" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Revoke", exact: true }).click();
    await expect.poll(() => page.getByRole("dialog").innerText(), SOON).toContain("opens nothing any more");
    await other.getByLabel("API key").waitFor(SOON);
    await context.close();
  });

  it("shows the queue by ids alone", async () => {
    await rig.ask("POST", "/v1/messages", { body: { line: "sales", to: "+491701234567", text: "a secret" } });
    const page = await as("admin");
    await show(page, "messages");
    await expect.poll(() => page.locator("main").innerText(), SOON).toMatch(/acknowledged/);
    expect(await page.content()).not.toMatch(/a secret|491701234567/);
  });

  it.each([
    ["names for all and enough contrast", "light", undefined],
    ["enough contrast", "dark", "color-contrast"],
  ] as const)("has %s, on every page, in %s colours", async (_, scheme, rule) => {
    const page = await as("admin");
    await page.emulateMedia({ colorScheme: scheme });
    await page.evaluate(axe.source);
    const found: string[] = [];
    const { failovers } = (await rig.ask("GET", "/v1/failovers")).body as unknown as { failovers: { id: string }[] };
    for (const place of [...PAGES, `failover/${encodeURIComponent(failovers[0]?.id ?? "")}`]) {
      await show(page, place);
      found.push(...(await complaintsOf(page, rule)).map((text) => `${place} ${text}`));
    }
    await show(page, "fleet");
    await page.getByRole("button", { name: "Move… help/help-1" }).click();
    found.push(...(await complaintsOf(page, rule)));
    await page.keyboard.press("Escape");
    expect(found).toEqual([]);
  });

  it("can be switched to dark, and stays so", async () => {
    const page = await as("viewer");
    const paper = () => page.evaluate<string>("getComputedStyle(document.body).backgroundColor");
    const light = await paper();
    await page.getByLabel("Colours").selectOption("dark");
    expect(await paper()).not.toBe(light);
    await page.reload();
    await page.waitForSelector(".seat");
    expect(await paper()).not.toBe(light);
  });

  // 320: WCAG's 400 % of 1280.
  it.each([360, 320])("fits a phone: no page is wider than a screen of %i", async (width) => {
    const page = await as("admin");
    await page.setViewportSize({ width, height: 740 });
    const widths: number[] = [];
    for (const place of PAGES) {
      await show(page, place);
      widths.push(await page.evaluate<number>("document.documentElement.scrollWidth"));
    }
    expect(widths).toEqual(PAGES.map(() => width));
    await page.setViewportSize({ width: 1280, height: 800 });
  });

  it("can be used without a mouse", async () => {
    const page = await as("admin");
    await page.getByRole("button", { name: "Move… sales/sales-1" }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    expect(await page.evaluate<string>("document.activeElement.textContent")).toBe("Move… sales/sales-1");
  });

  it("had no error, broke no policy and asked nobody else, through all of that", () => {
    expect(complaints).toEqual([]);
  });
});
