/**
 * The duty of a master account: which seats its devices speak for. It decides nothing; seats do.
 *
 * Invariants: "speaking" exactly while it holds a seat and some device of it is well; seats stay its own while it is out, until
 * they are released.
 *
 * | from     | event                           | to       |
 * | standby  | seat.granted                    | speaking |
 * | standby  | seat.released                   | same     |
 * | standby  | account.well                    | same     |
 * | standby  | account.out                     | out      |
 * | speaking | seat.granted                    | same     |
 * | speaking | seat.released if isLast         | standby  |
 * | speaking | seat.released                   | same     |
 * | speaking | account.well                    | same     |
 * | speaking | account.out                     | out      |
 * | out      | seat.granted                    | same     |
 * | out      | seat.released                   | same     |
 * | out      | account.out                     | same     |
 * | out      | account.well if holdsSeats      | speaking |
 * | out      | account.well                    | standby  |
 */
import { assign, setup } from "xstate";
import type { AccountId } from "../ports/ids.ts";
import type { DutyEvent } from "../protocol.ts";
import { granted, type HeldSeat, released } from "./duty.ts";

export interface MasterInput {
  readonly account: AccountId;
}
export interface MasterContext extends MasterInput {
  readonly seats: readonly HeldSeat[];
  /** Why it is out, as last said. */
  readonly why: string | null;
}

export const masterMachine = setup({
  types: { events: {} as DutyEvent, input: {} as MasterInput, context: {} as MasterContext },
  guards: {
    isLast: (_, { rest }: { rest: readonly HeldSeat[] }) => rest.length === 0,
    holdsSeats: (_, { seats }: { seats: readonly HeldSeat[] }) => seats.length > 0,
  },
  actions: {
    add: assign(({ context }, seat: HeldSeat) => ({ seats: granted(context.seats, seat) })),
    remove: assign(({ context }, { seat }: Pick<HeldSeat, "seat">) => ({ seats: released(context.seats, seat) })),
    note: assign((_, { why }: { why: string | null }) => ({ why })),
  },
}).createMachine({
  id: "master",
  options: { maxIterations: 1000 },
  context: ({ input }) => ({ ...input, seats: [], why: null }),
  initial: "standby",
  states: {
    standby: {
      on: {
        "seat.granted": { target: "speaking", actions: { type: "add", params: ({ event }) => event } },
        "seat.released": { actions: { type: "remove", params: ({ event }) => event } },
        "account.well": { actions: { type: "note", params: { why: null } } },
        "account.out": { target: "out", actions: { type: "note", params: ({ event }) => event } },
      },
    },
    speaking: {
      on: {
        "seat.granted": { actions: { type: "add", params: ({ event }) => event } },
        "seat.released": [
          {
            guard: { type: "isLast", params: ({ context, event }) => ({ rest: released(context.seats, event.seat) }) },
            target: "standby",
            actions: { type: "remove", params: ({ event }) => event },
          },
          { actions: { type: "remove", params: ({ event }) => event } },
        ],
        "account.well": { actions: { type: "note", params: { why: null } } },
        "account.out": { target: "out", actions: { type: "note", params: ({ event }) => event } },
      },
    },
    out: {
      on: {
        "seat.granted": { actions: { type: "add", params: ({ event }) => event } },
        "seat.released": { actions: { type: "remove", params: ({ event }) => event } },
        "account.out": { actions: { type: "note", params: ({ event }) => event } },
        "account.well": [
          {
            guard: { type: "holdsSeats", params: ({ context }) => context },
            target: "speaking",
            actions: { type: "note", params: { why: null } },
          },
          { target: "standby", actions: { type: "note", params: { why: null } } },
        ],
      },
    },
  },
});
