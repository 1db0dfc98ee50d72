/**
 * Secrets at rest: AES-256-GCM, a random 96-bit nonce a value, stored as nonce | tag | ciphertext.
 *
 * What a value belongs to is authenticated with it, so a value moved to another row or device does not open.
 * Each device has a key of its own (HKDF-SHA256 of the store's key): random nonces are good for 2^32 values a key
 * (NIST SP 800-38D, 8.3), which one key for a whole fleet could use up within years.
 */
import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, randomFillSync, type KeyObject } from "node:crypto";
import { StoreError } from "./errors.ts";

const NONCE = 12;
const TAG = 16;

export interface Seal {
  close(table: string, device: string, type: string, id: string, value: Uint8Array): Uint8Array;
  /** Throws StoreError E_STORE_TAMPERED for what was not closed with this key for this very place. */
  open(table: string, device: string, type: string, id: string, sealed: Uint8Array): Uint8Array;
}

/** `key`: 32 bytes; they are not kept, only what is derived from them. */
export const createSeal = (key: Uint8Array): Seal => {
  if (key.length !== 32) throw new StoreError("E_KEY_MALFORMED", `the store's key has ${key.length} bytes instead of 32`);
  const master = Buffer.from(key);
  const derived = new Map<string, KeyObject>();
  const keyOf = (device: string): KeyObject => {
    let found = derived.get(device);
    if (!found) {
      found = createSecretKey(new Uint8Array(hkdfSync("sha256", master, "greenroom store 1", device, 32)));
      derived.set(device, found);
    }
    return found;
  };
  // Nonces are drawn a page at a time: a call into the kernel for each value would cost more than the cipher.
  const pool = Buffer.alloc(NONCE * 256);
  let used = pool.length;
  const nonce = (): Uint8Array => {
    if (used === pool.length) {
      randomFillSync(pool);
      used = 0;
    }
    const fresh = Buffer.from(pool.subarray(used, used + NONCE));
    used += NONCE;
    return fresh;
  };
  return {
    close(table, device, type, id, value) {
      const iv = nonce();
      const cipher = createCipheriv("aes-256-gcm", keyOf(device), iv);
      cipher.setAAD(placeOf(table, device, type, id));
      const body = cipher.update(value);
      const rest = cipher.final();
      return Buffer.concat([iv, cipher.getAuthTag(), body, rest]);
    },
    open(table, device, type, id, sealed) {
      try {
        const decipher = createDecipheriv("aes-256-gcm", keyOf(device), sealed.subarray(0, NONCE), { authTagLength: TAG });
        decipher.setAAD(placeOf(table, device, type, id));
        decipher.setAuthTag(sealed.subarray(NONCE, NONCE + TAG));
        const body = decipher.update(sealed.subarray(NONCE + TAG));
        const rest = decipher.final();
        const whole = rest.length === 0 ? body : Buffer.concat([body, rest]);
        return new Uint8Array(whole.buffer, whole.byteOffset, whole.length); // no Buffer: not everything treats it alike
      } catch (error) {
        throw new StoreError(
          "E_STORE_TAMPERED",
          `a stored ${type} of ${device} does not open: it was changed or moved outside Greenroom. Link the device anew`,
          error,
        );
      }
    },
  };
};

/** JSON, so that no two places are written alike whatever the names contain. */
const placeOf = (...place: readonly string[]): Uint8Array => Buffer.from(JSON.stringify(place));
