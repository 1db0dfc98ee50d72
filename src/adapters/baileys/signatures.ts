/**
 * Signatures by Curve25519 keys (XEdDSA), checked by Node's own Ed25519.
 *
 * libsignal 6.0.0 checks them in plain JavaScript: 30 ms of a standing event loop, twice in each login (WhatsApp's certificates) and
 * once for each device that is written to for the first time. And both it and Baileys then drop the result: a false certificate and
 * a false pre-key were taken all the same. Natively it is a hundredth of that, and what is false is refused.
 * Source: Trevor Perrin, "The XEdDSA and VXEdDSA Signature Schemes", 2016.
 */
import { Curve } from "@whiskeysockets/baileys";
import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { createRequire } from "node:module";
import { Lru } from "./lru.ts";

const P = 2n ** 255n - 19n;
/** DER of an Ed25519 public key, up to its 32 bytes. */
const SPKI = Buffer.from("302a300506032b6570032100", "hex");
const KEY_TYPE = 5;

const power = (base: bigint, exponent: bigint): bigint => {
  let result = 1n;
  let square = base % P;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % P;
    square = (square * square) % P;
  }
  return result;
};
const numberOf = (littleEndian: Uint8Array): bigint => BigInt(`0x${Buffer.from(littleEndian.toReversed()).toString("hex")}`);

/** The Edwards key with the same secret: y = (u - 1) / (u + 1). Which of the two x it has, the signature says. */
const edwards = (montgomery: Uint8Array, sign: number): KeyObject => {
  const u = numberOf(montgomery) % 2n ** 255n;
  const y = ((u + P - 1n) * power(u + 1n, P - 2n)) % P;
  const bytes = Buffer.from(y.toString(16).padStart(64, "0"), "hex").toReversed();
  bytes[31] = (bytes[31] ?? 0) | sign;
  return createPublicKey({ key: Buffer.concat([SPKI, bytes]), format: "der", type: "spki" });
};

/** WhatsApp's certificates come with every login, a contact's identity with each of its devices. */
const known = new Lru<string, KeyObject>(256);

/** @param key 32 bytes, or 33 with the type in front */
export const isSignedBy = (key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean => {
  const bare = key.length === 33 && key[0] === KEY_TYPE ? key.subarray(1) : key;
  if (bare.length !== 32 || signature.length !== 64) return false;
  const plain = Buffer.from(signature);
  const sign = (plain[63] ?? 0) & 0x80;
  plain[63] = (plain[63] ?? 0) & 0x7f;
  const name = `${sign}${Buffer.from(bare).toString("base64")}`;
  try {
    const edward = known.get(name) ?? edwards(bare, sign);
    known.set(name, edward);
    return verify(null, message, edward, plain);
  } catch {
    return false; // not every 32 bytes are a point of the curve
  }
};

interface LibsignalCurve {
  verifySignature: (key: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;
}

/** For the whole process, once. */
export const checkSignatures = (): void => {
  if (Curve.verify === isSignedBy) return;
  Curve.verify = isSignedBy;
  const fromBaileys = createRequire(import.meta.resolve("@whiskeysockets/baileys"));
  const curve = fromBaileys("libsignal/src/curve.js") as LibsignalCurve;
  curve.verifySignature = (key, message, signature) => {
    // Whoever asks looks at no result.
    if (!isSignedBy(key, message, signature)) throw new Error("Invalid signature");
    return true;
  };
};
