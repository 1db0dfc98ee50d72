/**
 * Whether a seat speaks: the edges of what its queue does, and for whom.
 *
 * The queue beside it does the work (`queue.ts`); this chart opens and closes it and says how far it is.
 * Invariants: the queue is open only between `sender.open` and the next `sender.close`; a draining sender hands over nothing new.
 *
 * | from      | event          | to        |
 * | closed    | sender.open    | resolving |
 * | closed    | sender.close   | closed    |
 * | closed    | drain.request  | drained   |
 * | closed    | queue.resolved | closed    |
 * | closed    | queue.drained  | closed    |
 * | resolving | queue.resolved | sending   |
 * | resolving | sender.open    | resolving |
 * | resolving | sender.close   | closed    |
 * | resolving | drain.request  | draining  |
 * | resolving | queue.drained  | resolving |
 * | sending   | queue.resolved | sending   |
 * | sending   | sender.open    | resolving |
 * | sending   | sender.close   | closed    |
 * | sending   | drain.request  | draining  |
 * | draining  | queue.drained  | drained   |
 * | draining  | queue.resolved | draining  |
 * | draining  | drain.request  | draining  |
 * | draining  | sender.open    | resolving |
 * | draining  | sender.close   | closed    |
 * | drained   | drain.request  | drained   |
 * | drained   | sender.open    | resolving |
 * | drained   | sender.close   | closed    |
 */
import { assign, emit, setup } from "xstate";
import type { AccountId, DeviceId, Millis, SeatId, SeatTerm } from "../ports/ids.ts";
import { type Emitted, effects, type SenderEvent, tell } from "../protocol.ts";

export interface SenderInput {
  readonly seat: SeatId;
  /** How long a new holder waits for proof of its predecessor's unanswered attempts. */
  readonly resolveFor: Millis;
}
export interface SenderContext extends SenderInput {
  readonly device: DeviceId | null;
  readonly account: AccountId | null;
  readonly term: SeatTerm | null;
  /** Why it last closed. */
  readonly why: string | null;
}

export const senderMachine = setup({
  types: { events: {} as SenderEvent, input: {} as SenderInput, context: {} as SenderContext, emitted: {} as Emitted },
  actions: {
    noteHolder: assign(({ event }) =>
      event.type === "sender.open" ? { device: event.device, account: event.account, term: event.term, why: null } : {},
    ),
    noteClose: assign(({ event }) =>
      event.type === "sender.close" ? { device: null, account: null, term: null, why: event.why } : {},
    ),
    openQueue: emit(({ context, event }) =>
      event.type === "sender.open"
        ? effects(
            tell(`queue:${context.seat}`, {
              type: "queue.open",
              device: event.device,
              account: event.account,
              term: event.term,
              resolveFor: context.resolveFor,
            }),
          )
        : effects(),
    ),
    closeQueue: emit(({ context }) => effects(tell(`queue:${context.seat}`, { type: "queue.close" }))),
    drainQueue: emit(({ context }) => effects(tell(`queue:${context.seat}`, { type: "queue.drain" }))),
    sayDrained: emit(({ context }) =>
      effects(
        { op: "event", event: { type: "sender.drained", subject: context.seat, data: { device: context.device } } },
        tell(`switchover:${context.seat}`, { type: "sender.drained" }),
      ),
    ),
  },
}).createMachine({
  id: "sender",
  options: { maxIterations: 1000 },
  context: ({ input }) => ({ ...input, device: null, account: null, term: null, why: null }),
  initial: "closed",
  states: {
    closed: {
      on: {
        "sender.open": { target: "resolving", actions: ["noteHolder", "openQueue"] },
        "sender.close": { actions: "noteClose" },
        "drain.request": "drained",
        // What the queue said before it heard of the closing.
        "queue.resolved": "closed",
        "queue.drained": "closed",
      },
    },
    resolving: {
      on: {
        "queue.resolved": "sending",
        "sender.open": { actions: ["noteHolder", "openQueue"] },
        "sender.close": { target: "closed", actions: ["noteClose", "closeQueue"] },
        "drain.request": { target: "draining", actions: "drainQueue" },
        "queue.drained": "resolving",
      },
    },
    sending: {
      on: {
        "sender.open": { target: "resolving", actions: ["noteHolder", "openQueue"] },
        "sender.close": { target: "closed", actions: ["noteClose", "closeQueue"] },
        "drain.request": { target: "draining", actions: "drainQueue" },
        "queue.resolved": "sending",
      },
    },
    draining: {
      on: {
        "queue.drained": "drained",
        "queue.resolved": "draining",
        "drain.request": "draining",
        "sender.open": { target: "resolving", actions: ["noteHolder", "openQueue"] },
        "sender.close": { target: "closed", actions: ["noteClose", "closeQueue"] },
      },
    },
    drained: {
      entry: "sayDrained",
      on: {
        "drain.request": { target: "drained", reenter: true },
        "sender.open": { target: "resolving", actions: ["noteHolder", "openQueue"] },
        "sender.close": { target: "closed", actions: ["noteClose", "closeQueue"] },
      },
    },
  },
});
