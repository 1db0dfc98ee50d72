/**
 * A change of holder in the replay viewer, out of the journal of a fleet that runs. The film is made in a thread of its own: a
 * supervisor that is late by a quarter of a second mistrusts its own clocks.
 */
import { Worker } from "node:worker_threads";
import type { Millis } from "../../machines/ports/ids.ts";
import type { FailoverRecord } from "../../machines/ports/records.ts";
import type { JournalEntry } from "../../machines/ports/store.ts";
import type { ReplayTask } from "./replay.worker.ts";

export interface ReplaysOptions {
  /** Entries of the journal after a number, oldest first. */
  readonly read: (afterSeq: number, limit: number) => Promise<readonly JournalEntry[]>;
  readonly now: () => Millis;
}

const FILE = new URL(import.meta.url.endsWith(".ts") ? "./replay.worker.ts" : "./replay.worker.js", import.meta.url);
const BEFORE: Millis = 20_000;
const AFTER: Millis = 10_000;
/** Entries a question. */
const CHUNK = 2000;
/** Entries of one film. */
const MOST = 100_000;
const MADE_WITHIN: Millis = 20_000;

export class Replays {
  readonly #options: ReplaysOptions;
  /** One film after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: ReplaysOptions) {
    this.#options = options;
  }

  /** HTML; null: the journal does not reach back so far. */
  page(record: FailoverRecord): Promise<string | null> {
    const made = this.#last.then(() => this.#make(record));
    this.#last = made.catch(() => undefined);
    return made;
  }

  async #make({ id, seat, lastEvidenceAt, detectedAt, endedAt }: FailoverRecord): Promise<string | null> {
    const [oldest] = await this.#options.read(0, 1);
    const end = await this.#after(oldest?.seq ?? 0, (endedAt ?? this.#options.now()) + AFTER);
    const lines = await this.#reaching(await this.#after(oldest?.seq ?? 0, (lastEvidenceAt ?? detectedAt) - BEFORE), end);
    if (!lines.some((line) => line.includes(id))) return null;
    return film({ lines, title: `Greenroom: ${seat}, ${new Date(detectedAt).toISOString()}` });
  }

  /** The number of the last entry that is not after `time`. */
  async #after(oldest: number, time: Millis): Promise<number> {
    const isBefore = async (seq: number): Promise<boolean> => {
      const at = await this.#timeAfter(seq);
      return at !== null && at <= time;
    };
    let [low, step] = [oldest, 1024];
    while (await isBefore(low + step)) {
      low += step;
      step *= 2;
    }
    let high = low + step;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (await isBefore(middle)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** When the first entry after it was written that says so; null: there is none. */
  async #timeAfter(seq: number): Promise<Millis | null> {
    for (let [after, limit] = [seq, 16]; ; limit = CHUNK) {
      const entries = await this.#options.read(after, limit);
      for (const { line } of entries) {
        const at = timeOf(line);
        if (at !== null) return at;
      }
      if (entries.length < limit) return null;
      after = entries.at(-1)?.seq ?? after;
    }
  }

  /** From the last place before `from` at which a replay can begin. */
  async #reaching(from: number, to: number): Promise<string[]> {
    let lines = await this.#between(from, to);
    for (let before = from; before > 0 && lines.length < MOST; before -= CHUNK) {
      const chunk = await this.#between(Math.max(0, before - CHUNK), before);
      const start = chunk.findLastIndex((line) => BEGINS.test(line));
      lines = [...chunk.slice(Math.max(0, start)), ...lines];
      if (start >= 0 || chunk.length === 0) break;
    }
    return lines;
  }

  async #between(after: number, to: number): Promise<string[]> {
    const lines: string[] = [];
    for (let seq = after; seq < to && lines.length < MOST; ) {
      const entries = (await this.#options.read(seq, CHUNK)).filter((entry) => entry.seq <= to);
      if (entries.length === 0) break;
      for (const { line } of entries) lines.push(line);
      seq = entries.at(-1)?.seq ?? to;
    }
    return lines;
  }
}

const BEGINS = /^\{"n":\d+,"k":"(?:life|checkpoint)"/;
const timeOf = (line: string): Millis | null => {
  const { at, event } = JSON.parse(line) as { at?: unknown; event?: { at?: unknown } };
  if (typeof at === "number") return at;
  return typeof event?.at === "number" ? event.at : null;
};

const film = (task: ReplayTask): Promise<string> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(FILE, { workerData: task, resourceLimits: { maxOldGenerationSizeMb: 512 } });
    const late = setTimeout(() => {
      void worker.terminate();
      reject(new Error(`the film was not made within ${MADE_WITHIN / 1000} s`));
    }, MADE_WITHIN);
    worker.once("message", (page: string) => resolve(page));
    worker.once("error", reject);
    worker.once("exit", () => {
      clearTimeout(late);
      reject(new Error("the film was not made"));
    });
  });
