import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { diffFleet, type FleetConfig, liveFleet, parseFleetData, revealedWebhooks } from "../../src/config/index.ts";

const BASE = {
  fleet: "acme",
  accounts: {
    "sales-1": { role: "master", devices: ["a", "b"] },
    "sales-2": { role: "master", devices: ["a"] },
    "bulk-1": { role: "servant", devices: ["a"] },
  },
  lines: { sales: { masters: ["sales-1", "sales-2"], servants: ["bulk-1"] } },
};
const fleetOf = (data: object, env: Readonly<Record<string, string>> = {}): FleetConfig => {
  const loaded = parseFleetData({ ...BASE, ...data }, "/", env);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));
  return loaded.fleet;
};
const ENV = { A: "one", B: "two", URL: "https://secret.example/" };
const planned = (data: object): { live: string[]; restart: string[] } => {
  const [from, to] = [fleetOf({}), fleetOf(data)];
  const next = liveFleet(from, to);
  const texts = (one: FleetConfig, other: FleetConfig): string[] => diffFleet(one, other).map(({ text }) => text);
  return { live: texts(from, next), restart: texts(next, to) };
};
const { "sales-1": first, "sales-2": second, "bulk-1": bulk } = BASE.accounts;

describe("what a fleet file changes", () => {
  it("is nothing if it says the same", () => {
    expect(planned({})).toEqual({ live: [], restart: [] });
  });

  it("is taken up at once for accounts, devices, servants and new lines", () => {
    const accounts = {
      "sales-1": { role: "master", devices: ["a", "c"] },
      "bulk-1": bulk,
      "help-1": { role: "master", devices: ["a"] },
    };
    const lines = { sales: { masters: ["sales-1"], servants: [] }, help: { masters: ["help-1"], servants: ["bulk-1"] } };
    expect(planned({ accounts, lines })).toEqual({
      live: [
        "account help-1 (master) is added, with help-1/a",
        "account sales-2 is removed, with sales-2/a",
        "device sales-1/c is added",
        "device sales-1/b is removed",
        "line help is added: help-1, bulk-1",
        "line sales: its masters are sales-1 (now sales-1, sales-2)",
        "line sales: its servants are none (now bulk-1)",
      ],
      restart: [],
    });
  });

  it("is taken up at once for settings of accounts and lines, roles, names, and lines that go", () => {
    expect(planned({ lines: { sales: { ...BASE.lines.sales, failback: "automatic" } }, brake: { seats: 5 } })).toEqual({
      live: ['line sales: failback changes from "manual" to "automatic"'],
      restart: ["the section brake changes"],
    });
    const paced = { ...BASE.accounts, "sales-1": { ...first, pacing: { perSecond: 2 } } };
    expect(planned({ accounts: paced }).live).toEqual(['account sales-1: pacing changes from null to {"perSecond":2,"burst":1}']);
    const accounts = { "sales-1": first, "sales-2": { ...second, role: "servant" }, "bulk-1": bulk };
    const lines = { help: { masters: ["sales-1"], servants: ["sales-2", "bulk-1"] } };
    expect(planned({ accounts, lines })).toEqual({
      live: [
        'account sales-2: role changes from "master" to "servant"',
        "line help is added: sales-1, sales-2, bulk-1",
        "line sales is removed",
      ],
      restart: [],
    });
    expect(planned({ about: { "sales-1": { name: "Sales, Berlin" }, sales: { labels: ["north"] } } })).toEqual({
      live: ['sales-1 is called "Sales, Berlin" (now nothing)', "sales has the labels north (now none)"],
      restart: [],
    });
  });

  it("needs a restart for a strategy of plugins that are not loaded, and for nothing else of its line", () => {
    const { live, restart } = planned({
      plugins: "./plugins.ts",
      lines: { sales: { ...BASE.lines.sales, strategy: "mine", outboxLimit: 7 } },
    });
    expect(live).toEqual(["line sales: outboxLimit changes from 100000 to 7"]);
    expect(restart).toEqual(['line sales: strategy changes from "round-robin" to "mine"', "the section plugins changes"]);
  });

  it("is taken up at once for webhooks", () => {
    const [from, to] = [
      fleetOf(
        { webhooks: { crm: { url: "https://a.example/x?key=1", secret: "${env:A}" }, gone: { url: "https://a.example/" } } },
        ENV,
      ),
      fleetOf(
        {
          webhooks: {
            erp: { url: "${env:URL}" },
            crm: { url: "https://a.example/x?key=2", secret: ["${env:A}", "${env:B}"], lines: ["sales"] },
          },
        },
        ENV,
      ),
    ];
    expect(diffFleet(from, liveFleet(from, to))).toEqual([
      { subject: "webhook:erp", text: "webhook erp is added, to ${env:URL}" },
      {
        subject: "webhook:gone",
        text: "webhook gone is removed; what it has not got is there for one of its name, as long as inbox and events are kept",
      },
      { subject: "webhook:crm", text: "webhook crm goes to https://a.example/x, where something that is not shown has changed" },
      { subject: "webhook:crm", text: "webhook crm is signed with ${env:A} and ${env:B} (now ${env:A})" },
      { subject: "webhook:crm", text: 'webhook crm: lines changes from [] to ["sales"]' },
    ]);
    expect(diffFleet(liveFleet(from, to), to)).toEqual([]);
  });

  it("is named for webhooks whenever one differs, also in what a secret says, and nothing of that is shown", () => {
    const webhooks = fc.dictionary(
      fc.constantFrom("crm", "erp"),
      fc.record(
        {
          url: fc.constantFrom("https://a.example/x?key=hidden1", "https://a.example/x?key=hidden2", "${env:URL}"),
          secret: fc.constantFrom("${env:A}", "${env:B}", ["${env:A}", "${env:B}"]),
          events: fc.constantFrom(["*"], ["failover.*"]),
          lines: fc.constantFrom([], ["sales"]),
          allowPrivate: fc.boolean(),
          concurrency: fc.integer({ min: 1, max: 2 }),
        },
        { requiredKeys: ["url"] },
      ),
    );
    const env = fc.record({
      A: fc.constantFrom("hidden1", "hidden2"),
      B: fc.constantFrom("hidden1", "hidden2"),
      URL: fc.constantFrom("https://hidden.example/1", "https://hidden.example/2"),
    });
    fc.assert(
      fc.property(webhooks, env, webhooks, env, (one, envOfOne, other, envOfOther) => {
        const [from, to] = [fleetOf({ webhooks: one }, envOfOne), fleetOf({ webhooks: other }, envOfOther)];
        const changes = diffFleet(from, to);
        const byName = (fleet: FleetConfig) =>
          JSON.stringify(revealedWebhooks(fleet.webhooks).toSorted((a, b) => (a.name < b.name ? -1 : 1)));
        // A reference that stands for the same is no difference.
        expect(changes.length === 0).toBe(byName(from) === byName(to));
        expect(JSON.stringify(changes)).not.toContain("hidden");
        expect(diffFleet(liveFleet(from, to), to)).toEqual([]);
      }),
    );
  });
});
