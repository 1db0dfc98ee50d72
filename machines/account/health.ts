/**
 * Health of one device: what the failure detector's edges and the ends of its links amount to, and what the fleet may rely on.
 *
 * Probes never enter this chart. It asks for one re-dial before it gives a device up, and reports each change to the roster.
 * Invariants: "failed" is left only through "recovering"; a link that ends makes its device "failed" in the same turn, unless it
 * is the one that we dropped ourselves to repair it; what ends by an operator's order is reported so and raises no alert; re-dials are asked for at least `repairCooldown` apart; a device that the
 * detector still accuses does not recover.
 *
 * | from       | event                            | to         |
 * | any        | connection.closed if isOld       | same       |
 * | any        | connection.closed                | failed     |
 * | any        | end.ordered                      | same       |
 * | any        | connection.opened                | same       |
 * | any        | connection.serving               | same       |
 * | any        | evidence.late                    | same       |
 * | any        | evidence.overdue                 | same       |
 * | any        | evidence.gone                    | same       |
 * | any        | evidence.fresh                   | same       |
 * | unknown    | connection.serving               | healthy    |
 * | unknown    | connection.closed if isPassing   | same       |
 * | unknown    | evidence.gone                    | failed     |
 * | unknown    | after bootLeft                   | failed     |
 * | healthy    | evidence.late                    | suspect    |
 * | healthy    | connection.closed if isOurOwn    | repairing  |
 * | suspect    | evidence.fresh                   | healthy    |
 * | suspect    | evidence.overdue                 | repairing  |
 * | repairing  | evidence.fresh                   | healthy    |
 * | repairing  | evidence.gone                    | failed     |
 * | repairing  | connection.closed if isOurOwn    | same       |
 * | repairing  | after repairLeft                 | failed     |
 * | failed     | evidence.fresh                   | recovering |
 * | failed     | connection.serving if isTrusted  | recovering |
 * | failed     | connection.closed if isNothingNew | same       |
 * | failed     | after redialLeft if isStuck      | failed     |
 * | recovering | evidence.late                    | failed     |
 * | recovering | after probationLeft              | healthy    |
 */
import { assign, emit, setup } from "xstate";
import type { CloseReason } from "../ports/connection.ts";
import type { DeviceId, Millis } from "../ports/ids.ts";
import type { FailoverCause } from "../ports/records.ts";
import {
  type Effect,
  type Emitted,
  effects,
  type EndOrdered,
  type EvidenceEdge,
  type HealthState,
  type LinkEvent,
  tell,
} from "../protocol.ts";
import { CLOSINGS } from "./closing.ts";
import { isOrdered, type OrderedEnd } from "./ordered.ts";

export interface HealthInput {
  readonly device: DeviceId;
  readonly at: Millis;
  readonly timers: HealthTimers;
}
export interface HealthTimers {
  readonly late: Millis;
  readonly overdue: Millis;
  readonly gone: Millis;
  /** How long a device may take to serve after the start of the node. */
  readonly bootGrace: Millis;
  readonly probation: Millis;
  readonly repairCooldown: Millis;
}
export interface HealthContext extends HealthInput {
  /** Time of the last event, for timers: they carry none. */
  readonly now: Millis;
  readonly deadlineAt: Millis;
  readonly isUp: boolean;
  /** The newest dial that was heard of. */
  readonly dial: number;
  /** The dial that we asked to drop last; 0: none. */
  readonly ownDial: number;
  readonly redialAskedAt: Millis;
  readonly lastEvidenceAt: Millis | null;
  /** The worst edge since the last fresh one: 0 none, 1 late, 2 overdue, 3 gone. The detector keeps the same book. */
  readonly accused: 0 | 1 | 2 | 3;
  readonly cause: FailoverCause | null;
  readonly isFinal: boolean;
  /** What an operator ordered of this link; null: nothing, or done. */
  readonly order: OrderedEnd | null;
}
type HealthEvent = Exclude<LinkEvent, { type: "connection.linked" }> | EvidenceEdge | EndOrdered;
type Closed = Extract<HealthEvent, { type: "connection.closed" }>;

/** The detector has the last word on a silent re-dial, vetoes included; this is for a detector that says nothing at all. */
const REPAIR_BACKSTOP: Millis = 10_000;

/** What the end of a link means here. A 440 on the link that we gave up comes from our own re-dial. */
export const endOf = (
  known: { readonly dial: number; readonly ownDial: number },
  closed: { readonly dial: number; readonly reason: CloseReason },
): "old" | "ourOwn" | "passing" | "final" => {
  if (closed.dial < known.dial) return "old";
  const { isFinal } = CLOSINGS[closed.reason];
  if (closed.dial <= known.ownDial && (!isFinal || closed.reason === "replaced")) return "ourOwn";
  return isFinal ? "final" : "passing";
};
const closedParams = ({ context, event }: { context: HealthContext; event: Closed }) => ({ end: endOf(context, event) });
type EndParams = ReturnType<typeof closedParams>;

const ACCUSATION = { "evidence.late": 1, "evidence.overdue": 2, "evidence.gone": 3 } as const;

