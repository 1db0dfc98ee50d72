/**
 * The duty of a servant account: its device sends for the seats it is attached to, or from its posts there, under their terms and no
 * others.
 *
 * Invariants: the connection's grants of this account are exactly the seats held here, except while it is out: then it has none;
 * a grant for another device ends the former device's before it begins.
 *
 * | from     | event                       | to       |
 * | idle     | seat.granted                | attached |
 * | idle     | account.well                | same     |
 * | idle     | account.out                 | out      |
 * | idle     | seat.released               | same     |
 * | attached | seat.granted                | same     |
 * | attached | seat.released if isLast     | idle     |
 * | attached | seat.released               | same     |
 * | attached | account.well                | same     |
 * | attached | account.out                 | out      |
 * | out      | seat.granted                | same     |
 * | out      | seat.released               | same     |
 * | out      | account.out                 | same     |
 * | out      | account.well if holdsSeats  | attached |
 * | out      | account.well                | idle     |
 */
import { assign, emit, setup } from "xstate";
import type { AccountId } from "../ports/ids.ts";
import { type DutyEvent, type Effect, type Emitted, effects } from "../protocol.ts";
import { granted, type HeldSeat, released } from "./duty.ts";

export interface ServantInput {
  readonly account: AccountId;
}
export interface ServantContext extends ServantInput {
  readonly seats: readonly HeldSeat[];
  readonly why: string | null;
}

const grant = ({ device, seat, term }: HeldSeat): Effect => ({ op: "connection", command: { op: "grant", device, seat, term } });
const revoke = ({ device, seat }: HeldSeat): Effect => ({ op: "connection", command: { op: "revoke", device, seat } });

/** What takes the connection's grants from `before` to `after`. */
const change = (before: readonly HeldSeat[], after: readonly HeldSeat[]): readonly Effect[] => [
  ...before.filter((old) => !after.some(({ seat, device }) => seat === old.seat && device === old.device)).map(revoke),
  ...after
    .filter((now) => !before.some(({ seat, device, term }) => seat === now.seat && device === now.device && term === now.term))
    .map(grant),
];

export const servantMachine = setup({
  types: { events: {} as DutyEvent, input: {} as ServantInput, context: {} as ServantContext, emitted: {} as Emitted },
  guards: {
    isLast: (_, { rest }: { rest: readonly HeldSeat[] }) => rest.length === 0,
    holdsSeats: (_, { seats }: { seats: readonly HeldSeat[] }) => seats.length > 0,
  },
  actions: {
    grantNew: emit(({ context }, seat: HeldSeat) => effects(...change(context.seats, granted(context.seats, seat)))),
    grantAll: emit(({ context }) => effects(...change([], context.seats))),
    revokeAll: emit(({ context }) => effects(...change(context.seats, []))),
    revokeOne: emit(({ context }, { seat }: Pick<HeldSeat, "seat">) =>
      effects(...change(context.seats, released(context.seats, seat))),
    ),
    remove: assign(({ context }, { seat }: Pick<HeldSeat, "seat">) => ({ seats: released(context.seats, seat) })),
    add: assign(({ context }, seat: HeldSeat) => ({ seats: granted(context.seats, seat) })),
    note: assign((_, { why }: { why: string | null }) => ({ why })),
  },
}).createMachine({
  id: "servant",
  options: { maxIterations: 1000 },
  context: ({ input }) => ({ ...input, seats: [], why: null }),
  initial: "idle",
  states: {
    idle: {
      on: {
        "seat.granted": {
          target: "attached",
          actions: [
            { type: "grantNew", params: ({ event }) => event },
            { type: "add", params: ({ event }) => event },
          ],
        },
        "seat.released": {},
        "account.well": { actions: { type: "note", params: { why: null } } },
        "account.out": { target: "out", actions: { type: "note", params: ({ event }) => event } },
      },
    },
    attached: {
      on: {
        "seat.granted": {
          actions: [
            { type: "grantNew", params: ({ event }) => event },
            { type: "add", params: ({ event }) => event },
          ],
        },
        "seat.released": [
          {
            guard: { type: "isLast", params: ({ context, event }) => ({ rest: released(context.seats, event.seat) }) },
            target: "idle",
            actions: [
              { type: "revokeOne", params: ({ event }) => event },
              { type: "remove", params: ({ event }) => event },
            ],
          },
          {
            actions: [
              { type: "revokeOne", params: ({ event }) => event },
              { type: "remove", params: ({ event }) => event },
            ],
          },
        ],
        "account.well": { actions: { type: "note", params: { why: null } } },
        "account.out": { target: "out", actions: ["revokeAll", { type: "note", params: ({ event }) => event }] },
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
            target: "attached",
            actions: ["grantAll", { type: "note", params: { why: null } }],
          },
          { target: "idle", actions: { type: "note", params: { why: null } } },
        ],
      },
    },
  },
});
