/** The film of a run: what the node's journal tells, and what only the world knows: faults, what broke, the first acknowledgements. */
import { filmOf } from "../../machines/driver/camera.ts";
import type { Film, FilmFailover, FilmMark } from "../../machines/driver/film.ts";
import type { JournalRecord } from "../../machines/driver/journal.ts";
import { type Case, casesOf } from "../checkers/cases.ts";
import { check } from "../checkers/index.ts";
import type { Violation } from "../checkers/life.ts";
import { measure } from "../checkers/timed.ts";
import { type FaultSpan, Timeline } from "../checkers/timeline.ts";
import { describeFault } from "../faults/catalogue.ts";
import { lifeOf } from "../plan/life.ts";
import type { Plan } from "../plan/plan.ts";
import { runPlan, type RunOptions } from "../plan/run.ts";
import { inPlainWords } from "../plan/words.ts";

/** Runs the plan once more, and writes down everything. */
export const filmOfPlan = (plan: Plan, title: string, options: RunOptions = {}): Film => {
  const records: JournalRecord[] = [];
  const fleet = runPlan(plan, { ...options, journal: (record) => records.push(structuredClone(record)) });
  const life = lifeOf(plan, fleet);
  const timeline = new Timeline(life);
  const violations = [...check(life), ...measure(timeline).violations];
  const { film } = filmOf(records, title, options.actors);
  const cases = casesOf(timeline);
  const to = Math.max(film.to, life.to);
  return {
    ...film,
    source: "run",
    to,
    notes: [inPlainWords(plan)[0] ?? "", ...film.notes],
    marks: [
      ...film.marks,
      ...timeline.faults.map(faultMark),
      ...violations.map((violation) => propertyMark(violation, film, life.from, to)),
    ],
    failovers: film.failovers.map((failover) => measured(failover, cases)),
  };
};

const faultMark = ({ from, to, fault, devices }: FaultSpan): FilmMark => ({
  kind: "fault",
  at: from,
  until: Number.isFinite(to) ? to : null,
  name: fault.kind,
  text: describeFault(fault),
  hits: "node" in fault.target ? [fault.target.node] : devices,
});

/** What concerns the whole run is pinned to its end. */
const propertyMark = ({ property, at, text }: Violation, film: Film, from: number, to: number): FilmMark => ({
  kind: "property",
  at: at === null ? to : from + at,
  until: null,
  name: property,
  text,
  hits: namesIn(text, film),
});

/** Seats, devices and accounts that a sentence names. */
const namesIn = (text: string, { actors }: Film): string[] => {
  const names = new Set(actors.map(({ address }) => address.slice(address.indexOf(":") + 1)));
  const words = text.split(/[^\w./-]+/).map((word) => word.replace(/[.]+$/, ""));
  return [...new Set(words)].filter((word) => names.has(word));
};

const measured = (failover: FilmFailover, cases: readonly Case[]): FilmFailover => {
  const own = cases.find(({ seat, change }) => seat === failover.seat && change !== null && change.term === failover.termAfter);
  return own ? { ...failover, faultAt: own.from, firstAckAt: own.firstAckAt } : failover;
};
