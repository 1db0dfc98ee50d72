/**
 * How long ago it was last seen that the store is ours. With the embedded store the lock of its file is the lease of all devices: it does
 * not run out, but it can be lost without anybody's doing here, when somebody moves or replaces the file.
 */
import type { Millis } from "../../machines/ports/ids.ts";

export class LeaseWatch {
  readonly #isOurs: () => Promise<boolean>;
  readonly #now: () => Millis;
  #seenAt: Millis;

  constructor(isOurs: () => Promise<boolean>, now: () => Millis) {
    this.#isOurs = isOurs;
    this.#now = now;
    this.#seenAt = now();
  }

  async look(): Promise<void> {
    if (await this.#isOurs()) this.#seenAt = this.#now();
  }

  age(): Millis {
    return Math.max(0, this.#now() - this.#seenAt);
  }
}
