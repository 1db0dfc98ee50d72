/** What the balancing of a line owes the line: masters and regions that it names, and nothing that has no effect. */
import { isMap, mapAt, namesAt, type Data, type Named } from "./data.ts";
import type { Path } from "./document.ts";
import type { Fault } from "./issues.ts";
import { didYouMean, listed } from "./nearest.ts";

export const checkBalance = (name: string, line: Data): Fault[] => {
  const path: Path = ["lines", name, "balance"];
  const balance = mapAt(line, "balance");
  const masters = namesAt(line, "masters").map(({ value }) => value);
  return [
    ...checkNames([...path, "weights"], Object.keys(mapAt(balance, "weights")), masters, `a master of ${name}`),
    ...checkStrategy(name, line["strategy"] ?? "round-robin", balance),
    ...checkTiers([...path, "priority"], mapAt(balance, "priority"), masters.length),
    ...checkRegions([...path, "geo"], mapAt(balance, "geo"), masters, name),
  ];
};

const OWN_SECTION = ["priority", "geo"] as const;

/** Each of the two needs its own section, and a section of another strategy would change nothing. */
const checkStrategy = (name: string, strategy: unknown, balance: Data): Fault[] =>
  OWN_SECTION.flatMap((section): Fault[] => {
    const isGiven = Object.hasOwn(balance, section);
    if (strategy === section && !isGiven) {
      const needs = section === "geo" ? "its regions" : "its tiers";
      return [
        {
          path: ["lines", name, "strategy"],
          about: "value",
          message: `the strategy ${section} needs ${needs}: write them under balance.${section}`,
        },
      ];
    }
    if (strategy === section || !isGiven || typeof strategy !== "string") return [];
    return [
      {
        path: ["lines", name, "balance", section],
        about: "key",
        message: `this has no effect under the strategy ${strategy}: set strategy: ${section}, or leave it out`,
      },
    ];
  });

const checkTiers = (path: Path, priority: Data, masters: number): Fault[] => {
  const tiers = namesAt(priority, "tiers");
  const known = tiers.map(({ value }) => value);
  const { reserved } = priority;
  const isAll = typeof reserved === "number" && reserved >= masters && masters > 0 && reserved > 0;
  return [
    ...twice([...path, "tiers"], tiers, "tiers"),
    ...checkNames([...path, "contacts"], Object.keys(mapAt(priority, "contacts")), known, "one of the tiers"),
    ...(isAll
      ? [
          {
            path: [...path, "reserved"],
            about: "value" as const,
            message: `of ${masters} masters ${reserved} can't be reserved: one has to be left for contacts of no tier`,
          },
        ]
      : []),
  ];
};

const checkRegions = (path: Path, geo: Data, masters: readonly string[], line: string): Fault[] => {
  const regions = mapAt(geo, "regions");
  const names = Object.keys(regions);
  const { otherwise } = geo;
  const all = (list: string): readonly Named[] =>
    names.flatMap((name) => namesAt(mapAt(regions, name), list).map((named) => ({ ...named, region: name })));
  return [
    ...names.flatMap((name) => checkRegion([...path, "regions", name], name, regions, masters, line)),
    ...onceIn([...path, "regions"], "masters", all("masters")),
    ...onceIn([...path, "regions"], "countries", all("countries")),
    ...(typeof otherwise === "string" && !names.includes(otherwise)
      ? [{ path: [...path, "otherwise"], about: "value" as const, message: unknown(otherwise, names, "one of the regions") }]
      : []),
  ];
};

const checkRegion = (path: Path, name: string, regions: Data, masters: readonly string[], line: string): Fault[] => {
  const region = mapAt(regions, name);
  const own = namesAt(region, "masters");
  const distances = mapAt(region, "distances");
  const others = Object.keys(regions).filter((other) => other !== name);
  const isNear =
    Object.keys(distances).length > 0 || others.some((other) => Object.hasOwn(mapAt(mapAt(regions, other), "distances"), name));
  return [
    ...own
      .filter(({ value }) => !masters.includes(value))
      .map(({ index, value }) => ({
        path: [...path, "masters", index],
        about: "value" as const,
        message: unknown(value, masters, `a master of ${line}`),
      })),
    ...checkNames([...path, "distances"], Object.keys(distances), others, `another region`),
    ...(isMap(regions[name]) && own.length === 0 && !isNear
      ? [
          {
            path,
            about: "key" as const,
            message: `no master serves ${name}, and no distance says which region is next to it: give it masters or distances`,
          },
        ]
      : []),
  ];
};

const checkNames = (path: Path, names: readonly string[], known: readonly string[], what: string): Fault[] =>
  names
    .filter((name) => !known.includes(name))
    .map((name) => ({ path: [...path, name], about: "key", message: unknown(name, known, what) }));

const unknown = (name: string, known: readonly string[], what: string): string =>
  `${name} is not ${what}.${didYouMean(name, known)} There are ${listed(known) || "none"}`;

const twice = (path: Path, names: readonly Named[], what: string): Fault[] =>
  names
    .filter(({ value }, place) => names.findIndex((other) => other.value === value) < place)
    .map(({ index, value }) => ({ path: [...path, index], about: "value", message: `${value} stands among the ${what} twice` }));

/** A master, and a country, is in one region. */
const onceIn = (path: Path, list: string, names: readonly (Named & { readonly region?: string })[]): Fault[] =>
  names.flatMap(({ index, value, region = "" }, place) => {
    const first = names.findIndex((other) => other.value === value);
    return first < place
      ? [
          {
            path: [...path, region, list, index],
            about: "value" as const,
            message: `${value} is in ${names[first]?.region ?? ""} already: it can't be in ${region} too`,
          },
        ]
      : [];
  });
