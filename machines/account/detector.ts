/**
 * The failure detector of one device: probes it, watches two clocks, and reports edges. It suspects; it never knows.
 *
 * The link clock runs from the last stanza. The ack clock runs from the oldest attempt that nothing answered. Both have the same
 * three deadlines, and a device is as suspect as the worse of the two says: `late`, `overdue`, `gone` are reported once each and in
 * this order, `fresh` once both are well again.
 *
 * Laws:
 * - A holder is `gone` at most `gone` ms after its last stanza, and never while stanzas come within `late` ms of each other.
 *   Devices that are probed less often get the longer pause between probes on top of each deadline.
 * - A probe is sent only when nothing else arrived for the interval (or somebody asked), and never two within PROBE_GAP.
 * - Time in which our own event loop stood still accuses nobody: it is taken out of both clocks, and the next edge leaves time for
 *   one more probe's round trip. The latter at most GRACES times a silence, or a loop that is late for ever would hide a dead link.
 * - Without a link there is no silence to judge. Only a silence that has already asked for a re-dial (`overdue`) runs on while that
 *   is under way, so that `gone` comes in time if it fails to heal anything.
 * - An answer to one attempt excuses all that were sent before it: they are their messages' trouble. Later ones start afresh, less
 *   what a slow answer takes: it says nothing about those that were sent while it was under way.
 * - A re-dial does not answer attempts, but if the link that it replaces was silent, that explains them. So it does when a link speaks
 *   again by itself after it was overdue: what is still awaited gets the full time anew. If all of an accusation's attempts are given
 *   up, it lapses AMNESTY after `gone`.
 * - A device that begins to be watched more closely gets the full deadlines of its new watch from then on, and a probe at once.
 */
import type { DeviceId, MessageId, Millis, SeatId } from "../ports/ids.ts";
import { type Address, type DetectorEvent, type Effect, type Reducer, tell, type Watch } from "../protocol.ts";

export interface DetectorInput {
  readonly device: DeviceId;
  readonly watch: Watch;
  readonly timers: DetectorTimers;
}
/** Durations since the last evidence (`late`, `overdue`, `gone`, `quietAfter`), and intervals between probes. */
export interface DetectorTimers {
  readonly probeEvery: { readonly [W in Watch]: Millis };
  /** A link silent for so long is probed each `probeQuiet`. */
  readonly quietAfter: Millis;
  readonly probeQuiet: Millis;
  readonly late: Millis;
  readonly overdue: Millis;
  readonly gone: Millis;
}

/** No two probes closer than this, whoever asks: at most five a second. */
const PROBE_GAP: Millis = 200;
/** How long the port waits for an answer before it says `probed` null. Nothing depends on it: edges come from silence. */
const PROBE_DEADLINE: Millis = 2000;
/** A probe's round trip, with the tail that is common on mobile links (FAILOVER.md §6: 1 % take more than 0.4 s). */
const ROUND_TRIP: Millis = 1000;
/** An attempt that had so long on a speaking link was answered or is lost: what the link does later explains nothing. */
const ANSWER_WITHIN: Millis = 500;
/** An answer may take so long on a slow path; whoever was sent since before that has no claim to a fresh start. */
const SLOW_ANSWER: Millis = 1000;
const GRACES = 3;
/** DESIGN's "own event loop was late"; the driver says so, and a wake that is overdue shows it. */
const LATE_AFTER: Millis = 250;
/** Nothing can prove that sends work again while nothing is sent: after this long without a new reason the doubt is dropped. */
const AMNESTY: Millis = 30_000;
/** The roster hears of a candidate's or a holder's stanzas at most this often. */
const SEEN_EVERY: Millis = 200;
/** How long a device that is needed has to answer a probe before its last stanza counts. */
const PROBE_PATIENCE: Millis = 500;
/** More unanswered attempts than this say nothing new. */
const MAX_AWAITED = 256;

/** 0 well, 1 late, 2 overdue, 3 gone. */
type Level = 0 | 1 | 2 | 3;
interface Suspicion {
  /** What deadlines count from; null while there is nothing to judge. */
  readonly since: Millis | null;
  readonly level: Level;
}
const CALM: Suspicion = { since: null, level: 0 };

