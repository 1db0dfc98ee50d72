/**
 * The life of one accepted message, as its row in the outbox says it.
 *
 * No actor runs this chart: there are millions of rows. It documents the protocol, and `stepOutbox` is the same chart as a
 * table, made once when this file is loaded. `accepted` and `unanswered` rows may be sent; `dispatched` means that an attempt is
 * under way; `unanswered` that one passed the gate and nothing proved yet that WhatsApp took it.
 * Invariants: a proof is never unlearned; what is proved is never sent again; a held row is left by a word or a proof only.
 * *Doubtful*: an earlier attempt of the row is unanswered, so it may have reached the phone.
 *
 * | from         | event                        | to           |
 * | accepted     | attempt.begun                | dispatched   |
 * | accepted     | attempt.proved               | acknowledged |
 * | accepted     | hold                         | held         |
 * | accepted     | fail                         | failed       |
 * | dispatched   | attempt.unsent if isDoubtful | unanswered   |
 * | dispatched   | attempt.unsent               | accepted     |
 * | dispatched   | attempt.lost                 | unanswered   |
 * | dispatched   | attempt.refused if isDoubtful | unanswered  |
 * | dispatched   | attempt.refused              | accepted     |
 * | dispatched   | attempt.proved               | acknowledged |
 * | dispatched   | fail                         | failed       |
 * | unanswered   | attempt.begun                | dispatched   |
 * | unanswered   | attempt.unsent               | accepted     |
 * | unanswered   | attempt.refused              | accepted     |
 * | unanswered   | attempt.proved               | acknowledged |
 * | unanswered   | hold                         | held         |
 * | unanswered   | fail                         | failed       |
 * | held         | release                      | accepted     |
 * | held         | attempt.refused              | accepted     |
 * | held         | attempt.proved               | acknowledged |
 * | held         | fail                         | failed       |
 * | acknowledged | message.delivered            | delivered    |
 * | acknowledged | message.read                 | read         |
 * | delivered    | message.read                 | read         |
 * | failed       | attempt.proved if isDoubtful | acknowledged |
 */
import { setup, transition } from "xstate";
import type { OutboxState } from "../ports/store.ts";
import { OUTBOX_STATES } from "./outbox-state.ts";

export type OutboxEvent =
  /** A connection was asked to send it. */
  | { readonly type: "attempt.begun" }
  /** Certainly not written. */
  | { readonly type: "attempt.unsent"; readonly doubtful: boolean }
  /** Written, and no longer waited for. */
  | { readonly type: "attempt.lost" }
  /** WhatsApp's no, and somebody else may try. A final no is `fail`. */
  | { readonly type: "attempt.refused"; readonly doubtful: boolean }
  | { readonly type: "attempt.proved"; readonly doubtful: boolean }
  | { readonly type: "message.delivered" }
  | { readonly type: "message.read" }
  | { readonly type: "hold" }
  | { readonly type: "release" }
  | { readonly type: "fail" };

export const outboxMachine = setup({
  types: { events: {} as OutboxEvent },
  guards: { isDoubtful: (_, params: { doubtful: boolean }) => params.doubtful },
}).createMachine({
  id: "outbox",
  options: { maxIterations: 1000 },
  initial: "accepted",
  states: {
    accepted: { on: { "attempt.begun": "dispatched", "attempt.proved": "acknowledged", hold: "held", fail: "failed" } },
    dispatched: {
      on: {
        "attempt.unsent": [
          { guard: { type: "isDoubtful", params: ({ event }) => event }, target: "unanswered" },
          { target: "accepted" },
        ],
        "attempt.lost": "unanswered",
        "attempt.refused": [
          { guard: { type: "isDoubtful", params: ({ event }) => event }, target: "unanswered" },
          { target: "accepted" },
        ],
        "attempt.proved": "acknowledged",
        fail: "failed",
      },
    },
    unanswered: {
      on: {
        "attempt.begun": "dispatched",
        "attempt.unsent": "accepted",
        "attempt.refused": "accepted",
        "attempt.proved": "acknowledged",
        hold: "held",
        fail: "failed",
      },
    },
    held: {
      on: { release: "accepted", "attempt.refused": "accepted", "attempt.proved": "acknowledged", fail: "failed" },
    },
    acknowledged: { on: { "message.delivered": "delivered", "message.read": "read" } },
    delivered: { on: { "message.read": "read" } },
    read: {},
    failed: {
      on: { "attempt.proved": { guard: { type: "isDoubtful", params: ({ event }) => event }, target: "acknowledged" } },
    },
  },
});

/** Every event there is, each with both values of what a guard may ask about. */
export const OUTBOX_EVENTS: readonly OutboxEvent[] = [
  { type: "attempt.begun" },
  { type: "attempt.unsent", doubtful: false },
  { type: "attempt.unsent", doubtful: true },
  { type: "attempt.lost" },
  { type: "attempt.refused", doubtful: false },
  { type: "attempt.refused", doubtful: true },
  { type: "attempt.proved", doubtful: false },
  { type: "attempt.proved", doubtful: true },
  { type: "message.delivered" },
  { type: "message.read" },
  { type: "hold" },
  { type: "release" },
  { type: "fail" },
];

const keyOf = (event: OutboxEvent): string => ("doubtful" in event && event.doubtful ? `${event.type}?` : event.type);

const rowsOf = (state: OutboxState): ReadonlyMap<string, OutboxState> => {
  const from = outboxMachine.resolveState({ value: state });
  return new Map(OUTBOX_EVENTS.map((event) => [keyOf(event), transition(outboxMachine, from, event)[0].value]));
};

const TABLE: ReadonlyMap<OutboxState, ReadonlyMap<string, OutboxState>> = new Map(
  OUTBOX_STATES.map((state) => [state, rowsOf(state)]),
);

/** The chart as a function. An event that a state does not take leaves it as it is. */
export const stepOutbox = (state: OutboxState, event: OutboxEvent): OutboxState => TABLE.get(state)?.get(keyOf(event)) ?? state;
