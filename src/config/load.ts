/**
 * From a fleet file to a fleet: read, parsed, changed by the environment, checked, secrets looked up.
 * All errors are reported, not the first: each section is checked by itself, and their relations whether they are well or not.
 */
import { readFileSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { DEFAULT_TIMERS, type Timers } from "../../machines/account/timers.ts";
import type { Caps } from "../../machines/delivery/caps.ts";
import { accountId, deviceId, lineId } from "../../machines/ports/ids.ts";
import { aboutOf } from "./about.ts";
import { alertsOf } from "./alerts.ts";
import { crossCheck } from "./cross-checks.ts";
import { isMap, mapAt } from "./data.ts";
import { parseFleetDocument, type Path } from "./document.ts";
import { type ConfigError, type Source, sortErrors } from "./errors.ts";
import type { AccountConfig, FleetConfig } from "./fleet.ts";
import { type Fault, faultsOf, unknownKey } from "./issues.ts";
import { applyOverrides, type Override } from "./overrides.ts";
import { isRequired, SECTIONS, type Section, type Sections } from "./schema.ts";
import { resolveSecret, type Secret } from "./secret.ts";
import { checkWebhookLines, webhooksOf } from "./webhooks.ts";

type Env = Readonly<Record<string, string | undefined>>;
export type LoadedFleet =
  | { readonly ok: true; readonly fleet: FleetConfig }
  | { readonly ok: false; readonly errors: readonly ConfigError[] };

/** Five hundred accounts take about 60 kB. */
const MAX_FILE = 4_000_000;

export const loadFleetFile = (path: string, env: Env): LoadedFleet => {
  const refused = (message: string): LoadedFleet => ({
    ok: false,
    errors: [{ source: { kind: "whole", file: path }, path: "", message }],
  });
  try {
    const { size } = statSync(path);
    if (size > MAX_FILE) return refused(`a fleet file of ${size} bytes is refused: at most ${MAX_FILE} are read`);
    return parseFleet(path, readFileSync(path, "utf8"), env);
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (isMissing) return refused("there is no such file. To write one: greenroom init");
    return refused(`the fleet file can't be read: ${error instanceof Error ? error.message : String(error)}`);
  }
};

/** Name and store of a fleet, whatever else is wrong with its file, or wants what only the supervisor's environment has. */
export type FleetStore = Pick<FleetConfig, "fleet" | "store">;

/** null: not even that can be told. A key that can't be looked up is null, and its fault is said. */
export const loadFleetStore = (path: string, env: Env): (FleetStore & { readonly keyFault: string | null }) | null => {
  const file = resolve(path);
  try {
    const { data } = parseFleetDocument(path, readFileSync(file, "utf8"));
    if (!isMap(data)) return null;
    const given = filledIn(data);
    applyOverrides(given, env);
    const fleet = SECTIONS.fleet.safeParse(given["fleet"]);
    const store = SECTIONS.store.safeParse(given["store"] ?? {});
    if (!fleet.success || !store.success) return null;
    const key = store.data.key === undefined ? null : resolveSecret(store.data.key, dirname(file), env);
    const keyFault = typeof key === "string" ? key : null;
    return { fleet: fleet.data, store: storeOf(file, store.data.file, typeof key === "string" ? null : key), keyFault };
  } catch {
    return null;
  }
};

/** `path` is where the text stands: relative paths in it count from there. */
export const parseFleet = (path: string, text: string, env: Env): LoadedFleet => {
  const document = parseFleetDocument(path, text);
  if (document.errors.length > 0) return { ok: false, errors: sortErrors(document.errors) };
  const { data } = document;
  if (!isMap(data)) {
    const message = `expected a map with ${Object.keys(SECTIONS)
      .filter((key) => isRequired(key as Section))
      .join(", ")}`;
    return { ok: false, errors: [{ source: document.locate([]), path: "", message }] };
  }
  const given = filledIn(data);
  const overrides = applyOverrides(given, env);
  const findings = check(given, resolve(path), env);
  const errors = findings.faults.map((fault) => toError(fault, overrides.applied, document.locate));
  if (errors.length + overrides.errors.length > 0 || !findings.fleet)
    return { ok: false, errors: sortErrors([...errors, ...overrides.errors]) };
  return { ok: true, fleet: findings.fleet };
};

/** A section with nothing behind its name, as when all of it is commented out, counts as left out. */
const filledIn = (data: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(data).filter(([, value]) => value !== null));

/** The same from data: relative paths in it count from `folder`. */
export const parseFleetData = (data: unknown, folder: string, env: Env): LoadedFleet => {
  if (!isMap(data)) return { ok: false, errors: [{ source: { kind: "data" }, path: "", message: "expected an object" }] };
  const given = definedDeeply(data) as Record<string, unknown>;
  const overrides = applyOverrides(given, env);
  const { faults, fleet } = check(given, resolve(folder, "fleet"), env);
  const errors = [...faults.map((fault) => toError(fault, overrides.applied, () => ({ kind: "data" }))), ...overrides.errors];
  return errors.length > 0 || !fleet ? { ok: false, errors } : { ok: true, fleet };
};

/** In code an option may be there and undefined: it is left out. */
const definedDeeply = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(definedDeeply);
  if (!isMap(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => (inner === undefined ? [] : [[key, definedDeeply(inner)]])),
  );
};

