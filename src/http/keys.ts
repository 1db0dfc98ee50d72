/**
 * API keys: 256 random bits, shown once, kept as a hash. All are held in memory, so that a request costs no look into the store.
 *
 * `gr_<id>_<secret>`: the id is public and says which key is meant (in lists, in the audit, in a log where one leaked).
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { LineId, Millis } from "../../machines/ports/ids.ts";
import { ControlError } from "../runtime/control-protocol.ts";
import { ApiError } from "./errors.ts";
import type { ApiStore, KeyRole, KeyRow, StoredKey } from "./store.ts";

export interface NewKey {
  readonly name: string;
  readonly role: KeyRole;
  /** null: the whole fleet. */
  readonly lines: readonly LineId[] | null;
  /** From now on; null: it does not expire. */
  readonly expiresIn: Millis | null;
}

const FORM = /^gr_([0-9a-z]{10})_[A-Za-z0-9_-]{43}$/;
/** Letters that are not taken for one another. */
const LETTERS = "0123456789abcdefghjkmnpqrstvwxyz";
const NOBODY = Buffer.alloc(32);

export class KeyRing {
  readonly #store: ApiStore;
  readonly #now: () => Millis;
  readonly #keys = new Map<string, StoredKey>();

  private constructor(store: ApiStore, now: () => Millis) {
    this.#store = store;
    this.#now = now;
  }
  /** Rejects when the store can't be read. */
  static async open(store: ApiStore, now: () => Millis): Promise<KeyRing> {
    const ring = new KeyRing(store, now);
    for (const key of await store.keys()) ring.#keys.set(key.id, key);
    return ring;
  }

  list(): KeyRow[] {
    return [...this.#keys.values()].map(shown);
  }

  /** `secret` is not kept: whoever asked has to. */
  async create({ name, role, lines, expiresIn }: NewKey, by: string): Promise<{ readonly key: KeyRow; readonly secret: string }> {
    const twin = this.list().find((key) => key.name === name && key.revokedAt === null);
    if (twin)
      throw new ControlError(
        "E_REFUSED",
        `the key ${twin.id} is called ${name}: the audit would not tell them apart. Choose another name`,
      );
    const id = Array.from(randomBytes(10), (byte) => LETTERS[byte % LETTERS.length]).join("");
    const secret = `gr_${id}_${randomBytes(32).toString("base64url")}`;
    const at = this.#now();
    const key: StoredKey = {
      id,
      name,
      role,
      lines,
      hash: hashOf(secret),
      createdAt: at,
      createdBy: by,
      expiresAt: expiresIn === null ? null : at + expiresIn,
      revokedAt: null,
    };
    await this.#store.addKey(key, {
      at,
      actor: by,
      action: "key.created",
      subject: `key:${id}`,
      text: `the API key ${id} (${name}) was made: ${role} of ${lines === null ? "the fleet" : lines.join(", ")}`,
      evidence: { role, lines: lines === null ? null : lines.join(","), expiresAt: key.expiresAt },
    });
    this.#keys.set(id, key);
    return { key: shown(key), secret };
  }

  /** Counts from the next request on. Throws E_UNKNOWN_KEY. */
  async revoke(id: string, by: string): Promise<KeyRow> {
    const key = this.#keys.get(id);
    if (!key) throw new ControlError("E_UNKNOWN_KEY", `there is no key ${id}: its id is the part between "gr_" and the next "_"`);
    if (key.revokedAt !== null) return shown(key);
    const at = this.#now();
    await this.#store.revokeKey(id, at, {
      at,
      actor: by,
      action: "key.revoked",
      subject: `key:${id}`,
      text: `the API key ${id} (${key.name}) was revoked`,
      evidence: {},
    });
    const revoked = { ...key, revokedAt: at };
    this.#keys.set(id, revoked);
    return shown(revoked);
  }

  /** Whether a key that was good still is. */
  isValid(id: string): boolean {
    const key = this.#keys.get(id);
    return key !== undefined && key.revokedAt === null && (key.expiresAt === null || key.expiresAt > this.#now());
  }

  /** Throws an ApiError that says no more than the holder of the key may know. */
  authenticate(secret: string | undefined): KeyRow {
    if (secret === undefined)
      throw refused(
        "E_NO_KEY",
        "send a key: Authorization: Bearer gr_… or X-Api-Key: gr_…. Make one with `greenroom key create`",
      );
    const key = this.#keys.get(FORM.exec(secret)?.[1] ?? "");
    const isRight = timingSafeEqual(hashOf(secret), key?.hash ?? NOBODY);
    if (!key || !isRight) throw refused("E_BAD_KEY", "this key is not known here");
    if (key.revokedAt !== null) throw refused("E_KEY_REVOKED", `the key ${key.id} was revoked: ask for another one`, key.id);
    if (key.expiresAt !== null && key.expiresAt <= this.#now())
      throw refused("E_KEY_EXPIRED", `the key ${key.id} has expired: ask for another one`, key.id);
    return shown(key);
  }
}

const hashOf = (secret: string): Buffer => createHash("sha256").update(secret).digest();
const shown = (key: StoredKey): KeyRow => {
  const { hash: _hash, ...row } = key;
  return row;
};
/** `key`: whose holder has proved to have it, for the audit. */
const refused = (
  code: "E_NO_KEY" | "E_BAD_KEY" | "E_KEY_REVOKED" | "E_KEY_EXPIRED",
  message: string,
  key: string | null = null,
): ApiError => new ApiError(code, message, { headers: { "www-authenticate": 'Bearer realm="greenroom"' }, key });
