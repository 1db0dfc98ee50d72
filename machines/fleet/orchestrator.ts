/**
 * Whether seats may change hands by themselves at present.
 *
 * Invariants: more than `limit` seats within `within` never move automatically (the brake: what takes so many at once is rather
 * our own network or WhatsApp, and a burst of moves would burn the other numbers); seats that asked and were denied are asked
 * for again, in order, as soon as they may move; an operator's demand never passes here; a seat goes home by itself only while
 * seats move by themselves.
 *
 * | from      | event                            | to        |
 * | any       | home.recovered                   | same      |
 * | automatic | failover.request if isFilling    | same      |
 * | automatic | failover.request if isWithin     | automatic |
 * | automatic | failover.request                 | braked    |
 * | automatic | failover.finished                | automatic |
 * | automatic | home.recovered                   | same      |
 * | automatic | outage.suspected                 | outage    |
 * | automatic | pause.request                    | paused    |
 * | braked    | failover.request if isFilling    | same      |
 * | braked    | failover.request                 | braked    |
 * | braked    | failover.finished                | braked    |
 * | braked    | outage.suspected                 | outage    |
 * | braked    | pause.request                    | paused    |
 * | braked    | resume.request                   | automatic |
 * | braked    | after brakeOff if somebodyWaits  | braked    |
 * | braked    | after brakeOff                   | automatic |
 * | outage    | failover.request                 | outage    |
 * | outage    | failover.finished                | outage    |
 * | outage    | outage.over if somebodyWaits     | braked    |
 * | outage    | outage.over                      | automatic |
 * | outage    | pause.request                    | paused    |
 * | paused    | failover.request                 | paused    |
 * | paused    | failover.finished                | paused    |
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
  readonly now: Millis;
}

const recentAt = (context: OrchestratorContext, at: Millis) => context.recent.filter((begun) => begun.at > at - context.within);
const without = (waiting: readonly SeatId[], seat: SeatId) => waiting.filter((other) => other !== seat);
const grants = (seats: readonly SeatId[]): Effect[] => seats.map((seat) => tell(`seat:${seat}`, { type: "failover.granted" }));

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
    somebodyWaits: ({ context }) => context.waiting.length > context.limit,
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
            now: event.at,
          }
        : {},
    ),
    grant: emit(({ event }) => (event.type === "failover.request" ? effects(...grants([event.seat])) : effects())),
    enqueue: assign(({ context, event }) =>
      event.type === "failover.request" ? { waiting: [...without(context.waiting, event.seat), event.seat], now: event.at } : {},
    ),
    deny: emit(({ event }, { why }: { why: string }) =>
      event.type === "failover.request" ? effects(tell(`seat:${event.seat}`, { type: "failover.denied", why })) : effects(),
    ),
    withdraw: assign(({ context, event }) =>
      event.type === "failover.finished" ? { waiting: without(context.waiting, event.seat), now: event.at } : {},
    ),
    sendHome: emit(({ event }) =>
      event.type === "home.recovered"
        ? effects(tell(`seat:${event.seat}`, { type: "failover.demand", to: event.device, by: "orchestrator" }))
        : effects(),
    ),
    /** As many as the brake lets through in one period. */
    grantSome: emit(({ context }) => effects(...grants(context.waiting.slice(0, context.limit)))),
    forgetGranted: assign(({ context }) => ({
      recent: context.waiting.slice(0, context.limit).map((seat) => ({ seat, at: context.now + context.within })),
      waiting: context.waiting.slice(context.limit),
      now: context.now + context.within,
    })),
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
    raiseOutage: emit(({ event }) =>
      effects({
        op: "raise",
        key: "fleet.outage",
        rule: "fleet.outage",
        subject: "fleet",
        level: "critical",
        text:
          event.type === "outage.suspected"
            ? `${event.quiet} of ${event.of} masters' links went quiet together: WhatsApp, the network or this machine, not the accounts. Nothing moves; messages are kept`
            : "many links went quiet together",
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
  context: ({ input }) => ({ ...input, recent: [], waiting: [], now: 0 }),
  initial: "automatic",
  // Offered again after a while.
  on: { "home.recovered": {} },
  states: {
    automatic: {
      on: {
        "failover.request": [
          { guard: "isFilling", actions: "grant" },
          { guard: "isWithin", target: "automatic", actions: ["remember", "grant"] },
          {
            target: "braked",
            actions: ["enqueue", { type: "deny", params: { why: "the brake is on: too many seats at once" } }, "raiseBrake"],
          },
        ],
        "failover.finished": { target: "automatic", actions: "withdraw" },
        "home.recovered": { actions: "sendHome" },
        "outage.suspected": { target: "outage", actions: "raiseOutage" },
        "pause.request": { target: "paused", actions: { type: "auditPause", params: { action: "fleet.paused" } } },
      },
    },
    braked: {
      on: {
        "failover.request": [
          { guard: "isFilling", actions: "grant" },
          { actions: ["enqueue", { type: "deny", params: { why: "the brake is on: too many seats at once" } }] },
        ],
        "failover.finished": { actions: "withdraw" },
        "outage.suspected": { target: "outage", actions: ["resolveBrake", "raiseOutage"] },
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
          { guard: "somebodyWaits", target: "braked", reenter: true, actions: ["grantSome", "forgetGranted"] },
          { target: "automatic", actions: ["resolveBrake", "grantSome", "forgetGranted"] },
        ],
      },
    },
    outage: {
      on: {
        "failover.request": {
          actions: ["enqueue", { type: "deny", params: { why: "many links are quiet at once: an outage" } }],
        },
        "failover.finished": { actions: "withdraw" },
        "outage.over": [
          { guard: "somebodyWaits", target: "braked", actions: ["resolveOutage", "grantSome", "forgetGranted", "raiseBrake"] },
          { target: "automatic", actions: ["resolveOutage", "grantSome", "forgetGranted"] },
        ],
        "pause.request": {
          target: "paused",
          actions: ["resolveOutage", { type: "auditPause", params: { action: "fleet.paused" } }],
        },
      },
    },
    paused: {
      on: {
        "failover.request": { actions: ["enqueue", { type: "deny", params: { why: "paused by an operator" } }] },
        "failover.finished": { actions: "withdraw" },
        "resume.request": {
          target: "automatic",
          actions: [{ type: "auditPause", params: { action: "fleet.resumed" } }, "grantAll", "forgetAll"],
        },
      },
    },
  },
});
