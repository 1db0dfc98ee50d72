/** How often each state and transition was taken, by the records of journals and the runs of plans: for `greenroom draw --coverage`. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { AnyStateNode, AnyTransitionDefinition } from "xstate";
import type { JournalRecord } from "../machines/driver/journal.ts";
import { type Onlooker, replayJournal } from "../machines/driver/replay.ts";
import { readJournal } from "./journal-file.ts";
import { PlanError } from "./plan/parse.ts";
import { runPlan } from "./plan/run.ts";
import { read } from "./replay.ts";

/**
 * By chart: per state (a path with dots), per "from -> to", and per "from / event [guard]" for what is taken within a state. What stands on
 * the chart itself is from "any".
 */
export type Taken = ReadonlyMap<string, ReadonlyMap<string, number>>;

export interface TakenFrom {
  readonly taken: Taken;
  readonly files: number;
  /** What could not be used, and why: sentences. */
  readonly notes: readonly string[];
}

/**
 * `path`: a journal, a plan, or a folder of them.
 * @throws PlanError if nothing there can be used
 */
export const countTaken = (path: string): TakenFrom => {
  const tally = new Tally();
  const notes: string[] = [];
  let files = 0;
  for (const file of filesAt(path)) {
    try {
      const note = tally.count(recordsOf(file));
      if (note !== null) notes.push(`${file}: ${note}`);
      files++;
    } catch (error) {
      if (!(error instanceof PlanError)) throw error;
      notes.push(`${file}: ${error.message}`);
    }
  }
  if (files === 0) throw new PlanError(notes[0] ?? `${path}: there is no journal and no plan`);
  return { taken: tally.taken, files, notes };
};

const filesAt = (path: string): string[] => {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) throw new PlanError(`${path}: there is no such file or folder`);
  if (!found.isDirectory()) return [path];
  const names = readdirSync(path).filter((name) => /\.jsonl?$/.test(name));
  return names.toSorted().map((name) => join(path, name));
};

const recordsOf = (file: string): readonly JournalRecord[] => {
  const journal = readJournal(readFileSync(file, "utf8"));
  if (journal !== null) return journal.records;
  const records: JournalRecord[] = [];
  runPlan(read(file).plan, { journal: (record) => records.push(structuredClone(record)) });
  return records;
};

class Tally implements Onlooker {
  readonly taken = new Map<string, Map<string, number>>();

  /** What could not be followed, in words; null: nothing. */
  count(records: readonly JournalRecord[]): string | null {
    const { outcome, notes } = replayJournal(records, undefined, this);
    if (outcome === "refused" || outcome === "nothing") throw new PlanError(notes[0] ?? outcome);
    return notes[0] ?? null;
  }

  stands(_to: string, kind: string, value: unknown): void {
    this.#add(kind, pathOf(value));
  }
  took = (kind: string, { source, target, eventType, guard }: AnyTransitionDefinition): void => {
    const to = target?.[0];
    if (!to) return this.#add(kind, `${idOf(source)} / ${triggerOf(eventType, guard)}`);
    this.#add(kind, idOf(to));
    this.#add(kind, `${idOf(source)} -> ${idOf(to)}`);
  };
  life(): void {}
  step(): void {}
  ends(): void {}
  loses(): void {}

  #add(kind: string, key: string): void {
    const counts = this.taken.get(kind) ?? new Map<string, number>();
    this.taken.set(kind, counts.set(key, (counts.get(key) ?? 0) + 1));
  }
}

const idOf = (node: AnyStateNode): string => (node.parent ? node.path.join(".") : "any");

/** As drawings name it. */
const triggerOf = (eventType: string, guard: unknown): string => {
  const event = eventType === "" ? "always" : eventType.replace(/^xstate\.after\.([^.]+)\..*$/, "after $1");
  const name = typeof guard === "object" && guard !== null && "type" in guard ? guard.type : guard;
  return typeof name === "string" ? `${event} [${name}]` : event;
};

/** A state as XState says it: a word, or an object a level. */
const pathOf = (value: unknown): string => {
  if (typeof value === "string") return value;
  const [outer, inner] = Object.entries(value as Record<string, unknown>)[0] ?? ["", ""];
  return `${outer}.${pathOf(inner)}`;
};
