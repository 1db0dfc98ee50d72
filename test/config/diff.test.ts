import { describe, expect, it } from "vitest";
import { diffFleet, type FleetConfig, liveFleet, parseFleetData } from "../../src/config/index.ts";

const BASE = {
  fleet: "acme",
  accounts: {
    "sales-1": { role: "master", devices: ["a", "b"] },
    "sales-2": { role: "master", devices: ["a"] },
    "bulk-1": { role: "servant", devices: ["a"] },
  },
  lines: { sales: { masters: ["sales-1", "sales-2"], servants: ["bulk-1"] } },
};
const fleetOf = (data: object): FleetConfig => {
  const loaded = parseFleetData({ ...BASE, ...data }, "/", {});
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));
  return loaded.fleet;
};
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
});
