/**
 * Trusted-contact tokens ("tctoken"): what a contact gave us is attached to messages to it, and once a week we give it ours. An
 * account under a reach-out restriction may write only to those whose token it holds.
 * Source of the numbers: WhatsApp Web's buckets as Baileys 7.0.0-rc14 follows them (28 days in four buckets of a week).
 */
import { isJidMetaAI, isLidUser } from "@whiskeysockets/baileys";
import type { WASocket } from "@whiskeysockets/baileys";
import type { Clock } from "../../../machines/ports/clock.ts";
import type { DeviceKeys } from "./keys/device-keys.ts";

const BUCKET = 604_800;
const BUCKETS = 4;
const INDEX = "__index";

const bucketOf = (seconds: number): number => Math.floor(seconds / BUCKET);

/** Is a token of this time (seconds) still good at `now` (seconds)? */
export const isFresh = (timestamp: number, now: number): boolean => timestamp >= (bucketOf(now) - (BUCKETS - 1)) * BUCKET;
/** Is it time to give out ours again? */
export const isDue = (given: number | undefined, now: number): boolean => given === undefined || bucketOf(now) > bucketOf(given);

export class Tokens {
  readonly #keys: DeviceKeys;
  readonly #clock: Clock;
  readonly #giving = new Set<string>();

  constructor(keys: DeviceKeys, clock: Clock) {
    this.#keys = keys;
    this.#clock = clock;
  }

  /** The token to attach to a message to `jid`, and whether ours is due. */
  async of(jid: string): Promise<{ readonly token: Uint8Array | null; readonly due: boolean }> {
    const entry = (await this.#keys.outside.get("tctoken", [jid]))[jid];
    const now = this.#now();
    const token = entry?.token.length && isFresh(Number(entry.timestamp ?? Number.NaN), now) ? entry.token : null;
    return { token, due: isDue(entry?.senderTimestamp, now) && !isJidMetaAI(jid) && !this.#giving.has(jid) };
  }

  /** Gives the contact our token, once; failures are tried again with the next message. */
  async give(sock: WASocket, jid: string): Promise<void> {
    if (this.#giving.has(jid)) return;
    this.#giving.add(jid);
    try {
      const now = this.#now();
      const toLid = sock.serverProps.lidTrustedTokenIssueToLid;
      const mapping = sock.signalRepository.lidMapping;
      const other = isLidUser(jid) === toLid ? jid : toLid ? await mapping.getLIDForPN(jid) : await mapping.getPNForLID(jid);
      await sock.issuePrivacyTokens([other ?? jid], now);
      const stored = await this.#keys.outside.get("tctoken", [jid, INDEX]);
      const index = new Set(this.#index(stored[INDEX]?.token));
      index.add(jid);
      await this.#keys.outside.set({
        tctoken: {
          [jid]: { token: Buffer.alloc(0), ...stored[jid], senderTimestamp: now },
          [INDEX]: { token: Buffer.from(JSON.stringify([...index])) },
        },
      });
    } catch {
      // Without an answer it stays due.
    } finally {
      this.#giving.delete(jid);
    }
  }

  #now(): number {
    return Math.floor(this.#clock.now() / 1000);
  }

  #index(token: Uint8Array | undefined): string[] {
    if (!token?.length) return [];
    const list: unknown = JSON.parse(Buffer.from(token).toString("utf8"));
    return Array.isArray(list) ? list.filter((jid) => typeof jid === "string" && jid !== INDEX) : [];
  }
}
