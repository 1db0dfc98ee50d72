import { describe, expect, it } from "vitest";
import { configErrorText } from "../../src/config/index.ts";
import { parseFleet } from "../../src/config/load.ts";
import { renderFleet } from "../../src/config/render.ts";
import { lineBalanceOf } from "../../src/runtime/line-balance.ts";
import type { FleetConfig } from "../../src/config/fleet.ts";

const fleetWith = (line: string): string => `fleet: acme
accounts:
  m1: { role: master, devices: [a] }
  m2: { role: master, devices: [a] }
  m3: { role: master, devices: [a] }
lines:
  sales:
    masters: [m1, m2, m3]
${line
  .split("\n")
  .map((text) => `    ${text}`)
  .join("\n")}
`;
const parse = (line: string) => parseFleet("fleet.yaml", fleetWith(line), {});
const errors = (line: string): readonly string[] => {
  const parsed = parse(line);
  return parsed.ok ? [] : parsed.errors.map(configErrorText);
};
const loaded = (line: string): FleetConfig => {
  const parsed = parse(line);
  if (!parsed.ok) throw new Error(parsed.errors.map(configErrorText).join("\n"));
  return parsed.fleet;
};
const firstLine = (line: string): FleetConfig["lines"][number] => {
  const [first] = loaded(line).lines;
  if (!first) throw new Error("no line");
  return first;
};

const GEO = `strategy: geo
balance:
  weights: { m1: 2 }
  geo:
    otherwise: eu
    regions:
      eu: { masters: [m1, m2], countries: [DE, FR], distances: { us: 6200 } }
      us: { masters: [m3], countries: [US] }
      asia: { countries: [JP], distances: { us: 8800, eu: 9000 } }`;
const PRIORITY = `strategy: priority
balance:
  priority:
    tiers: [vip, gold]
    reserved: 1
    contacts: { vip: ["+491701234567"], gold: ["77@lid"] }`;

describe("the balancing of a line", () => {
  it("is in turn when nothing is said about it", () => {
    expect(lineBalanceOf(firstLine("outboxLimit: 5"))).toMatchObject({
      strategy: "round-robin",
      weights: {},
      masters: ["m1", "m2", "m3"],
    });
  });

  it("knows regions, their distances, and where the others belong", () => {
    const { geo, weights } = lineBalanceOf(firstLine(GEO));
    expect(weights).toEqual({ m1: 2 });
    expect(geo.otherwise).toBe("eu");
    expect(geo.regions).toEqual([
      { name: "eu", masters: ["m1", "m2"], countries: ["DE", "FR"], distances: { us: 6200 } },
      { name: "us", masters: ["m3"], countries: ["US"], distances: {} },
      { name: "asia", masters: [], countries: ["JP"], distances: { us: 8800, eu: 9000 } },
    ]);
  });

  it("knows contacts of a tier by number and by address", () => {
    const { tierOf, priority } = lineBalanceOf(firstLine(PRIORITY));
    expect(priority).toEqual({ tiers: ["vip", "gold"], reserved: 1 });
    expect(tierOf({ lid: null, pn: "491701234567@s.whatsapp.net" })).toBe("vip");
    expect(tierOf({ lid: "77@lid", pn: "1@s.whatsapp.net" })).toBe("gold");
    expect(tierOf({ lid: "78@lid", pn: null })).toBeNull();
  });

  it.each([GEO, PRIORITY])("is written down as it can be read again", (line) => {
    const fleet = loaded(line);
    const again = parseFleet("fleet.yaml", renderFleet(fleet, { redacted: true }), {});
    expect(again).toEqual({ ok: true, fleet });
  });
});

describe("a wrong balancing", () => {
  it("names a master of the line that is none", () => {
    expect(errors("balance: { weights: { m4: 2, m1: 0 } }")).toEqual([
      "fleet.yaml:9:27 lines.sales.balance.weights.m4: m4 is not a master of sales. There are m1, m2, m3",
      "fleet.yaml:9:38 lines.sales.balance.weights.m1: expected at least 0.01, found the number 0",
    ]);
  });

  it("has a section that has no effect, or lacks the one it needs", () => {
    expect(errors("strategy: geo")).toEqual([
      "fleet.yaml:9:15 lines.sales.strategy: the strategy geo needs its regions: write them under balance.geo",
    ]);
    expect(errors("balance: { priority: { tiers: [vip] } }")).toEqual([
      "fleet.yaml:9:16 lines.sales.balance.priority: this has no effect under the strategy round-robin: set strategy: priority, or leave it out",
    ]);
  });

  it("has regions that nobody serves, or that are not there", () => {
    const wrong = `strategy: geo
balance:
  geo:
    otherwise: africa
    regions:
      eu: { masters: [m1, m9], countries: [DE, de], distances: { mars: 1 } }
      us: { masters: [m1], countries: [DE] }
      asia: { countries: [JP] }`;
    expect(errors(wrong)).toEqual([
      expect.stringContaining("geo.otherwise: africa is not one of the regions."),
      expect.stringContaining("geo.regions.eu.masters.1: m9 is not a master of sales."),
      expect.stringContaining('countries.1: expected a country as two capital letters, such as DE; found "de"'),
      expect.stringContaining("geo.regions.eu.distances.mars: mars is not another region."),
      expect.stringContaining("geo.regions.us.masters.0: m1 is in eu already: it can't be in us too"),
      expect.stringContaining("geo.regions.us.countries.0: DE is in eu already: it can't be in us too"),
      expect.stringContaining("geo.regions.asia: no master serves asia, and no distance says which region is next to it"),
    ]);
  });

  it("has tiers that are not there, and reserves all masters", () => {
    const wrong = `strategy: priority
balance:
  priority: { tiers: [vip, vip], reserved: 3, contacts: { vop: ["+491701234567", "0170"] } }`;
    expect(errors(wrong)).toEqual([
      expect.stringContaining("priority.tiers.1: vip stands among the tiers twice"),
      expect.stringContaining("priority.reserved: of 3 masters 3 can't be reserved"),
      expect.stringContaining('priority.contacts.vop: vop is not one of the tiers. Did you mean "vip"?'),
      expect.stringContaining("priority.contacts.vop.1: expected a phone number with its country's code"),
    ]);
  });
});