const noted = (context: HealthContext, event: HealthEvent): Partial<HealthContext> => {
  switch (event.type) {
    case "connection.opened":
    case "connection.serving":
      return event.dial < context.dial
        ? { now: event.at }
        : { now: event.at, isUp: true, dial: event.dial, lastEvidenceAt: event.at, ...served(event) };
    case "connection.closed":
      if (event.dial < context.dial) return { now: event.at };
      return { now: event.at, isUp: false, dial: event.dial, accused: context.accused < 2 ? 0 : context.accused };
    case "end.ordered":
      return { now: event.at, order: { reason: event.reason, at: event.at } };
    case "evidence.fresh":
      return { now: event.at, lastEvidenceAt: event.lastEvidenceAt, accused: 0 };
    default:
      return { now: event.at, lastEvidenceAt: event.lastEvidenceAt, accused: ACCUSATION[event.type] };
  }
};

/** A link that serves is the one after. */
const served = ({ type }: HealthEvent): Partial<HealthContext> => (type === "connection.serving" ? { order: null } : {});

/** What the end of a link is put down to. */
const put = (context: HealthContext, closed: Closed): { readonly cause: FailoverCause; readonly isFinal: boolean } => {
  const { cause, isFinal } = CLOSINGS[closed.reason];
  return { cause: isOrdered(context.order, closed) ? "operator" : cause, isFinal };
};

const mayRedial = (context: HealthContext): boolean => context.now >= context.redialAskedAt + context.timers.repairCooldown;

const alertKey = (context: HealthContext): string => `device.failed:${context.device}`;
const CAUSES: { readonly [C in FailoverCause]: string } = {
  silent: "it is connected, but nothing is heard from it; it is dialled again by itself",
  unacknowledged: "WhatsApp does not acknowledge what it sends; it is dialled again by itself",
  closed: "its connection ended; it is dialled again by itself",
  replaced: "its credentials were opened elsewhere; make sure that nothing else runs this device",
  loggedOut: "it was removed from the account; link it again",
  banned: "WhatsApp refuses the account; look at the phone",
  operator: "an operator ordered it",
  failback: "the seat went home",
  removed: "it is no longer in the fleet",
  startup: "it did not come into service after the start; look at its link and at the network",
};
const raise = (context: HealthContext): Effect => ({
  op: "raise",
  key: alertKey(context),
  rule: "device.failed",
  subject: context.device,
  level: context.isFinal ? "critical" : "warning",
  text: `${context.device} failed: ${CAUSES[context.cause ?? "silent"]}`,
});
const settle = (context: HealthContext, text: string): Effect => ({ op: "resolve", key: alertKey(context), text });

