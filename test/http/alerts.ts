/** Alerts over the API: searched, acknowledged, silenced, summed up, and the channels tested. */
import { beforeAll, describe, expect, it } from "vitest";
import type { ApiRig } from "./rig.ts";

export const alerts = (rigOf: () => ApiRig): void => {
  let rig: ApiRig;
  let operator: string;
  let help: string;
  beforeAll(async () => {
    rig = rigOf();
    operator = await rig.key("operator");
    help = await rig.key("operator", ["help"]);
  });
  const get = (url: string, key = operator) => rig.ask("GET", url, { key });
  const post = (url: string, body: unknown = {}, key = operator) => rig.ask("POST", url, { body, key });
  const keysIn = (body: object): string[] => (body as { alerts: { key: string }[] }).alerts.map(({ key }) => key);
  const place = (key: string): string => `/v1/alerts/${encodeURIComponent(key)}`;
  /** All that are kept, as text. */
  const eventsOf = async (type: string): Promise<string> => {
    let [text, after, next] = ["", -1, 0];
    while (next !== after) {
      after = next;
      const page = await get(`/v1/events?type=${type}&after=${after}&limit=200`);
      text += page.text;
      next = Number(page.body["next"]);
    }
    return text;
  };
  /** As a chart does; durable once it resolves. */
  const say = async (rule: string, subject: string, isOver = false): Promise<string> => {
    const key = `${rule}:${subject}`;
    const [level, text] = ["critical" as const, `${subject} is ${isOver ? "well" : "lost"}`];
    const effect = isOver ? { op: "resolve" as const, key, text } : { op: "raise" as const, key, rule, subject, level, text };
    rig.supervisor.node.driver.perform("orchestrator", [effect]);
    await rig.until(async () => keysIn((await get("/v1/alerts")).body).includes(key) !== isOver);
    return key;
  };

  describe("an alert", () => {
    it("is found by rule, subject and time, page by page, while it holds and afterwards", async () => {
      const began = Date.now();
      const [sales, other] = [await say("test.search", "sales-1/b"), await say("test.search", "help-1")];
      expect(keysIn((await get("/v1/alerts?rule=test.*")).body)).toEqual([other, sales]);
      expect(keysIn((await get("/v1/alerts?subject=sales-1")).body)).toContain(sales);
      expect(keysIn((await get(`/v1/alerts?rule=test.search&from=${began - 60_000}&to=${began}`)).body)).toEqual([]);
      const first = await get("/v1/alerts?rule=test.search&limit=1");
      const second = await get(`/v1/alerts?rule=test.search&limit=1&cursor=${String(first.body["next"])}`);
      expect([...keysIn(first.body), ...keysIn(second.body)]).toEqual([other, sales]);
      expect(second.body["next"]).toBeNull();
      await say("test.search", "sales-1/b", true);
      await say("test.search", "help-1", true);
      expect(keysIn((await get("/v1/alerts?rule=test.search")).body)).toEqual([]);
      expect(keysIn((await get("/v1/alerts?rule=test.search&state=all")).body)).toEqual([other, sales]);
    });

    it("is an actor of the alert's chart for as long as it holds", async () => {
      const seen = () => get("/v1/actors?search=alert%3Atest.actor");
      const key = await say("test.actor", "sales-1/a");
      expect((await seen()).body).toMatchObject({ actors: [{ address: `alert:${key}`, kind: "alert", state: "critical" }] });
      await say("test.actor", "sales-1/a", true);
      expect((await seen()).body).toMatchObject({ actors: [] });
    });

    it("is acknowledged once, by name, and that is in the record, the audit and the events", async () => {
      const key = await say("test.seen", "sales-1/a");
      const acknowledged = { at: expect.any(Number), by: expect.stringMatching(/^key:operator/) };
      expect(await post(`${place(key)}/acknowledge`)).toMatchObject({ status: 200, body: { key, acknowledged } });
      expect(await get(place(key))).toMatchObject({ status: 200, body: { alert: { key, acknowledged } } });
      expect(await post(`${place(key)}/acknowledge`)).toMatchObject({
        status: 409,
        body: { code: "E_REFUSED", detail: expect.stringMatching(/has acknowledged test\.seen:sales-1\/a already/) },
      });
      expect((await get("/v1/audit?subject=sales-1/a")).text).toContain("alert.acknowledged");
      expect(await eventsOf("alert.acknowledged")).toContain(key);
      await say("test.seen", "sales-1/a", true);
      expect(await post(`${place(key)}/acknowledge`)).toMatchObject({ status: 409, body: { code: "E_REFUSED" } });
    });

    it("says who was told of it, over which channel", async () => {
      const key = await say("test.told", "help-1/a");
      const notices = async () => (await get(place(key))).body["notices"] as unknown as { state: string }[];
      await rig.until(async () => (await notices()).some(({ state }) => state === "delivered"));
      expect(await notices()).toMatchObject([{ channel: "terminal", kinds: ["raised"], attempts: 1 }]);
      await say("test.told", "help-1/a", true);
    });

    it("of another line is not there for a key that is bound to one", async () => {
      const key = await say("test.scope", "sales-2/a");
      for (const answered of [await get(place(key), help), await post(`${place(key)}/acknowledge`, {}, help)])
        expect(answered).toMatchObject({
          status: 404,
          body: { code: "E_UNKNOWN_ALERT", detail: expect.not.stringMatching(/sales/) },
        });
      expect(keysIn((await get("/v1/alerts", help)).body)).toEqual([]);
      expect(await post(`${place(await say("test.scope", "help-1/a"))}/acknowledge`, {}, help)).toMatchObject({ status: 200 });
      await say("test.scope", "help-1/a", true);
      await say("test.scope", "sales-2/a", true);
    });

    it("that never was is unknown", async () => {
      expect(await get(place("device.failed:nobody"))).toMatchObject({ status: 404, body: { code: "E_UNKNOWN_ALERT" } });
    });
  });

  describe("a silence", () => {
    it("is made with its reason, listed, shown at what it silences, and ended", async () => {
      const made = await post("/v1/silences", { rule: "test.*", subject: "sales-1", for: 60_000, why: "new phone" });
      expect(made).toMatchObject({
        status: 201,
        body: { rule: "test.*", subject: "sales-1", why: "new phone", by: expect.stringMatching(/^key:operator/) },
      });
      const id = String(made.body["id"]);
      const key = await say("test.silenced", "sales-1/a");
      expect(await get(place(key))).toMatchObject({ body: { silencedBy: [{ id }], notices: [] } });
      expect(await get("/v1/silences")).toMatchObject({ body: { silences: [{ id }] } });
      await say("test.silenced", "sales-1/a", true);
      expect(await rig.ask("DELETE", `/v1/silences/${id}`, { key: operator })).toMatchObject({ status: 200, body: { id } });
      expect((await get("/v1/silences")).body["silences"]).toEqual([]);
      expect(await rig.ask("DELETE", `/v1/silences/${id}`)).toMatchObject({ status: 404, body: { code: "E_UNKNOWN_SILENCE" } });
    });

    it.each([{}, { for: 10 }, { for: 31 * 86_400_000 }, { for: 5000, until: 1 }, { for: 5000, from: 1 }])(
      "is refused: %j",
      async (body) => {
        expect(await post("/v1/silences", body)).toMatchObject({ status: 400, body: { code: "E_BAD_REQUEST" } });
      },
    );
  });

  describe("what there was", () => {
    it("is summed up by day, account and rule", async () => {
      await say("test.report", "sales-1/a");
      await say("test.report", "sales-1/a", true);
      const byRule = (await get("/v1/alert-report?rule=test.report")).body["rows"];
      expect(byRule).toMatchObject([{ name: "test.report", alerts: 1, critical: 1, open: 0, toResolve: expect.any(Number) }]);
      expect((await get("/v1/alert-report?rule=test.report&by=account")).body["rows"]).toMatchObject([{ name: "sales-1" }]);
      const today = new Date().toISOString().slice(0, 8);
      expect((await get("/v1/alert-report?by=day")).text).toContain(`"name":"${today}`);
    });
  });

  describe("a channel", () => {
    it("is listed, and tested on demand", async () => {
      expect((await get("/v1/channels")).body["channels"]).toMatchObject([
        { name: "terminal", kind: "terminal", failing: false },
      ]);
      expect(await post("/v1/channels/terminal/test")).toMatchObject({ status: 200, body: { channel: "terminal", ok: true } });
      expect(await post("/v1/channels/telegraph/test")).toMatchObject({ status: 404, body: { code: "E_UNKNOWN_CHANNEL" } });
    });
  });
};
