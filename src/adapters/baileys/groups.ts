/** Who is in a group, remembered for five minutes or until WhatsApp says that it changed. */
import type { GroupMetadata } from "@whiskeysockets/baileys";
import type { Clock } from "../../../machines/ports/clock.ts";
import type { Millis } from "../../../machines/ports/ids.ts";
import { Lru } from "./lru.ts";

const FRESH: Millis = 300_000;

export class Groups {
  readonly #known = new Lru<string, { readonly until: Millis; readonly metadata: Promise<GroupMetadata> }>(256);
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(group: string, fetch: (group: string) => Promise<GroupMetadata>): Promise<GroupMetadata> {
    const known = this.#known.get(group);
    if (known && known.until > this.#clock.now()) return known.metadata;
    const metadata = fetch(group);
    metadata.catch(() => this.#known.delete(group));
    this.#known.set(group, { until: this.#clock.now() + FRESH, metadata });
    return metadata;
  }

  changed(group: string): void {
    this.#known.delete(group);
  }
}