export interface DetectorState extends DetectorInput {
  /** `<success>` was seen on the dial, and it has not ended. */
  readonly isUp: boolean;
  readonly dial: number;
  readonly lastEvidenceAt: Millis | null;
  readonly link: Suspicion;
  readonly ack: Suspicion;
  /** The worst that has been reported since the last `fresh`. */
  readonly reported: Level;
  readonly probe: number;
  readonly lastProbeAt: Millis;
  /** Attempts that nothing answered, in order. `droppedAt`: its sender gave it up then; null while it waits. */
  readonly awaited: readonly { readonly message: MessageId; readonly at: Millis; readonly droppedAt: Millis | null }[];
  readonly asked: readonly { readonly replyTo: Address; readonly until: Millis }[];
  /** Somebody wants to know now. */
  readonly wantsProbe: boolean;
  readonly lastSeenToldAt: Millis;
  /** When the roster is told of its last stanza if no other comes: it is needed, and was not watched for that before. */
  readonly vouchAt: Millis | null;
  /** The stretch of time that our own event loop lost last. */
  readonly stall: { readonly from: Millis; readonly to: Millis } | null;
  readonly graces: number;
  readonly wakeAt: Millis | null;
}

export const detector: Reducer<DetectorState, DetectorEvent, DetectorInput> = {
  start: (input, at) => ({
    state: {
      ...input,
      isUp: false,
      dial: 0,
      lastEvidenceAt: null,
      link: CALM,
      ack: CALM,
      reported: 0,
      probe: 0,
      lastProbeAt: at - PROBE_GAP,
      awaited: [],
      asked: [],
      wantsProbe: false,
      lastSeenToldAt: at - SEEN_EVERY,
      vouchAt: null,
      stall: null,
      graces: 0,
      wakeAt: null,
    },
    wakeAt: null,
  }),

  receive(before, event) {
    const { at } = event;
    const effects: Effect[] = [];
    // A wish to be woken that was not granted in time is a stall too, whoever notices it first.
    const overslept = before.wakeAt === null ? 0 : at - before.wakeAt;
    const lost = Math.max(overslept > LATE_AFTER ? overslept : 0, event.type === "loop.late" ? event.by : 0);
    let state = react(lost > 0 ? stalled(before, lost, at) : before, event, effects);
    state = judge(state, at, effects);
    state = answerAsked(state, at, effects);
    state = vouch(state, at, effects);
    if (nextProbeAt(state) <= at) state = sendProbe(state, at, effects);
    const wakeAt = nextWake(state);
    return { state: wakeAt === state.wakeAt ? state : woken(before, state, wakeAt), effects, wakeAt };
  },
};

/** What this step has made itself is finished in place: nobody has seen it yet. */
const woken = (before: DetectorState, state: DetectorState, wakeAt: Millis | null): DetectorState => {
  if (state === before) return { ...state, wakeAt };
  (state as { wakeAt: Millis | null }).wakeAt = wakeAt;
  return state;
};

const react = (state: DetectorState, event: DetectorEvent, effects: Effect[]): DetectorState => {
  const { at } = event;
  switch (event.type) {
    case "evidence":
      return heard(state, at, effects);
    case "connection.opened":
    case "connection.serving":
      if (event.dial < state.dial) return state;
      return heard({ ...state, isUp: true, dial: event.dial }, at, effects);
    case "connection.closed":
      return event.dial < state.dial ? state : closed(state, event.dial, at);
    case "watch":
      return watched(state, event.watch, at);
    case "attempt.sent":
      return sent(state, event.message, at);
    case "attempt.answered":
      return answered(state, event.message, event.byAck, at);
    case "attempt.dropped":
      return dropped(state, (message) => message === event.message, at);
    case "probe.request":
      return asked(state, event.replyTo, event.deadline, at);
    default:
      return state;
  }
};

// ---- the link clock ----

