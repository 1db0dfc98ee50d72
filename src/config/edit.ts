/**
 * A change of the fleet, written into its file as a person would: the rest of the text stays, comments and all. What comes of it
 * is for `parseFleet` to check. Pure.
 */
import { isDeepStrictEqual } from "node:util";
import { type Document, isMap, isScalar, isSeq, type Node, type Pair, parseDocument, type YAMLMap, type YAMLSeq } from "yaml";
import { z } from "zod";
import { STRATEGIES } from "../../machines/delivery/balance/strategies.ts";
import { WORKS } from "../../machines/delivery/work.ts";
import { humanName, labels } from "./about.ts";
import { keepLines } from "./keep-lines.ts";
import { listed } from "./nearest.ts";
import { name, pace } from "./schema.ts";

const devices = z.array(name).min(1).max(4);
const device = z.string().regex(/^[A-Za-z0-9._-]{1,64}\/[A-Za-z0-9._-]{1,64}$/, { error: "expected account/device" });
const role = z.enum(["master", "servant"]);
/** What of a line may be changed one by one; left out: stays. */
const lineSettings = z.strictObject({
  masters: z.array(name).min(1).optional().describe("In order of preference."),
  servants: z.array(name).optional(),
  strategy: name.optional().describe(`${STRATEGIES.join(", ")}, or one of the plugins'.`),
  failback: z.enum(["manual", "automatic"]).optional(),
  rebalance: z.enum(["manual", "auto"]).optional(),
  whenNumberChanges: z.enum(["hold", "resend"]).optional(),
  whenRefused: z.enum(["reroute", "fail"]).optional(),
  work: z.array(z.enum(WORKS)).optional(),
  outboxLimit: z.int().min(1).max(10_000_000).optional(),
});

/** What may be changed in a running fleet, each by itself. */
export const EDITS = {
  "account.add": z.strictObject({
    account: name,
    role: role.default("master"),
    devices: devices.default(["a"]),
    lines: z.array(name).default([]).describe("Lines that it is to work for."),
    pacing: pace.optional(),
  }),
  "account.remove": z.strictObject({ account: name }),
  /** `pacing` null: as fast as it goes. */
  "account.change": z.strictObject({ account: name, role: role.optional(), pacing: pace.nullable().optional() }),
  "device.add": z.strictObject({ account: name, device: name }),
  "device.remove": z.strictObject({ device }),
  "line.add": z.strictObject({ line: name, ...lineSettings.shape, masters: z.array(name).min(1) }),
  "line.remove": z.strictObject({ line: name }),
  "line.change": z.strictObject({ line: name, ...lineSettings.shape }),
  /** Its account is added, unless it is there. */
  "servant.add": z.strictObject({ account: name, line: name, devices: devices.default(["a"]) }),
  /** From the line; its account stays. */
  "servant.remove": z.strictObject({ account: name, line: name }),
  /** `name` null: none. What is left out stays. */
  describe: z.strictObject({
    subject: z.string().min(1).max(129),
    name: humanName.nullable().optional(),
    labels: labels.optional(),
  }),
} as const;
export type EditKind = keyof typeof EDITS;
type Of<K extends EditKind> = z.output<(typeof EDITS)[K]>;
export type FleetEdit = { readonly [K in EditKind]: { readonly kind: K } & Of<K> }[EditKind];
/** As whoever asks writes it, with what may be left out. */
export type FleetEditInput = { readonly [K in EditKind]: { readonly kind: K } & z.input<(typeof EDITS)[K]> }[EditKind];

const kinds = Object.entries(EDITS).map(([kind, shape]) => shape.extend({ kind: z.literal(kind) }));
export const fleetEdit = z.discriminatedUnion("kind", kinds as never) as unknown as z.ZodType<FleetEdit, FleetEditInput>;

/** It can't be made: `message` says why. */
export class EditFault extends Error {}
const refuse = (message: string): never => {
  throw new EditFault(message);
};

