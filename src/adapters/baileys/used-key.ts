/**
 * Copies of what has been read: a replay after a crash between the inbox row and the receipt, or WhatsApp repeating itself.
 *
 * Baileys drops a message whose key has been used, and asks the sender to repeat any other that it can't read. But libsignal names
 * a used key only for the first messages of a session; of all others it says that no session fits. So it is looked up here.
 */
interface StoredChain {
  readonly chainKey: { readonly counter: number };
  readonly messageKeys: object;
}
/** Sessions as libsignal stores them: chains by key, with the number reached and the keys of those that were passed over. */
type StoredRecord = Partial<Record<string, Record<string, Partial<Record<string, Record<string, StoredChain>>>>>>;

/** Where the number of a message in its chain stands: after version, 0x0a, length and key of the chain, and 0x10. */
const numberIn = (ciphertext: Uint8Array, from: number): number => {
  let number = 0;
  for (let at = from, factor = 1; at < ciphertext.length; at += 1, factor *= 128) {
    const byte = ciphertext[at] ?? 0;
    number += (byte % 128) * factor;
    if (byte < 128) break;
  }
  return number;
};

/** Has the key of this ciphertext ("msg") been used in one of the sender's sessions? */
export const isKeyUsed = (record: unknown, ciphertext: Uint8Array): boolean => {
  const length = ciphertext[2] ?? 0;
  const chainKey = Buffer.from(ciphertext.subarray(3, 3 + length)).toString("base64");
  const number = numberIn(ciphertext, 4 + length);
  return Object.values((record as StoredRecord | undefined)?.["_sessions"] ?? {}).some((session) => {
    const chain = session["_chains"]?.[chainKey];
    return chain !== undefined && chain.chainKey.counter >= number && !(number in chain.messageKeys);
  });
};

/** The same of a group's ciphertext, from what Baileys' cipher says of one. */
export const isGroupKeyUsed = (error: unknown): boolean =>
  error instanceof Error && error.message.startsWith("Received message with old counter");
