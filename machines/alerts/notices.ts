/**
 * What people are told, when, and over which channel. Alerts come in as they are raised, grow worse and end; notices go out.
 *
 * It is decided by what is owed, not by what happened: a channel is owed the level of an alert that it was not told yet, and the
 * end of one that it was told. So nothing is told twice, whatever is repeated, and nothing is forgotten, whatever held it back.
 *
 * Laws: a channel is told of an alert once a level, and of its end if and only if it was told of the alert; what is owed goes out
 * within `GATHER_MORE`, but where many alerts of one rule come together, or one cause brings them about: then with the others, every
 * `STORM`. The first word about a device or an account is not gathered even then, unless an outage explains it. Silences, pauses and
 * acknowledgements hold notices back, never the end of what was told. Who is told may change at any time: a channel that is gone is owed
 * nothing, one that comes is owed what holds then, and what was told by name stays told.
 */
import type { Millis } from "../ports/ids.ts";
import type { AlertLevel } from "../ports/records.ts";
import { comesAndGoes, noted, type Raises } from "./flapping.ts";
import {
  type AlertPolicy,
  channelsOf,
  escalationOf,
  goesThroughPause,
  holdOf,
  isCause,
  isOfOutage,
  isOfSomebody,
  isOutage,
  isSymptom,
} from "./policy.ts";
import { isSilenced, type Silence } from "./silence.ts";

/** What comes within it goes out together; the longer one where the last notice was not long ago. */
export const GATHER: Millis = 400;
export const GATHER_MORE: Millis = 800;
/** More notices than one in this span are too many, where alerts come by the dozen. */
export const STORM: Millis = 30_000;
/** So many alerts of one rule within that span are a storm. */
const DOZENS = 5;
/** Whatever comes: so many notices in a row, and then one in each span. */
export const IN_A_ROW = 10;
export const PACE: Millis = 3000;

/** One alert, from its beginning to its end. */
export interface Episode {
  readonly key: string;
  readonly rule: string;
  readonly subject: string;
  readonly level: AlertLevel;
  readonly text: string;
  readonly raisedAt: Millis;
  /** null: it holds. */
  readonly resolvedAt: Millis | null;
}
/** What is owed to people about one alert. */
export interface Duty {
  readonly alert: Episode;
  /** By channel: what it was told last. */
  readonly told: Readonly<Record<string, AlertLevel | "resolved">>;
  /** When anybody was told first; null: not yet. */
  readonly toldAt: Millis | null;
  /** Channels that were told that nobody acknowledges. */
  readonly reminded: readonly string[];
  readonly acknowledged: { readonly at: Millis; readonly by: string } | null;
  /** It comes and goes; `alert.raisedAt` is when it last came. */
  readonly flaps: boolean;
}
export type ItemKind = "raised" | "escalated" | "resolved" | "unacknowledged";
export interface Item extends Episode {
  readonly kind: ItemKind;
  readonly flaps: boolean;
}
export interface Notice {
  readonly id: string;
  readonly at: Millis;
  readonly channel: string;
  readonly items: readonly Item[];
}

type Counted = `${string} ${"raised" | "resolved"}`;
interface Lane {
  /** Since when something is owed that is in a hurry, and anything at all; null: nothing is. */
  readonly hurrySince: Millis | null;
  readonly owedSince: Millis | null;
  readonly lastAt: Millis | null;
  /** When it was last told of what. */
  readonly lastOf: ReadonlyMap<Counted, Millis>;
  /** Until when its notices fill their `PACE`, one after the other. */
  readonly filledUntil: Millis;
}
const QUIET: Lane = { hurrySince: null, owedSince: null, lastAt: null, lastOf: new Map(), filledUntil: Number.NEGATIVE_INFINITY };

export interface NoticesState {
  readonly policy: AlertPolicy;
  /** Those that there are: no other is owed anything, whatever the policy names. */
  readonly channels: readonly string[];
  /** Begins the ids of notices, so that those of two lives differ. */
  readonly life: string;
  readonly count: number;
  /** By key; those of which nothing more is owed are gone. */
  readonly duties: ReadonlyMap<string, Duty>;
  /** Alerts that ended, and whose end or beginning is still owed, though one of the same key was raised anew. */
  readonly past: readonly Duty[];
  readonly silences: readonly Silence[];
  readonly isPaused: boolean;
  readonly raises: Raises;
  readonly lanes: ReadonlyMap<string, Lane>;
  /** When alerts of a rule came, or ended. */
  readonly recent: readonly { readonly what: Counted; readonly at: Millis }[];
}

