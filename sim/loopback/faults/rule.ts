/**
 * What a fault can do. Each rule implements the few hooks that concern it and knows no other rule; the service asks the active
 * rules in the order in which they began, and the first that decides wins.
 */
import type { Link } from "../connection.ts";
import type { Device } from "../directory.ts";
import type { Flow } from "../lane.ts";
import type { Node } from "../node.ts";

/** Whom a fault hits: one device of an account, or all of them. Device 0 is the phone. */
export interface FaultTarget {
  readonly account: string;
  readonly device?: number;
}

/** Who is calling, as far as the URL says (`?device=NUMBER:DEVICE`, or `?client=ID` once that id has logged in). */
export interface Dial {
  readonly hinted: boolean;
  readonly client: string | undefined;
  readonly device: { readonly account: string; readonly device: number } | undefined;
}

export type DialFate = { readonly kind: "refuse" } | { readonly kind: "status"; readonly status: number };
export type SendFate = { readonly kind: "swallow" } | { readonly kind: "error"; readonly code: number };
export type ReplayFate = { readonly kind: "missing" } | { readonly kind: "late"; readonly delayMs: number };
export type Lanes = { readonly inbound: Flow; readonly outbound: Flow };

export interface Rule {
  /** A websocket upgrade is asked for. */
  dial?(dial: Dial): DialFate | undefined;
  /** How frames flow on a link. Asked again whenever a fault begins or ends, or the link learns who it is. */
  flow?(link: Link): Lanes | undefined;
  /** A device with the right key logs in: what to answer instead of success. */
  login?(account: string, device: number): Node | undefined;
  /** A device sends a message to `contact` (digits; a group's jid). */
  sends?(device: Device, contact: string, waId: string): SendFate | undefined;
  /** How many times a stanza goes out to a device: 0 loses it, 2 doubles it. */
  copies?(device: Device, node: Node): number | undefined;
  /** A device asks for what it missed. */
  replay?(device: Device): ReplayFate | undefined;
}

export type Scope = (account: string, device: number) => boolean;

export const scopeOf =
  (target: FaultTarget): Scope =>
  (account, device) =>
    account === target.account && (target.device === undefined || target.device === device);

/** A dial that names nobody is hit by every fault of the path: the server can't tell whose it is. */
export function dialIn(scope: Scope, dial: Dial): boolean {
  if (dial.device) return scope(dial.device.account, dial.device.device);
  return !dial.hinted;
}

/** A link belongs to whoever logged in on it, or else to whom its dial names. */
export function linkIn(scope: Scope, link: Link): boolean {
  return link.device ? scope(link.device.account.number, link.device.id) : dialIn(scope, link.dial);
}
