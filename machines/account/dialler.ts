/**
 * The reconnect budget of a node: who may dial next, and when.
 *
 * A token bucket. When WhatsApp, the path or the node comes back, five hundred devices want to dial in the same second; those that
 * speak for seats go first, then those that may have to, then the rest; who asked first goes first among equals.
 * Laws: within any span of t ms at most burst + t · perSecond / 1000 grants; a device waits at most once; nobody waits while there
 * is budget; a lower rank is granted only when no higher one waits.
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
  readonly waiting: readonly DeviceId[];
  readonly ranks: ReadonlyMap<DeviceId, Rank>;
}

const DIAL = 1000;

export const dialler: Reducer<DiallerState, DiallerEvent, DiallerInput> = {
  start: ({ perSecond }, at) => ({
    state: { perSecond, budget: perSecond * DIAL, refilledAt: at, waiting: [], ranks: new Map() },
    wakeAt: null,
  }),
  receive: (state, event) => grant(noted(refilled(state, event.at), event)),
};

const refilled = (state: DiallerState, at: Millis): DiallerState => ({
  ...state,
  budget: Math.min(state.perSecond * DIAL, state.budget + Math.max(0, at - state.refilledAt) * state.perSecond),
  refilledAt: Math.max(at, state.refilledAt),
});

const noted = (state: DiallerState, event: DiallerEvent): DiallerState => {
  switch (event.type) {
    case "dial.request":
      return state.waiting.includes(event.device) ? state : { ...state, waiting: [...state.waiting, event.device] };
    case "dial.cancel":
      return { ...state, waiting: state.waiting.filter((device) => device !== event.device) };
    case "dial.rank":
      if (state.ranks.get(event.device) === event.rank) return state;
      return { ...state, ranks: new Map(state.ranks).set(event.device, event.rank) };
    default:
      return state;
  }
};

const grant = (state: DiallerState): Step<DiallerState> => {
  const effects: Effect[] = [];
  const rankOf = (device: DeviceId): Rank => state.ranks.get(device) ?? 2;
  const rest = [...state.waiting];
  let { budget } = state;
  while (budget >= DIAL && rest.length > 0) {
    let first = 0;
    for (let index = 1; index < rest.length; index++)
      if (rankOf(rest[index] as DeviceId) < rankOf(rest[first] as DeviceId)) first = index;
    const [device] = rest.splice(first, 1) as [DeviceId];
    budget -= DIAL;
    effects.push(tell(`connection:${device}`, { type: "dial.granted" }));
  }
  return {
    state: { ...state, budget, waiting: rest },
    effects,
    wakeAt: rest.length > 0 ? state.refilledAt + Math.ceil((DIAL - budget) / state.perSecond) : null,
  };
};
