/**
 * The deep check of one account: what will become a failure, asked through a device that serves.
 *
 * Standing, new-chat cap and the keys of the device asked, each `every` ms, at a time of the account's own (from a hash of its name), so that five hundred
 * accounts are not asked in one tick, and at once when WhatsApp refuses a message. Devices take turns.
 * Laws: at most one check under way; none without a serving device; an unanswered one counts as missing after `DEADLINE`; two
 * missing ones in a row raise `account.checkup`, the next answer resolves it; the chart of the standing hears of news only.
 */
import type { AccountId, DeviceId, Millis, RequestId } from "../ports/ids.ts";
import type { Standing } from "../ports/store.ts";
import { type CheckupEvent, type Effect, type Reducer, tell } from "../protocol.ts";
import { hash } from "./jitter.ts";

export interface CheckupInput {
  readonly account: AccountId;
  readonly devices: readonly DeviceId[];
  readonly every: Millis;
  /** As the chart of the standing has it. */
  readonly standing: Standing;
  readonly until: Millis | null;
}
export interface CheckupState extends CheckupInput {
  readonly serving: readonly DeviceId[];
  readonly nextAt: Millis;
  readonly askedAt: Millis;
  readonly count: number;
  readonly open: { readonly reqId: RequestId; readonly giveUpAt: Millis } | null;
  readonly missing: number;
  /** The highest cap seen since it last rose: what is left is judged against it, because WhatsApp names only what is left. */
  readonly fullCap: number;
  readonly isCapLow: boolean;
  /** How many checks in a row found a device short of keys. */
  readonly short: ReadonlyMap<DeviceId, number>;
}
type Checked = Extract<CheckupEvent, { type: "checked" }>;

const DEADLINE: Millis = 5000;
/** The port answers first; this is for a port that does not. */
const SLACK: Millis = 1000;
/** Between two checks: refusals may come by the dozen. */
const APART: Millis = 1000;
const LOW = 0.1;
/** With fewer, WhatsApp asks for more, and the client makes them: that takes a moment. */
const FEWEST_KEYS = 5;
/** Checks in a row that find too few: the client does not make them. */
const SHORT = 2;

export const checkup: Reducer<CheckupState, CheckupEvent, CheckupInput> = {
  start: (input, at) => {
    const nextAt = at + (hash(input.account) % input.every);
    return {
      state: {
        ...input,
        serving: [],
        nextAt,
        askedAt: Number.NEGATIVE_INFINITY,
        count: 0,
        open: null,
        missing: 0,
        fullCap: 0,
        isCapLow: false,
        short: new Map(),
      },
      wakeAt: nextAt,
    };
  },
  receive(before, event) {
    const effects: Effect[] = [];
    const state = passed(reacted(before, event, effects), event.at, effects);
    return { state, effects, wakeAt: Math.min(state.nextAt, state.open?.giveUpAt ?? Number.POSITIVE_INFINITY) };
  },
};

const reacted = (state: CheckupState, event: CheckupEvent, effects: Effect[]): CheckupState => {
  switch (event.type) {
    case "device.serving": {
      const others = state.serving.filter((device) => device !== event.device);
      return { ...state, serving: event.serving ? [...others, event.device].sort() : others };
    }
    case "check.request": {
      const isIdle = !state.open && event.at >= state.askedAt + APART;
      return isIdle ? asked(state, event.at, effects) : state;
    }
    case "standing.noted": {
      const noted = { ...state, standing: event.standing, until: event.until };
      // Over without a look: a restriction may have hidden that no new chats are left.
      const isOver = event.standing === "good" && state.standing !== "good";
      return isOver && state.isCapLow && !state.open ? asked(noted, event.at, effects) : noted;
    }
    case "checked":
      return event.reqId === state.open?.reqId ? judged({ ...state, open: null }, event, effects) : state;
    default:
      return state;
  }
};

/** What the time brings: a check that nobody answered, and the next one. */
const passed = (before: CheckupState, at: Millis, effects: Effect[]): CheckupState => {
  let state = before;
  if (state.open && at >= state.open.giveUpAt) state = missed({ ...state, open: null }, effects);
  if (at < state.nextAt) return state;
  // Missed turns are not made up for.
  const nextAt = state.nextAt + (Math.floor((at - state.nextAt) / state.every) + 1) * state.every;
  return state.open ? { ...state, nextAt } : asked({ ...state, nextAt }, at, effects);
};

const asked = (state: CheckupState, at: Millis, effects: Effect[]): CheckupState => {
  const device = state.serving[state.count % state.serving.length];
  if (!device) return state;
  const reqId = `check:${state.account}:${state.count + 1}` as RequestId;
  effects.push({ op: "connection", command: { op: "check", device, reqId, deadline: DEADLINE } });
  return { ...state, askedAt: at, count: state.count + 1, open: { reqId, giveUpAt: at + DEADLINE + SLACK } };
};

const missed = (state: CheckupState, effects: Effect[]): CheckupState => {
  const missing = state.missing + 1;
  if (missing === 2)
    effects.push({
      op: "raise",
      key: `account.checkup:${state.account}`,
      rule: "account.checkup",
      subject: state.account,
      level: "warning",
      text: `WhatsApp did not answer two deep checks of ${state.account} in a row: its standing, new-chat cap and keys are unknown`,
    });
  return { ...state, missing };
};

const judged = (state: CheckupState, { device, finding }: Checked, effects: Effect[]): CheckupState => {
  if (!finding) return missed(state, effects);
  const { account } = state;
  if (state.missing >= 2)
    effects.push({ op: "resolve", key: `account.checkup:${account}`, text: `deep checks of ${account} are answered` });
  const { standing, until } = finding;
  if (standing !== state.standing || until !== state.until)
    effects.push(tell(`standing:${account}`, { type: "standing.reported", standing, until }));
  const cap = finding.cap ?? Number.POSITIVE_INFINITY;
  const fullCap = Math.max(state.fullCap, finding.cap ?? 0);
  const isCapLow = cap <= fullCap * LOW;
  const key = `account.cap:${account}`;
  if (isCapLow && !state.isCapLow)
    effects.push({
      op: "raise",
      key,
      rule: "account.cap",
      subject: account,
      level: "warning",
      text: `${account} may start ${cap} more new chats, of ${fullCap} or more. With none left, WhatsApp lets it begin no conversation: new ones go to other seats then`,
    });
  if (!isCapLow && state.isCapLow) effects.push({ op: "resolve", key, text: `${account} may start new chats again` });
  return {
    ...state,
    standing,
    until,
    missing: 0,
    fullCap,
    isCapLow,
    short: counted(state.short, device, finding.preKeys, effects),
  };
};

/** People who write to the device first need one of its keys each; without, what they write may never be read. */
const counted = (
  short: CheckupState["short"],
  device: DeviceId,
  preKeys: number | null,
  effects: Effect[],
): CheckupState["short"] => {
  if (preKeys === null) return short;
  const before = short.get(device) ?? 0;
  const times = preKeys < FEWEST_KEYS ? before + 1 : 0;
  if (times === before) return short;
  const key = `device.keys:${device}`;
  if (times === SHORT)
    effects.push({
      op: "raise",
      key,
      rule: "device.keys",
      subject: device,
      level: "warning",
      text: `WhatsApp has ${preKeys} keys of ${device} left for people who write to it first, and gets no new ones. Restart its link: greenroom device restart ${device}`,
    });
  if (times === 0 && before >= SHORT) effects.push({ op: "resolve", key, text: `WhatsApp has keys of ${device} again` });
  return new Map(short).set(device, times);
};