/** Throws EditFault. */
export const editFleet = (text: string, edit: FleetEdit): string => {
  const document = parseDocument(text);
  if (document.errors.length > 0 || !isMap(document.contents)) return refuse("it is no map: correct it first");
  const isJson = (document.contents as YAMLMap).flow === true;
  const style = {
    lineWidth: 0,
    flowCollectionPadding: !isJson,
    ...(isJson ? { defaultStringType: "QUOTE_DOUBLE" as const } : {}),
  };
  const before = document.toString(style);
  const { kind, ...rest } = edit;
  EDITORS[kind](new FleetText(document, document.contents), rest as never);
  const after = document.toString(style);
  const kept = keepLines(text, before, after);
  return isDeepStrictEqual(parseDocument(kept).toJS(), document.toJS()) ? kept : after;
};

type Editor<K extends EditKind> = (file: FleetText, edit: Of<K>) => void;
const EDITORS: { readonly [K in EditKind]: Editor<K> } = {
  "account.add": (file, { account, role: as, devices: names, lines, pacing }) => {
    file.addAccount(account, { role: as, devices: names, ...(pacing ? { pacing } : {}) });
    for (const line of lines) file.join(line, as, account);
  },
  "account.remove": (file, { account }) => {
    for (const line of file.names("lines")) for (const as of ["master", "servant"] as const) file.leave(line, as, account);
    for (const name of file.devicesOf(account)) file.forget(`${account}/${name}`);
    file.forget(account);
    remove(file.section("accounts"), account);
  },
  "account.change": (file, { account, role: as, pacing }) => {
    const before = file.account(account);
    if (as !== undefined && text(before, "role") !== as) {
      for (const line of file.names("lines")) {
        if (!file.leave(line, as === "master" ? "servant" : "master", account)) continue;
        file.join(line, as, account);
      }
      file.set(before, "role", as);
    }
    if (pacing === null) remove(before, "pacing");
    else if (pacing !== undefined) file.set(before, "pacing", pacing);
  },
  "device.add": (file, { account, device: name }) => {
    if (file.devicesOf(account).includes(name)) refuse(`${account} has a device ${name} already`);
    file.push(file.account(account), "devices", name);
  },
  "device.remove": (file, { device: id }) => {
    const [account, name] = id.split("/") as [string, string];
    const names = file.devicesOf(account);
    if (!names.includes(name)) refuse(`${account} has no device ${name}. It has: ${listed(names) || "none"}`);
    if (names.length === 1) refuse(`${name} is the only device of ${account}: remove the account, or add another device first`);
    file.pull(file.account(account), "devices", name);
    file.forget(id);
  },
  "line.add": (file, { line, ...settings }) => {
    if (file.names("lines").includes(line)) refuse(`there is a line ${line} already`);
    file.set(file.section("lines"), line, defined(settings));
  },
  "line.remove": (file, { line }) => {
    file.line(line);
    if (file.names("lines").length === 1) refuse(`${line} is the only line: a fleet has one at least`);
    remove(file.section("lines"), line);
    file.forget(line);
  },
  "line.change": (file, { line, ...settings }) => {
    const map = file.line(line);
    for (const [key, value] of Object.entries(defined(settings))) file.set(map, key, value);
  },
  "servant.add": (file, { account, line, devices: names }) => {
    if (!file.names("accounts").includes(account)) file.addAccount(account, { role: "servant", devices: names });
    file.join(line, "servant", account);
  },
  "servant.remove": (file, { account, line }) => {
    if (!file.leave(line, "servant", account)) refuse(`${account} is no servant of ${line}`);
  },
  describe: (file, { subject, name, labels: words }) => {
    const about = file.section("about");
    const known = mapIn(about, subject) ?? file.set(about, subject, {});
    if (name === null) remove(known, "name");
    else if (name !== undefined) file.set(known, "name", name);
    if (words?.length === 0) remove(known, "labels");
    else if (words !== undefined) file.set(known, "labels", words);
    if (known.items.length === 0) file.forget(subject);
  },
};

const defined = (settings: object): object =>
  Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));

/** The parts of a fleet file, in the words of its schema. */
class FleetText {
  readonly #document: Document;
  readonly #root: YAMLMap;

  constructor(document: Document, root: YAMLMap) {
    this.#document = document;
    this.#root = root;
  }

