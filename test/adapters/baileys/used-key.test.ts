import { describe, expect, it } from "vitest";
import { isGroupKeyUsed, isKeyUsed } from "../../../src/adapters/baileys/used-key.ts";

const KEY = Buffer.alloc(33, 5);
/** Reached number 300 of one chain; 299 was passed over. */
const record = {
  _sessions: {
    one: { _chains: {} },
    two: { _chains: { [KEY.toString("base64")]: { chainKey: { counter: 300 }, messageKeys: { 299: "a key" } } } },
  },
};
/** The head of a ciphertext as libsignal writes it, and something for the rest. */
const ciphertext = (key: Uint8Array, number: number): Uint8Array => {
  const varint = number < 128 ? [number] : [(number & 127) | 128, number >> 7];
  return Buffer.from([0x33, 0x0a, key.length, ...key, 0x10, ...varint, 0x18, 0, 0x22, 1, 7]);
};

describe("the key of a ciphertext", () => {
  it("of a message that was read has been used", () => {
    for (const number of [0, 127, 128, 300]) expect(isKeyUsed(record, ciphertext(KEY, number))).toBe(true);
  });

  it("of one that was passed over, is yet to come, or belongs to no session has not", () => {
    expect(isKeyUsed(record, ciphertext(KEY, 299))).toBe(false);
    expect(isKeyUsed(record, ciphertext(KEY, 301))).toBe(false);
    expect(isKeyUsed(record, ciphertext(Buffer.alloc(33, 6), 0))).toBe(false);
    expect(isKeyUsed(undefined, ciphertext(KEY, 0))).toBe(false);
    expect(isKeyUsed(record, Buffer.from([0x33]))).toBe(false);
  });

  it("of a group is told by the cipher", () => {
    expect(isGroupKeyUsed(new Error("Received message with old counter: 3, 2"))).toBe(true);
    expect(isGroupKeyUsed(new Error("No session found to decrypt message"))).toBe(false);
  });
});
