/**
 * A device's ratchets as one process knows them: stepped in memory one at a time, then committed. What a failed commit leaves
 * in memory is forgotten, and read back from the store.
 */
import type { ContactId, Millis } from "../../machines/ports/ids.ts";
import type { CommitQueue } from "./commits.ts";

/** A step that was taken: `use` is the key's number; `epoch` dates it. */
export interface Step {
  readonly use: number;
  readonly epoch: number;
}
type Load = (contact: ContactId, loaded: (value: Uint8Array | null | "failed") => void) => void;

export class Keys {
  readonly commits: CommitQueue;
  readonly #load: Load;
  readonly #wait: (after: Millis, then: () => void) => void;
  readonly #used = new Map<ContactId, number>();
  readonly #tasks: ((done: () => void) => void)[] = [];
  #busy = false;
  epoch = 0;

  constructor(commits: CommitQueue, load: Load, wait: (after: Millis, then: () => void) => void) {
    this.commits = commits;
    this.#load = load;
    this.#wait = wait;
  }

  /** Forgets what is not known to be durable, and dooms the steps that were taken on top of it. */
  forget(): void {
    this.epoch++;
    this.#used.clear();
  }

  /** Steps the ratchet towards a contact. "failed": the store did not give it. */
  step(contact: ContactId, takes: Millis, stepped: (step: Step | "failed") => void): void {
    this.exclusively((done) => {
      const take = (used: number): void => {
        const { epoch } = this;
        this.#wait(takes, () => {
          if (epoch === this.epoch) this.#used.set(contact, used + 1);
          stepped({ use: used + 1, epoch });
          done();
        });
      };
      const used = this.#used.get(contact);
      if (used !== undefined) return take(used);
      this.#load(contact, (value) => {
        if (value !== "failed") return take(numberOf(value));
        stepped("failed");
        done();
      });
    });
  }

  /** The mutex of the device: one encryption or decryption at a time. */
  exclusively(task: (done: () => void) => void): void {
    this.#tasks.push(task);
    if (!this.#busy) this.#next();
  }

  #next(): void {
    const task = this.#tasks.shift();
    this.#busy = task !== undefined;
    task?.(() => this.#next());
  }
}

export const bytesOf = (value: number): Uint8Array => {
  // By hand: a view would want a buffer of its own behind these four bytes, and there are thousands of them.
  const bytes = new Uint8Array(4);
  bytes[0] = value >>> 24;
  bytes[1] = value >>> 16;
  bytes[2] = value >>> 8;
  bytes[3] = value;
  return bytes;
};
const numberOf = (bytes: Uint8Array | null): number =>
  bytes?.length === 4 ? bytes.reduce((number, byte) => ((number << 8) | byte) >>> 0, 0) : 0;
