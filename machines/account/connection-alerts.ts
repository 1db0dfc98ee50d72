/** What people are told of a link: which alert, under which key, in which words. */
import type { DeviceId, Millis } from "../ports/ids.ts";
import type { Effect } from "../protocol.ts";

const UNREACHABLE_DIALS = 5;
const UNREACHABLE_AFTER: Millis = 30_000;

interface Told {
  readonly device: DeviceId;
  readonly now: Millis;
  readonly downSince: Millis | null;
  readonly failures: number;
  readonly bannedUntil: Millis | null;
  readonly raised: readonly string[];
}

export type Rule = "device.loggedOut" | "device.banned" | "device.outdated" | "device.replaced" | "device.unreachable";
export const RULES: readonly Rule[] = [
  "device.loggedOut",
  "device.banned",
  "device.outdated",
  "device.replaced",
  "device.unreachable",
];
/** A version that WhatsApp refuses is the fleet's trouble: one alert, not five hundred. */
export const alertKey = (rule: Rule, device: DeviceId): string => (rule === "device.outdated" ? rule : `${rule}:${device}`);

const TEXTS: { readonly [R in Rule]: (context: Told) => string } = {
  "device.loggedOut": ({ device }) => `${device} was removed from its account. Link it again: greenroom device link ${device}`,
  "device.banned": ({ device, bannedUntil }) =>
    `WhatsApp refuses the account of ${device}${bannedUntil === null ? "" : `, until ${new Date(bannedUntil).toISOString()}`}. Look at the phone; it is not dialled meanwhile`,
  "device.outdated": ({ device }) =>
    `WhatsApp refuses this version of the client (first seen on ${device}). Links that are up go on; one device at a time tries again for all, also with a newer version if WhatsApp names one. If this lasts, update Greenroom`,
  "device.replaced": ({ device }) =>
    `the credentials of ${device} were opened elsewhere. Make sure that nothing else uses them; a careful dial follows by itself, a few times`,
  "device.unreachable": ({ device, failures }) =>
    `${device} can't be connected (${failures} dials failed). Look at the network and the proxy; dialling goes on by itself`,
};

export const isUnreachable = (context: Told): boolean =>
  !context.raised.includes(alertKey("device.unreachable", context.device)) &&
  (context.failures >= UNREACHABLE_DIALS || (context.downSince !== null && context.now - context.downSince >= UNREACHABLE_AFTER));

export const raise = (context: Told, rule: Rule, level: "warning" | "critical"): Effect => ({
  op: "raise",
  key: alertKey(rule, context.device),
  rule,
  subject: rule === "device.outdated" ? "fleet" : context.device,
  level,
  text: TEXTS[rule](context),
});
