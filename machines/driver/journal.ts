/**
 * The journal: every input of every chart in the order of delivery, and nothing else. Fed back in this order it gives the same
 * states, whatever the clock says; a hash of the state each hundred inputs tells where a replay parted ways.
 *
 * Reducers are not in it (their rates are too high, their edges are inputs of charts), and no numbers, texts or addresses are.
 */
import type { Address } from "../protocol.ts";

export const JOURNAL_VERSION = 1;
/** Inputs between two state hashes. */
const HASH_EVERY = 100;

export type JournalRecord =
  | { readonly n: number; readonly k: "life"; readonly version: number; readonly node: string; readonly at: number }
  | { readonly n: number; readonly k: "start"; readonly to: Address; readonly kind: string; readonly input: unknown }
  | { readonly n: number; readonly k: "in"; readonly to: Address; readonly event: { readonly type: string } }
  | { readonly n: number; readonly k: "timer"; readonly timer: number }
  | { readonly n: number; readonly k: "hash"; readonly to: Address; readonly hash: string };

export class JournalWriter {
  readonly #write: (record: JournalRecord) => void;
  #n: number;
  #inputs = 0;

  /** `write` is called in the turn of the input and must not call back. `from`: the number after which this life's records begin. */
  constructor(write: (record: JournalRecord) => void, from = 0) {
    this.#write = write;
    this.#n = from;
  }

  life(node: string, at: number): void {
    this.#write({ n: ++this.#n, k: "life", version: JOURNAL_VERSION, node, at });
  }
  start(to: Address, kind: string, input: unknown): void {
    this.#write({ n: ++this.#n, k: "start", to, kind, input });
  }
  input(to: Address, event: { readonly type: string }): void {
    this.#inputs++;
    this.#write({ n: ++this.#n, k: "in", to, event: redact(event) });
  }
  timer(timer: number): void {
    this.#write({ n: ++this.#n, k: "timer", timer });
  }
  state(to: Address, snapshot: () => unknown): void {
    if (this.#inputs % HASH_EVERY !== 0) return;
    this.#write({ n: ++this.#n, k: "hash", to, hash: stateHash(snapshot()) });
  }
}

/** Machines get no numbers but one: the phone to send a pairing code to. */
const redact = <E extends { readonly type: string }>(event: E): E =>
  event.type === "link.request"
    ? { ...event, method: { kind: (event as unknown as { method: { kind: string } }).method.kind, phone: "" } }
    : event;

/** FNV-1a over value and context: quick, stable across processes, and meant to find a divergence, not an attacker. */
export const stateHash = (snapshot: unknown): string => {
  const { value, context } = snapshot as { value: unknown; context: unknown };
  const text = JSON.stringify([value, context]);
  let low = 0x811c9dc5;
  let high = 0x1b873593;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    low = Math.imul(low ^ code, 0x01000193) >>> 0;
    high = Math.imul(high ^ code ^ (low >>> 16), 0x85ebca6b) >>> 0;
  }
  return high.toString(16).padStart(8, "0") + low.toString(16).padStart(8, "0");
};