/** Any decoded stanza is life. What arrives without a link belongs to one that we gave up. */
const heard = (state: DetectorState, at: Millis, effects: Effect[]): DetectorState => {
  if (!state.isUp) return state;
  for (const { replyTo } of state.asked) effects.push(reply(replyTo, "probe.seen", state.device));
  const tellsRoster = isReported(state.watch) && at - state.lastSeenToldAt >= SEEN_EVERY;
  if (tellsRoster) effects.push(tell("roster", { type: "device.seen", at, device: state.device, lastEvidenceAt: at }));
  return {
    ...(state.link.level >= 2 ? spokenAgain(state, at) : state),
    lastEvidenceAt: at,
    link: { since: at, level: 0 },
    asked: state.asked.length > 0 ? [] : state.asked,
    wantsProbe: false,
    lastSeenToldAt: tellsRoster ? at : state.lastSeenToldAt,
    vouchAt: tellsRoster ? null : state.vouchAt,
    graces: 0,
  };
};

/** A holder may have to take a second seat: the roster has to know how fresh it is without asking. */
const isReported = (watch: Watch): boolean => watch === "candidate" || watch === "holder";

/** Its probe is slow: what it showed before it was needed has to do, as far as the roster thinks it young enough. */
const vouch = (state: DetectorState, at: Millis, effects: Effect[]): DetectorState => {
  if (state.vouchAt === null || at < state.vouchAt) return state;
  const { device, isUp, lastEvidenceAt } = state;
  if (isUp && lastEvidenceAt !== null) effects.push(tell("roster", { type: "device.seen", at, device, lastEvidenceAt }));
  return { ...state, vouchAt: null };
};

/** Health learns of the end itself; a silence that asked for this re-dial goes on. */
const closed = (state: DetectorState, dial: number, at: Millis): DetectorState => {
  const down = { ...state, isUp: false, dial };
  if (state.reported < 2) return { ...down, link: CALM, ack: CALM, awaited: [], reported: 0 };
  if (state.link.level === 0) return dropped({ ...down, link: CALM }, () => true, at);
  return dropped(explained({ ...down, link: worse(state) }), () => true, at);
};

/** The silence explains what nobody answered, and takes over its clock: unanswered attempts that asked for this re-dial began earlier. */
const worse = ({ link, ack }: DetectorState): Suspicion =>
  link.since === null || ack.since === null || ack.level <= link.level
    ? link
    : { since: Math.min(link.since, ack.since), level: ack.level };

/** On a silent link nothing could answer what was sent since its last stanza: the link clock alone judges that. */
const explained = (state: DetectorState): DetectorState => {
  const lastSign = (state.lastEvidenceAt ?? 0) - ANSWER_WITHIN;
  const awaited = state.awaited.filter((attempt) => attempt.at <= lastSign);
  return { ...state, awaited, ack: awaited.length > 0 ? state.ack : CALM };
};

/** Nobody dialled anew (it was done lately), and the link came back: what is still awaited may be answered yet. */
const spokenAgain = (state: DetectorState, at: Millis): DetectorState => {
  const { awaited, ack } = explained(state);
  if (awaited.length > 0) return state;
  const left = state.awaited.filter(({ droppedAt }) => droppedAt === null);
  return { ...state, awaited: left, ack: left.length > 0 ? { since: at, level: 0 } : ack };
};

const watched = (state: DetectorState, watch: Watch, at: Millis): DetectorState => {
  const { link, timers } = state;
  const isNeeded = isReported(watch) && !isReported(state.watch);
  const next = { ...state, watch, vouchAt: isNeeded ? at + PROBE_PATIENCE : isReported(watch) ? state.vouchAt : null };
  const isCloser = pause(next) < pause(state);
  if (interval(timers, watch) < interval(timers, state.watch)) next.wantsProbe = state.isUp;
  if (!isCloser || !state.isUp || link.since === null) return next;
  // Silence that the old watch allowed is no accusation under the new one.
  const allowed = link.level === 0 ? timers.probeEvery.holder + pause(next) : deadline(next, link.level);
  const since = at - link.since > allowed ? at - (link.level === 0 ? 0 : allowed) : link.since;
  return { ...next, link: { ...link, since } };
};

// ---- the ack clock ----

const sent = (state: DetectorState, message: MessageId, at: Millis): DetectorState => ({
  ...state,
  awaited: [...state.awaited.filter((attempt) => attempt.message !== message), { message, at, droppedAt: null }].slice(
    -MAX_AWAITED,
  ),
  ack: state.ack.since === null ? { since: at, level: 0 } : state.ack,
});

