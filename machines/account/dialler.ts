/**
 * The reconnect budget of a node: who may dial next, and when.
 *
 * A token bucket. When WhatsApp, the path or the node comes back, five hundred devices want to dial in the same second; those that
 * speak for seats go first, then those that may have to, then the rest; who asked first goes first among equals.
 * Links that end together are told one after the other, so who holds no seat lets a moment pass before it takes of the budget: by
 * then every holder has asked.
 * A login that WhatsApp refuses because of our version (405) lets that device pause, longer each time. When it has happened to several
 * in a row the version is what is wrong: then one device, the canary, dials for all each `CANARY_EVERY`, and the first that gets in lets
 * all dial again. One refusal alone may be that device's own trouble and holds nobody else up.
 * Laws: within any span of t ms at most burst + t · perSecond / 1000 grants; a device waits at most once; of those who
 * need not pause, no holder waits while there is budget, and otherwise who is next no longer than `GATHER`; a lower rank is granted only
 * when no higher one waits; while the version is refused one device dials each `CANARY_EVERY`, and whom a person urges.
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
  /** Refused because of our version since a login last showed that it is taken. */
  readonly refused: ReadonlyMap<DeviceId, { readonly times: number; readonly until: Millis }>;
  /** People want them dialled now, whatever was refused. */
  readonly urged: ReadonlySet<DeviceId>;
  /** Who dials for all, and when the next one may. */
  readonly canary: DeviceId | null;
  readonly nextCanaryAt: Millis;
}

const DIAL = 1000;
/** How long those without a seat hold back. */
export const GATHER: Millis = 250;
/** So many in a row: it is the version, and not the device. */
const SEVERAL = 2;
/** Longer than a dial takes to fail: there are never two under way. */
export const CANARY_EVERY: Millis = 30_000;
const LONGEST_PAUSE: Millis = 600_000;

const LET_IN = { refused: new Map(), urged: new Set<DeviceId>(), canary: null, nextCanaryAt: 0 } as const;

export const dialler: Reducer<DiallerState, DiallerEvent, DiallerInput> = {
  start: ({ perSecond }, at) => ({
    state: { perSecond, budget: perSecond * DIAL, refilledAt: at, waiting: [], ranks: new Map(), ...LET_IN },
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
    case "dial.urge":
      return { ...state, urged: new Set(state.urged).add(event.device) };
    case "version.refused":
      return refusedOnceMore(state, event.device, event.at);
    case "version.accepted":
      return isOutdated(state) ? { ...state, ...LET_IN } : settled(state, event.device);
    default:
      return state;
  }
};

const isOutdated = ({ refused }: DiallerState): boolean => refused.size >= SEVERAL;

/** Nothing is known against the device, and nobody waits for it. */
const settled = (state: DiallerState, device: DeviceId): DiallerState => {
  if (!state.refused.has(device) && !state.urged.has(device)) return state;
  return {
    ...state,
    refused: new Map([...state.refused].filter(([other]) => other !== device)),
    urged: others(state.urged, device),
  };
};

const others = (devices: ReadonlySet<DeviceId>, device: DeviceId): ReadonlySet<DeviceId> =>
  new Set([...devices].filter((other) => other !== device));

const refusedOnceMore = (state: DiallerState, device: DeviceId, at: Millis): DiallerState => {
  const times = (state.refused.get(device)?.times ?? 0) + 1;
  const until = at + Math.min(LONGEST_PAUSE, CANARY_EVERY * 2 ** (times - 1));
  const after = {
    ...state,
    urged: others(state.urged, device),
    refused: new Map(state.refused).set(device, { times, until }),
    canary: null,
  };
  return isOutdated(after) && !isOutdated(state) ? { ...after, nextCanaryAt: at + CANARY_EVERY } : after;
};

/** The canary may have to ask once more on its way to its dial. */
const heldUntil = (state: DiallerState, device: DeviceId): Millis => {
  if (state.urged.has(device) || (isOutdated(state) && device === state.canary)) return 0;
  return Math.max(state.refused.get(device)?.until ?? 0, isOutdated(state) ? state.nextCanaryAt : 0);
};

const grant = (before: DiallerState, at: Millis): Step<DiallerState> => {
  const effects: Effect[] = [];
  let state = before;
  for (let next = firstFree(state, at); next !== undefined && state.budget >= DIAL; next = firstFree(state, at)) {
    if (readyAt(state, next) > at) break;
    state = granted(state, next.device, at);
    effects.push(tell(`connection:${next.device}`, { type: "dial.granted" }));
  }
  return { state, effects, wakeAt: wakeAt(state, at) };
};

const granted = (state: DiallerState, device: DeviceId, at: Millis): DiallerState => ({
  ...state,
  budget: state.budget - DIAL,
  waiting: state.waiting.filter((one) => one.device !== device),
  ...(isOutdated(state) ? { canary: device, nextCanaryAt: at + CANARY_EVERY } : {}),
});

const wakeAt = (state: DiallerState, at: Millis): Millis | null => {
  const affordableAt = state.refilledAt + Math.max(0, Math.ceil((DIAL - state.budget) / state.perSecond));
  const next = firstFree(state, at);
  const held = state.waiting.map(({ device }) => heldUntil(state, device)).filter((until) => until > at);
  const times = next === undefined ? held : [...held, Math.max(affordableAt, readyAt(state, next))];
  return times.length === 0 ? null : Math.min(...times);
};

type Waiting = DiallerState["waiting"][number];
const rankOf = (state: DiallerState, device: DeviceId): Rank => state.ranks.get(device) ?? 2;
const readyAt = (state: DiallerState, { device, since }: Waiting): Millis =>
  rankOf(state, device) === 0 ? since : since + GATHER;

/** Of those who need not pause, the highest rank; among equals who asked first. */
const firstFree = (state: DiallerState, at: Millis): Waiting | undefined => {
  let first: Waiting | undefined;
  for (const one of state.waiting) {
    if (heldUntil(state, one.device) > at) continue;
    if (first === undefined || rankOf(state, one.device) < rankOf(state, first.device)) first = one;
  }
  return first;
};
