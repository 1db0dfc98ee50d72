/** What the end of a link means for the next dial: which arrow it takes, and what the device has behind it afterwards. Pure. */
import type { CloseReason, LinkMethod } from "../ports/connection.ts";
import type { Millis } from "../ports/ids.ts";
import type { LinkState, Standing } from "../ports/store.ts";
import { CLOSINGS } from "./closing.ts";
import { backoff, draw } from "./jitter.ts";

/** A link that served so long has proved itself: its end is met with a dial at once, and backing off begins anew. */
const STABLE: Millis = 30_000;
const FIRST_BACKOFF: Millis = 500;
const BACKOFF_CAP: Millis = 60_000;
const QUARANTINE: Millis = 30_000;
const MAX_REPLACEMENTS = 4;
/** Served so long, whoever replaced us is gone. */
const UNCONTESTED: Millis = 600_000;

/** What a device's links have come to so far. */
export interface LinkHistory {
  readonly dial: number;
  readonly servingSince: Millis | null;
  /** Out of service since; null while serving. */
  readonly downSince: Millis | null;
  /** Dials that did not lead to lasting service, since the last that did. */
  readonly failures: number;
  /** The one dial without a pause has been used since then. */
  readonly hasRedialled: boolean;
  readonly replacements: number;
  /** Of this actor's own draws. */
  readonly seed: number;
}
export interface Closing {
  readonly dial: number;
  readonly reason: CloseReason;
  readonly until: Millis | null;
  readonly at: Millis;
}
interface Aftermath extends Partial<LinkHistory> {
  readonly now: Millis;
  readonly deadlineAt?: Millis;
  readonly link?: LinkState;
  readonly method?: LinkMethod | null;
  readonly standing?: Standing;
  readonly bannedUntil?: Millis | null;
}

export type End =
  | "old"
  | "loggedOut"
  | "suspended"
  | "banned"
  | "contested"
  | "replaced"
  | "outdated"
  | "unlinkable"
  | "atOnce"
  | "backoff";

type Known = Pick<LinkHistory, "dial" | "replacements" | "servingSince" | "failures" | "hasRedialled">;

const lasted = ({ servingSince }: Pick<Known, "servingSince">, at: Millis, span: Millis): boolean =>
  servingSince !== null && at - servingSince >= span;

/** It served long enough for what was before it to be forgotten. */
export const isProved = (known: Pick<Known, "servingSince">, at: Millis): boolean => lasted(known, at, STABLE);

/** Which arrow the end of a link takes. */
export const endOf = (known: Known, closed: Closing): End => {
  if (closed.dial !== known.dial) return "old";
  const { linkLost, standing, redial } = CLOSINGS[closed.reason];
  if (linkLost) return "loggedOut";
  if (standing === "banned") return closed.until === null ? "banned" : "suspended";
  switch (redial) {
    case "quarantine":
      return known.replacements >= MAX_REPLACEMENTS && !lasted(known, closed.at, UNCONTESTED) ? "contested" : "replaced";
    case "slowly":
      return "outdated";
    case "never":
      return "unlinkable";
    case "backoff":
      return "backoff";
    default:
      return lasted(known, closed.at, STABLE) || (known.failures === 0 && !known.hasRedialled) ? "atOnce" : "backoff";
  }
};
/** One more dial has failed. */
export const backedOff = (known: Pick<LinkHistory, "seed">, at: Millis, failures: number) => {
  const { value, seed } = draw(known.seed);
  return { seed, failures: failures + 1, deadlineAt: at + backoff(FIRST_BACKOFF, BACKOFF_CAP, failures, value) };
};

export const ended = (history: LinkHistory, closed: Closing): Aftermath => {
  const { at } = closed;
  const end = endOf(history, closed);
  if (end === "old") return { now: at };
  const failures = isProved(history, at) ? 0 : history.failures;
  const down = {
    now: at,
    servingSince: null,
    downSince: history.downSince ?? at,
    failures,
  };
  switch (end) {
    case "atOnce":
      return { ...down, hasRedialled: true };
    case "backoff":
      return { ...down, ...backedOff(history, at, failures) };
    case "replaced":
    case "contested": {
      const before = lasted(history, at, UNCONTESTED) ? 0 : history.replacements;
      return { ...down, replacements: before + 1, deadlineAt: at + QUARANTINE * 2 ** before };
    }
    case "outdated":
      return down;
    case "suspended":
    case "banned":
      return { ...down, standing: "banned", bannedUntil: closed.until, deadlineAt: closed.until ?? at };
    case "loggedOut":
      return { ...down, link: "loggedOut", method: null };
    default:
      return { ...down, method: null };
  }
};