export type NoticesEvent =
  | { readonly type: "raised" | "escalated"; readonly at: Millis; readonly alert: Episode }
  | { readonly type: "resolved"; readonly at: Millis; readonly key: string; readonly text: string }
  | { readonly type: "acknowledged"; readonly at: Millis; readonly key: string; readonly by: string }
  | { readonly type: "silences"; readonly at: Millis; readonly silences: readonly Silence[] }
  | { readonly type: "paused"; readonly at: Millis; readonly isPaused: boolean }
  | {
      readonly type: "rerouted";
      readonly at: Millis;
      readonly policy: AlertPolicy;
      readonly channels: readonly string[];
    }
  /** A notice that its channel never got, since it is gone. The newest one first. */
  | { readonly type: "givenUp"; readonly at: Millis; readonly notice: Notice }
  | { readonly type: "wake"; readonly at: Millis };

export interface NoticesStep {
  readonly state: NoticesState;
  readonly notices: readonly Notice[];
  /** When to be woken next; null: not before something happens. */
  readonly wakeAt: Millis | null;
}

export interface NoticesInput {
  readonly policy: AlertPolicy;
  readonly channels: readonly string[];
  readonly life: string;
  readonly at: Millis;
  /** As an earlier life left them. */
  readonly duties: readonly Duty[];
  readonly silences: readonly Silence[];
}

export const startNotices = ({ policy, channels, life, at, duties, silences }: NoticesInput): NoticesState => {
  const oldestFirst = duties
    // The earlier life's clock may have been ahead.
    .map((duty) => (duty.toldAt !== null && duty.toldAt > at ? { ...duty, toldAt: at } : duty))
    .toSorted((one, other) => one.alert.raisedAt - other.alert.raisedAt);
  const newest = new Map(oldestFirst.map((duty) => [duty.alert.key, duty]));
  return {
    policy,
    channels,
    life,
    count: 0,
    duties: newest,
    past: oldestFirst.filter((duty) => newest.get(duty.alert.key) !== duty),
    silences,
    isPaused: false,
    raises: {},
    lanes: new Map(),
    recent: [],
  };
};

export const receiveNotices = (before: NoticesState, event: NoticesEvent): NoticesStep => told(reacted(before, event), event.at);

// ---- what happens ----------------------------------------------------------------------------------------------------

const reacted = (state: NoticesState, event: NoticesEvent): NoticesState => {
  switch (event.type) {
    case "raised":
    case "escalated":
      return raised(state, event.alert, event.at);
    case "resolved":
      return resolved(state, event);
    case "acknowledged": {
      const duty = state.duties.get(event.key);
      const isNew = duty !== undefined && duty.acknowledged === null;
      return isNew ? put(state, { ...duty, acknowledged: { at: event.at, by: event.by } }) : state;
    }
    case "silences":
      return { ...state, silences: event.silences };
    case "paused":
      return { ...state, isPaused: event.isPaused };
    case "rerouted":
      return rerouted(state, event);
    case "givenUp":
      return everyDuty(state, (duty) => untold(duty, event.notice));
    case "wake":
      return state;
  }
};

const put = (state: NoticesState, duty: Duty): NoticesState => ({
  ...state,
  duties: new Map(state.duties).set(duty.alert.key, duty),
});

const raised = (before: NoticesState, alert: Episode, at: Millis): NoticesState => {
  const known = before.duties.get(alert.key);
  if (known?.alert.resolvedAt === null) {
    const level = higher(known.alert.level, alert.level);
    return put(before, { ...known, alert: { ...known.alert, level, text: alert.text } });
  }
  const raises = noted(before.raises, alert.key, at, before.policy.flapping);
  const state = { ...before, raises, recent: counted(before, `${alert.rule} raised`, at) };
  const flaps = comesAndGoes(raises, alert.key, at, before.policy.flapping);
  if (!known) return put(state, { alert, told: {}, toldAt: null, reminded: [], acknowledged: null, flaps });
  // It is the same trouble as before, which those who were told of it take to last. Over and back within one instant is nothing
  // new either: the record has one alert of a key and a time.
  if (known.flaps || known.alert.raisedAt === alert.raisedAt) return put(state, { ...known, alert, told: stillOpen(known) });
  return put(
    { ...state, past: [...state.past, known] },
    { alert, told: {}, toldAt: null, reminded: [], acknowledged: null, flaps },
  );
};

const stillOpen = ({ told: by }: Duty): Duty["told"] =>
  Object.fromEntries(Object.entries(by).filter(([, level]) => level !== "resolved"));

