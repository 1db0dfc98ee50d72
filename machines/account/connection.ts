/**
 * The life of one device's link: linked once by its owner, then dialled again and again, whatever ends it.
 *
 * Every reason for an end has one arrow (what each means, and why: closing.ts). Nothing is dialled without a lease and a grant of
 * the node's reconnect budget; `unleased` asks for the lease anew, so that passing it verifies that nobody else has it.
 * Invariants: dial numbers grow, and what an older dial still says changes nothing; a link that is left is terminated; dead
 * credentials are forgotten before the device can be linked again; `start` from a person cuts any pause short; a device that was
 * unlinked by order is `unlinked` as one that never was linked, and nobody is alerted; one that logged itself out is `loggedOut`.
 *
 * | from       | event                                | to         |
 * | any        | stop                                 | stopped    |
 * | any        | start                                | same       |
 * | any        | link.request                         | same       |
 * | any        | redial.request                       | same       |
 * | any        | unlink.request                       | same       |
 * | any        | dial.granted                         | same       |
 * | any        | lease.granted                        | same       |
 * | any        | lease.lost                           | same       |
 * | any        | connection.opened                    | same       |
 * | any        | connection.serving                   | same       |
 * | any        | connection.linked                    | same       |
 * | any        | connection.closed if isOld           | same       |
 * | any        | connection.closed if isOrdered       | wiping     |
 * | any        | connection.closed if isLoggedOut     | wiping     |
 * | any        | connection.closed if isSuspended     | suspended  |
 * | any        | connection.closed if isBanned        | banned     |
 * | any        | connection.closed if isContested     | evicted    |
 * | any        | connection.closed if isReplaced      | replaced   |
 * | any        | connection.closed if isOutdated      | outdated   |
 * | any        | connection.closed if isUnlinkable    | unlinked   |
 * | any        | connection.closed                    | same       |
 * | stopped    | start if isDead                      | loggedOut  |
 * | stopped    | start if isUnlinked                  | unlinked   |
 * | stopped    | start if isStillSuspended            | suspended  |
 * | stopped    | start if isStillBanned               | banned     |
 * | stopped    | start                                | unleased   |
 * | unlinked   | link.request                         | unleased   |
 * | unlinked   | start if isLinked                    | unleased   |
 * | loggedOut  | link.request                         | unleased   |
 * | unleased   | lease.granted if wantsLink           | linking    |
 * | unleased   | lease.granted                        | waiting    |
 * | linking    | connection.linked if isCurrent       | same       |
 * | linking    | connection.closed if isPaired        | waiting    |
 * | linking    | connection.closed if isPassing       | unlinked   |
 * | linking    | lease.lost                           | unlinked   |
 * | waiting    | dial.granted                         | connecting |
 * | waiting    | lease.lost                           | unleased   |
 * | connecting | connection.opened if isCurrent       | opened     |
 * | connecting | connection.closed if isPassing       | backingOff |
 * | connecting | after dialLeft                       | backingOff |
 * | connecting | lease.lost                           | unleased   |
 * | opened     | connection.serving if isCurrent      | serving    |
 * | opened     | connection.closed if isAtOnce        | waiting    |
 * | opened     | connection.closed if isPassing       | backingOff |
 * | opened     | redial.request                       | waiting    |
 * | opened     | after replayLeft                     | backingOff |
 * | opened     | lease.lost                           | unleased   |
 * | serving    | connection.closed if isAtOnce        | waiting    |
 * | serving    | connection.closed if isPassing       | backingOff |
 * | serving    | unlink.request                       | same       |
 * | serving    | redial.request                       | waiting    |
 * | serving    | lease.lost                           | unleased   |
 * | backingOff | after backoffLeft                    | waiting    |
 * | backingOff | start                                | unleased   |
 * | backingOff | lease.lost                           | unleased   |
 * | replaced   | after quarantineLeft                 | unleased   |
 * | replaced   | start                                | unleased   |
 * | evicted    | start                                | unleased   |
 * | outdated   | dial.granted                         | unleased   |
 * | outdated   | start                                | unleased   |
 * | suspended  | after suspensionLeft if isServedOut  | unleased   |
 * | suspended  | after suspensionLeft                 | suspended  |
 * | suspended  | start                                | unleased   |
 * | banned     | start                                | unleased   |
 * | wiping     | link.request                         | same       |
 * | wiping     | store.wiped if wantsLink             | unleased   |
 * | wiping     | store.wiped if isUnlinked            | unlinked   |
 * | wiping     | store.wiped                          | loggedOut  |
 * | wiping     | store.failed                         | unwiped    |
 * | unwiped    | link.request                         | same       |
 * | unwiped    | after wipeRetry                      | wiping     |
 */
