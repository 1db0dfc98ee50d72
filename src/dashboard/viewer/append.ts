/** More of a film that is shown already: what a live feed adds to it. */
import type { Film, FilmSteps } from "../../../machines/driver/film.ts";

/** Only what is new, in the columns and lists of the film; a change of holder that went on is there again, whole. */
export type Frames = Pick<Film, "to" | "actors" | "events" | "states" | "steps" | "marks" | "failovers" | "rankings" | "said">;

export const appended = (film: Film, more: Frames): Film => {
  const column = (name: keyof FilmSteps): number[] => [...film.steps[name], ...more.steps[name]];
  return {
    ...film,
    to: Math.max(film.to, more.to),
    actors: [...film.actors, ...more.actors],
    events: [...film.events, ...more.events],
    states: [...film.states, ...more.states],
    steps: {
      after: column("after"),
      actor: column("actor"),
      cause: column("cause"),
      event: column("event"),
      state: column("state"),
    },
    marks: [...film.marks, ...more.marks],
    failovers: [...new Map([...film.failovers, ...more.failovers].map((each) => [each.id, each])).values()],
    rankings: [...film.rankings, ...more.rankings],
    said: [...film.said, ...more.said],
  };
};
