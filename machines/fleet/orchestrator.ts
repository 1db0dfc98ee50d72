/**
 * Whether seats may change hands by themselves at present.
 *
 * Invariants: more than `limit` seats within `within` never move automatically (the brake: what takes so many at once is rather
 * our own network or WhatsApp, and a burst of moves would burn the other numbers); seats that asked and were denied are asked
 * for again, in order, as soon as they may move; a seat that could move to nobody gives its turn back; an operator's demand
 * never passes here; a seat goes home by itself only while seats move by themselves.
 * Only a person's "resume" lets all who wait move at once.
 *
 * | from      | event                            | to        |
 * | any       | failover.finished                | same      |
 * | any       | failover.gaveUp                  | same      |
 * | any       | home.recovered                   | same      |
 * | any       | outage.suspected                 | same      |
 * | any       | outage.over                      | same      |
 * | any       | pause.request                    | same      |
 * | any       | resume.request                   | same      |
 * | automatic | failover.request if isFilling    | same      |
 * | automatic | failover.request if isWithin     | automatic |
 * | automatic | failover.request                 | braked    |
 * | automatic | home.recovered                   | same      |
 * | automatic | outage.suspected                 | outage    |
 * | automatic | pause.request                    | paused    |
 * | braked    | failover.request if isFilling    | same      |
 * | braked    | failover.request                 | braked    |
 * | braked    | outage.suspected                 | outage    |
 * | braked    | pause.request                    | paused    |
 * | braked    | resume.request                   | automatic |
 * | braked    | after brakeOff if somebodyWaits  | braked    |
 * | braked    | after brakeOff                   | automatic |
 * | outage    | failover.request                 | outage    |
 * | outage    | outage.over if tooManyWait       | braked    |
 * | outage    | outage.over                      | automatic |
 * | outage    | pause.request                    | paused    |
 * | outage    | resume.request                   | automatic |
 * | paused    | failover.request                 | paused    |
 * | paused    | resume.request if isOutage       | outage    |
 * | paused    | resume.request                   | automatic |
 */
import { assign, emit, setup } from "xstate";
import type { Millis, SeatId } from "../ports/ids.ts";
import { type Effect, type Emitted, effects, type OrchestratorEvent, tell } from "../protocol.ts";

export interface OrchestratorInput {
  /** How many seats may begin to move within `within` ms: max(2, 10 % of the seats). */
  readonly limit: number;
  readonly within: Millis;
}
export interface OrchestratorContext extends OrchestratorInput {
  readonly recent: readonly { seat: SeatId; at: Millis }[];
  /** Denied and still in need, in the order in which they asked. */
  readonly waiting: readonly SeatId[];
  /** When the brake looks again. */
  readonly brakeUntil: Millis;
  /** The masters' links that are quiet together, while they are. */
  readonly outage: { readonly quiet: number; readonly of: number } | null;
}

const recentAt = (context: OrchestratorContext, at: Millis) => context.recent.filter((begun) => begun.at > at - context.within);
const without = (waiting: readonly SeatId[], seat: SeatId) => waiting.filter((other) => other !== seat);
const grants = (seats: readonly SeatId[]): Effect[] => seats.map((seat) => tell(`seat:${seat}`, { type: "failover.granted" }));
/** Who of those that wait may move at this time. */
const next = (context: OrchestratorContext, at: Millis): readonly SeatId[] =>
  context.waiting.slice(0, Math.max(0, context.limit - recentAt(context, at).length));
const timeOf = (context: OrchestratorContext, event: { readonly at?: Millis }): Millis => event.at ?? context.brakeUntil;