/** A receipt for something that nobody awaits may be days late, and proves nothing about today. An ack comes at once or never. */
const answered = (state: DetectorState, message: MessageId, byAck: boolean, at: Millis): DetectorState => {
  const place = state.awaited.findIndex((attempt) => attempt.message === message);
  if (place < 0 && !byAck) return state;
  const awaited = state.awaited.slice(place + 1).filter(({ droppedAt }) => droppedAt === null);
  const [next] = awaited;
  return { ...state, awaited, ack: { since: next ? Math.max(next.at, at - SLOW_ANSWER) : null, level: 0 } };
};

/** Before anything was suspected, what is given up is forgotten. Later it stays part of the accusation. */
const dropped = (state: DetectorState, isIt: (message: MessageId) => boolean, at: Millis): DetectorState => {
  if (!state.awaited.some(({ message }) => isIt(message))) return state;
  if (state.ack.level > 0) {
    const awaited = state.awaited.map((attempt) => (isIt(attempt.message) ? { ...attempt, droppedAt: at } : attempt));
    return { ...state, awaited };
  }
  const awaited = state.awaited.filter(({ message }) => !isIt(message));
  const since = awaited[0] && state.ack.since !== null ? Math.max(state.ack.since, awaited[0].at) : null;
  return { ...state, awaited, ack: { since, level: 0 } };
};

/** When all that it goes by was given up, and nothing new has come to it since. */
const lapsesAt = (state: DetectorState): Millis => {
  const { ack, awaited } = state;
  if (ack.level !== 3 || awaited.some(({ droppedAt }) => droppedAt === null)) return Number.POSITIVE_INFINITY;
  const droppedLast = awaited.reduce((last, { droppedAt }) => Math.max(last, droppedAt ?? 0), 0);
  return Math.max((ack.since as Millis) + deadline(state, 3, "ack"), droppedLast) + AMNESTY;
};

// ---- our own lateness ----

/**
 * One stall is reported by every timer that it delayed, each with a different `by`: only what earlier reports did not cover counts.
 * 1. the stretch that was lost is taken out of both clocks; 2. a new stall also leaves a round trip before the next edge.
 */
const stalled = (state: DetectorState, by: Millis, at: Millis): DetectorState => {
  const from = at - by;
  const known = state.stall && from <= state.stall.to ? state.stall : null;
  const lost = known ? Math.max(0, known.from - from) + (at - known.to) : by;
  const hasGrace = !known && state.graces < GRACES;
  const shift = (suspicion: Suspicion, clock: "link" | "ack"): Suspicion => {
    if (suspicion.since === null) return suspicion;
    const earliest =
      hasGrace && suspicion.level < 3
        ? at + ROUND_TRIP - deadline(state, (suspicion.level + 1) as Level, clock)
        : Number.NEGATIVE_INFINITY;
    return { ...suspicion, since: Math.min(at, Math.max(suspicion.since + lost, earliest)) };
  };
  return {
    ...state,
    link: shift(state.link, "link"),
    ack: shift(state.ack, "ack"),
    asked: state.asked.map((ask) => ({ ...ask, until: ask.until + lost })),
    stall: { from: Math.min(from, known?.from ?? from), to: at },
    graces: hasGrace ? state.graces + 1 : state.graces,
    wantsProbe: state.wantsProbe || (hasGrace && state.isUp),
  };
};

// ---- edges ----

/** Sends wait for an answer as long whoever sends them; silence is measured against how often we ask. */
const deadline = (state: DetectorState, level: Level, clock: "link" | "ack" = "link"): Millis => {
  const { timers } = state;
  const after = level === 0 ? 0 : level === 1 ? timers.late : level === 2 ? timers.overdue : timers.gone;
  return clock === "link" ? after + pause(state) : after;
};

/** How much longer than a holder a device goes unprobed. */
const pause = ({ timers, watch }: DetectorState): Millis => Math.max(0, interval(timers, watch) - timers.probeEvery.holder);

/** Asked several times of each stanza: V8 looks a name that differs from call to call up as in a dictionary. */
const interval = ({ probeEvery }: DetectorTimers, watch: Watch): Millis => {
  switch (watch) {
    case "holder":
      return probeEvery.holder;
    case "candidate":
      return probeEvery.candidate;
    case "standby":
      return probeEvery.standby;
    case "servant":
      return probeEvery.servant;
  }
};

