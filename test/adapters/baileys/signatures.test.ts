/** What Baileys and libsignal ask us to check: whether a Curve25519 key has signed something. */
import { Curve, WA_CERT_DETAILS } from "@whiskeysockets/baileys";
import { createRequire } from "node:module";
import { randomBytes } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { checkSignatures, isSignedBy } from "../../../src/adapters/baileys/signatures.ts";
import { device, Rig } from "./rig.ts";

const DEVICE = device("sales-1/a");
beforeAll(checkSignatures);

const flipped = (bytes: Uint8Array, at: number): Buffer => {
  const changed = Buffer.from(bytes);
  changed[at] = (changed[at] ?? 0) ^ 1;
  return changed;
};
const signed = () => {
  const keys = Curve.generateKeyPair();
  const message = randomBytes(40);
  return { keys, message, signature: Buffer.from(Curve.sign(keys.private, message)) };
};
const verifySignature = createRequire(import.meta.resolve("@whiskeysockets/baileys"))("libsignal/src/curve.js") as {
  verifySignature: (key: Buffer, message: Buffer, signature: Buffer) => boolean;
};

describe("signatures by Curve25519 keys", () => {
  it("takes what libsignal has signed, with either sign of the key", () => {
    const made = Array.from({ length: 12 }, signed);
    expect(made.map(({ keys, message, signature }) => isSignedBy(keys.public, message, signature))).not.toContain(false);
    expect(new Set(made.map(({ signature }) => (signature[63] ?? 0) & 0x80)).size).toBe(2);
  });

  it("takes a key with its type in front", () => {
    const { keys, message, signature } = signed();
    expect(isSignedBy(Buffer.concat([Buffer.from([5]), keys.public]), message, signature)).toBe(true);
  });

  it("refuses a changed message, a changed signature, another key, and what has no signature's shape", () => {
    const { keys, message, signature } = signed();
    expect(isSignedBy(keys.public, flipped(message, 3), signature)).toBe(false);
    for (const at of [0, 31, 32, 62]) expect(isSignedBy(keys.public, message, flipped(signature, at))).toBe(false);
    expect(isSignedBy(Curve.generateKeyPair().public, message, signature)).toBe(false);
    expect(isSignedBy(keys.public, message, signature.subarray(1))).toBe(false);
    expect(isSignedBy(Buffer.alloc(32, 255), message, signature)).toBe(false);
    expect(isSignedBy(Buffer.alloc(5), message, signature)).toBe(false);
  });

  it("is what Baileys asks about certificates, and libsignal about pre-keys", () => {
    const { keys, message, signature } = signed();
    const key = Buffer.concat([Buffer.from([5]), keys.public]);
    expect(Curve.verify(keys.public, message, flipped(signature, 0))).toBe(false);
    expect(verifySignature.verifySignature(key, message, signature)).toBe(true);
    expect(() => verifySignature.verifySignature(key, message, flipped(signature, 0))).toThrow("Invalid signature");
  });

  it("ends a dial to a server whose certificate WhatsApp has not signed", async () => {
    const rig = await Rig.start();
    try {
      await rig.link(DEVICE, "4915550001");
      WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(Curve.generateKeyPair().public);
      const dial = rig.open(DEVICE);
      const closed = await rig.fact("closed", (fact) => fact.dial === dial);
      expect(closed).toMatchObject({ reason: "badPeer", code: 400 });
      expect(rig.facts.some((fact) => fact.kind === "opened" && fact.dial === dial)).toBe(false);
    } finally {
      WA_CERT_DETAILS.PUBLIC_KEY = rig.loopback.rootPublicKey;
      await rig.close();
    }
  });
});