const toError = (
  fault: Fault,
  overrides: readonly Override[],
  locate: (path: Path, what: "key" | "value") => Source,
): ConfigError => {
  const override = overrides.find(({ path }) => path.every((step, index) => step === fault.path[index]));
  const source: Source = override ? { kind: "env", variable: override.variable } : locate(fault.path, fault.about);
  const error = { source, path: fault.path.join("."), message: fault.message };
  return fault.missesTargets ? { ...error, missesTargets: true } : error;
};

const check = (
  data: Readonly<Record<string, unknown>>,
  file: string,
  env: Env,
): { faults: Fault[]; fleet: FleetConfig | undefined } => {
  const faults: Fault[] = Object.keys(data)
    .filter((key) => !Object.hasOwn(SECTIONS, key))
    .map((key) => ({ path: [key], about: "key", message: unknownKey([], key) }));
  /** undefined: wrong (and said so), or left out. */
  const section = <S extends Section>(key: S): Sections[S] | undefined => {
    const isGiven = Object.hasOwn(data, key);
    if (!isGiven && key !== "store") {
      if (isRequired(key)) faults.push({ path: [key], about: "key", message: `missing: every fleet file has ${key}` });
      return undefined;
    }
    const parsed = SECTIONS[key].safeParse(isGiven ? data[key] : {}, { reportInput: true });
    if (parsed.success) return parsed.data as Sections[S];
    faults.push(...parsed.error.issues.flatMap((issue) => faultsOf(issue, [key])));
    return undefined;
  };
  const parts = {
    fleet: section("fleet"),
    store: section("store"),
    accounts: section("accounts"),
    lines: section("lines"),
    about: section("about"),
    timers: section("timers"),
    brake: section("brake"),
    reconnect: section("reconnect"),
    pacing: section("pacing"),
    api: section("api"),
    alerts: section("alerts"),
    webhooks: section("webhooks"),
    retention: section("retention"),
    plugins: section("plugins"),
    whatsapp: section("whatsapp"),
  };
  const { accounts, lines, store } = parts;
  const timers: Timers = { ...DEFAULT_TIMERS, ...defined(parts.timers ?? {}) };
  faults.push(...crossCheck(data), ...forbidden(data, []));
  const key = store?.key === undefined ? null : resolveSecret(store.key, dirname(file), env);
  if (typeof key === "string") faults.push({ path: ["store", "key"], about: "value", message: key });
  const { alerts, faults: missing } = alertsOf(
    parts.alerts,
    Object.hasOwn(data, "alerts") ? mapAt(data, "alerts") : null,
    dirname(file),
    env,
  );
  faults.push(...missing);
  const { webhooks, faults: unknown } = webhooksOf(parts.webhooks, dirname(file), env);
  faults.push(...unknown, ...checkWebhookLines(mapAt(data, "webhooks"), Object.keys(mapAt(data, "lines"))));
  const isWell = faults.length === 0 && parts.fleet !== undefined && store && accounts && lines;
  if (!isWell) return { faults, fleet: undefined };
  return {
    faults,
    fleet: {
      ...build(file, { ...parts, fleet: parts.fleet as string, store, accounts, lines }, timers, key as Secret | null),
      alerts,
      webhooks,
    },
  };
};

