/**
 * Notices that Baileys has stopped handling messages. It does so one after the other, and whatever waits for ever there (a history
 * that does not come, settings that WhatsApp does not tell) holds up all that follow: nothing is confirmed any more, and what was
 * left to Baileys is not read either, while the link looks well.
 *
 * It handles what was missed in one line and what is live in another, each in the order of arrival: a ciphertext that it asks for
 * is progress of its line, and what came before it there has been handled or dropped. A line is stuck if something waits in it
 * and nothing is asked for while it is looked at six times and once more. Looks are counted, not time: a process that was asleep
 * has not waited.
 */
import type { Millis } from "../../../machines/ports/ids.ts";
import type { Deadline, Deadlines } from "./deadlines.ts";

const LOOKS = 6;

interface Line {
  readonly waiting: Set<Uint8Array>;
  looks: number;
}
const line = (): Line => ({ waiting: new Set(), looks: 0 });

export class HandlingWatch {
  readonly #deadlines: Deadlines;
  readonly #every: Millis;
  readonly #onStuck: () => void;
  readonly #missed = line();
  readonly #live = line();
  #look: Deadline | null = null;
  #isClosed = false;

  /** `onStuck` is called when a line has made no progress for `within` or a sixth longer, and so on while it makes none. */
  constructor(deadlines: Deadlines, within: Millis, onStuck: () => void) {
    this.#deadlines = deadlines;
    this.#every = within / LOOKS;
    this.#onStuck = onStuck;
  }

  /** `isMissed`: WhatsApp says of the stanza that it was kept while the device was away. */
  came(ciphertext: Uint8Array, isMissed: boolean): void {
    const { waiting } = isMissed ? this.#missed : this.#live;
    waiting.add(ciphertext);
    this.#arm();
  }

  asked(ciphertext: Uint8Array): void {
    for (const each of [this.#missed, this.#live]) {
      if (!each.waiting.has(ciphertext)) continue;
      each.looks = 0;
      for (const earlier of each.waiting) {
        each.waiting.delete(earlier);
        if (earlier === ciphertext) break;
      }
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#look?.cancel();
    this.#look = null;
  }

  /** An idle link has no timer. */
  #arm(): void {
    if (this.#look || this.#isClosed) return;
    this.#look = this.#deadlines.add(this.#every, () => this.#lookNow());
  }

  #lookNow(): void {
    this.#look = null;
    const busy = [this.#missed, this.#live].filter(({ waiting }) => waiting.size > 0);
    if (busy.length === 0) return;
    for (const each of busy) each.looks += 1;
    const stuck = busy.filter(({ looks }) => looks > LOOKS);
    for (const each of stuck) each.looks = 0;
    if (stuck.length > 0) this.#onStuck();
    this.#arm();
  }
}
