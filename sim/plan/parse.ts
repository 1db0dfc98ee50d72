/**
 * From JSON to a plan. What does not fit is refused with its place and what was expected: never a run of something else.
 */
import { DEFAULT_TIMERS } from "../../machines/account/timers.ts";
import { STRATEGIES } from "../../machines/delivery/balance/strategies.ts";
import { WORKS } from "../../machines/delivery/work.ts";
import { nameFault } from "../../machines/ports/ids.ts";
import { catalogue, faultKinds, isFaultKind } from "../faults/catalogue.ts";
import type { Field } from "../faults/fields.ts";
import { REGIONS, NODE } from "../world/harness.ts";
import { PLAN_VERSION, type Plan } from "./plan.ts";

/** A plan that can't be run, and why. */
export class PlanError extends Error {
  override readonly name = "PlanError";
}

type Json = Readonly<Record<string, unknown>>;

export const parsePlan = (text: string): Plan => {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new PlanError(`it is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  return checkPlan(json);
};

export const checkPlan = (json: unknown): Plan => {
  const plan = object(json, "the plan");
  if (plan["version"] !== PLAN_VERSION) {
    throw new PlanError(
      `it is of version ${JSON.stringify(plan["version"]) ?? "none"}, and this program runs version ${PLAN_VERSION}. Run it with the release that wrote it`,
    );
  }
  only(plan, "the plan", ["version", "seed", "fleet", "workload", "faults", "liveness", "for"]);
  if (typeof plan["seed"] !== "string") throw wrong("seed", "a text");
  const length = number(plan, "for", 1);
  const names = fleet(object(plan["fleet"], "fleet"));
  workload(object(plan["workload"], "workload"));
  const livenessAt = liveness(plan["liveness"], names, length);
  list(plan["faults"], "faults").forEach((each, i) => fault(object(each, `faults[${i}]`), `faults[${i}]`, names, livenessAt));
  return plan as unknown as Plan;
};

// ---- parts ----

interface Names {
  readonly accounts: ReadonlySet<string>;
  readonly devices: ReadonlySet<string>;
  readonly seats: ReadonlySet<string>;
  /** Of each line, the devices of its masters. */
  readonly lines: ReadonlyMap<string, ReadonlySet<string>>;
}

const fleet = (given: Json): Names => {
  only(given, "fleet", ["accounts", "lines", "settings"]);
  const devices = new Map<string, readonly string[]>();
  list(given["accounts"], "fleet.accounts").forEach((each, i) => {
    const at = `fleet.accounts[${i}]`;
    const account = object(each, at);
    only(account, at, ["id", "role", "devices"]);
    const id = name(account, `${at}.id`);
    if (devices.has(id)) throw new PlanError(`${at}.id: "${id}" is there twice`);
    if (account["role"] !== "master" && account["role"] !== "servant") throw wrong(`${at}.role`, '"master" or "servant"');
    const own = list(account["devices"], `${at}.devices`);
    for (const device of own) {
      if (typeof device !== "string" || !device.startsWith(`${id}/`)) throw wrong(`${at}.devices`, `a list of "${id}/NAME"`);
    }
    devices.set(id, own as readonly string[]);
  });
  const seats = new Set<string>();
  const lines = new Map<string, ReadonlySet<string>>();
  list(given["lines"], "fleet.lines").forEach((each, i) => {
    const at = `fleet.lines[${i}]`;
    const line = object(each, at);
    only(line, at, ["id", "masters", "servants", "strategy"]);
    const id = name(line, `${at}.id`);
    if (typeof line["strategy"] !== "string") throw wrong(`${at}.strategy`, "a text");
    for (const account of list(line["servants"], `${at}.servants`)) known(devices, account, `${at}.servants`, "account");
    const masters = list(line["masters"], `${at}.masters`);
    for (const account of masters) {
      known(devices, account, `${at}.masters`, "account");
      seats.add(`${id}/${String(account)}`);
    }
    lines.set(id, new Set(masters.flatMap((account) => devices.get(account as string) ?? [])));
  });
  settings(object(given["settings"], "fleet.settings"), { devices, lines });
  return { accounts: new Set(devices.keys()), devices: new Set([...devices.values()].flat()), seats, lines };
};

const settings = (
  given: Json,
  names: { readonly devices: ReadonlyMap<string, unknown>; readonly lines: ReadonlyMap<string, unknown> },
): void => {
  only(given, "fleet.settings", ["timers", "brake", "reconnectPerSecond", "lease", "pacing", "caps", "strategiesFrom", "lines"]);
  if (given["timers"] !== undefined) {
    const timers = object(given["timers"], "fleet.settings.timers");
    only(timers, "fleet.settings.timers", Object.keys(DEFAULT_TIMERS));
    for (const key of Object.keys(timers)) number(timers, key, 1, "fleet.settings.timers.");
  }
  if (given["brake"] !== undefined) {
    const brake = object(given["brake"], "fleet.settings.brake");
    only(brake, "fleet.settings.brake", ["seats", "share", "within"]);
    for (const key of ["seats", "share", "within"]) number(brake, key, 0, "fleet.settings.brake.");
  }
  if (given["reconnectPerSecond"] !== undefined) number(given, "reconnectPerSecond", 1, "fleet.settings.");
  if (given["lease"] !== undefined) {
    const lease = object(given["lease"], "fleet.settings.lease");
    only(lease, "fleet.settings.lease", ["ttl", "renewEvery"]);
    for (const key of ["ttl", "renewEvery"]) number(lease, key, 1, "fleet.settings.lease.");
  }
  // Left out they are as by default; null is no default.
  const { pacing = {}, caps = {}, lines = {} } = given;
  for (const [account, value] of Object.entries(object(pacing, "fleet.settings.pacing"))) {
    const at = `fleet.settings.pacing.${account}`;
    known(names.devices, account, "fleet.settings.pacing", "account");
    const pace = object(value, at);
    only(pace, at, ["perSecond", "burst"]);
    if (number(pace, "perSecond", 0, `${at}.`) === 0) throw wrong(`${at}.perSecond`, "above 0");
    number(pace, "burst", 1, `${at}.`);
  }
  for (const [account, value] of Object.entries(object(caps, "fleet.settings.caps"))) {
    const at = `fleet.settings.caps.${account}`;
    known(names.devices, account, "fleet.settings.caps", "account");
    capsOf(object(value, at), at);
  }
  const file = given["strategiesFrom"];
  if (file !== undefined && typeof file !== "string") throw wrong("fleet.settings.strategiesFrom", "a text");
  const strategies = file === undefined ? STRATEGIES : null;
  for (const [line, value] of Object.entries(object(lines, "fleet.settings.lines"))) {
    const at = `fleet.settings.lines.${line}`;
    known(names.lines, line, "fleet.settings.lines", "line");
    const each = object(value, at);
    only(each, at, ["whenNumberChanges", "whenRefused", "outboxLimit", "failback", "rebalance", "work", "balance"]);
    if (each["whenNumberChanges"] !== "hold" && each["whenNumberChanges"] !== "resend")
      throw wrong(`${at}.whenNumberChanges`, '"hold" or "resend"');
    if (each["whenRefused"] !== undefined && each["whenRefused"] !== "reroute" && each["whenRefused"] !== "fail")
      throw wrong(`${at}.whenRefused`, '"reroute" or "fail"');
    if (each["failback"] !== "manual" && each["failback"] !== "automatic")
      throw wrong(`${at}.failback`, '"manual" or "automatic"');
    if (each["rebalance"] !== undefined && each["rebalance"] !== "manual" && each["rebalance"] !== "auto")
      throw wrong(`${at}.rebalance`, '"manual" or "auto"');
    for (const work of each["work"] === undefined ? [] : list(each["work"], `${at}.work`)) {
      if (!WORKS.some((name) => name === work)) throw wrong(`${at}.work`, `a list of ${WORKS.join(", ")}`);
    }
    number(each, "outboxLimit", 1, `${at}.`);
    if (each["balance"] !== undefined)
      balance(object(each["balance"], `${at}.balance`), `${at}.balance`, names.devices, strategies);
  }
};

const capsOf = (given: Json, at: string): void => {
  only(given, at, ["newContacts", "warmUp"]);
  const fresh = object(given["newContacts"], `${at}.newContacts`);
  only(fresh, `${at}.newContacts`, ["perHour", "perDay"]);
  for (const key of ["perHour", "perDay"]) if (fresh[key] !== null) number(fresh, key, 0, `${at}.newContacts.`, " or null");
  list(given["warmUp"], `${at}.warmUp`).forEach((each, no) => {
    const here = `${at}.warmUp[${no}]`;
    const step = object(each, here);
    only(step, here, ["days", "messagesPerDay", "newContactsPerDay"]);
    number(step, "days", 0, `${here}.`);
    for (const key of ["messagesPerDay", "newContactsPerDay"])
      if (step[key] !== null) number(step, key, 0, `${here}.`, " or null");
  });
};

/** `strategies`: null, if a file has others. */
const balance = (given: Json, at: string, accounts: ReadonlyMap<string, unknown>, strategies: readonly string[] | null): void => {
  only(given, at, ["strategy", "weights", "adaptive", "priority", "geo"]);
  if (typeof given["adaptive"] !== "boolean") throw wrong(`${at}.adaptive`, "true or false");
  const strategy = given["strategy"];
  if (typeof strategy !== "string") throw wrong(`${at}.strategy`, "a text");
  if (strategies && !strategies.includes(strategy)) throw wrong(`${at}.strategy`, `one of ${strategies.join(", ")}`);
  const weights = object(given["weights"], `${at}.weights`);
  for (const account of Object.keys(weights)) {
    known(accounts, account, `${at}.weights`, "account");
    if (number(weights, account, 0, `${at}.weights.`) === 0) throw wrong(`${at}.weights.${account}`, "above 0");
  }
  const tiers = object(given["priority"], `${at}.priority`);
  only(tiers, `${at}.priority`, ["tiers", "reserved"]);
  texts(tiers["tiers"], `${at}.priority.tiers`);
  number(tiers, "reserved", 0, `${at}.priority.`);
  const geo = object(given["geo"], `${at}.geo`);
  only(geo, `${at}.geo`, ["regions", "otherwise"]);
  if (geo["otherwise"] !== null && typeof geo["otherwise"] !== "string") throw wrong(`${at}.geo.otherwise`, "a text or null");
  list(geo["regions"], `${at}.geo.regions`).forEach((each, no) => {
    const here = `${at}.geo.regions[${no}]`;
    const region = object(each, here);
    only(region, here, ["name", "countries", "masters", "distances"]);
    if (typeof region["name"] !== "string") throw wrong(`${here}.name`, "a text");
    texts(region["countries"], `${here}.countries`);
    for (const account of list(region["masters"], `${here}.masters`)) known(accounts, account, `${here}.masters`, "account");
    const distances = object(region["distances"], `${here}.distances`);
    for (const other of Object.keys(distances)) number(distances, other, 0, `${here}.distances.`);
  });
};

const texts = (given: unknown, at: string): void => {
  if (list(given, at).some((each) => typeof each !== "string")) throw wrong(at, "a list of texts");
};

const workload = (given: Json): void => {
  const keys = ["from", "until", "peoplePerLine", "sends", "writes", "warm"];
  only(given, "workload", [...keys, "countries", "vips", "bursts", "bulk", "atMoves", "cancels"]);
  if (given["countries"] !== undefined) texts(given["countries"], "workload.countries");
  for (const key of ["vips", "atMoves", "cancels"]) if (given[key] !== undefined) number(given, key, 0, "workload.");
  for (const key of ["bursts", "bulk"]) {
    if (given[key] === undefined) continue;
    const rush = object(given[key], `workload.${key}`);
    only(rush, `workload.${key}`, ["every", "size"]);
    for (const part of ["every", "size"]) number(rush, part, 1, `workload.${key}.`);
  }
  for (const key of keys) number(given, key, 0, "workload.");
};

const liveness = (given: unknown, { devices, lines }: Names, length: number): number => {
  if (given === null) return length;
  const phase = object(given, "liveness");
  only(phase, "liveness", ["at", "core"]);
  const at = number(phase, "at", 0, "liveness.");
  if (at >= length) throw wrong("liveness.at", `before the end of the run at ${length}`);
  const core = list(phase["core"], "liveness.core");
  for (const device of core) known(devices, device, "liveness.core", "device");
  for (const [line, able] of lines) {
    if (!core.some((device) => able.has(device as string)))
      throw new PlanError(`liveness.core: nobody of line "${line}" is in it, so the line could not recover`);
  }
  return at;
};

const fault = (given: Json, at: string, names: Names, before: number): void => {
  const { kind } = given;
  if (typeof kind !== "string" || !isFaultKind(kind)) {
    throw new PlanError(`${at}.kind: ${JSON.stringify(kind) ?? "nothing"} is no fault. Known are ${faultKinds.join(", ")}`);
  }
  const fields: Readonly<Record<string, Field>> = catalogue[kind].fields;
  only(given, at, ["kind", "target", "at", "for", ...Object.keys(fields)]);
  target(object(given["target"], `${at}.target`), `${at}.target`, names);
  if (number(given, "at", 0, `${at}.`) >= before) throw wrong(`${at}.at`, `before ${before}, when the faults are over`);
  if (given["for"] !== "permanent") number(given, "for", 0, `${at}.`, ' or "permanent"');
  for (const [key, field] of Object.entries(fields)) {
    if (!field.fits(given[key])) throw wrong(`${at}.${key}`, field.wants);
  }
};

const target = (given: Json, at: string, { accounts, devices, seats }: Names): void => {
  const [[kind, value] = ["", undefined], ...more] = Object.entries(given);
  if (more.length > 0) throw wrong(at, "one of device, account, seat, node, region and all");
  switch (kind) {
    case "device":
      return known(devices, value, at, "device");
    case "account":
      return known(accounts, value, at, "account");
    case "seat":
      return known(seats, value, at, "seat");
    case "node":
      return known(new Set<string>([NODE]), value, at, "node");
    case "region":
      return known(new Set<string>(REGIONS), value, at, "region");
    case "all":
      if (value === true) return;
  }
  throw wrong(at, 'one of {"device": …}, {"account": …}, {"seat": …}, {"node": …}, {"region": …}, {"all": true}');
};

// ---- words ----

const wrong = (at: string, wants: string): PlanError => new PlanError(`${at} must be ${wants}`);

const object = (value: unknown, at: string): Json => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong(at, "an object");
  return value as Json;
};
const list = (value: unknown, at: string): readonly unknown[] => {
  if (!Array.isArray(value)) throw wrong(at, "a list");
  return value;
};
const only = (value: Json, at: string, keys: readonly string[]): void => {
  const stranger = Object.keys(value).find((key) => !keys.includes(key));
  if (stranger !== undefined) throw new PlanError(`${at} has no field "${stranger}". It may have ${keys.join(", ")}`);
};
const number = (value: Json, key: string, least: number, at = "", or = ""): number => {
  const found = value[key];
  if (typeof found !== "number" || !Number.isFinite(found) || found < least)
    throw wrong(`${at}${key}`, `a number, ${least} or more${or}`);
  return found;
};
const name = (value: Json, at: string): string => {
  const found = value["id"];
  const why = typeof found === "string" ? nameFault(found) : "it must be a text";
  if (why !== undefined) throw new PlanError(`${at}: ${why}`);
  return found as string;
};
const known = (names: { has(name: string): boolean }, value: unknown, at: string, what: string): void => {
  if (typeof value !== "string" || !names.has(value))
    throw new PlanError(`${at}: the fleet has no ${what} ${JSON.stringify(value)}`);
};
