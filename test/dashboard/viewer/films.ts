/** Films made up for tests: any steps of any actors. */
import * as fc from "fast-check";
import { type Film, FILM_VERSION, type FilmSteps } from "../../../machines/driver/film.ts";

const ACTORS = ["orchestrator", "seat:sales/sales-1", "health:sales-1/a", "roster"];
const STATES = ["healthy", "suspect", "failed"];
const EVENTS = ["start", "evidence.late", "holder.failed"];

export interface Step {
  readonly after: number;
  readonly actor: number;
  readonly cause: number;
  readonly event: number;
  readonly state: number;
}

export const filmWith = (steps: readonly Step[], rest: Partial<Film> = {}): Film => {
  const column = (name: keyof FilmSteps): number[] => steps.map((step) => step[name]);
  const length = steps.reduce((sum, { after }) => sum + after, 0);
  return {
    film: FILM_VERSION,
    title: "made up",
    source: "run",
    notes: [],
    isPartial: false,
    from: 1_000_000,
    to: 1_000_000 + length,
    actors: ACTORS.map((address) => ({ address, kind: address.split(":", 1)[0] ?? "" })),
    events: EVENTS,
    states: STATES,
    steps: {
      after: column("after"),
      actor: column("actor"),
      cause: column("cause"),
      event: column("event"),
      state: column("state"),
    },
    marks: [],
    failovers: [],
    rankings: [],
    said: [],
    ...rest,
  };
};

export const anySteps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    after: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 50 })),
    actor: fc.nat(ACTORS.length - 1),
    cause: fc.integer({ min: -1, max: ACTORS.length - 1 }),
    event: fc.nat(EVENTS.length - 1),
    state: fc.integer({ min: -2, max: STATES.length - 1 }),
  }),
  { maxLength: 60 },
);
