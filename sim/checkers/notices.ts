/** Always: what the fleet says becomes notices, once each and in time, and nobody is told what was not said. */
import { FLAPPING } from "../../machines/alerts/flapping.ts";
import {
  type Episode,
  GATHER_MORE,
  IN_A_ROW,
  type Notice,
  type NoticesEvent,
  PACE,
  receiveNotices,
  startNotices,
  STORM,
} from "../../machines/alerts/notices.ts";
import { type AlertPolicy, isCause, isOfOutage, isOfSomebody, isOutage, isSymptom } from "../../machines/alerts/policy.ts";
import type { Millis } from "../../machines/ports/ids.ts";
import type { AlertLevel } from "../../machines/ports/records.ts";
import { eventsOf, type Life, oncePerLife, type Property } from "./life.ts";

/** One channel that takes everything. */
const CHANNELS = ["ops"];
const POLICY: AlertPolicy = {
  channels: { warning: CHANNELS, critical: CHANNELS },
  escalation: null,
  flapping: FLAPPING,
  rules: {},
};

interface Said {
  readonly at: Millis;
  readonly type: "raised" | "escalated" | "resolved";
  readonly key: string;
  readonly rule: string;
  readonly subject: string;
  readonly level: AlertLevel;
}

const saidIn = oncePerLife((life): readonly Said[] =>
  eventsOf(life, "said").flatMap(({ at, type, subject, data }): Said[] => {
    if (!type.startsWith("alert.")) return [];
    const key = String(data["key"]);
    const level: AlertLevel = data["level"] === "warning" ? "warning" : "critical";
    return [{ at, type: type.slice("alert.".length) as Said["type"], key, rule: key.split(":")[0] ?? key, subject, level }];
  }),
);

/** What people would have been told. While the node is down nobody tells them; what it owed is all that its next life knows. */
export const noticesOf = (life: Life): readonly Notice[] => {
  let state = startNotices({ policy: POLICY, channels: CHANNELS, life: "sim", at: life.from, duties: [], silences: [] });
  let wakeAt: Millis | null = null;
  const notices: Notice[] = [];
  const take = (event: NoticesEvent): void => {
    const step = receiveNotices(state, event);
    state = step.state;
    wakeAt = step.wakeAt;
    notices.push(...step.notices);
  };
  const wakeUpTo = (end: Millis): void => {
    for (let at = wakeAt; at !== null && at <= end; at = wakeAt) take({ type: "wake", at });
  };
  const nodes = eventsOf(life, "node").filter(({ what }) => what === "crashed" || what === "started");
  const steps = [...saidIn(life), ...nodes].toSorted((one, other) => one.at - other.at);
  for (const step of steps) {
    wakeUpTo(step.at);
    if ("what" in step) {
      if (step.what === "crashed") wakeAt = null;
      else {
        const duties = [...state.past, ...state.duties.values()];
        state = {
          ...startNotices({ policy: POLICY, channels: CHANNELS, life: `sim${step.at}`, at: step.at, duties, silences: [] }),
          raises: state.raises,
        };
        take({ type: "wake", at: step.at });
      }
    } else if (step.type === "resolved") take({ type: "resolved", at: step.at, key: step.key, text: "" });
    else take({ type: step.type, at: step.at, alert: episodeOf(step) });
  }
  wakeUpTo(life.to);
  return notices;
};

const episodeOf = ({ at, key, rule, subject, level }: Said): Episode => ({
  key,
  rule,
  subject,
  level,
  text: "",
  raisedAt: at,
  resolvedAt: null,
});

/** An alert from its beginning to its end, as it was said. */
interface Span extends Omit<Said, "type"> {
  readonly from: Millis;
  to: Millis | null;
}
const spansOf = (said: readonly Said[]): Span[] => {
  const spans: Span[] = [];
  const open = new Map<string, Span>();
  const lastOf = new Map<string, Span>();
  for (const each of said) {
    const known = open.get(each.key);
    const last = lastOf.get(each.key);
    if (each.type === "raised" && !known && last?.from === each.at) {
      // Over and back within one instant: the record has one alert of a key and a time.
      last.to = null;
      open.set(each.key, last);
    } else if (each.type === "raised" && !known) {
      const span: Span = { ...each, from: each.at, to: null };
      open.set(each.key, span);
      lastOf.set(each.key, span);
      spans.push(span);
    } else if (each.type === "resolved" && known) {
      known.to = each.at;
      open.delete(each.key);
    }
  }
  return spans;
};

/**
 * The promise is a second; what comes by the dozen or has one cause is told with the rest of it, but for the first word about a device
 * or an account, unless an outage explains it.
 */
const IN_TIME: Millis = 1000;
const DOZENS = 5;
/** As often as this within the span it comes and goes, and that is told instead. */
const OFTEN = { times: 4, within: 600_000, steady: 300_000 };

export const alertsAreTold: Property = {
  name: "alerts-are-told",
  says: "each alert and each end of one is told once, the first word about a device or an account within a second, others at least with the rest of a storm, and nothing else is told",
  broken: (life) => falseIn(life, noticesOf(life)),
};