export const orchestratorMachine = setup({
  types: {
    events: {} as OrchestratorEvent,
    input: {} as OrchestratorInput,
    context: {} as OrchestratorContext,
    emitted: {} as Emitted,
  },
  guards: {
    /** A seat that nobody holds yet takes nothing from anybody. */
    isFilling: ({ event }) => event.type === "failover.request" && event.isVacant,
    isWithin: ({ context, event }) =>
      event.type === "failover.request" &&
      new Set([...recentAt(context, event.at).map(({ seat }) => seat), event.seat]).size <= context.limit,
    somebodyWaits: ({ context }) => context.waiting.length > next(context, context.brakeUntil).length,
    tooManyWait: ({ context, event }) => context.waiting.length > next(context, timeOf(context, event)).length,
    isOutage: ({ context }) => context.outage !== null,
  },
  actions: {
    remember: assign(({ context, event }) =>
      event.type === "failover.request"
        ? {
            recent: [
              ...recentAt(context, event.at).filter(({ seat }) => seat !== event.seat),
              { seat: event.seat, at: event.at },
            ],
            waiting: without(context.waiting, event.seat),
          }
        : {},
    ),
    grant: emit(({ event }) => (event.type === "failover.request" ? effects(...grants([event.seat])) : effects())),
    enqueue: assign(({ context, event }) =>
      event.type === "failover.request" && !context.waiting.includes(event.seat)
        ? { waiting: [...context.waiting, event.seat] }
        : {},
    ),
    deny: emit(({ event }, { why }: { why: string }) =>
      event.type === "failover.request" ? effects(tell(`seat:${event.seat}`, { type: "failover.denied", why })) : effects(),
    ),
    withdraw: assign(({ context, event }) =>
      event.type === "failover.finished" ? { waiting: without(context.waiting, event.seat) } : {},
    ),
    giveBack: assign(({ context, event }) =>
      event.type === "failover.gaveUp"
        ? { recent: context.recent.filter(({ seat }) => seat !== event.seat), waiting: without(context.waiting, event.seat) }
        : {},
    ),
    setBrake: assign(({ context, event }) => ({ brakeUntil: timeOf(context, event) + context.within })),
    noteOutage: assign(({ event }) =>
      event.type === "outage.suspected" ? { outage: { quiet: event.quiet, of: event.of } } : { outage: null },
    ),
    /** The planned way: the device that speaks now is well, and nobody has to notice. */
    sendHome: emit(({ event }) =>
      event.type === "home.recovered"
        ? effects(tell(`seat:${event.seat}`, { type: "switchover.request", to: event.device, by: "orchestrator" }))
        : effects(),
    ),
    /** As many as the brake lets through in one period. */
    grantSome: emit(({ context, event }) => effects(...grants(next(context, timeOf(context, event))))),
    noteGranted: assign(({ context, event }) => {
      const at = timeOf(context, event);
      const granted = next(context, at);
      return {
        recent: [...recentAt(context, at), ...granted.map((seat) => ({ seat, at }))],
        waiting: context.waiting.slice(granted.length),
      };
    }),
    grantAll: emit(({ context }) => effects(...grants(context.waiting))),
    forgetAll: assign(() => ({ waiting: [], recent: [] })),
    raiseBrake: emit(({ context }) =>
      effects({
        op: "raise",
        key: "fleet.brake",
        rule: "fleet.brake",
        subject: "fleet",
        level: "critical",
        text: `more than ${context.limit} seats lost their holders within ${context.within / 1000} s: automatic failover is held back. Look at the network and at WhatsApp's state; "resume" lets all of them move now`,
      }),
    ),
    resolveBrake: emit(effects({ op: "resolve", key: "fleet.brake", text: "seats move by themselves again" })),
    raiseOutage: emit(({ context }) =>
      effects({
        op: "raise",
        key: "fleet.outage",
        rule: "fleet.outage",
        subject: "fleet",
        level: "critical",
        text: `${context.outage?.quiet} of ${context.outage?.of} masters' links went quiet together: WhatsApp, the network or this machine, not the accounts. Nothing moves; messages are kept`,
      }),
    ),
    resolveOutage: emit(effects({ op: "resolve", key: "fleet.outage", text: "links speak again" })),
    auditPause: emit(({ event }, { action }: { action: string }) =>
      effects({
        op: "audit",
        entry: {
          actor: "by" in event ? `operator:${event.by}` : "operator",
          action,
          subject: "fleet",
          text: action === "fleet.paused" ? "automatic failover paused" : "automatic failover resumed",
          evidence: {},
        },
      }),
    ),
  },
  delays: { brakeOff: ({ context }) => context.within },
}).createMachine({
  id: "orchestrator",
  options: { maxIterations: 1000 },
  context: ({ input }) => ({ ...input, recent: [], waiting: [], brakeUntil: 0, outage: null }),
  initial: "automatic",
  on: {
    "failover.finished": { actions: "withdraw" },
    "failover.gaveUp": { actions: "giveBack" },
    // Offered again after a while.
    "home.recovered": {},
    "outage.suspected": { actions: "noteOutage" },
    "outage.over": { actions: "noteOutage" },
    // It is so already.
    "pause.request": {},
    "resume.request": {},
  },
  states: {
    automatic: {
      on: {
        "failover.request": [
          { guard: "isFilling", actions: "grant" },
          { guard: "isWithin", target: "automatic", actions: ["remember", "grant"] },
          {
            target: "braked",
            actions: [
              "setBrake",
              "enqueue",
              { type: "deny", params: { why: "the brake is on: too many seats at once" } },
              "raiseBrake",
            ],
          },
        ],
        "home.recovered": { actions: "sendHome" },
        "outage.suspected": { target: "outage", actions: ["noteOutage", "raiseOutage"] },
        "pause.request": { target: "paused", actions: { type: "auditPause", params: { action: "fleet.paused" } } },
      },
    },
    braked: {
      on: {
        "failover.request": [
          { guard: "isFilling", actions: "grant" },
          { actions: ["enqueue", { type: "deny", params: { why: "the brake is on: too many seats at once" } }] },
        ],
        "outage.suspected": { target: "outage", actions: ["resolveBrake", "noteOutage", "raiseOutage"] },
        "pause.request": {
          target: "paused",
          actions: ["resolveBrake", { type: "auditPause", params: { action: "fleet.paused" } }],
        },
        "resume.request": {
          target: "automatic",
          actions: ["resolveBrake", { type: "auditPause", params: { action: "fleet.resumed" } }, "grantAll", "forgetAll"],
        },
      },
      after: {
        brakeOff: [
          { guard: "somebodyWaits", target: "braked", reenter: true, actions: ["grantSome", "noteGranted", "setBrake"] },
          { target: "automatic", actions: ["resolveBrake", "grantSome", "noteGranted"] },
        ],
      },
    },
    outage: {
      on: {
        "failover.request": {
          actions: ["enqueue", { type: "deny", params: { why: "many links are quiet at once: an outage" } }],
        },
        "outage.over": [
          {
            guard: "tooManyWait",
            target: "braked",
            actions: ["noteOutage", "resolveOutage", "grantSome", "noteGranted", "setBrake", "raiseBrake"],
          },
          { target: "automatic", actions: ["noteOutage", "resolveOutage", "grantSome", "noteGranted"] },
        ],
        "pause.request": {
          target: "paused",
          actions: ["resolveOutage", { type: "auditPause", params: { action: "fleet.paused" } }],
        },
        "resume.request": {
          target: "automatic",
          actions: ["resolveOutage", { type: "auditPause", params: { action: "fleet.resumed" } }, "grantAll", "forgetAll"],
        },
      },
    },
    paused: {
      on: {
        "failover.request": { actions: ["enqueue", { type: "deny", params: { why: "paused by an operator" } }] },
        "resume.request": [
          {
            guard: "isOutage",
            target: "outage",
            actions: [{ type: "auditPause", params: { action: "fleet.resumed" } }, "raiseOutage"],
          },
          {
            target: "automatic",
            actions: [{ type: "auditPause", params: { action: "fleet.resumed" } }, "grantAll", "forgetAll"],
          },
        ],
      },
    },
  },
});
