/**
 * The journal: every input of every chart in the order of delivery, each with a hash of the state that it led to, and nothing else.
 * Fed back in this order it gives the same states, whatever the clock says (replay.ts).
 *
 * Charts only: reducers see too much, and their edges are inputs of charts. A delayed transition is an input like any other,
 * under XState's own name for it. Charts draw nothing, so there are no draws to keep.
 * The oldest records are dropped, so every few thousand a checkpoint says where each chart stands: a replay can begin there.
 * No number, text or key comes in: charts get none, but for the phone that asks for a pairing code, and that one is blanked.
 */
import type { Address } from "../protocol.ts";

export const JOURNAL_VERSION = 2;
/** Records between two checkpoints: so many, or so many for each chart, so that checkpoints stay a tenth of the whole. */
const CHECKPOINT_EVERY = 10_000;
const CHECKPOINT_PER_CHART = 10;

type Body =
  /** A node starts: nothing that was before exists any more. */
  | { readonly k: "life"; readonly version: number; readonly node: string; readonly at: number }
  | { readonly k: "start"; readonly to: Address; readonly kind: string; readonly input: unknown; readonly hash: string }
  /** `at`: of a delayed transition, whose event says no time. */
  | {
      readonly k: "in";
      readonly to: Address;
      readonly event: { readonly type: string };
      readonly at?: number;
      readonly hash: string;
    }
  /** The chart died of an error, or was ended by one: it is no more. */
  | { readonly k: "dead"; readonly to: Address }
  /** So many `state` records follow: all charts that there are. */
  | { readonly k: "checkpoint"; readonly version: number; readonly charts: number }
  | { readonly k: "state"; readonly to: Address; readonly kind: string; readonly value: unknown; readonly context: unknown };
/** Numbers grow by one. */
export type JournalRecord = Body & { readonly n: number };

/** Where a chart stands. */
interface Position {
  readonly to: Address;
  readonly kind: string;
  readonly snapshot: unknown;
}

export class JournalWriter {
  readonly #write: (record: JournalRecord) => void;
  readonly #checkpointEvery: number;
  #n: number;
  #sinceCheckpoint = 0;

  /** `write` is called in the turn of the input and must not call back. `from`: the number after which this life's records begin. */
  constructor(write: (record: JournalRecord) => void, from = 0, checkpointEvery = CHECKPOINT_EVERY) {
    this.#write = write;
    this.#n = from;
    this.#checkpointEvery = checkpointEvery;
  }

  life(node: string, at: number): void {
    this.#put({ k: "life", version: JOURNAL_VERSION, node, at });
  }
  start(to: Address, kind: string, input: unknown, snapshot: unknown): void {
    this.#put({ k: "start", to, kind, input: redacted(input), hash: stateHash(snapshot) });
  }
  input(to: Address, event: { readonly type: string }, snapshot: unknown, at?: number): void {
    this.#put({ k: "in", to, event: redacted(event), ...(at === undefined ? {} : { at }), hash: stateHash(snapshot) });
  }
  dead(to: Address): void {
    this.#put({ k: "dead", to });
  }

  /** Between two turns, when nothing is under way. */
  rest(count: number, charts: () => Iterable<Position>): void {
    if (this.#sinceCheckpoint < Math.max(this.#checkpointEvery, count * CHECKPOINT_PER_CHART)) return;
    this.#put({ k: "checkpoint", version: JOURNAL_VERSION, charts: count });
    for (const { to, kind, snapshot } of charts()) {
      const { value, context } = snapshot as { value: unknown; context: unknown };
      this.#put({ k: "state", to, kind, value, context: redacted(context) });
    }
    this.#sinceCheckpoint = 0;
  }

  #put(body: Body): void {
    this.#sinceCheckpoint++;
    this.#write({ n: ++this.#n, ...body });
  }
}

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Machines get no numbers but one: the phone to send a pairing code to, in the method of linking. */
const redacted = <T>(value: T): T => {
  if (!isPlain(value) || !isPlain(value["method"]) || !("phone" in value["method"])) return value;
  return { ...value, method: { ...value["method"], phone: "" } };
};

/** As JSON, with the names of every object in order: what was stored and read back must not differ. */
const canonical = (_name: string, value: unknown): unknown =>
  isPlain(value) ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1))) : value;

/** FNV-1a over value and context: quick, stable across processes, and meant to find a divergence, not an attacker. */
export const stateHash = (snapshot: unknown): string => {
  const { value, context } = snapshot as { value: unknown; context: unknown };
  const text = JSON.stringify([value, redacted(context)], canonical);
  let low = 0x811c9dc5;
  let high = 0x1b873593;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    low = Math.imul(low ^ code, 0x01000193) >>> 0;
    high = Math.imul(high ^ code ^ (low >>> 16), 0x85ebca6b) >>> 0;
  }
  return high.toString(16).padStart(8, "0") + low.toString(16).padStart(8, "0");
};