const resolved = (state: NoticesState, { key, text, at }: Extract<NoticesEvent, { type: "resolved" }>): NoticesState => {
  const known = state.duties.get(key);
  if (!known || known.alert.resolvedAt !== null) return state;
  const ended = { ...known, alert: { ...known.alert, resolvedAt: at, text } };
  // Held back for as long as it lasted: nobody was told, and nobody needs to be.
  const isHidden = Object.keys(known.told).length === 0 && isHeld(state, known, at);
  const recent = counted(state, `${known.alert.rule} resolved`, at);
  return isHidden ? without({ ...state, recent }, key) : put({ ...state, recent }, ended);
};

const rerouted = (before: NoticesState, { policy, channels, at }: Extract<NoticesEvent, { type: "rerouted" }>): NoticesState => {
  const lanes = new Map(
    [...before.lanes].map(([channel, lane]) => [
      channel,
      channels.includes(channel) ? lane : { ...lane, hurrySince: null, owedSince: null },
    ]),
  );
  const state = { ...before, policy, channels, lanes };
  return everyDuty(state, (duty) => joined(before, state, duty, at));
};

/**
 * Who is to hear of an alert only now hears of it if it holds, and that once: what should have been the second word by now is no
 * word to them. Of what is over they hear nothing.
 */
const joined = (before: NoticesState, state: NoticesState, duty: Duty, at: Millis): Duty => {
  const fresh = channelsOf(state.policy, duty.alert).filter(
    (channel) => duty.told[channel] === undefined && isListening(state, duty, channel) && !isListening(before, duty, channel),
  );
  if (fresh.length === 0) return duty;
  if (duty.alert.resolvedAt === null)
    return { ...duty, reminded: [...duty.reminded, ...fresh.filter((channel) => isRemindable(state, duty, channel, at))] };
  return { ...duty, told: { ...duty.told, ...Object.fromEntries(fresh.map((channel) => [channel, "resolved" as const])) } };
};

/** Should its channel come back while the alert holds, it is owed that again. */
const untold = (duty: Duty, { channel, items }: Notice): Duty => {
  const { alert, flaps, told: by, reminded } = duty;
  const item = items.findLast(({ key, raisedAt }) => key === alert.key && (flaps || raisedAt === alert.raisedAt));
  if (item?.kind === "unacknowledged") return { ...duty, reminded: reminded.filter((each) => each !== channel) };
  if (item?.kind === "escalated" && by[channel] === "critical") return { ...duty, told: { ...by, [channel]: "warning" } };
  if (item?.kind !== "raised" || by[channel] === "resolved") return duty;
  const { [channel]: _, ...others } = by;
  return { ...duty, told: others };
};

const everyDuty = (state: NoticesState, change: (duty: Duty) => Duty): NoticesState => ({
  ...state,
  duties: new Map([...state.duties].map(([key, duty]) => [key, change(duty)])),
  past: state.past.map(change),
});

const counted = (state: NoticesState, what: Counted, at: Millis): NoticesState["recent"] => [
  ...state.recent.filter((each) => each.at > at - STORM),
  { what, at },
];

const without = (state: NoticesState, key: string): NoticesState => {
  const duties = new Map(state.duties);
  duties.delete(key);
  return { ...state, duties };
};

// ---- what is owed ----------------------------------------------------------------------------------------------------

const isHeld = (state: NoticesState, { alert }: Duty, at: Millis): boolean =>
  (state.isPaused && !goesThroughPause(alert.rule)) ||
  isSilenced(state.silences, alert, at) ||
  isWithin(alert.resolvedAt ?? at, alert.raisedAt, holdOf(state.policy, alert.rule));

/** Not where the clock was set back since: nothing waits for a time that an earlier life saw. */
const isWithin = (at: Millis, from: Millis, span: Millis): boolean => at >= from && at < from + span;

/** It has been as it is for so long that it does not come and go any more. */
const isSteady = ({ policy }: NoticesState, { alert }: Duty, at: Millis): boolean =>
  !isWithin(at, alert.resolvedAt ?? alert.raisedAt, policy.flapping.steady);

const isListening = ({ policy, channels }: NoticesState, { alert }: Duty, channel: string): boolean =>
  channels.includes(channel) && channelsOf(policy, alert).includes(channel);

