/** Who is in a group, remembered for five minutes or until WhatsApp says that it changed. */
import type { GroupMetadata } from "@whiskeysockets/baileys";
import type { Clock } from "../../../machines/ports/clock.ts";
import type { Millis } from "../../../machines/ports/ids.ts";
import { Lru } from "./lru.ts";

const FRESH: Millis = 300_000;

/**
 * What WhatsApp means when it does not say who is in a group. Any other no is one of the moment (429: asked too often), and says
 * nothing of the group. Source: whatsmeow, which takes 403 for "not participating" and 404 for "no such group".
 */
const NOT_OURS: ReadonlyMap<number, string> = new Map([
  [403, "this number is no member of the group"],
  [404, "there is no such group"],
]);
export const whyNotOurs = (code: number): string | undefined => NOT_OURS.get(code);

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