  /** Begun, if it is not there. */
  section(key: string): YAMLMap {
    const map = mapIn(this.#root, key) ?? this.set(this.#root, key, {});
    // One line for each that is in it.
    if (map.items.length === 0 && this.#root.flow !== true) map.flow = false;
    return map;
  }
  names(section: "accounts" | "lines"): string[] {
    return (mapIn(this.#root, section)?.items ?? []).map(({ key }) => keyOf(key));
  }
  account(id: string): YAMLMap {
    return this.#known("account", id);
  }
  line(id: string): YAMLMap {
    return this.#known("line", id);
  }
  devicesOf(account: string): string[] {
    return listIn(this.account(account), "devices").map(textOf);
  }

  addAccount(id: string, value: object): void {
    if (this.names("accounts").includes(id)) refuse(`there is an account ${id} already`);
    this.set(this.section("accounts"), id, value);
  }
  join(id: string, as: "master" | "servant", account: string): void {
    const line = this.line(id);
    if (!listIn(line, `${as}s`).map(textOf).includes(account)) this.push(line, `${as}s`, account);
  }
  /** Whether it was there. */
  leave(id: string, as: "master" | "servant", account: string): boolean {
    const line = this.line(id);
    const members = listIn(line, `${as}s`).map(textOf);
    if (!members.includes(account)) return false;
    if (as === "master" && members.length === 1)
      refuse(`${account} is the only master of ${id}: give the line another one first, or remove the line`);
    this.pull(line, `${as}s`, account);
    // A line without servants has none whom work could be given to.
    if (as === "servant" && members.length === 1) remove(line, "work");
    for (const weights of [mapIn(line, "balance")].flatMap((balance) => (balance ? mapIn(balance, "weights") : undefined) ?? []))
      remove(weights, account);
    return true;
  }

  set(map: YAMLMap, key: string, value: unknown): YAMLMap {
    const node = this.#document.createNode(value, { flow: map.flow === true || isFlow(value) });
    const pair = pairOf(map, key);
    if (pair) pair.value = node;
    else map.items.push(this.#document.createPair(key, node));
    return node as YAMLMap;
  }
  push(map: YAMLMap, key: string, item: string): void {
    const list = pairOf(map, key)?.value;
    if (isSeq(list)) list.items.push(this.#document.createNode(item));
    else this.set(map, key, [item]);
  }
  pull(map: YAMLMap, key: string, item: string): void {
    const list = pairOf(map, key)?.value as YAMLSeq;
    list.items = list.items.filter((each) => textOf(each) !== item);
  }
  /** What people call it. */
  forget(subject: string): void {
    const about = mapIn(this.#root, "about");
    if (!about) return;
    remove(about, subject);
    if (about.items.length === 0) remove(this.#root, "about");
  }

  #known(kind: "account" | "line", id: string): YAMLMap {
    const section = this.section(`${kind}s`);
    const map = mapIn(section, id);
    if (map) return map;
    if (pairOf(section, id)) return refuse(`${kind} ${id} is written in a way that can't be changed from here: change the file`);
    return refuse(`there is no ${kind} ${id}. There are: ${listed(section.items.map(({ key }) => keyOf(key)))}`);
  }
}

/** Small things on one line. */
const isFlow = (value: unknown): boolean => JSON.stringify(value).length < 100;
const keyOf = (key: unknown): string => (isScalar(key) ? String(key.value) : "");
const textOf = (item: unknown): string => (isScalar(item) ? String(item.value) : "");
const pairOf = (map: YAMLMap, key: string): Pair<unknown, Node | null> | undefined =>
  map.items.find((pair) => keyOf(pair.key) === key) as Pair<unknown, Node | null> | undefined;
const mapIn = (map: YAMLMap, key: string): YAMLMap | undefined => {
  const value = pairOf(map, key)?.value;
  return isMap(value) ? value : undefined;
};
const listIn = (map: YAMLMap, key: string): readonly unknown[] => {
  const value = pairOf(map, key)?.value;
  return isSeq(value) ? value.items : [];
};
const text = (map: YAMLMap, key: string): string => textOf(pairOf(map, key)?.value);
const remove = (map: YAMLMap, key: string): void => {
  map.items = map.items.filter((pair) => keyOf(pair.key) !== key);
};
