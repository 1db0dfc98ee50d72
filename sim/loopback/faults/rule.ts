/**
 * What a fault can do. Each rule implements the few hooks that concern it and knows no other rule; the board asks the active
 * rules in the order in which they began, and the first that decides wins.
 */
import type { Link } from "../connection.ts";
import type { Device } from "../directory.ts";
import type { Flow } from "../lane.ts";
import type { Node } from "../node.ts";
import type { Service } from "../service.ts";

/** Whom a fault hits: one device of an account, all of them, several accounts (a region), or everybody. */
export type FaultTarget =
  | { readonly account: string; readonly device?: number }
  | { readonly accounts: readonly string[] }
  | "all";

/** Who is calling, as far as the URL says (`?device=NUMBER:DEVICE`, or `?client=ID` once that id has logged in). */
export interface Dial {
  readonly hinted: boolean;
  readonly client: string | undefined;
  readonly device: { readonly account: string; readonly device: number } | undefined;
}

export type DialFate = { readonly kind: "refuse" } | { readonly kind: "status"; readonly status: number };
export type SendFate = { readonly kind: "swallow" } | { readonly kind: "error"; readonly code: number };
export type ReplayFate = { readonly kind: "missing" } | { readonly kind: "late"; readonly delayMs: number };
/** Seen from the server: inbound is what the client says. */
export type Lanes = { readonly inbound: Flow; readonly outbound: Flow };

export interface Rule {
  /** A websocket upgrade is asked for. */
  dial?(dial: Dial): DialFate | undefined;
  /** How frames flow on a link. Asked again whenever a fault begins or ends, or the link learns who it is. */
  flow?(link: Link): Lanes | undefined;
  /** A device logs in, with this revision of the client: what to answer instead of success. */
  login?(account: string, device: number, revision: number): Node | undefined;
  /** The web page is asked for: which revision of the client it names. */
  names?(): number | undefined;
  /** A device has logged in on a link. */
  loggedIn?(service: Service, device: Device, link: Link): void;
  /** A device sends a message to `contact` (digits, or the jid of a group). */
  sends?(device: Device, contact: string): SendFate | undefined;
  /** True: a stanza for this device is lost on its way. What the device would confirm is kept, and brought again at its next login. */
  loses?(device: Device, node: Node): true | undefined;
  /** A stanza comes so many milliseconds late, and what follows waits behind it. */
  late?(device: Device, node: Node): number | undefined;
  /** A stanza comes a second time, so many milliseconds later. */
  again?(device: Device, node: Node): number | undefined;
  /** A device asks for what it missed. */
  replay?(device: Device): ReplayFate | undefined;
}

/** A rule, with what happens once when it begins and ends. The rule is in force before `begin` runs. */
export interface Fault {
  readonly kind: string;
  readonly rule: Rule;
  readonly begin?: (service: Service) => void;
  readonly end?: (service: Service) => void;
  /** It is over as soon as it has begun, unless it was given a time. */
  readonly once?: boolean;
}

export type Scope = (account: string, device: number) => boolean;

export function scopeOf(target: FaultTarget): Scope {
  if (target === "all") return () => true;
  if ("accounts" in target) return (account) => target.accounts.includes(account);
  return (account, device) => account === target.account && (target.device === undefined || target.device === device);
}

/** A dial that names nobody is hit by every fault of the path: the server can't tell whose it is. */
export function dialIn(scope: Scope, dial: Dial, target: FaultTarget): boolean {
  if (target === "all") return true;
  return dial.device ? scope(dial.device.account, dial.device.device) : !dial.hinted;
}

/** A link belongs to whoever logged in on it, or else to whom its dial names. */
export function linkIn(scope: Scope, link: Link, target: FaultTarget): boolean {
  return link.device ? scope(link.device.account.number, link.device.id) : dialIn(scope, link.dial, target);
}

/** The links on which devices in scope are logged in. */
export const linksIn = (service: Service, scope: Scope): Link[] =>
  [...service.links].filter(({ device }) => device !== undefined && scope(device.account.number, device.id));

export const devicesIn = (service: Service, scope: Scope): Device[] =>
  [...service.directory.devices()].filter((device) => scope(device.account.number, device.id));
