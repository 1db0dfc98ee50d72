/**
 * One alert: something a person should know, from the moment it holds to the moment it no longer does.
 *
 * Invariants: at most one open alert a key (the driver starts this actor at the first "raise" and routes by key); it is written
 * down before anybody could ask; it ends only by "resolve".
 *
 * | from     | event                | to       |
 * | warning  | raise if isCritical  | critical |
 * | warning  | raise                | warning  |
 * | warning  | resolve              | resolved |
 * | critical | raise                | critical |
 * | critical | resolve              | resolved |
 */
import { assign, emit, setup } from "xstate";
import type { Millis } from "../ports/ids.ts";
import type { AlertLevel, AlertRow } from "../ports/records.ts";
import { type AlertEvent, type Emitted, effects } from "../protocol.ts";

export interface AlertInput {
  readonly row: AlertRow;
  /** Rebuilt at a start from an open row: nothing new to write. */
  readonly known: boolean;
}
type AlertContext = AlertRow & { readonly known: boolean };

const row = ({ known: _known, ...alert }: AlertContext): AlertRow => alert;

const told = ({ key, rule, level, text, raisedAt }: AlertContext) => ({ key, rule, level, text, raisedAt });

const write = (context: AlertContext, at: Millis, action: string) =>
  effects(
    {
      op: "write",
      ask: {
        op: "alert.record",
        alert: row(context),
        audit: {
          at,
          actor: "supervisor",
          action,
          subject: context.subject,
          text: context.text,
          evidence: { key: context.key, level: context.level, repeats: context.repeats },
        },
      },
    },
    { op: "event", event: { type: action, subject: context.subject, data: told(context) } },
  );

export const alertMachine = setup({
  types: { events: {} as AlertEvent, input: {} as AlertInput, context: {} as AlertContext, emitted: {} as Emitted },
  guards: {
    isCritical: ({ event }) => event.type === "raise" && event.level === "critical",
    startsCritical: ({ context }) => context.level === "critical",
  },
  actions: {
    repeat: assign(({ context, event }) =>
      event.type === "raise" ? { repeats: context.repeats + 1, text: event.text, level: higher(context.level, event.level) } : {},
    ),
    close: assign(({ event }) => (event.type === "resolve" ? { state: "resolved", resolvedAt: event.at, text: event.text } : {})),
    writeOpen: emit(({ context }) => (context.known ? effects() : write(context, context.raisedAt, "alert.raised"))),
    writeEscalated: emit(({ context, event }) => write(context, event.at, "alert.escalated")),
    writeResolved: emit(({ context, event }) => write(context, event.at, "alert.resolved")),
  },
}).createMachine({
  id: "alert",
  options: { maxIterations: 1000 },
  context: ({ input }) => ({ ...input.row, known: input.known }),
  entry: "writeOpen",
  initial: "opening",
  states: {
    opening: { always: [{ guard: "startsCritical", target: "critical" }, { target: "warning" }] },
    warning: {
      on: {
        raise: [
          { guard: "isCritical", target: "critical", actions: ["repeat", "writeEscalated"] },
          { target: "warning", actions: "repeat" },
        ],
        resolve: { target: "resolved", actions: ["close", "writeResolved"] },
      },
    },
    critical: {
      on: {
        raise: { target: "critical", actions: "repeat" },
        resolve: { target: "resolved", actions: ["close", "writeResolved"] },
      },
    },
    resolved: { type: "final" },
  },
});

const higher = (one: AlertLevel, other: AlertLevel): AlertLevel =>
  one === "critical" || other === "critical" ? "critical" : "warning";