/** What is wrong with these notices, of a life. */
export function* falseIn(life: Life, notices: readonly Notice[]): Iterable<{ readonly at: Millis; readonly text: string }> {
  const spans = spansOf(saidIn(life));
  if (spans.length === 0) return;
  const items = notices.flatMap((notice) => notice.items.map((item) => ({ item, at: notice.at })));
  const about = Map.groupBy(items, ({ item }) => nameOf(item.key, item.raisedAt));
  const boundOf = boundsOf(life, spans, notices);
  for (const span of spans) {
    const told = about.get(nameOf(span.key, span.from)) ?? [];
    for (const end of ["from", "to"] as const) {
      const since = span[end];
      if (since === null) continue;
      const bound = boundOf(span, end, since);
      if (bound === null) continue;
      const kinds = end === "from" ? ["raised", "resolved"] : ["resolved"];
      const first = told.find(({ item }) => kinds.includes(item.kind));
      const what = `${span.key}, ${end === "from" ? "raised" : "resolved"}`;
      if (!first) yield { at: since, text: `${what}, was told to nobody` };
      else if (first.at > bound) yield { at: first.at, text: `${what}, was told ${first.at - since} ms later` };
    }
  }
  const known = new Map(spans.map((span) => [nameOf(span.key, span.from), span]));
  const seen = new Set<string>();
  for (const { item, at } of items) {
    const span = known.get(nameOf(item.key, item.raisedAt));
    const isTrue = span !== undefined && at >= span.from && (item.kind !== "resolved" || (span.to !== null && span.to <= at));
    if (!isTrue) yield { at, text: `${item.kind} ${item.key} was told, and nobody had said so` };
    const name = `${item.kind} ${nameOf(item.key, item.raisedAt)}`;
    if (seen.has(name)) yield { at, text: `${item.kind} ${item.key} was told twice` };
    seen.add(name);
  }
}

const nameOf = (key: string, from: Millis): string => `${key} ${from}`;

/** By when the beginning or the end of an alert has to be told; null: nobody has to be told of it by itself. */
const boundsOf = (
  life: Life,
  spans: readonly Span[],
  notices: readonly Notice[],
): ((span: Span, end: "from" | "to", since: Millis) => Millis | null) => {
  const causes = spans.filter(({ rule }) => isCause(rule));
  const down = eventsOf(life, "node").filter(({ what }) => what === "crashed");
  const timesBy = (end: "from" | "to") => {
    const by = Map.groupBy(spans, ({ rule }) => rule);
    const sorted = [...by].map(([rule, list]) => [rule, list.flatMap((span) => span[end] ?? []).sort((a, b) => a - b)] as const);
    return new Map(sorted);
  };
  const times = { from: timesBy("from"), to: timesBy("to") };
  const raises = new Map([...Map.groupBy(spans, ({ key }) => key)].map(([key, list]) => [key, list.map(({ from }) => from)]));
  const during = (cause: Span, since: Millis): boolean => cause.from <= since + IN_TIME && (cause.to ?? life.to) >= since;
  const bySubject = Map.groupBy(spans, ({ subject }) => subject);
  const isFirstWord = (span: Span, since: Millis): boolean =>
    isOfSomebody(span.rule) &&
    !(isOfOutage(span) && causes.some((cause) => isOutage(cause.rule) && during(cause, since))) &&
    // Said in the same instant, or later, it is told together.
    !bySubject.get(span.subject)?.some((other) => other !== span && other.from < since && (other.to ?? life.to) >= since);
  const told = notices.map(({ at }) => at);
  const boundOf = (span: Span, end: "from" | "to", since: Millis): Millis | null => {
    const { key, rule, from, to } = span;
    if (near(raises.get(key), from, OFTEN.within + OFTEN.steady) >= OFTEN.times) return null;
    const isSymptomatic = isSymptom(rule) && causes.some((cause) => during(cause, since));
    const isMany = isSymptomatic || near(times[end].get(rule), since, STORM) > DOZENS;
    const isFirst = end === "from" && isFirstWord(span, since);
    // Over before anybody had to be told: it is told once, as over, when its end is.
    if (end === "from" && !isFirst && to !== null && to - from <= IN_TIME) return boundOf(span, "to", to);
    const isGathered = isMany && !isFirst;
    const waits = near(told, since, STORM) >= IN_A_ROW ? PACE : 0;
    const bound = since + (isGathered ? STORM + GATHER_MORE : IN_TIME + waits);
    const wasDown = down.some(({ at, for: span }) => at <= bound && at + (span ?? 0) >= since);
    return bound > life.to || wasDown ? null : bound;
  };
  return boundOf;
};

/** How many of the sorted times are so near. */
const near = (sorted: readonly Millis[] = [], at: Millis, within: Millis): number =>
  firstAfter(sorted, at + within) - firstAfter(sorted, at - within - 1);
const firstAfter = (sorted: readonly Millis[], at: Millis): number => {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? at) <= at) low = middle + 1;
    else high = middle;
  }
  return low;
};