import { assign, emit, setup } from "xstate";
import type { CloseReason, LinkMethod } from "../ports/connection.ts";
import { accountOf, type DeviceId, type LeaseTerm, type Millis } from "../ports/ids.ts";
import type { LinkState, Standing } from "../ports/store.ts";
import {
  type ConnectionRequest,
  type Effect,
  type Emitted,
  effects,
  type LinkEvent,
  type StoreEvent,
  tell,
} from "../protocol.ts";
import { alertKey, isUnreachable, raise, type Rule, RULES } from "./connection-alerts.ts";
import { backedOff, type End, ended, endOf, isProved, type LinkHistory } from "./ending.ts";
import { isOrdered, type OrderedEnd } from "./ordered.ts";

export interface ConnectionInput {
  readonly device: DeviceId;
  readonly at: Millis;
  readonly link: LinkState;
  /** Of the account: a banned one is not dialled, not even after a restart. */
  readonly standing: Standing;
  readonly standingUntil: Millis | null;
  /** Of this actor's own draws. */
  readonly seed: number;
  /** The highest number that was dialled for the device so far: for an actor that is started again. */
  readonly lastDial?: number;
  readonly timers: ConnectionTimers;
}
export interface ConnectionTimers {
  /** Until `<success>`. */
  readonly connectTimeout: Millis;
}
type Beginning = "at" | "lastDial" | "standingUntil";
export interface ConnectionContext extends Omit<ConnectionInput, Beginning>, LinkHistory {
  /** Time of the last event, for timers: they carry none. */
  readonly now: Millis;
  readonly deadlineAt: Millis;
  readonly leaseTerm: LeaseTerm | null;
  /** How its owner wants to link it; null: not asked for, or done. */
  readonly method: LinkMethod | null;
  readonly bannedUntil: Millis | null;
  /** That it is to be unlinked; null: not ordered, or it served again since. */
  readonly order: OrderedEnd | null;
  /** Alerts that this life has raised. */
  readonly raised: readonly string[];
  /** Those of an earlier life are resolved by the first service. */
  readonly hasServed: boolean;
}
type ConnectionEvent = LinkEvent | ConnectionRequest | StoreEvent<"keys.wipe">;
type Closed = Extract<ConnectionEvent, { type: "connection.closed" }>;

/** From `<success>` to the end of the offline replay; large backlogs take long, and stanzas flow meanwhile. */
const REPLAY_TIMEOUT: Millis = 60_000;
/** The port gives up first. */
const PORT_SLACK: Millis = 1000;
const WIPE_RETRY: Millis = 5000;
/** Timers of the platform take no longer spans than 24 days. */
const LONGEST: Millis = 86_400_000;

const closedParams = ({ context, event }: { context: ConnectionContext; event: Closed }) => ({
  end: endOf(context, event),
  isLinked: context.link === "linked",
  isOrdered: isOrdered(context.order, event),
});
type EndParams = ReturnType<typeof closedParams>;
const dials = ({ context, event }: { context: ConnectionContext; event: { dial: number } }) => ({
  dial: event.dial,
  current: context.dial,
});
const ends =
  (...which: readonly End[]) =>
  (_: unknown, { end }: EndParams): boolean =>
    which.includes(end);

const left = ({ context }: { context: ConnectionContext }): Millis =>
  Math.min(LONGEST, Math.max(0, context.deadlineAt - context.now));

const isUnlinking = (context: ConnectionContext, event: Closed): boolean =>
  endOf(context, event) === "loggedOut" && isOrdered(context.order, event);

const noted = (context: ConnectionContext, event: ConnectionEvent): Partial<ConnectionContext> => {
  const { at: now } = event;
  switch (event.type) {
    case "lease.granted":
      return { now, leaseTerm: event.term };
    case "lease.lost":
      return { now, leaseTerm: null, servingSince: null, downSince: context.downSince ?? now };
    case "connection.closed":
      return { ...ended(context, event), ...(isUnlinking(context, event) ? { link: "unlinked" as const } : {}) };
    case "connection.linked":
      return event.dial === context.dial ? { now, link: "linked", method: null } : { now };
    default:
      return { now };
  }
};

