/** What happened, in words and in order: faults, properties that broke, decisions, alerts. */
import type { Film, FilmMark } from "../../../machines/driver/film.ts";
import { sentenceOf } from "../../cli/sentences.ts";

export type Tale = FilmMark["kind"] | "decision" | "alert";
export interface Happening {
  readonly at: number;
  readonly kind: Tale;
  readonly text: string;
  /** The seat, device or account that it is about, if one. */
  readonly subject: string;
}

export const happeningsOf = ({ marks, said }: Film): Happening[] =>
  [
    ...marks.flatMap(begunAndEnded),
    ...said.map((event): Happening => {
      const kind = event.type.startsWith("alert.") ? "alert" : "decision";
      const head = event.type === "alert.resolved" ? "resolved: " : kind === "alert" ? `${String(event.data["level"])}: ` : "";
      return { at: event.at, kind, text: `${head}${sentenceOf(event)}`, subject: event.subject };
    }),
  ].sort((one, other) => one.at - other.at);

const begunAndEnded = ({ kind, at, until, name, text, hits }: FilmMark): Happening[] => {
  const subject = hits[0] ?? "";
  const head = kind === "property" ? `BROKEN ${name}: ` : kind === "fault" ? "fault: " : "";
  const begun: Happening = { at, kind, text: `${head}${text}`, subject };
  return until === null || until <= at ? [begun] : [begun, { at: until, kind, text: `over: ${text}`, subject }];
};

export const foundIn = (happenings: readonly Happening[], kinds: ReadonlySet<Tale>, search: string): Happening[] => {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return happenings.filter(
    ({ kind, text, subject }) => kinds.has(kind) && words.every((word) => `${text} ${subject}`.toLowerCase().includes(word)),
  );
};

/** Place of the last one at or before `time`; -1: none. */
export const happeningAt = (happenings: readonly Happening[], time: number): number => {
  let [low, high] = [0, happenings.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((happenings[middle]?.at ?? 0) <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
};
