/**
 * A film as text: a line that says all but the steps, then the steps in batches, a line each. Cut off anywhere, what came before
 * the cut can still be shown.
 */
import { type Film, FILM_VERSION, type FilmSteps } from "./film.ts";

/** Rows a line. */
const BATCH = 2_000;
const COLUMNS = ["after", "actor", "cause", "event", "state"] as const satisfies readonly (keyof FilmSteps)[];

type Head = Omit<Film, "steps"> & { readonly rows: number };
export interface ReadFilm {
  /** Null: nothing can be shown. */
  readonly film: Film | null;
  /** What is wrong with it, and what to do: a sentence. Null: nothing. */
  readonly complaint: string | null;
}

/** A line each; never with a line break within, nor `<`, so that it can stand in a page. */
export const writeFilm = ({ steps, ...rest }: Film): string => {
  const rows = steps.after.length;
  const lines = [JSON.stringify({ ...rest, rows } satisfies Head)];
  for (let from = 0; from < rows; from += BATCH)
    lines.push(JSON.stringify(COLUMNS.map((column) => steps[column].slice(from, from + BATCH))));
  return lines.map((line) => line.replaceAll("<", "\\u003c")).join("\n");
};

const AGAIN = "make it again with: greenroom replay FILE --html PAGE";

export const readFilm = (text: string): ReadFilm => {
  const [first = "", ...batches] = text.trim().split("\n");
  if (first === "") return { film: null, complaint: `there is no film in this page: ${AGAIN}` };
  const head = parsed(first) as Partial<Record<keyof Head, unknown>> | null;
  if (head === null) return { film: null, complaint: `the film is cut off before its first step: ${AGAIN}` };
  if (typeof head.film !== "number") return { film: null, complaint: `this is no film: ${AGAIN}` };
  if (head.film !== FILM_VERSION)
    return {
      film: null,
      complaint: `the film is of version ${head.film}, this page reads version ${FILM_VERSION}: open it with the release that wrote it`,
    };
  if (!isWhole(head)) return { film: null, complaint: `the film's first line is not whole: ${AGAIN}` };
  const { rows, ...rest } = head;
  const steps = stepsIn(batches, head);
  const found = steps.after.length;
  const complaint = found < rows ? `the film is cut off: shown are the first ${found} of ${rows} steps; ${AGAIN}` : null;
  return { film: { ...rest, steps, isPartial: rest.isPartial || complaint !== null }, complaint };
};

/** All lines up to the first that is not one of steps. */
const stepsIn = (batches: readonly string[], head: Head): FilmSteps => {
  const steps = { after: [], actor: [], cause: [], event: [], state: [] } as Record<keyof FilmSteps, number[]>;
  for (const line of batches) {
    const batch = parsed(line);
    if (!isBatch(batch, head)) break;
    for (const [place, column] of COLUMNS.entries()) for (const value of batch[place] ?? []) steps[column].push(value);
  }
  return steps;
};

const parsed = (line: string): unknown => {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
};

const LISTS = [
  "notes",
  "actors",
  "events",
  "states",
  "marks",
  "failovers",
  "rankings",
  "said",
] as const satisfies readonly (keyof Head)[];
const isWhole = (head: Partial<Record<keyof Head, unknown>>): head is Head =>
  LISTS.every((name) => Array.isArray(head[name])) &&
  [head.from, head.to, head.rows].every(Number.isFinite) &&
  typeof head.title === "string";

const isBatch = (batch: unknown, { actors, events, states }: Head): batch is number[][] => {
  if (!Array.isArray(batch) || batch.length !== COLUMNS.length) return false;
  const lists = batch as unknown[];
  const length = Array.isArray(lists[0]) ? lists[0].length : -1;
  const most = [Number.POSITIVE_INFINITY, actors.length, actors.length, events.length, states.length];
  const least = [0, 0, -1, 0, -2];
  return lists.every(
    (list, place) =>
      Array.isArray(list) &&
      list.length === length &&
      list.every((value) => typeof value === "number" && value >= (least[place] ?? 0) && value < (most[place] ?? 0)),
  );
};
