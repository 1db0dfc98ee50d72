/**
 * The durations of failure detection and failover, and the relations between them without which the targets can't be met.
 *
 * `suspect` to `moveToNumber` count from the last evidence of a seat's holder. Sends that WhatsApp leaves unanswered are judged by
 * the same three deadlines, from the oldest of them. Devices that are probed less often get the longer pause on top.
 * Figures: docs/timers.md. All in milliseconds.
 */
import type { Millis } from "../ports/ids.ts";

export interface Timers {
  /** A seat's holder is probed when nothing was heard from it for so long. */
  readonly probe: Millis;
  /** ... and this often once it was quiet for `quiet`. Devices that may have to stand in soon: always. */
  readonly probeWhenQuiet: Millis;
  readonly quiet: Millis;
  /** Other devices of masters, and servants. */
  readonly standbyProbe: Millis;
  readonly servantProbe: Millis;
  /** New sends wait, candidates are probed. */
  readonly suspect: Millis;
  /** The link is dropped and dialled once. */
  readonly repair: Millis;
  /** Detected: alert. */
  readonly failed: Millis;
  /** Not before this does the seat move to a twin, to another number. The latter also counts from the end of a closed link. */
  readonly moveToTwin: Millis;
  readonly moveToNumber: Millis;
  /** A candidate is taken only with a stanza younger than this. */
  readonly candidateFresh: Millis;
  /** What a new holder gets to show that it can speak. */
  readonly verify: Millis;
  /** How long a new holder waits for proof of what the old one sent last. */
  readonly resolve: Millis;
  /** Until WhatsApp lets a dial in. */
  readonly connectTimeout: Millis;
  /** What devices get to come into service after the start of the process. */
  readonly bootGrace: Millis;
  /** A device that was silent is dropped and dialled at most once in this span. */
  readonly repairCooldown: Millis;
  /** How long a device that failed must stay well to count as healthy. */
  readonly probation: Millis;
  /** A seat does not go back to the device just left within this span. */
  readonly cooldown: Millis;
  /** Links that fall silent within this span fell silent together: one matter of path, node or service. */
  readonly together: Millis;
  /** Our own timers were so late: what was missed meanwhile accuses nobody. */
  readonly loopLate: Millis;
  /** Standing and cap of every account are looked at this often. */
  readonly deepCheck: Millis;
}

export const DEFAULT_TIMERS: Timers = {
  probe: 1000,
  probeWhenQuiet: 500,
  quiet: 1500,
  standbyProbe: 5000,
  servantProbe: 10_000,
  suspect: 2000,
  repair: 3500,
  failed: 4500,
  moveToTwin: 5500,
  moveToNumber: 7000,
  candidateFresh: 1500,
  verify: 1200,
  resolve: 1000,
  connectTimeout: 5000,
  bootGrace: 10_000,
  repairCooldown: 60_000,
  probation: 5000,
  cooldown: 60_000,
  together: 2000,
  loopLate: 250,
  deepCheck: 30_000,
};

/** What is owed, and what is assumed of the world. Stalls of 3 s and more are faults, not jitter. */
export const TARGETS = { detected: 5000, acknowledged: 10_000, deepCheck: 30_000 } as const;
export const ASSUMED = {
  /** The longest stall that a healthy link is forgiven. */
  stall: 3000,
  /** 99th percentile of a probe's round trip, tail of mobile links excluded. */
  roundTrip: 350,
  /** A frame that was on its way when the fault struck still counts as evidence. */
  inFlight: 200,
  /** One compare-and-set in the store, with a slow disk. */
  commit: 100,
  /** TCP, TLS, Noise and login, on a path of 300 ms. */
  dial: 1500,
} as const;

/** One relation that does not hold. */
export interface Violation {
  /** Stable, to search for. */
  readonly name: string;
  /** What must hold, and why. */
  readonly relation: string;
  /** The sum with the figures put in. */
  readonly figures: string;
  /** Settings that can be changed to make it hold; the likeliest first. */
  readonly settings: readonly (keyof Timers)[];
  /** What to do, in words. */
  readonly remedy: string;
}

/** Every relation that `timers` break; none: the targets can be met in a world as assumed. */
export const checkTimers = (timers: Timers): readonly Violation[] => RELATIONS.flatMap((relation) => violation(relation, timers));

type Term = keyof Timers | { readonly of: string; readonly ms: Millis };
interface Relation {
  readonly name: string;
  readonly left: readonly Term[];
  readonly is: "<" | "<=";
  readonly right: readonly Term[];
  readonly why: string;
}

const stall: Term = { of: "longest stall of a healthy link", ms: ASSUMED.stall };
const roundTrip: Term = { of: "round trip", ms: ASSUMED.roundTrip };
const inFlight: Term = { of: "frame in flight", ms: ASSUMED.inFlight };
const commit: Term = { of: "commit", ms: ASSUMED.commit };
const dial: Term = { of: "dial", ms: ASSUMED.dial };
const target = (ms: Millis): Term => ({ of: "target", ms });

