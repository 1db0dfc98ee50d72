/** What a plugin file may hold, and what is wrong with one that holds something else. */
import type { Strategy } from "../../machines/delivery/balance/strategy.ts";
import type { Millis } from "../../machines/ports/ids.ts";
import type { Notice } from "../../machines/alerts/notices.ts";
import type { Handler } from "../runtime/messages.ts";

/** Gets what is told of alerts. Whatever it rejects with is written down, and the notice handed over again, with the same id. */
export type AlertChannelPlugin = (notice: Notice, signal: AbortSignal) => unknown;
export interface SinkEvent {
  readonly at: Millis;
  readonly type: string;
  readonly subject: string;
  readonly data: Readonly<Record<string, unknown>>;
}
/** Gets every event as it happens. What comes while it is far behind is dropped, and counted. */
export type EventSink = (event: SinkEvent) => unknown;

export interface Plugins {
  /** Shown where services are listed. */
  readonly version?: string;
  /** By name: each reads the inbox at its own pace, from where it was, also after a restart. */
  readonly onMessage?: Readonly<Record<string, Handler>>;
  /** `line.strategy` names them. They run in the supervisor itself: they have to be quick, and wait for nothing. */
  readonly strategies?: readonly Strategy[];
  /** A channel of the fleet file with `kind: plugin` is the one of its name. */
  readonly alertChannels?: Readonly<Record<string, AlertChannelPlugin>>;
  readonly eventSinks?: Readonly<Record<string, EventSink>>;
}

/** For the default export of a plugin file: has the compiler look at it, and returns it as it is. */
export const definePlugins = (plugins: Plugins): Plugins => plugins;

const FUNCTIONS = ["onMessage", "alertChannels", "eventSinks"] as const;
export type FunctionKind = (typeof FUNCTIONS)[number];
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/;
const KNOWN = ["version", ...FUNCTIONS, "strategies"];

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Throws, saying what is wrong. */
export const checkedPlugins = (value: unknown): Plugins => {
  if (!isObject(value)) throw new TypeError("it has no default export: expected export default definePlugins({ … })");
  const unknown = Object.keys(value).filter((key) => !KNOWN.includes(key));
  if (unknown.length > 0) throw new TypeError(`${unknown.join(", ")}: unknown. Known here: ${KNOWN.join(", ")}`);
  const { version, strategies = [] } = value;
  if (version !== undefined && typeof version !== "string") throw new TypeError("version: expected a text");
  for (const kind of FUNCTIONS) {
    const map = value[kind] ?? {};
    if (!isObject(map)) throw new TypeError(`${kind}: expected functions by name, { name: … }`);
    for (const [name, each] of Object.entries(map)) {
      if (!NAME.test(name)) throw new TypeError(`${kind}: "${name}" is no name: use letters, digits, ".", "_" or "-"`);
      if (typeof each !== "function") throw new TypeError(`${kind}.${name}: expected a function, found ${typeof each}`);
    }
  }
  if (!Array.isArray(strategies)) throw new TypeError("strategies: expected a list of { name, begin }");
  for (const strategy of strategies as readonly unknown[]) mustBeStrategy(strategy);
  return value;
};

/** Throws, saying what is wrong. */
export const mustBeStrategy = (strategy: unknown): void => {
  if (!isObject(strategy) || typeof strategy["name"] !== "string" || typeof strategy["begin"] !== "function")
    throw new TypeError("strategies: each has a name, and a function begin");
  if (!NAME.test(strategy["name"])) throw new TypeError(`strategies: "${strategy["name"]}" is no name`);
};