export const healthMachine = setup({
  types: {
    events: {} as HealthEvent,
    input: {} as HealthInput,
    context: {} as HealthContext,
    emitted: {} as Emitted,
  },
  guards: {
    isOld: (_, { end }: EndParams) => end === "old",
    isOurOwn: (_, { end }: EndParams) => end === "ourOwn",
    isPassing: (_, { end }: EndParams) => end === "passing",
    isNothingNew: (_, { end }: EndParams) => end === "passing" || end === "ourOwn",
    isTrusted: (_, { accused, isOld }: { accused: number; isOld: boolean }) => accused === 0 && !isOld,
    isStuck: (_, { isUp }: { isUp: boolean }) => isUp,
  },
  actions: {
    note: assign(({ context, event }) => noted(context, event)),
    fail: assign(({ context }, params: { cause: FailoverCause; isFinal?: boolean }) => ({
      cause: params.cause,
      isFinal: params.isFinal ?? false,
      deadlineAt: Math.max(
        context.redialAskedAt + context.timers.repairCooldown,
        context.now + context.timers.overdue - context.timers.late,
      ),
    })),
    acquit: assign({ cause: null, isFinal: false }),
    setDeadline: assign(({ context }, params: { after: Millis }) => ({ deadlineAt: context.now + params.after })),
    /** A timer fired: it is as late as it was set for. */
    passDeadline: assign(({ context }) => ({ now: Math.max(context.now, context.deadlineAt) })),
    redial: emit(({ context }) =>
      mayRedial(context) ? effects(tell(`connection:${context.device}`, { type: "redial.request" })) : effects(),
    ),
    noteRedial: assign(({ context }) => (mayRedial(context) ? { redialAskedAt: context.now, ownDial: context.dial } : {})),
    report: emit(({ context }, params: { state: HealthState }) =>
      effects(
        tell("roster", {
          type: "device.health",
          device: context.device,
          state: params.state,
          cause: context.cause,
          isFinal: context.isFinal,
          lastEvidenceAt: context.lastEvidenceAt,
        }),
      ),
    ),
    /** A restart may heal what is said of it, or not; a device that was unlinked has nothing to heal. */
    raiseAlert: emit(({ context }) => {
      if (context.cause !== "operator") return effects(raise(context));
      return context.isFinal ? effects(settle(context, `${context.device} was unlinked by an operator`)) : effects();
    }),
    resolveAlert: emit(({ context }) => effects(settle(context, `${context.device} is in service again`))),
  },
  delays: {
    bootLeft: ({ context }) => Math.max(0, context.deadlineAt - context.now),
    repairLeft: ({ context }) => Math.max(0, context.deadlineAt - context.now),
    redialLeft: ({ context }) => Math.max(0, context.deadlineAt - context.now),
    probationLeft: ({ context }) => Math.max(0, context.deadlineAt - context.now),
  },
}).createMachine({
  id: "health",
  options: { maxIterations: 1000 },
  context: ({ input }) => ({
    ...input,
    now: input.at,
    deadlineAt: input.at + input.timers.bootGrace,
    isUp: false,
    dial: 0,
    ownDial: 0,
    redialAskedAt: input.at - input.timers.repairCooldown,
    lastEvidenceAt: null,
    accused: 0,
    cause: null,
    isFinal: false,
    order: null,
  }),
  initial: "unknown",
  on: {
    "connection.closed": [
      { guard: { type: "isOld", params: closedParams }, actions: "note" },
      {
        target: ".failed",
        actions: ["note", { type: "fail", params: ({ context, event }) => put(context, event) }],
      },
    ],
    "end.ordered": { actions: "note" },
    "connection.opened": { actions: "note" },
    "connection.serving": { actions: "note" },
    "evidence.late": { actions: "note" },
    "evidence.overdue": { actions: "note" },
    "evidence.gone": { actions: "note" },
    "evidence.fresh": { actions: "note" },
  },
  states: {
    unknown: {
      on: {
        "connection.serving": { target: "healthy", actions: ["note", "resolveAlert"] },
        "connection.closed": { guard: { type: "isPassing", params: closedParams }, actions: "note" },
        "evidence.gone": { target: "failed", actions: ["note", { type: "fail", params: ({ event }) => blamed(event) }] },
      },
      after: { bootLeft: { target: "failed", actions: ["passDeadline", { type: "fail", params: { cause: "startup" } }] } },
    },
    healthy: {
      entry: { type: "report", params: { state: "healthy" } },
      on: {
        "evidence.late": { target: "suspect", actions: "note" },
        "connection.closed": {
          guard: { type: "isOurOwn", params: closedParams },
          target: "repairing",
          actions: [
            "note",
            { type: "setDeadline", params: ({ context }) => ({ after: context.timers.gone - context.timers.overdue }) },
          ],
        },
      },
    },
    suspect: {
      entry: { type: "report", params: { state: "suspect" } },
      on: {
        "evidence.fresh": { target: "healthy", actions: "note" },
        "evidence.overdue": {
          target: "repairing",
          actions: ["note", { type: "setDeadline", params: { after: REPAIR_BACKSTOP } }, "redial", "noteRedial"],
        },
      },
    },
    repairing: {
      entry: { type: "report", params: { state: "repairing" } },
      on: {
        "evidence.fresh": { target: "healthy", actions: "note" },
        "evidence.gone": { target: "failed", actions: ["note", { type: "fail", params: ({ event }) => blamed(event) }] },
        "connection.closed": { guard: { type: "isOurOwn", params: closedParams }, actions: "note" },
      },
      after: { repairLeft: { target: "failed", actions: ["passDeadline", { type: "fail", params: { cause: "silent" } }] } },
    },
    failed: {
      entry: [{ type: "report", params: { state: "failed" } }, "raiseAlert"],
      on: {
        "evidence.fresh": { target: "recovering", actions: "note" },
        "connection.serving": {
          guard: {
            type: "isTrusted",
            params: ({ context, event }) => ({ accused: context.accused, isOld: event.dial < context.dial }),
          },
          target: "recovering",
          actions: "note",
        },
        "connection.closed": { guard: { type: "isNothingNew", params: closedParams }, actions: "note" },
      },
      after: {
        redialLeft: {
          guard: { type: "isStuck", params: ({ context }) => context },
          target: "failed",
          reenter: true,
          actions: [
            "passDeadline",
            "redial",
            "noteRedial",
            { type: "fail", params: ({ context: { cause, isFinal } }) => ({ cause: ofSilence(cause), isFinal }) },
          ],
        },
      },
    },
    recovering: {
      entry: [
        "acquit",
        { type: "setDeadline", params: ({ context }) => ({ after: context.timers.probation }) },
        { type: "report", params: { state: "recovering" } },
      ],
      on: {
        "evidence.late": { target: "failed", actions: ["note", { type: "fail", params: ({ event }) => blamed(event) }] },
      },
      after: { probationLeft: { target: "healthy", actions: ["passDeadline", "resolveAlert"] } },
    },
  },
});

/** What a link that is up and does not serve is put down to: no order ends so. */
const ofSilence = (cause: FailoverCause | null): FailoverCause => (cause === null || cause === "operator" ? "silent" : cause);
const blamed = (edge: { readonly clock: "link" | "ack" }): { cause: FailoverCause } => ({
  cause: edge.clock === "ack" ? "unacknowledged" : "silent",
});