export const connectionMachine = setup({
  types: {
    events: {} as ConnectionEvent,
    input: {} as ConnectionInput,
    context: {} as ConnectionContext,
    emitted: {} as Emitted,
  },
  guards: {
    isOld: ends("old"),
    isOrdered: (_, { end, isOrdered }: EndParams) => end === "loggedOut" && isOrdered,
    isLoggedOut: ends("loggedOut"),
    isSuspended: ends("suspended"),
    isBanned: ends("banned"),
    isContested: ends("contested"),
    isReplaced: ends("replaced"),
    isOutdated: ends("outdated"),
    isUnlinkable: ends("unlinkable"),
    isAtOnce: ends("atOnce"),
    isPassing: ends("atOnce", "backoff"),
    isPaired: (_, { end, isLinked }: EndParams) => isLinked && (end === "atOnce" || end === "backoff"),
    isCurrent: (_, { dial, current }: { dial: number; current: number }) => dial === current,
    isDead: (_, { link }: { link: LinkState }) => link === "loggedOut",
    isUnlinked: (_, { link }: { link: LinkState }) => link === "unlinked",
    isLinked: (_, { link }: { link: LinkState }) => link === "linked",
    isStillSuspended: (_, { standing, bannedUntil }: { standing: Standing; bannedUntil: Millis | null }) =>
      standing === "banned" && bannedUntil !== null,
    isStillBanned: (_, { standing, bannedUntil }: { standing: Standing; bannedUntil: Millis | null }) =>
      standing === "banned" && bannedUntil === null,
    isServedOut: (_, { now, deadlineAt }: { now: Millis; deadlineAt: Millis }) => deadlineAt - now <= LONGEST,
    wantsLink: (_, { method }: { method: LinkMethod | null }) => method !== null,
  },
  actions: {
    note: assign(({ context, event }) => noted(context, event)),
    forgetMethod: assign({ method: null }),
    noteMethod: assign(({ event }, { method }: { method: LinkMethod }) => ({ now: event.at, method })),
    noteServing: assign(({ context, event }) => ({
      now: event.at,
      servingSince: event.at,
      downSince: null,
      hasServed: true,
      order: null,
      raised: [],
      standing: context.standing === "banned" ? ("good" as const) : context.standing,
      bannedUntil: null,
    })),
    noteUnlinking: assign(({ event }) => ({ now: event.at, order: { reason: "loggedOut" as const, at: event.at } })),
    noteRedial: assign(({ context, event }) => ({
      now: event.at,
      failures: isProved(context, event.at) ? 0 : context.failures,
      servingSince: null,
      downSince: context.downSince ?? event.at,
      hasRedialled: true,
    })),
    noteRaised: assign(({ context }, { rule }: { rule: Rule }) => ({
      raised: [...context.raised.filter((key) => key !== alertKey(rule, context.device)), alertKey(rule, context.device)],
    })),
    /** A timer fired: it is as late as it was set for. */
    passTimer: assign(({ context }) => ({ now: context.now + left({ context }) })),
    noteFailedDial: assign(({ context, event }) => ({
      now: event.at,
      downSince: context.downSince ?? event.at,
      ...backedOff(context, event.at, context.failures),
    })),
    backOff: assign(({ context }) => backedOff(context, context.now, context.failures)),
    setDeadline: assign(({ context }, { after }: { after: Millis }) => ({ deadlineAt: context.now + after })),
    setSuspension: assign(({ context }) => ({ deadlineAt: context.bannedUntil ?? context.now })),
    nextDial: assign(({ context }) => ({ dial: context.dial + 1, downSince: context.downSince ?? context.now })),

    askLease: emit(({ context }) => effects(tell(`lease:${context.device}`, { type: "start" }))),
    askDial: emit(({ context }) => effects(tell("dialler", { type: "dial.request", device: context.device }))),
    cancelDial: emit(({ context }) => effects(tell("dialler", { type: "dial.cancel", device: context.device }))),
    tellRefused: emit(({ context: { device } }) => effects(tell("dialler", { type: "version.refused", device }))),
    tellAccepted: emit(({ context: { device } }) => effects(tell("dialler", { type: "version.accepted", device }))),
    urge: emit(({ context: { device } }) => effects(tell("dialler", { type: "dial.urge", device }))),
    open: emit(({ context }) =>
      effects({
        op: "connection",
        command: {
          op: "open",
          device: context.device,
          dial: context.dial,
          leaseTerm: context.leaseTerm as LeaseTerm,
          connectTimeout: context.timers.connectTimeout,
        },
      }),
    ),
    openToLink: emit(({ context }) =>
      effects({
        op: "connection",
        command: {
          op: "link",
          device: context.device,
          dial: context.dial,
          leaseTerm: context.leaseTerm as LeaseTerm,
          method: context.method as LinkMethod,
          connectTimeout: context.timers.connectTimeout,
        },
      }),
    ),
    terminate: emit(({ context }) => effects({ op: "connection", command: { op: "terminate", device: context.device } })),
    shutDown: emit(({ context: { device } }) =>
      effects({ op: "connection", command: { op: "terminate", device } }, tell(`lease:${device}`, { type: "stop" })),
    ),
    unlink: emit(({ context: { device } }) =>
      effects(tell(`health:${device}`, { type: "end.ordered", reason: "loggedOut" }), {
        op: "connection",
        command: { op: "unlink", device },
      }),
    ),
    announceLinked: emit(({ context: { device } }) =>
      effects(tell("roster", { type: "device.linked", device, linked: true }), {
        op: "event",
        event: { type: "device.linked", subject: device, data: {} },
      }),
    ),
    announceUnlinkable: emit(({ context: { device } }, { reason }: { reason: CloseReason }) =>
      effects({ op: "event", event: { type: "device.linkEnded", subject: device, data: { reason } } }),
    ),
    recordLoss: emit(({ context: { device, now, link } }, { code }: { code: number | null }) =>
      effects(tell("roster", { type: "device.linked", device, linked: false }), {
        op: "write",
        ask: {
          op: "device.update",
          device,
          link,
          jid: null,
          lid: null,
          audit: {
            at: now,
            actor: "supervisor",
            action: "device.loggedOut",
            subject: device,
            text: `${device} was removed from its account: its credentials are dead`,
            evidence: { code },
          },
        },
      }),
    ),
    wipe: emit(({ context: { device, now } }) =>
      effects({
        op: "store",
        ask: {
          op: "keys.wipe",
          device,
          audit: {
            at: now,
            actor: "supervisor",
            action: "keys.wiped",
            subject: device,
            text: `credentials and keys of ${device} are forgotten: it was logged out`,
            evidence: {},
          },
        },
      }),
    ),
    resolveRaised: emit(({ context: { device, raised } }) =>
      effects(...raised.map((key): Effect => ({ op: "resolve", key, text: `${device} was unlinked by an operator` }))),
    ),
    forgetRaised: assign({ raised: [] }),
    reportBan: emit(({ context: { device, bannedUntil } }) =>
      effects(tell(`standing:${accountOf(device)}`, { type: "standing.reported", standing: "banned", until: bannedUntil })),
    ),
    raiseAlert: emit(({ context }, { rule }: { rule: Rule }) =>
      effects(raise(context, rule, rule === "device.replaced" ? "warning" : "critical")),
    ),
    raiseUnreachable: emit(({ context }) =>
      isUnreachable(context) ? effects(raise(context, "device.unreachable", "warning")) : effects(),
    ),
    noteUnreachable: assign(({ context }) =>
      isUnreachable(context) ? { raised: [...context.raised, alertKey("device.unreachable", context.device)] } : {},
    ),
    /** A login that WhatsApp let through ends the ban, and everything that was wrong with the link. */
    announceService: emit(({ context }) => {
      const keys = context.hasServed ? context.raised : RULES.map((rule) => alertKey(rule, context.device));
      return effects(
        ...keys.map((key): Effect => ({ op: "resolve", key, text: `${context.device} is in service` })),
        ...(context.standing === "banned"
          ? [tell(`standing:${accountOf(context.device)}`, { type: "standing.reported", standing: "good", until: null })]
          : []),
      );
    }),
  },
  delays: {
    dialLeft: left,
    replayLeft: left,
    backoffLeft: left,
    quarantineLeft: left,
    suspensionLeft: left,
    wipeRetry: WIPE_RETRY,
  },
}).createMachine({
  id: "connection",
  options: { maxIterations: 1000 },
  context: ({ input: { at, lastDial, standingUntil, ...input } }) => ({
    ...input,
    now: at,
    deadlineAt: at,
    dial: lastDial ?? 0,
    leaseTerm: null,
    method: null,
    servingSince: null,
    downSince: null,
    failures: 0,
    hasRedialled: false,
    replacements: 0,
    bannedUntil: input.standing === "banned" ? standingUntil : null,
    order: null,
    raised: [],
    hasServed: false,
  }),
  initial: "stopped",
  on: {
    stop: { target: ".stopped", actions: ["note", "shutDown"] },
    start: { actions: "note" },
    "link.request": { actions: "note" },
    "redial.request": { actions: "note" },
    "unlink.request": { actions: "note" },
    "dial.granted": { actions: "note" },
    "lease.granted": { actions: "note" },
    "lease.lost": { actions: "note" },
    "connection.opened": { actions: "note" },
    "connection.serving": { actions: "note" },
    "connection.linked": { actions: "note" },
    "connection.closed": [
      { guard: { type: "isOld", params: closedParams }, actions: "note" },
      {
        guard: { type: "isOrdered", params: closedParams },
        target: ".wiping",
        actions: ["note", { type: "recordLoss", params: ({ event }) => event }, "resolveRaised", "forgetRaised"],
      },
      {
        guard: { type: "isLoggedOut", params: closedParams },
        target: ".wiping",
        actions: [
          "note",
          { type: "recordLoss", params: ({ event }) => event },
          { type: "raiseAlert", params: { rule: "device.loggedOut" } },
          { type: "noteRaised", params: { rule: "device.loggedOut" } },
        ],
      },
      {
        guard: { type: "isSuspended", params: closedParams },
        target: ".suspended",
        actions: [
          "note",
          "reportBan",
          { type: "raiseAlert", params: { rule: "device.banned" } },
          { type: "noteRaised", params: { rule: "device.banned" } },
        ],
      },
      {
        guard: { type: "isBanned", params: closedParams },
        target: ".banned",
        actions: [
          "note",
          "reportBan",
          { type: "raiseAlert", params: { rule: "device.banned" } },
          { type: "noteRaised", params: { rule: "device.banned" } },
        ],
      },
      {
        guard: { type: "isContested", params: closedParams },
        target: ".evicted",
        actions: [
          "note",
          { type: "raiseAlert", params: { rule: "device.replaced" } },
          { type: "noteRaised", params: { rule: "device.replaced" } },
        ],
      },
      {
        guard: { type: "isReplaced", params: closedParams },
        target: ".replaced",
        actions: [
          "note",
          { type: "raiseAlert", params: { rule: "device.replaced" } },
          { type: "noteRaised", params: { rule: "device.replaced" } },
        ],
      },
      {
        guard: { type: "isOutdated", params: closedParams },
        target: ".outdated",
        actions: [
          "note",
          "tellRefused",
          { type: "raiseAlert", params: { rule: "device.outdated" } },
          { type: "noteRaised", params: { rule: "device.outdated" } },
        ],
      },
      {
        guard: { type: "isUnlinkable", params: closedParams },
        target: ".unlinked",
        actions: ["note", { type: "announceUnlinkable", params: ({ event }) => event }],
      },
      { actions: "note" },
    ],
  },
  states: {
    stopped: {
      on: {
        start: [
          { guard: { type: "isDead", params: ({ context }) => context }, target: "loggedOut", actions: "note" },
          { guard: { type: "isUnlinked", params: ({ context }) => context }, target: "unlinked", actions: "note" },
          { guard: { type: "isStillSuspended", params: ({ context }) => context }, target: "suspended", actions: "note" },
          { guard: { type: "isStillBanned", params: ({ context }) => context }, target: "banned", actions: "note" },
          { target: "unleased", actions: ["note", "terminate"] },
        ],
      },
    },
    unlinked: {
      on: {
        "link.request": { target: "unleased", actions: { type: "noteMethod", params: ({ event }) => event } },
        start: { guard: { type: "isLinked", params: ({ context }) => context }, target: "unleased", actions: "note" },
      },
    },
    loggedOut: {
      on: { "link.request": { target: "unleased", actions: { type: "noteMethod", params: ({ event }) => event } } },
    },
    unleased: {
      entry: "askLease",
      on: {
        "lease.granted": [
          { guard: { type: "wantsLink", params: ({ context }) => context }, target: "linking", actions: "note" },
          { target: "waiting", actions: "note" },
        ],
      },
    },
    linking: {
      entry: ["nextDial", "openToLink"],
      on: {
        "connection.linked": { guard: { type: "isCurrent", params: dials }, actions: ["note", "announceLinked"] },
        "connection.closed": [
          { guard: { type: "isPaired", params: closedParams }, target: "waiting", actions: "note" },
          {
            guard: { type: "isPassing", params: closedParams },
            target: "unlinked",
            actions: ["note", "forgetMethod", { type: "announceUnlinkable", params: ({ event }) => event }],
          },
        ],
        "lease.lost": { target: "unlinked", actions: ["note", "forgetMethod", "terminate"] },
      },
    },
    waiting: {
      entry: "askDial",
      exit: "cancelDial",
      on: {
        "dial.granted": { target: "connecting", actions: "note" },
        "lease.lost": { target: "unleased", actions: "note" },
      },
    },
    connecting: {
      entry: [
        "nextDial",
        { type: "setDeadline", params: ({ context }) => ({ after: context.timers.connectTimeout + PORT_SLACK }) },
        "open",
      ],
      on: {
        "connection.opened": { guard: { type: "isCurrent", params: dials }, target: "opened", actions: ["note", "tellAccepted"] },
        "connection.closed": {
          guard: { type: "isPassing", params: closedParams },
          target: "backingOff",
          actions: "noteFailedDial",
        },
        "lease.lost": { target: "unleased", actions: ["note", "terminate"] },
      },
      after: { dialLeft: { target: "backingOff", actions: ["passTimer", "backOff", "terminate"] } },
    },
    opened: {
      entry: { type: "setDeadline", params: { after: REPLAY_TIMEOUT } },
      on: {
        "connection.serving": {
          guard: { type: "isCurrent", params: dials },
          target: "serving",
          actions: ["announceService", "noteServing"],
        },
        "connection.closed": [
          { guard: { type: "isAtOnce", params: closedParams }, target: "waiting", actions: "note" },
          { guard: { type: "isPassing", params: closedParams }, target: "backingOff", actions: "note" },
        ],
        "redial.request": { target: "waiting", actions: ["noteRedial", "terminate"] },
        "lease.lost": { target: "unleased", actions: ["note", "terminate"] },
      },
      after: { replayLeft: { target: "backingOff", actions: ["passTimer", "backOff", "terminate"] } },
    },
    serving: {
      on: {
        "connection.closed": [
          { guard: { type: "isAtOnce", params: closedParams }, target: "waiting", actions: "note" },
          { guard: { type: "isPassing", params: closedParams }, target: "backingOff", actions: "note" },
        ],
        "unlink.request": { actions: ["noteUnlinking", "unlink"] },
        "redial.request": { target: "waiting", actions: ["noteRedial", "terminate"] },
        "lease.lost": { target: "unleased", actions: ["note", "terminate"] },
      },
    },
    backingOff: {
      entry: ["raiseUnreachable", "noteUnreachable"],
      on: {
        start: { target: "unleased", actions: "note" },
        "lease.lost": { target: "unleased", actions: "note" },
      },
      after: { backoffLeft: { target: "waiting", actions: "passTimer" } },
    },
    replaced: {
      on: { start: { target: "unleased", actions: "note" } },
      after: { quarantineLeft: { target: "unleased", actions: "passTimer" } },
    },
    evicted: { on: { start: { target: "unleased", actions: "note" } } },
    outdated: {
      entry: "askDial",
      exit: "cancelDial",
      on: {
        "dial.granted": { target: "unleased", actions: "note" },
        start: { target: "unleased", actions: ["note", "urge"] },
      },
    },
    suspended: {
      entry: "setSuspension",
      on: { start: { target: "unleased", actions: "note" } },
      after: {
        suspensionLeft: [
          { guard: { type: "isServedOut", params: ({ context }) => context }, target: "unleased", actions: "passTimer" },
          { target: "suspended", reenter: true, actions: "passTimer" },
        ],
      },
    },
    banned: { on: { start: { target: "unleased", actions: "note" } } },
    wiping: {
      entry: "wipe",
      on: {
        "link.request": { actions: { type: "noteMethod", params: ({ event }) => event } },
        "store.wiped": [
          { guard: { type: "wantsLink", params: ({ context }) => context }, target: "unleased", actions: "note" },
          { guard: { type: "isUnlinked", params: ({ context }) => context }, target: "unlinked", actions: "note" },
          { target: "loggedOut", actions: "note" },
        ],
        "store.failed": { target: "unwiped", actions: "note" },
      },
    },
    unwiped: {
      on: { "link.request": { actions: { type: "noteMethod", params: ({ event }) => event } } },
      after: { wipeRetry: { target: "wiping" } },
    },
  },
});
