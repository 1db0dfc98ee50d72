/** A film for other tools: a trace that Perfetto and Chrome open, and a table of timings. */
import { type Film, type FilmFailover, GONE, NO_STATE, NOBODY } from "../../machines/driver/film.ts";

/**
 * Chrome's trace format: a process for each kind of actor, a thread for each actor, states as slices, events and marks as instants,
 * messages as flows. Times are microseconds since the film began.
 * Source: "Trace Event Format", Google, 2016.
 */
export const chromeTrace = (film: Film): string => {
  const { steps, actors, states, events } = film;
  const kinds = [...new Set(actors.map(({ kind }) => kind))];
  const places = actors.map(({ kind }, actor) => ({ pid: kinds.indexOf(kind) + 1, tid: actor + 1 }));
  const out: object[] = [
    ...kinds.map((name, place) => ({ ph: "M", name: "process_name", pid: place + 1, args: { name } })),
    ...actors.map(({ address }, actor) => ({ ph: "M", name: "thread_name", ...places[actor], args: { name: address } })),
  ];
  const since = (at: number): number => Math.round((at - film.from) * 1000);
  const open = new Map<number, { state: number; at: number }>();
  const close = (actor: number, at: number): void => {
    const slice = open.get(actor);
    if (!slice) return;
    out.push({
      ph: "X",
      cat: "state",
      name: states[slice.state],
      ts: since(slice.at),
      dur: since(at) - since(slice.at),
      ...places[actor],
    });
    open.delete(actor);
  };
  let at = film.from;
  for (const [row, actor] of steps.actor.entries()) {
    at += steps.after[row] ?? 0;
    const state = steps.state[row] ?? NO_STATE;
    const cause = steps.cause[row] ?? NOBODY;
    const name = events[steps.event[row] ?? -1];
    out.push({ ph: "i", s: "t", cat: "event", name, ts: since(at), ...places[actor] });
    if (cause !== NOBODY) {
      out.push({ ph: "s", cat: "message", name, id: row, ts: since(at), ...places[cause] });
      out.push({ ph: "f", bp: "e", cat: "message", name, id: row, ts: since(at), ...places[actor] });
    }
    if (state === NO_STATE || open.get(actor)?.state === state) continue;
    close(actor, at);
    if (state !== GONE) open.set(actor, { state, at });
  }
  for (const actor of open.keys()) close(actor, film.to);
  for (const { kind, name, text, at: begun } of film.marks)
    out.push({ ph: "i", s: "g", cat: kind, name, ts: since(begun), pid: 0, tid: 0, args: { text } });
  return JSON.stringify({ displayTimeUnit: "ms", traceEvents: out });
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