const owedOf = (state: NoticesState, duty: Duty, channel: string, at: Millis): Item | null => {
  if (!state.channels.includes(channel)) return null;
  const { alert, flaps } = duty;
  const known = duty.told[channel];
  const item = (kind: ItemKind): Item => ({ ...alert, kind, flaps: flaps && kind !== "resolved" });
  const isMeant = isListening(state, duty, channel);
  if (alert.resolvedAt !== null) {
    if (known === "resolved" || (flaps && !isSteady(state, duty, at))) return null;
    // What ended before it was told is told once, as over.
    return known !== undefined || (isMeant && !isHeld(state, duty, at)) ? item("resolved") : null;
  }
  if (isHeld(state, duty, at)) return null;
  if (isMeant && known === undefined) return item("raised");
  if (isMeant && known === "warning" && alert.level === "critical") return item("escalated");
  return isRemindable(state, duty, channel, at) ? item("unacknowledged") : null;
};

const reminderOf = ({ policy }: NoticesState, { alert, acknowledged, reminded, toldAt }: Duty) => {
  const escalation = alert.resolvedAt === null && !acknowledged ? escalationOf(policy, alert) : null;
  const to = escalation?.to.filter((channel) => !reminded.includes(channel)) ?? [];
  return escalation && to.length > 0 ? { at: (toldAt ?? alert.raisedAt) + escalation.after, to } : null;
};
const isRemindable = (state: NoticesState, duty: Duty, channel: string, at: Millis): boolean => {
  const reminder = reminderOf(state, duty);
  return reminder !== null && at >= reminder.at && reminder.to.includes(channel);
};

const after = (duty: Duty, { kind, level }: Item, channel: string, at: Millis): Duty => ({
  ...duty,
  toldAt: duty.toldAt ?? at,
  told: { ...duty.told, [channel]: kind === "resolved" ? "resolved" : level },
  reminded: kind === "unacknowledged" ? [...duty.reminded, channel] : duty.reminded,
});

// ---- when it is told -------------------------------------------------------------------------------------------------

const allDuties = ({ past, duties }: NoticesState): Duty[] => [...past, ...duties.values()];

const channelsOwed = (state: NoticesState): ReadonlySet<string> => {
  const channels = new Set<string>();
  for (const { alert, told: by } of allDuties(state)) {
    for (const channel of Object.keys(by)) channels.add(channel);
    for (const channel of channelsOf(state.policy, alert)) channels.add(channel);
    for (const channel of escalationOf(state.policy, alert)?.to ?? []) channels.add(channel);
  }
  return channels;
};

const told = (before: NoticesState, at: Millis): NoticesStep => {
  let state: NoticesState = { ...before, recent: before.recent.filter((each) => each.at > at - STORM) };
  const notices: Notice[] = [];
  const channels = channelsOwed(state);
  for (const channel of channels) {
    const { lane, items } = onLane(state, channel, at);
    state = { ...state, lanes: new Map(state.lanes).set(channel, lane) };
    if (items.size === 0) continue;
    const count = state.count + 1;
    const inOrder = [...items.values()].toSorted((one, other) => one.raisedAt - other.raisedAt);
    notices.push({ id: `${state.life}.${count}`, at, channel, items: inOrder });
    const done = (duty: Duty): Duty => {
      const item = items.get(duty);
      return item ? after(duty, item, channel, at) : duty;
    };
    const duties = new Map([...state.duties].map(([key, duty]) => [key, done(duty)]));
    state = { ...state, count, duties, past: state.past.map(done) };
  }
  state = settled(state, channels, at);
  return { state, notices, wakeAt: wakeOf(state, at) };
};

const countedAs = ({ rule, kind }: Item): Counted => `${rule} ${kind === "resolved" ? "resolved" : "raised"}`;

/** What is owed, if it is time to tell it. */
const onLane = (state: NoticesState, channel: string, at: Millis): { lane: Lane; items: ReadonlyMap<Duty, Item> } => {
  const lane = state.lanes.get(channel) ?? QUIET;
  const owed = new Map<Duty, Item>();
  for (const duty of allDuties(state)) {
    const item = owedOf(state, duty, channel, at);
    if (item) owed.set(duty, item);
  }
  if (owed.size === 0) return { lane: { ...lane, hurrySince: null, owedSince: null }, items: owed };
  const known = knownTo(state, channel);
  const isHurried = [...owed].some(
    ([duty, item]) => isFirstWord(duty, channel, known) || isInHurry(state, lane, item, known, at),
  );
  const waiting: Lane = { ...lane, hurrySince: isHurried ? (lane.hurrySince ?? at) : null, owedSince: lane.owedSince ?? at };
  if (dueOf(waiting) > at) return { lane: waiting, items: new Map() };
  const lastOf = new Map([...lane.lastOf].filter(([, time]) => time > at - STORM));
  for (const item of owed.values()) lastOf.set(countedAs(item), at);
  return { lane: { ...QUIET, lastAt: at, lastOf, filledUntil: Math.max(lane.filledUntil, at) + PACE }, items: owed };
};