const risen = (suspicion: Suspicion): Suspicion => ({ ...suspicion, level: (suspicion.level + 1) as Level });

const risesAt = (state: DetectorState, clock: "link" | "ack"): Millis => {
  const { since, level } = clock === "link" ? state.link : state.ack;
  return since === null || level === 3 ? Number.POSITIVE_INFINITY : since + deadline(state, (level + 1) as Level, clock);
};

const EDGES = ["evidence.fresh", "evidence.late", "evidence.overdue", "evidence.gone"] as const;

const judge = (before: DetectorState, at: Millis, effects: Effect[]): DetectorState => {
  let state = before;
  if (lapsesAt(state) <= at) state = { ...state, awaited: [], ack: CALM };
  while (risesAt(state, "link") <= at) state = { ...state, link: risen(state.link) };
  while (risesAt(state, "ack") <= at) state = { ...state, ack: risen(state.ack) };
  const worst = Math.max(state.link.level, state.ack.level) as Level;
  if (worst === 0 && state.reported === 0) return state;
  const to = `health:${state.device}` as const;
  const lastEvidenceAt = state.lastEvidenceAt ?? at;
  if (worst === 0 && state.isUp) {
    effects.push(tell(to, { type: "evidence.fresh", lastEvidenceAt }));
    return { ...state, reported: 0 };
  }
  for (let level = state.reported + 1; level <= worst; level++) {
    const type = EDGES[level as 1 | 2 | 3];
    effects.push(tell(to, { type, lastEvidenceAt, clock: state.link.level >= level ? "link" : "ack" }));
  }
  return worst > state.reported ? { ...state, reported: worst } : state;
};

// ---- probes ----

const asked = (state: DetectorState, replyTo: Address, within: Millis, at: Millis): DetectorState => ({
  ...state,
  // Without a link nothing will be seen: say so now, so that the next candidate gets the time.
  asked: [...state.asked.filter((other) => other.replyTo !== replyTo), { replyTo, until: state.isUp ? at + within : at }],
  wantsProbe: state.isUp,
});

const answerAsked = (state: DetectorState, at: Millis, effects: Effect[]): DetectorState => {
  if (state.asked.length === 0) return state;
  const open = state.asked.filter(({ until }) => until > at && state.isUp);
  for (const ask of state.asked) if (!open.includes(ask)) effects.push(reply(ask.replyTo, "probe.missing", state.device));
  return open.length === state.asked.length ? state : { ...state, asked: open };
};

const reply = (to: Address, type: "probe.seen" | "probe.missing", device: DeviceId): Effect =>
  tell(to as `failover:${SeatId}`, { type, device });

/** When to probe next: by the interval since anything was heard or asked, sooner when quiet, at once when somebody wants to know. */
const nextProbeAt = (state: DetectorState): Millis => {
  const { isUp, lastEvidenceAt, lastProbeAt, timers, watch, link } = state;
  if (!isUp || lastEvidenceAt === null) return Number.POSITIVE_INFINITY;
  const every = interval(timers, watch);
  const regular = Math.max(lastEvidenceAt, lastProbeAt) + every;
  const quietFrom = lastEvidenceAt + timers.quietAfter + pause(state);
  const quick = link.level === 3 ? Number.POSITIVE_INFINITY : Math.max(quietFrom, lastProbeAt + timers.probeQuiet);
  const wanted = state.wantsProbe ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return Math.max(lastProbeAt + PROBE_GAP, Math.min(regular, quick, wanted));
};

const sendProbe = (state: DetectorState, at: Millis, effects: Effect[]): DetectorState => {
  const probe = state.probe + 1;
  effects.push({ op: "connection", command: { op: "probe", device: state.device, probe, deadline: PROBE_DEADLINE } });
  return { ...state, probe, lastProbeAt: at, wantsProbe: false };
};

const nextWake = (state: DetectorState): Millis | null => {
  let soonest = Math.min(
    nextProbeAt(state),
    risesAt(state, "link"),
    risesAt(state, "ack"),
    lapsesAt(state),
    state.vouchAt ?? Number.POSITIVE_INFINITY,
  );
  for (const { until } of state.asked) soonest = Math.min(soonest, until);
  return Number.isFinite(soonest) ? soonest : null;
};
