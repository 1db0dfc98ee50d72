/** All kinds of fault by name: what can go wrong with links and WhatsApp, with nodes, and with the store. */
import type { Millis } from "../../machines/ports/ids.ts";
import type { Random } from "../world/random.ts";
import { ackLost, type AckLost } from "./ack-lost.ts";
import { banned, type Banned } from "./banned.ts";
import { clockSkew, type ClockSkew } from "./clock-skew.ts";
import { close, type Close } from "./close.ts";
import { halfOpenLink, type HalfOpenLink } from "./half-open-link.ts";
import { lateEvents, type LateEvents } from "./late-events.ts";
import { lateTimers, type LateTimers } from "./late-timers.ts";
import { loggedOut, type LoggedOut } from "./logged-out.ts";
import { loginRefused, type LoginRefused } from "./login-refused.ts";
import { lossy, type Lossy } from "./lossy.ts";
import { nodeCrash, type NodeCrash } from "./node-crash.ts";
import { nodePause, type NodePause } from "./node-pause.ts";
import { offlineReplay, type OfflineReplay } from "./offline-replay.ts";
import { oneWay, type OneWay } from "./one-way.ts";
import { operator, type Operator } from "./operator.ts";
import { outage, type Outage } from "./outage.ts";
import { phoneGone, type PhoneGone } from "./phone-gone.ts";
import { repeated, type Repeated } from "./repeated.ts";
import { replaced, type Replaced } from "./replaced.ts";
import { restricted, type Restricted } from "./restricted.ts";
import type { FaultBase, FaultRule, Target } from "./rule.ts";
import { sendSwallowed, type SendSwallowed } from "./send-swallowed.ts";
import { silentPath, type SilentPath } from "./silent-path.ts";
import { slow, type Slow } from "./slow.ts";
import { storeCrash, type StoreCrash } from "./store-crash.ts";
import { storeFailing, type StoreFailing } from "./store-failing.ts";
import { storePartition, type StorePartition } from "./store-partition.ts";
import { storeSlow, type StoreSlow } from "./store-slow.ts";
import { upgrade503, type Upgrade503 } from "./upgrade-503.ts";

export type Fault =
  | Close
  | HalfOpenLink
  | SilentPath
  | OneWay
  | Slow
  | Lossy
  | Upgrade503
  | LoginRefused
  | AckLost
  | SendSwallowed
  | Restricted
  | Banned
  | LoggedOut
  | Replaced
  | PhoneGone
  | Outage
  | OfflineReplay
  | Repeated
  | LateEvents
  | NodeCrash
  | NodePause
  | LateTimers
  | ClockSkew
  | StoreSlow
  | StoreFailing
  | StorePartition
  | StoreCrash
  | Operator;
export type FaultKind = Fault["kind"];

type Catalogue = { readonly [K in FaultKind]: FaultRule<Extract<Fault, { kind: K }>> };

export const catalogue: Catalogue = {
  close,
  "half-open-link": halfOpenLink,
  "silent-path": silentPath,
  "one-way": oneWay,
  slow,
  lossy,
  "upgrade-503": upgrade503,
  "login-refused": loginRefused,
  "ack-lost": ackLost,
  "send-swallowed": sendSwallowed,
  restricted,
  banned,
  "logged-out": loggedOut,
  replaced,
  "phone-gone": phoneGone,
  outage,
  "offline-replay": offlineReplay,
  repeated,
  "late-events": lateEvents,
  "node-crash": nodeCrash,
  "node-pause": nodePause,
  "late-timers": lateTimers,
  "clock-skew": clockSkew,
  "store-slow": storeSlow,
  "store-failing": storeFailing,
  "store-partition": storePartition,
  "store-crash": storeCrash,
  operator,
};

/** In the order of the catalogue. */
export const faultKinds = Object.keys(catalogue) as readonly FaultKind[];
export const isFaultKind = (name: string): name is FaultKind => Object.hasOwn(catalogue, name);

/** The rule of any kind, for callers to whom it doesn't matter which. */
type AnyRule = FaultRule<FaultBase>;
export const ruleOf = ({ kind }: Pick<Fault, "kind">): AnyRule => catalogue[kind];

/** What happens, in plain words: "the link of sales-1/a carries nothing for good; a new one works". */
export const describeFault = (fault: Fault): string => ruleOf(fault).describe(fault);

export const drawFault = (kind: FaultKind, random: Random, target: Target, at: Millis): Fault =>
  catalogue[kind].draw(random, target, at);
