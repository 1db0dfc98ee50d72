/**
 * The certificate chain that a client checks during the Noise handshake: root, intermediate, leaf.
 *
 * The root key pair is a fixed test key, known to everybody: it makes separate processes agree, and proves nothing.
 */
import { createHash, createPrivateKey, createPublicKey } from "node:crypto";
import { Curve, type KeyPair, proto } from "@whiskeysockets/baileys";

const PKCS8_X25519 = Buffer.from("302e020100300506032b656e04220420", "hex");

function rootKeys(): KeyPair {
  const secret = createHash("sha256").update("greenroom loopback test root: not a secret").digest();
  secret[0] = (secret[0] ?? 0) & 248;
  secret[31] = ((secret[31] ?? 0) & 127) | 64;
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_X25519, secret]), format: "der", type: "pkcs8" });
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  return { private: secret, public: spki.subarray(spki.length - 32) };
}

const root = rootKeys();
/** What a client must trust: `WA_CERT_DETAILS.PUBLIC_KEY = LOOPBACK_ROOT_PUBLIC_KEY`. */
export const LOOPBACK_ROOT_PUBLIC_KEY: Buffer<ArrayBuffer> = Buffer.from(root.public);

const YEAR_S = 365 * 24 * 3600;

/** A chain for `leafKey`, the server's static Noise key. Only the intermediate is signed by the root, as the client expects. */
export function certificateChain(leafKey: Uint8Array): Buffer {
  const { Details } = proto.CertChain.NoiseCertificate;
  const intermediate = Curve.generateKeyPair();
  const notBefore = Math.floor(Date.now() / 1000) - 3600;
  const notAfter = notBefore + YEAR_S;
  const upper = Details.encode({ serial: 1, issuerSerial: 0, key: intermediate.public, notBefore, notAfter }).finish();
  const lower = Details.encode({ serial: 2, issuerSerial: 1, key: leafKey, notBefore, notAfter }).finish();
  const chain = proto.CertChain.encode({
    intermediate: { details: upper, signature: Curve.sign(root.private, upper) },
    leaf: { details: lower, signature: Curve.sign(intermediate.private, lower) },
  });
  return Buffer.from(chain.finish());
}