type Parts = { [S in Section]: Sections[S] | undefined } & Pick<Sections, "fleet" | "store" | "accounts" | "lines">;

const build = (file: string, parts: Parts, timers: Timers, key: Secret | null): Omit<FleetConfig, "alerts" | "webhooks"> => {
  const { whatsapp, api } = parts;
  return {
    file,
    fleet: parts.fleet,
    store: storeOf(file, parts.store.file, key),
    accounts: Object.entries(parts.accounts).map(([name, { role, devices, pacing }]) => ({
      id: accountId(name),
      role,
      devices: devices.map((device) => deviceId(accountId(name), device)),
      ...pacesOf(pacing ?? parts.pacing),
    })),
    lines: Object.entries(parts.lines).map(([name, line]) => ({
      ...line,
      id: lineId(name),
      masters: line.masters.map(accountId),
      servants: line.servants.map(accountId),
    })),
    about: aboutOf(parts.about),
    timers,
    brake: parts.brake ?? SECTIONS.brake.parse({}),
    reconnect: parts.reconnect ?? SECTIONS.reconnect.parse({}),
    api: api ? { ...api, tls: api.tls ? filesOf(api.tls, dirname(file)) : null } : null,
    retention: parts.retention ?? SECTIONS.retention.parse({}),
    plugins: parts.plugins === undefined ? null : resolve(dirname(file), parts.plugins),
    whatsapp: whatsapp
      ? {
          url: whatsapp.endpoint,
          rootPublicKey: whatsapp.rootKey === undefined ? null : new Uint8Array(Buffer.from(whatsapp.rootKey, "hex")),
          allowSelfSigned: whatsapp.selfSigned,
        }
      : null,
  };
};

const pacesOf = (given: Sections["pacing"] | undefined): Pick<AccountConfig, "pacing" | "caps"> => {
  const { perSecond, burst = 1, newContacts, warmUp } = given ?? {};
  const pacing = perSecond === undefined ? null : { perSecond, burst };
  if (!newContacts && !warmUp) return { pacing };
  const caps: Caps = {
    newContacts: { perHour: newContacts?.perHour ?? null, perDay: newContacts?.perDay ?? null },
    warmUp: (warmUp ?? []).map(({ days, messagesPerDay = null, newContactsPerDay = null }) => ({
      days,
      messagesPerDay,
      newContactsPerDay,
    })),
  };
  return { pacing, caps };
};

const filesOf = ({ cert, key }: { cert: string; key: string }, folder: string) => ({
  cert: resolve(folder, cert),
  key: resolve(folder, key),
});

/** `file`: the fleet's. */
const storeOf = (file: string, named: string, key: Secret | null): FleetConfig["store"] => {
  const store = resolve(dirname(file), named);
  return { file: store, key, keyFile: keyFileOf(store) };
};

/** `./greenroom.db` has its key in `./greenroom.key`. */
const keyFileOf = (storeFile: string): string => `${storeFile.replace(/\.(db|sqlite3?)$/, "")}.key`;

/** Legal in YAML, but no name for anything here, and zod passes over it. */
const forbidden = (value: unknown, path: Path): Fault[] => {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const here = [...path, Array.isArray(value) ? Number(key) : key];
    return [
      ...(key === "__proto__" && path.length > 0 ? [{ path: here, about: "key" as const, message: unknownKey(path, key) }] : []),
      ...forbidden(inner, here),
    ];
  });
};

const defined = <T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
