/**
 * Several sessions with one device: both sides began one at the same time, and each goes on in the one that the other has closed.
 *
 * libsignal tries a ciphertext on one session after the other and keeps what the failed tries have changed: their ratchets are
 * stepped with a key that was never theirs, and nothing that follows in them can be read, or read by the other side. So each
 * session is tried alone here, and only the one that fits changes.
 */
interface StoredSession {
  readonly indexInfo?: { readonly used?: number };
}
/** As libsignal stores it: sessions by base key. */
interface StoredRecord {
  readonly _sessions?: Readonly<Record<string, StoredSession>>;
}
/** Where the record is that `decrypt` reads and writes. */
export interface RecordPlace {
  get(): Promise<unknown>;
  set(record: unknown): Promise<void>;
}

const usedAt = ({ indexInfo }: StoredSession): number => indexInfo?.used ?? 0;

/** @throws what the last try threw; then the record is as it was. */
export const openAlone = async (place: RecordPlace, decrypt: () => Promise<Uint8Array>): Promise<Uint8Array> => {
  const record = (await place.get()) as StoredRecord | undefined;
  const sessions = Object.entries(record?.["_sessions"] ?? {});
  if (sessions.length < 2) return decrypt();
  let failure: unknown;
  for (const [key, session] of sessions.toSorted(([, one], [, other]) => usedAt(other) - usedAt(one))) {
    await place.set({ ...record, _sessions: { [key]: session } });
    try {
      const plaintext = await decrypt();
      const stepped = (await place.get()) as StoredRecord;
      await place.set({ ...record, _sessions: { ...record?.["_sessions"], ...stepped["_sessions"] } });
      return plaintext;
    } catch (error) {
      failure = error;
    }
  }
  await place.set(record);
  throw failure;
};