/** What people on a channel know to hold. */
interface Known {
  readonly hasCause: boolean;
  readonly hasOutage: boolean;
  /** Of whom, and how bad it is. */
  readonly subjects: ReadonlyMap<string, AlertLevel>;
}
const knownTo = (state: NoticesState, channel: string): Known => {
  const open = allDuties(state).flatMap(({ alert: { rule, subject, resolvedAt }, told: by }) => {
    const level = by[channel];
    return resolvedAt === null && level !== undefined && level !== "resolved" ? [{ rule, subject, level }] : [];
  });
  const subjects = new Map<string, AlertLevel>();
  for (const { subject, level } of open) subjects.set(subject, higher(level, subjects.get(subject) ?? level));
  return {
    hasCause: open.some(({ rule }) => isCause(rule)),
    hasOutage: open.some(({ rule }) => isOutage(rule)),
    subjects,
  };
};

/** Where alerts come by the dozen, or one cause explains them, and somebody was told so, the next ones are gathered. */
const isInHurry = (state: NoticesState, { lastOf }: Lane, item: Item, known: Known, at: Millis): boolean => {
  if (item.kind === "unacknowledged") return true;
  if (known.hasCause && isSymptom(item.rule)) return false;
  const what = countedAs(item);
  const isFirst = (lastOf.get(what) ?? Number.NEGATIVE_INFINITY) <= at - STORM;
  return isFirst || state.recent.filter((each) => each.what === what).length <= DOZENS;
};

/** About somebody of whom nothing is known that is as bad, though it may be over by now. */
const isFirstWord = ({ alert, told: by }: Duty, channel: string, { hasOutage, subjects }: Known): boolean => {
  if (by[channel] !== undefined || !isOfSomebody(alert.rule) || (hasOutage && isOfOutage(alert))) return false;
  const level = subjects.get(alert.subject);
  return level === undefined || (level === "warning" && alert.level === "critical");
};

const dueOf = ({ hurrySince, owedSince, lastAt, filledUntil }: Lane): Millis => {
  const quietFrom = (lastAt ?? Number.NEGATIVE_INFINITY) + STORM;
  const freeAt = filledUntil - (IN_A_ROW - 1) * PACE;
  const due = (since: Millis): Millis => Math.max(freeAt, since + (since < quietFrom ? GATHER_MORE : GATHER));
  const hurried = hurrySince === null ? Number.POSITIVE_INFINITY : due(hurrySince);
  return owedSince === null ? hurried : Math.min(hurried, Math.max(owedSince + GATHER, quietFrom));
};

/** What is over and owed to nobody goes; what was steady for long no longer comes and goes. */
const settled = (state: NoticesState, channels: ReadonlySet<string>, at: Millis): NoticesState => {
  const isDone = (duty: Duty): boolean =>
    duty.alert.resolvedAt !== null &&
    (!duty.flaps || isSteady(state, duty, at)) &&
    [...channels].every((channel) => owedOf(state, duty, channel, at) === null);
  const calmed = (duty: Duty): Duty =>
    duty.flaps && duty.alert.resolvedAt === null && isSteady(state, duty, at) ? { ...duty, flaps: false } : duty;
  const kept = [...state.duties].filter(([, duty]) => !isDone(duty));
  return {
    ...state,
    duties: new Map(kept.map(([key, duty]) => [key, calmed(duty)])),
    past: state.past.filter((duty) => !isDone(duty)),
  };
};

const wakeOf = (state: NoticesState, at: Millis): Millis | null => {
  let soonest = Number.POSITIVE_INFINITY;
  const consider = (time: Millis): void => {
    if (time > at && time < soonest) soonest = time;
  };
  for (const lane of state.lanes.values()) consider(dueOf(lane));
  for (const { until } of state.silences) consider(until);
  for (const duty of allDuties(state)) {
    const { alert, flaps } = duty;
    consider(alert.raisedAt + holdOf(state.policy, alert.rule));
    if (flaps) consider((alert.resolvedAt ?? alert.raisedAt) + state.policy.flapping.steady);
    const reminder = reminderOf(state, duty);
    if (reminder) consider(reminder.at);
  }
  return Number.isFinite(soonest) ? soonest : null;
};

const higher = (one: AlertLevel, other: AlertLevel): AlertLevel =>
  one === "critical" || other === "critical" ? "critical" : "warning";
