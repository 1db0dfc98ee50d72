/** A film for other tools: a trace that Perfetto and Chrome open, and a table of timings. */
import { type Film, type FilmFailover, GONE, NO_STATE, NOBODY } from "../../machines/driver/film.ts";

interface Track {
  readonly pid: number;
  readonly tid: number;
}
/** One event of the trace; what a phase demands beyond this is in its `rest`. */
type TraceEvent = Track & { readonly ph: string; readonly name: string; readonly ts: number } & Readonly<Record<string, unknown>>;

/**
 * Chrome's trace format: a process for each kind of actor, a thread for each actor, states as slices, events and marks as instants,
 * messages as flows. Times are microseconds since the film began. In order of time, a slice before what happens within it: a flow
 * begins and ends in the slice around it, so who has no states has one slice throughout.
 * Source: "Trace Event Format", Google, 2016; which flows are shown: docs of Perfetto, "Visualizing external trace formats".
 */
export const chromeTrace = (film: Film): string => {
  const { actors } = film;
  const kinds = [...new Set(actors.map(({ kind }) => kind)), "marks"];
  const tracks = actors.map(({ kind }, actor): Track => ({ pid: kinds.indexOf(kind) + 1, tid: actor + 1 }));
  const marks: Track = { pid: kinds.length, tid: actors.length + 1 };
  const named = (name: string, track: Track, value: string): TraceEvent => ({
    ph: "M",
    name,
    ts: 0,
    ...track,
    args: { name: value },
  });
  const names = [
    ...kinds.map((kind, place) => named("process_name", { pid: place + 1, tid: 0 }, kind)),
    ...actors.map(({ address }, actor) => named("thread_name", tracks[actor] ?? marks, address)),
    named("thread_name", marks, "marks"),
  ];
  const events = [
    ...slicesOf(film, tracks),
    ...messagesOf(film, tracks),
    ...film.marks.map(
      ({ kind, name, text, at }): TraceEvent => ({
        ph: "i",
        s: "g",
        cat: kind,
        name,
        ts: since(film, at),
        ...marks,
        args: { text },
      }),
    ),
  ].sort((one, other) => one.ts - other.ts);
  return JSON.stringify({ displayTimeUnit: "ms", traceEvents: [...names, ...events] });
};

const since = (film: Film, at: number): number => Math.round((at - film.from) * 1000);

/** The states of each actor, one after the other. */
const slicesOf = (film: Film, tracks: readonly Track[]): TraceEvent[] => {
  const { steps, actors, states } = film;
  const out: TraceEvent[] = [];
  const open = new Map<number, { state: number; at: number }>();
  const slice = (actor: number, name: string, from: number, to: number): void => {
    const ts = since(film, from);
    out.push({ ph: "X", cat: "state", name, ts, dur: since(film, to) - ts, ...(tracks[actor] as Track) });
  };
  const close = (actor: number, at: number): void => {
    const begun = open.get(actor);
    if (begun) slice(actor, states[begun.state] ?? "", begun.at, at);
    open.delete(actor);
  };
  const stateful = new Set<number>();
  let at = film.from;
  for (const [row, actor] of steps.actor.entries()) {
    at += steps.after[row] ?? 0;
    const state = steps.state[row] ?? NO_STATE;
    if (state === NO_STATE || open.get(actor)?.state === state) continue;
    stateful.add(actor);
    close(actor, at);
    if (state !== GONE) open.set(actor, { state, at });
  }
  for (const actor of open.keys()) close(actor, film.to);
  for (const [actor, { kind }] of actors.entries()) if (!stateful.has(actor)) slice(actor, kind, film.from, film.to);
  return out;
};

/** What each actor took in, and from whom. */
const messagesOf = (film: Film, tracks: readonly Track[]): TraceEvent[] => {
  const { steps, events } = film;
  let at = film.from;
  return steps.actor.flatMap((actor, row) => {
    at += steps.after[row] ?? 0;
    const cause = steps.cause[row] ?? NOBODY;
    const [to, from] = [tracks[actor] as Track, tracks[cause]];
    const common = { name: events[steps.event[row] ?? -1] ?? "", ts: since(film, at) };
    const taken: TraceEvent = { ph: "i", s: "t", cat: "event", ...common, ...to };
    if (!from) return [taken];
    const flow = { cat: "message", id: row + 1, ...common };
    return [taken, { ph: "s", ...flow, ...from }, { ph: "f", bp: "e", ...flow, ...to }];
  });
};

const TIMES = [
  "faultAt",
  "lastEvidenceAt",
  "detectedAt",
  "chosenAt",
  "committedAt",
  "inServiceAt",
  "firstAckAt",
  "endedAt",
] as const;
const SPANS: readonly (readonly [name: string, from: keyof FilmFailover, to: keyof FilmFailover])[] = [
  ["detectionMs", "faultAt", "detectedAt"],
  ["choiceMs", "detectedAt", "chosenAt"],
  ["inServiceMs", "committedAt", "inServiceAt"],
  ["firstAckMs", "faultAt", "firstAckAt"],
];

/** Changes of holder, a line each, as RFC 4180 has it. Times are milliseconds since the film began; what is not known is empty. */
export const timingsCsv = ({ failovers, from }: Film): string => {
  const head = ["seat", "cause", "from", "to", "ladder", "outcome", ...TIMES, ...SPANS.map(([name]) => name)];
  const rows = failovers.map((each) => [
    each.seat,
    each.cause,
    each.from,
    each.to,
    each.ladder,
    each.outcome,
    ...TIMES.map((name) => minus(each[name], from)),
    ...SPANS.map(([, begin, end]) => minus(each[end], each[begin])),
  ]);
  return [head, ...rows].map((cells) => `${cells.map(cell).join(",")}\r\n`).join("");
};

const minus = (one: unknown, other: unknown): number | null =>
  typeof one === "number" && typeof other === "number" ? one - other : null;
const cell = (value: string | number | null): string => {
  const text = String(value ?? "");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};
