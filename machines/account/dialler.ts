/**
 * The reconnect budget of a node: who may dial next, and when.
 *
 * A token bucket. When WhatsApp, the path or the node comes back, five hundred devices want to dial in the same second; those that
 * speak for seats go first, then those that may have to, then the rest; who asked first goes first among equals.
 * Links that end together are told one after the other, so who holds no seat lets a moment pass before it takes of the budget: by
 * then every holder has asked.
 * Laws: within any span of t ms at most burst + t · perSecond / 1000 grants; a device waits at most once; no holder waits while there
 * is budget, and otherwise who is next no longer than `GATHER`; a lower rank is granted only when no higher one waits.
 */
import type { DeviceId, Millis } from "../ports/ids.ts";
import { type DiallerEvent, type Effect, type Reducer, type Step, tell } from "../protocol.ts";

export interface DiallerInput {
  /** Dials per second, also the burst after a quiet time. A whole number, 1 or more. */
  readonly perSecond: number;
}
type Rank = 0 | 1 | 2;
export interface DiallerState {
  readonly perSecond: number;
  /** Thousandths of a dial, so that a millisecond's worth is a whole number. */
  readonly budget: number;
  readonly refilledAt: Millis;
  /** In order of asking. */
  readonly waiting: readonly { readonly device: DeviceId; readonly since: Millis }[];
  readonly ranks: ReadonlyMap<DeviceId, Rank>;
}

const DIAL = 1000;
/** How long those without a seat hold back. */
export const GATHER: Millis = 250;

export const dialler: Reducer<DiallerState, DiallerEvent, DiallerInput> = {
  start: ({ perSecond }, at) => ({
    state: { perSecond, budget: perSecond * DIAL, refilledAt: at, waiting: [], ranks: new Map() },
    wakeAt: null,
  }),
  receive: (state, event) => grant(noted(refilled(state, event.at), event), event.at),
};

const refilled = (state: DiallerState, at: Millis): DiallerState => ({
  ...state,
  budget: Math.min(state.perSecond * DIAL, state.budget + Math.max(0, at - state.refilledAt) * state.perSecond),
  refilledAt: Math.max(at, state.refilledAt),
});

const noted = (state: DiallerState, event: DiallerEvent): DiallerState => {
  switch (event.type) {
    case "dial.request":
      return state.waiting.some(({ device }) => device === event.device)
        ? state
        : { ...state, waiting: [...state.waiting, { device: event.device, since: event.at }] };
    case "dial.cancel":
      return { ...state, waiting: state.waiting.filter(({ device }) => device !== event.device) };
    case "dial.rank":
      if (state.ranks.get(event.device) === event.rank) return state;
      return { ...state, ranks: new Map(state.ranks).set(event.device, event.rank) };
    default:
      return state;
  }
};

const grant = (state: DiallerState, at: Millis): Step<DiallerState> => {
  const effects: Effect[] = [];
  const rankOf = (device: DeviceId): Rank => state.ranks.get(device) ?? 2;
  const readyAt = ({ device, since }: DiallerState["waiting"][number]): Millis => (rankOf(device) === 0 ? since : since + GATHER);
  const rest = [...state.waiting];
  let { budget } = state;
  for (let next = firstOf(rest, rankOf); budget >= DIAL && next !== undefined; next = firstOf(rest, rankOf)) {
    if (readyAt(next) > at) break;
    rest.splice(rest.indexOf(next), 1);
    budget -= DIAL;
    effects.push(tell(`connection:${next.device}`, { type: "dial.granted" }));
  }
  const next = firstOf(rest, rankOf);
  const affordableAt = state.refilledAt + Math.max(0, Math.ceil((DIAL - budget) / state.perSecond));
  return {
    state: { ...state, budget, waiting: rest },
    effects,
    wakeAt: next === undefined ? null : Math.max(affordableAt, readyAt(next)),
  };
};

/** The highest rank; among equals who asked first. */
const firstOf = (
  waiting: DiallerState["waiting"],
  rankOf: (device: DeviceId) => Rank,
): DiallerState["waiting"][number] | undefined => {
  let first = waiting[0];
  for (const one of waiting) if (first && rankOf(one.device) < rankOf(first.device)) first = one;
  return first;
};
