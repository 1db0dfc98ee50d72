/**
 * What a fault is: data that says what goes wrong, to whom, when and for how long; and a small rule that carries it out.
 *
 * A rule acts in up to four ways. When it begins and ends it may do something to the world (ban an account, crash a node).
 * While it lasts it may be asked about each dial, each frame on a link and each store operation. Rules are asked in the order
 * in which they began, and the first that decides wins; null means "not my affair". A frame that is only late may yet meet another
 * fate: delays add up. None knows another, so they compose.
 */
import type { AccountId, DeviceId, Millis, NodeId, SeatId } from "../../machines/ports/ids.ts";
import type { StoreFailure, StoreOp } from "../../machines/ports/store.ts";
import type { Random } from "../world/random.ts";
import type { Fields } from "./fields.ts";

/** Whom it hits. `seat`: the device that speaks for the seat when the fault begins. `region`: all links to that edge of WhatsApp. */
export type Target =
  | { readonly device: DeviceId }
  | { readonly account: AccountId }
  | { readonly seat: SeatId }
  | { readonly node: NodeId }
  | { readonly region: string }
  | { readonly all: true };

/** How long: milliseconds, 0 for what happens once, or for ever. */
export type Span = Millis | "permanent";

export interface FaultBase {
  readonly kind: string;
  readonly target: Target;
  /** World time at which it begins. */
  readonly at: Millis;
  readonly for: Span;
}

export interface LinkView {
  readonly id: number;
  readonly device: DeviceId;
  readonly account: AccountId;
  readonly region: string;
  readonly node: NodeId;
  readonly dial: number;
}

/** To WhatsApp: the upper half. From it: the lower. */
export type FrameKind =
  | "login"
  | "probe"
  | "message"
  | "lookup"
  | "check"
  | "receipt"
  | "goodbye"
  | "success"
  | "offline"
  | "pong"
  | "ack"
  | "refusal"
  | "copy"
  | "status"
  | "inbound"
  | "notice"
  | "answer"
  | "failure";

export interface Frame {
  readonly link: LinkView;
  readonly direction: "up" | "down";
  readonly kind: FrameKind;
}

/** What becomes of a frame. `late` keeps the order: what follows on the link waits behind it. `again`: arrives, and once more later. */
export type Fate =
  | { readonly kind: "pass" }
  | { readonly kind: "drop" }
  | { readonly kind: "late"; readonly by: Millis }
  | { readonly kind: "again"; readonly after: Millis };

/** What becomes of a dial before the login. `http`: the upgrade is answered with this status. `failure`: the login is, with this code. */
export type DialFate = { readonly kind: "http"; readonly status: number } | { readonly kind: "failure"; readonly code: number };

export interface StoreAsk {
  readonly node: NodeId;
  readonly op: StoreOp;
  readonly writes: boolean;
}
/** `applied`: it did happen, though the answer says otherwise. */
export type StoreFate =
  | { readonly kind: "slow"; readonly by: Millis }
  | { readonly kind: "hold"; readonly until: Millis }
  | { readonly kind: "fail"; readonly cause: StoreFailure["cause"]; readonly applied: boolean };

export interface Active {
  dial?(link: LinkView): DialFate | null;
  /** Asked when the frame leaves. */
  frame?(frame: Frame): Fate | null;
  /** Is this direction of the link dead for good? Asked when a frame leaves and when it arrives: what is on its way is lost too. */
  cuts?(link: LinkView, direction: "up" | "down"): boolean;
  /**
   * Does this direction carry nothing for now? Asked when a frame leaves and when it arrives: what is on its way waits too, until the
   * fault is over, as TCP repeats what nobody confirms; unless it `keeps`, only if nobody has given up the link by then.
   */
  stops?(link: LinkView, direction: "up" | "down"): { readonly keeps: boolean } | null;
  store?(ask: StoreAsk): StoreFate | null;
  end?(): void;
}

/** What a rule may do to the world. Actions answer whether (or to how many) something was done: a fault that found nothing did not bite. */
export interface FaultWorld {
  now(): Millis;
  /** The devices a target means at this moment, in the fleet's order. */
  devices(target: Target): readonly DeviceId[];
  nodes(target: Target): readonly NodeId[];
  /** The links of these devices that are up or being dialled. */
  links(devices: readonly DeviceId[]): readonly LinkView[];
  /** WhatsApp ends the links with a stream error of this code; 428: the connection just drops. */
  closeLinks(devices: readonly DeviceId[], code: number): number;
  /** Somebody opens the same credentials elsewhere: 440 for ours. He returns `returns` more times when we log in again. */
  replace(devices: readonly DeviceId[], returns: number): number;
  logOut(devices: readonly DeviceId[]): number;
  /** `announced`: WhatsApp says so unasked. Null `until`: without an end. */
  restrict(devices: readonly DeviceId[], until: Millis | null, announced: boolean): number;
  ban(devices: readonly DeviceId[], code: 402 | 406, until: Millis | null): number;
  /** The account's phone is gone: 403 for all its companions until it is back. */
  phoneGone(devices: readonly DeviceId[], gone: boolean): number;
  /** Ends a restriction or ban, as an operator's appeal would. */
  pardon(devices: readonly DeviceId[]): void;
  /** The process is killed; `tells`: its kernel still closes the sockets (kill -9, not a lost machine). Restarted after `downFor`; null: never. */
  crashNode(node: NodeId, tells: boolean, downFor: Millis | null): boolean;
  stallNode(node: NodeId, length: Millis): boolean;
  delayTimers(node: NodeId, draw: (() => Millis) | null): boolean;
  /** The transaction under way ends (`applied`: on the disk, or not at all); all that waits for an answer is told it is lost. */
  crashStore(applied: boolean): void;
  skewNode(node: NodeId, offset: Millis, rate: number): boolean;
  /** An operator's word to the node; false if none runs. */
  order(order: Order): boolean;
}

export type Order =
  | { readonly kind: "failover"; readonly seat: SeatId }
  | { readonly kind: "switchover"; readonly seat: SeatId }
  /** What waits on the seat's line is shared out again. */
  | { readonly kind: "rebalance"; readonly seat: SeatId }
  | { readonly kind: "pause" }
  | { readonly kind: "resume" }
  | { readonly kind: "cordon"; readonly device: DeviceId; readonly cordoned: boolean }
  | { readonly kind: "redial" | "link" | "restart" | "unlink"; readonly device: DeviceId };

/** One kind of fault. */
export interface FaultRule<F extends FaultBase> {
  readonly kind: F["kind"];
  /** The fault in plain words, without its time: "the link of sales-1/a goes silent for 20 s; a new one works". */
  describe(fault: F): string;
  /** Begins; null if it found nothing to do. `until` is when it will end. */
  begin(fault: F, world: FaultWorld, random: Random, until: Millis): Active | null;
  /** A random one of its kind; `at` is given, the target is chosen by the caller. */
  draw(random: Random, target: Target, at: Millis): F;
  /** Which targets make sense. */
  readonly aims: readonly Aim[];
  /** What its own fields may hold. */
  readonly fields: Fields<F>;
}
export type Aim = "device" | "account" | "seat" | "node" | "region" | "all";
