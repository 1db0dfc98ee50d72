/**
 * What the parts of a fleet file owe each other: accounts that lines name, roles, timers that can meet the targets.
 *
 * These look at the data as it was written, whether or not each part is well by itself, so that one mistake hides no other; what
 * has not even the right shape is the schema's business and passed over here.
 */
import { checkTimers, DEFAULT_TIMERS, type Timers } from "../../machines/account/timers.ts";
import { STRATEGIES } from "../../machines/delivery/balance/strategies.ts";
import { checkAbout } from "./about.ts";
import { checkAlerts } from "./alerts-checks.ts";
import { checkBalance } from "./balance-checks.ts";
import { type Data, mapAt, type Named, namesAt } from "./data.ts";
import type { Path } from "./document.ts";
import { parseDuration } from "./duration.ts";
import type { Fault } from "./issues.ts";
import { didYouMean, listed } from "./nearest.ts";
import { checkRetention } from "./retention-checks.ts";

export const crossCheck = (data: Data): Fault[] => [
  ...checkAccounts(mapAt(data, "accounts")),
  ...checkLines(mapAt(data, "lines"), mapAt(data, "accounts")),
  ...(data["plugins"] === undefined ? checkStrategies(mapAt(data, "lines")) : []),
  ...checkTimings(mapAt(data, "timers")),
  ...checkAlerts(data),
  ...checkRetention(data),
  ...checkAbout(data),
];

const checkAccounts = (accounts: Data): Fault[] =>
  Object.keys(accounts).flatMap((name) => {
    const account = mapAt(accounts, name);
    return repeats(namesAt(account, "devices")).map(({ index, value }) => ({
      path: ["accounts", name, "devices", index],
      about: "value" as const,
      message: `${name} has a device ${value} already: names of devices differ within an account`,
    }));
  });

const checkLines = (lines: Data, accounts: Data): Fault[] =>
  Object.keys(lines).flatMap((line) => [
    ...ROLES.flatMap((role) => {
      const list = `${role}s`;
      return checkMembers(["lines", line, list], role, namesAt(mapAt(lines, line), list), accounts);
    }),
    ...checkWork(line, mapAt(lines, line)),
    ...checkBalance(line, mapAt(lines, line)),
  ]);

const checkWork = (name: string, line: Data): Fault[] =>
  namesAt(line, "work").length > 0 && namesAt(line, "servants").length === 0
    ? [{ path: ["lines", name, "work"], about: "key", message: `${name} has no servants to do it: name some, or leave it out` }]
    : [];

/** Without plugins there are only ours; with them whoever loads them knows. */
const checkStrategies = (lines: Data): Fault[] =>
  Object.keys(lines).flatMap((line): Fault[] => {
    const { strategy } = mapAt(lines, line);
    const known: readonly string[] = STRATEGIES;
    if (typeof strategy !== "string" || known.includes(strategy)) return [];
    const message = `expected ${known.join(" or ")}, found ${JSON.stringify(strategy)}.${didYouMean(strategy, known)}`;
    return [{ path: ["lines", line, "strategy"], about: "value", message: message.replace(/\.$/, "") }];
  });

const ROLES = ["master", "servant"] as const;

const checkMembers = (path: Path, role: (typeof ROLES)[number], members: readonly Named[], accounts: Data): Fault[] => {
  const names = Object.keys(accounts);
  const roleOf = (name: string): unknown => mapAt(accounts, name)["role"];
  const fault = (index: number, message: string): Fault => ({ path: [...path, index], about: "value", message });
  return [
    ...members.flatMap(({ index, value }) => {
      if (!Object.hasOwn(accounts, value)) {
        const able = names.filter((name) => roleOf(name) === role);
        const choice = `Accounts that are ${role}s: ${listed(able) || "none"}`;
        return [fault(index, `there is no account ${value}.${didYouMean(value, names)} ${choice}`)];
      }
      const other = roleOf(value);
      const isOther = other !== role && ROLES.some((known) => known === other);
      return isOther
        ? [fault(index, `${value} is a ${String(other)}, and stands among the ${role}s: change one or the other`)]
        : [];
    }),
    ...repeats(members).map(({ index, value }) => fault(index, `${value} stands among the ${role}s of ${String(path[1])} twice`)),
  ];
};

/** An error points at a timer that the file sets, if one is to blame. */
const checkTimings = (written: Data): Fault[] => {
  const known = Object.keys(DEFAULT_TIMERS).filter((key) => Object.hasOwn(written, key));
  const given = new Map(known.map((key) => [key, typeof written[key] === "string" ? parseDuration(written[key]) : undefined]));
  const timers = { ...DEFAULT_TIMERS, ...Object.fromEntries(given) } as Timers;
  return checkTimers(timers)
    .filter(({ settings }) => settings.every((setting) => !given.has(setting) || given.get(setting) !== undefined))
    .map(({ name, relation, figures, settings, remedy }) => {
      const setting = settings.find((one) => given.has(one));
      return {
        path: setting ? ["timers", setting] : ["timers"],
        about: setting ? "value" : "key",
        message: `${name}: the targets can't be met unless ${relation}. Here ${figures}: ${remedy}`,
        missesTargets: true,
      };
    });
};

const repeats = (names: readonly Named[]): readonly Named[] =>
  names.filter(({ value }, place) => names.findIndex((other) => other.value === value) < place);
