/**
 * Writes a device's credentials when they have changed.
 *
 * Baileys announces a change three times in each login, mostly without one, and each would be a flush to disk. What has not changed
 * is not written; what WhatsApp tells anew at every login (a hint for routing, a hash of settings) waits, so that many devices'
 * share a commit. All else is queued in the turn of the announcement, before whatever Baileys does next with the keys that go with it.
 */
import type { AuthenticationCreds } from "@whiskeysockets/baileys";
import type { Millis } from "../../../../machines/ports/ids.ts";
import type { Deadline, Deadlines } from "../deadlines.ts";
import { encodeCreds } from "./codec.ts";

/** Changes that can wait do so until the next multiple of this, and at least as long. */
const LATER: Millis = 500;

export interface CredsKeeperOptions {
  readonly creds: AuthenticationCreds;
  readonly now: () => Millis;
  readonly deadlines: Deadlines;
  readonly save: (creds: Uint8Array) => void;
}

export class CredsKeeper {
  readonly #options: CredsKeeperOptions;
  #saved: string;
  #hints: string;
  #waiting: Deadline | null = null;
  #isClosed = false;

  /** `creds` are as the store has them. */
  constructor(options: CredsKeeperOptions) {
    this.#options = options;
    this.#saved = this.#lasting();
    this.#hints = this.#passing();
  }

  /** They may have changed. */
  changed(): void {
    if (this.#isClosed) return;
    const lasting = this.#lasting();
    if (lasting !== this.#saved) return this.#save(lasting);
    if (this.#waiting || this.#passing() === this.#hints) return;
    const { deadlines, now } = this.#options;
    this.#waiting = deadlines.add(2 * LATER - (now() % LATER), () => this.#save(this.#lasting()));
  }

  /** What waits is forgotten, and so is what comes later: another link of the device may have newer credentials. */
  close(): void {
    this.#isClosed = true;
    this.#forget();
  }

  #forget(): void {
    this.#waiting?.cancel();
    this.#waiting = null;
  }

  #save(lasting: string): void {
    this.#forget();
    this.#saved = lasting;
    this.#hints = this.#passing();
    this.#options.save(encodeCreds(this.#options.creds));
  }

  #lasting(): string {
    const { routingInfo: _routing, lastPropHash: _hash, ...lasting } = this.#options.creds;
    return Buffer.from(encodeCreds(lasting)).toString("latin1");
  }

  #passing(): string {
    const { routingInfo, lastPropHash } = this.#options.creds;
    return `${routingInfo ? Buffer.from(routingInfo).toString("base64") : ""} ${lastPropHash ?? ""}`;
  }
}