const RELATIONS: readonly Relation[] = [
  {
    name: "detect-in-time",
    left: ["failed", inFlight, "loopLate"],
    is: "<",
    right: [target(TARGETS.detected)],
    why: "a failed holder is detected within 5 s",
  },
  {
    name: "no-false-alarm",
    left: ["probe", stall, roundTrip],
    is: "<=",
    right: ["failed"],
    why: "a holder that merely stalled can answer a probe before it counts as failed",
  },
  {
    name: "speak-in-time",
    left: ["moveToNumber", commit, "verify", commit, "verify", roundTrip],
    is: "<",
    right: [target(TARGETS.acknowledged)],
    why: "the second candidate, too, has a message acknowledged within 10 s of the fault",
  },
  {
    name: "resolve-in-time",
    left: ["moveToNumber", commit, "verify", commit, "resolve", roundTrip],
    is: "<",
    right: [target(TARGETS.acknowledged)],
    why: "what the old holder sent last is settled early enough for a message within 10 s of the fault",
  },
  {
    name: "quiet-first",
    left: ["quiet"],
    is: "<",
    right: ["suspect"],
    why: "a quiet holder is probed more often before it is suspected",
  },
  {
    name: "probe-before-suspicion",
    left: ["probe", roundTrip],
    is: "<=",
    right: ["suspect"],
    why: "a healthy holder answers before it is suspected, or it would be suspected all the time",
  },
  {
    name: "suspect-before-repair",
    left: ["suspect"],
    is: "<",
    right: ["repair"],
    why: "suspicion costs nothing, a re-dial does",
  },
  {
    name: "repair-before-failed",
    left: ["repair"],
    is: "<",
    right: ["failed"],
    why: "a re-dial is tried before a holder counts as failed",
  },
  {
    name: "candidates-at-hand",
    left: ["suspect", "probeWhenQuiet", roundTrip],
    is: "<=",
    right: ["failed"],
    why: "candidates, probed from suspicion on, have answered when the failure is detected",
  },
  {
    name: "failed-before-twin",
    left: ["failed"],
    is: "<=",
    right: ["moveToTwin"],
    why: "a seat moves after the failure was detected",
  },
  {
    name: "re-dial-before-move",
    left: ["repair", dial],
    is: "<=",
    right: ["moveToTwin"],
    why: "a re-dial that heals the link can call the move off",
  },
  { name: "twin-before-number", left: ["moveToTwin"], is: "<=", right: ["moveToNumber"], why: "the same number comes first" },
  {
    name: "fresh-candidates",
    left: ["probeWhenQuiet", roundTrip],
    is: "<=",
    right: ["candidateFresh"],
    why: "a healthy candidate always has a stanza that is young enough",
  },
  {
    name: "verify-by-probe",
    left: ["probeWhenQuiet", roundTrip],
    is: "<=",
    right: ["verify"],
    why: "a new holder that is well can answer in time",
  },
  { name: "quiet-probes", left: ["probeWhenQuiet"], is: "<=", right: ["probe"], why: "a quiet holder is not probed less often" },
  {
    name: "standby-probes",
    left: ["probe"],
    is: "<=",
    right: ["standbyProbe"],
    why: "standbys are not probed more often than holders",
  },
  {
    name: "servant-probes",
    left: ["probe"],
    is: "<=",
    right: ["servantProbe"],
    why: "servants are not probed more often than holders",
  },
  {
    name: "outage-in-one",
    left: ["probe", roundTrip],
    is: "<=",
    right: ["together"],
    why: "links that died in one moment were last heard of up to a probe apart, and must count as one outage",
  },
  {
    name: "dial-can-succeed",
    left: [dial],
    is: "<=",
    right: ["connectTimeout"],
    why: "an ordinary dial ends before it is given up",
  },
  {
    name: "boot-without-moves",
    left: ["connectTimeout"],
    is: "<=",
    right: ["bootGrace"],
    why: "a restart gives every device one whole dial before its seat moves",
  },
  {
    name: "deep-check-rate",
    left: ["deepCheck"],
    is: "<=",
    right: [target(TARGETS.deepCheck)],
    why: "every account is looked at each 30 s",
  },
];

const valueOf = (term: Term, timers: Timers): Millis => (typeof term === "string" ? timers[term] : term.ms);
const wordsOf = (term: Term): string => (typeof term === "string" ? term : term.of);
const sum = (terms: readonly Term[], timers: Timers): Millis => terms.reduce((total, term) => total + valueOf(term, timers), 0);
const isSetting = (term: Term): term is keyof Timers => typeof term === "string";
const once = (terms: readonly Term[]): (keyof Timers)[] => [...new Set(terms.filter(isSetting))];

const violation = ({ name, left, is, right, why }: Relation, timers: Timers): Violation[] => {
  const [low, high] = [sum(left, timers), sum(right, timers)];
  if (is === "<" ? low < high : low <= high) return [];
  const [lower, raise] = [once(left), once(right)];
  const excess = low - high + (is === "<" ? 1 : 0);
  const ways = [raise.length > 0 ? `raise ${raise.join(" or ")}` : "", lower.length > 0 ? `lower ${lower.join(" or ")}` : ""];
  return [
    {
      name,
      relation: `${left.map(wordsOf).join(" + ")} ${is} ${right.map(wordsOf).join(" + ")}: ${why}`,
      figures: `${left.map((term) => valueOf(term, timers)).join(" + ")}${left.length > 1 ? ` = ${low}` : ""} ms, must be ${is === "<" ? "below" : "at most"} ${high} ms`,
      settings: [...raise, ...lower],
      remedy: `${ways.filter((way) => way !== "").join(", or ")} by at least ${excess} ms in all`,
    },
  ];
};
