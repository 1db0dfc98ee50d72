/** Whether one fault was met as promised. Steps that a ladder has and that did not happen miss it, too. */
import type { DemoLadder } from "./faults.ts";

/** DESIGN, "Targets", in ms. */
export const TARGETS = { detected: 5000, told: 6000, chosen: 1000, inService: 5000, firstAck: 10_000 } as const;

/** In ms; null: did not happen. */
export interface Seen {
  readonly ladder: DemoLadder;
  /** From the fault. */
  readonly detectedMs: number | null;
  /** From the fault to the first notice on a channel. */
  readonly toldMs: number | null;
  /** From detection to the choice. */
  readonly selectionMs: number | null;
  /** From the commit to service; without a commit, from the fault. */
  readonly serviceMs: number | null;
  /** From the fault, or from its end where nobody could serve before. */
  readonly firstAckMs: number | null;
  /** Somebody was called. */
  readonly wasAlarmed: boolean;
}
export interface Owed {
  readonly ladder: DemoLadder;
  /**
   * False where a re-dial heals the fault before it counts as one (3.5 s against 4.5 s), and where nothing has to happen at all: no
   * failure, nothing to detect, nothing to tell.
   */
  readonly isDetected: boolean;
  /** Nobody can stand in: a person must be called. */
  readonly isAlarming: boolean;
}

export const judge = (seen: Seen, owed: Owed): string[] => {
  const missed: string[] = [];
  const owe = (name: string, value: number | null, bound: number): void => {
    if (value === null) missed.push(`${name} never happened`);
    else if (value >= bound) missed.push(`${name} took ${Math.round(value)} ms, less than ${bound} allowed`);
  };
  if (seen.ladder !== owed.ladder) missed.push(`ladder ${seen.ladder}, expected ${owed.ladder}`);
  if (owed.isDetected) {
    owe("detection", seen.detectedMs, TARGETS.detected);
    owe("the first notice", seen.toldMs, TARGETS.told);
  } else if (seen.detectedMs !== null) owe("detection", seen.detectedMs, TARGETS.detected);
  if (hasMoved(seen.ladder)) {
    owe("the choice", seen.selectionMs, TARGETS.chosen);
    owe("service after the commit", seen.serviceMs, TARGETS.inService);
  } else if (seen.ladder === "reconnect") owe("service", seen.serviceMs, TARGETS.firstAck);
  owe("first acknowledged message", seen.firstAckMs, TARGETS.firstAck);
  if (owed.isAlarming && !seen.wasAlarmed) missed.push("nobody was called");
  return missed;
};

export const hasMoved = (ladder: DemoLadder): boolean => ladder === "twin" || ladder === "account";

/** Of the faults that people are owed a word of. */
export interface AlertTimes {
  readonly owed: number;
  readonly told: number;
  /** Null: nobody was told. */
  readonly p50Ms: number | null;
  readonly maxMs: number | null;
  readonly boundMs: number;
  readonly met: boolean;
}
export const alertTimes = (rows: readonly { readonly owesAlert: boolean; readonly toldMs: number | null }[]): AlertTimes => {
  const owed = rows.filter(({ owesAlert }) => owesAlert);
  const told = owed.flatMap(({ toldMs }) => toldMs ?? []).toSorted((one, other) => one - other);
  return {
    owed: owed.length,
    told: told.length,
    p50Ms: told[Math.ceil(told.length / 2) - 1] ?? null,
    maxMs: told.at(-1) ?? null,
    boundMs: TARGETS.told,
    met: told.length === owed.length && told.every((ms) => ms < TARGETS.told),
  };
};
