/**
 * Requests that were refused, in the audit: who, which endpoint, why. Never what was sent.
 *
 * Repeats within a minute are one entry with their number, and no more than so many entries are written a minute: somebody who
 * knocks all day must not fill the disk.
 */
import type { Millis } from "../../machines/ports/ids.ts";
import type { AuditDraft } from "../../machines/ports/records.ts";

export interface Refusal {
  readonly code: string;
  /** The route as it is documented: the address itself may contain anything. */
  readonly endpoint: string;
  /** Of the key that was sent, if it is one of ours. */
  readonly key: string | null;
  readonly address: string;
}
interface Repeats {
  readonly last: Refusal;
  count: number;
}

const WITHIN: Millis = 60_000;
const ENTRIES = 10;

export class Refusals {
  readonly #write: (entry: AuditDraft) => void;
  readonly #now: () => Millis;
  readonly #repeats = new Map<string, Repeats>();
  /** Of those that had no room. */
  #others = 0;
  #begunAt: Millis = 0;

  constructor(write: (entry: AuditDraft) => void, now: () => Millis) {
    this.#write = write;
    this.#now = now;
  }

  note(refusal: Refusal): void {
    if (this.#now() >= this.#begunAt + WITHIN) this.flush();
    const who = refusal.key ?? refusal.address;
    const known = this.#repeats.get(`${refusal.code} ${who}`);
    if (known) known.count++;
    else if (this.#repeats.size >= ENTRIES) this.#others++;
    else {
      this.#repeats.set(`${refusal.code} ${who}`, { last: refusal, count: 0 });
      this.#tell(refusal, 1);
    }
  }

  /** Writes what was only counted, and begins anew. */
  flush(): void {
    for (const { last, count } of this.#repeats.values()) if (count > 0) this.#tell(last, count);
    if (this.#others > 0) this.#append("api", `${this.#others} more requests of others were refused`, { count: this.#others });
    this.#repeats.clear();
    this.#others = 0;
    this.#begunAt = this.#now();
  }

  #tell({ code, endpoint, key, address }: Refusal, count: number): void {
    const times = count === 1 ? "was refused" : `and others, ${count} in all, were refused`;
    this.#append(key === null ? "api" : `key:${key}`, `${endpoint} ${times}: ${code}`, { code, endpoint, key, address, count });
  }
  #append(subject: string, text: string, evidence: AuditDraft["evidence"]): void {
    this.#write({ at: this.#now(), actor: "api", action: "request.refused", subject, text, evidence });
  }
}
