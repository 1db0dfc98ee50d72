/**
 * A film: what a journal tells, made ready to be watched. Who was in which state when, what each step was caused by, and what was
 * decided and why. Plain data: it is written into a page, and the page needs no machine to show it.
 *
 * A journal holds inputs only, so they are followed: states and what charts said to each other come out of the charts
 * themselves (camera.ts). Steps stand in columns, a number each: a hundred thousand are two megabytes of JSON and read at once.
 */
import type { FailoverRecord, FleetEvent } from "../ports/records.ts";
import type { Candidate } from "../protocol.ts";

export const FILM_VERSION = 1;
/** In the column of states: no state of its own (a reducer), or no longer there. */
export const NO_STATE = -1;
export const GONE = -2;
/** In the column of causes: nobody in the film. */
export const NOBODY = -1;

export interface FilmActor {
  readonly address: string;
  /** The chart's name. Nodes, and those who only speak or listen here (roster, store, WhatsApp, ...), have no chart. */
  readonly kind: string;
}

/** One row a step, in order. Numbers in `actor`, `cause`, `event`, `state` are places in the lists beside them. */
export interface FilmSteps {
  /** Milliseconds since the step before; the first since `from`. */
  readonly after: readonly number[];
  readonly actor: readonly number[];
  /** Who told it, or NOBODY. */
  readonly cause: readonly number[];
  readonly event: readonly number[];
  /** The state that it led to, or NO_STATE, or GONE. */
  readonly state: readonly number[];
}

export interface FilmMark {
  readonly kind: "fault" | "property" | "node" | "gap";
  readonly at: number;
  /** Of a fault: when it ended; null: not within the film. */
  readonly until: number | null;
  /** A fault's kind, a property's name. */
  readonly name: string;
  readonly text: string;
  /** Devices, seats or accounts that it concerns. */
  readonly hits: readonly string[];
}

/** The candidates of a seat as they were judged at one moment. */
export interface Ranking {
  readonly at: number;
  readonly seat: string;
  readonly ranked: readonly Pick<Candidate, "device" | "ladder" | "lastSeenAt" | "why">[];
  readonly rejected: readonly { readonly device: string; readonly why: string }[];
}

/** The first sign of a link's end: what the connection said when it closed. */
export interface Closed {
  readonly at: number;
  readonly reason: string;
  readonly code: number | null;
}

export type FilmFailover = FailoverRecord & {
  /** How the holder's link had ended when it was given up; null: it had not. */
  readonly closed: Closed | null;
  /** The first message acknowledged through whoever spoke after it; null: not known (a journal alone does not tell), or never. */
  readonly firstAckAt: number | null;
  /** When the holder really failed; null: not known. */
  readonly faultAt: number | null;
};

export interface Film {
  readonly film: typeof FILM_VERSION;
  readonly title: string;
  /** A run tells what happened in the world too; a journal only what charts took in: neither faults nor acknowledgements. */
  readonly source: "run" | "journal";
  /** Sentences about the whole: what was run, what it broke, what could not be verified. */
  readonly notes: readonly string[];
  /** True if there was more that could not be shown. */
  readonly isPartial: boolean;
  /** Milliseconds since the Unix epoch, on the fleet's clock. */
  readonly from: number;
  readonly to: number;
  readonly actors: readonly FilmActor[];
  readonly events: readonly string[];
  readonly states: readonly string[];
  readonly steps: FilmSteps;
  readonly marks: readonly FilmMark[];
  readonly failovers: readonly FilmFailover[];
  readonly rankings: readonly Ranking[];
  /** What was decided and noticed, in order: audit entries and events. */
  readonly said: readonly FleetEvent[];
}
