/**
 * One planned change of a seat's holder, up to the moment at which it can be made: the target answers, and nothing that was handed
 * over waits for WhatsApp's word.
 *
 * Until then the old holder speaks, and nothing has to be undone: the seat opens its sender again and goes on. The move itself is a
 * failover to the named target, which also leads back if the target does not come into service.
 * Invariants: only a target that the roster ranks is waited for; every phase has a deadline; the end is told to the seat once.
 *
 * | from      | event                      | to        |
 * | any       | candidates.ranked          | same      |
 * | any       | sender.drained             | same      |
 * | any       | switchover.cancel          | cancelled |
 * | checking  | candidates.ranked if isAble | draining |
 * | checking  | candidates.ranked          | checking  |
 * | checking  | after checkDeadline        | refused   |
 * | draining  | sender.drained             | ready     |
 * | draining  | after drainDeadline        | refused   |
 */
import { assign, emit, setup } from "xstate";
import type { DeviceId, Millis } from "../ports/ids.ts";
import { choiceOf } from "./choice.ts";
import { type CandidatesReply, type Emitted, effects, type SwitchoverEvent, type SwitchoverInput, tell } from "../protocol.ts";

export interface SwitchoverContext extends SwitchoverInput {
  /** Who is going to speak. */
  readonly target: DeviceId | null;
  /** Why it can't be done, as far as is known. */
  readonly why: string;
  /** When the first ranking came; null: none has. */
  readonly askedAt: Millis | null;
}

/** A candidate is probed twice a second: whoever has not answered by then is not well. */
const CHECK_DEADLINE: Millis = 2000;
/** Above what WhatsApp takes for an acknowledgement on a bad day; the line's other messages wait meanwhile. */
const DRAIN_DEADLINE: Millis = 3000;

/** Nobody is in a hurry: only a device counts that has shown life since it was asked for. */
const targetIn = ({ to, askedAt }: SwitchoverContext, reply: CandidatesReply): DeviceId | undefined => {
  const since = askedAt ?? reply.at;
  const heard = reply.ranked.filter(({ lastSeenAt }) => lastSeenAt > since);
  return (to === null ? choiceOf(heard, reply, since) : heard.find(({ device }) => device === to))?.device;
};

const whyNot = ({ to, seat }: SwitchoverInput, { ranked, rejected }: CandidatesReply): string => {
  const turnedDown = [...ranked.map(({ device }) => ({ device, why: "it does not answer" })), ...rejected];
  if (to === null) return turnedDown.map(({ device, why }) => `${device}: ${why}`).join("; ") || `${seat} has no other device`;
  const said = turnedDown.find(({ device }) => device === to);
  return said ? `${to}: ${said.why}` : `${to} is no other device of the line's masters`;
};

export const switchoverMachine = setup({
  types: {
    events: {} as SwitchoverEvent,
    input: {} as SwitchoverInput,
    context: {} as SwitchoverContext,
    emitted: {} as Emitted,
  },
  guards: {
    isAble: ({ context, event }) => event.type === "candidates.ranked" && targetIn(context, event) !== undefined,
  },
  actions: {
    requestCandidates: emit(({ context: { seat, from, to } }) =>
      effects(
        tell("roster", {
          type: "candidates.request",
          seat,
          replyTo: `switchover:${seat}`,
          former: null,
          exclude: [from],
          named: to,
        }),
      ),
    ),
    noteTarget: assign(({ context, event }) =>
      event.type === "candidates.ranked" ? { target: targetIn(context, event) ?? null } : {},
    ),
    noteWhyNot: assign(({ context, event }) =>
      event.type === "candidates.ranked" ? { why: whyNot(context, event), askedAt: context.askedAt ?? event.at } : {},
    ),
    noteUndrained: assign({
      why: `WhatsApp has not acknowledged what was under way within ${DRAIN_DEADLINE} ms. Try again, or move it with "failover"`,
    }),
    drain: emit(({ context }) => effects(tell(`sender:${context.seat}`, { type: "drain.request" }))),
    sayReady: emit(({ context: { seat, target } }) =>
      target === null ? effects() : effects(tell(`seat:${seat}`, { type: "switchover.ready", to: target })),
    ),
    sayRefused: emit(({ context: { seat, why } }) => effects(tell(`seat:${seat}`, { type: "switchover.refused", why }))),
  },
  delays: { checkDeadline: CHECK_DEADLINE, drainDeadline: DRAIN_DEADLINE },
}).createMachine({
  id: "switchover",
  options: { maxIterations: 1000 },
  context: ({ input }) => ({ ...input, target: null, why: "nobody answered", askedAt: null }),
  initial: "checking",
  on: {
    "candidates.ranked": {},
    "sender.drained": {},
    "switchover.cancel": ".cancelled",
  },
  states: {
    checking: {
      entry: "requestCandidates",
      on: {
        "candidates.ranked": [{ guard: "isAble", target: "draining", actions: "noteTarget" }, { actions: "noteWhyNot" }],
      },
      after: { checkDeadline: "refused" },
    },
    draining: {
      entry: "drain",
      on: { "sender.drained": "ready" },
      after: { drainDeadline: { target: "refused", actions: "noteUndrained" } },
    },
    ready: { type: "final", entry: "sayReady" },
    refused: { type: "final", entry: "sayRefused" },
    cancelled: { type: "final" },
  },
});
