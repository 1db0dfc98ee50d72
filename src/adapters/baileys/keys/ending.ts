/**
 * What the store has not taken, or has not given, must not look to Baileys like a message that can't be read: of such a one it tells
 * WhatsApp that it may be forgotten, after asking its sender to repeat it or not at all. So the link ends first. Nothing can be
 * confirmed any more then, and WhatsApp brings the message again.
 */
import type { SignalKeyStoreWithTransaction } from "@whiskeysockets/baileys";
import { CommitError } from "./commits.ts";

/** Calls `end` before anybody hears of a failure of the store. */
export type Ending = <T>(work: Promise<T>) => Promise<T>;
export const endingWith =
  (end: () => void): Ending =>
  async (work) => {
    try {
      return await work;
    } catch (error) {
      if (error instanceof CommitError) end();
      throw error;
    }
  };

export const endingKeys = (keys: SignalKeyStoreWithTransaction, ending: Ending): SignalKeyStoreWithTransaction => ({
  ...keys,
  get: (type, ids) => ending(Promise.resolve(keys.get(type, ids))),
  set: (data) => ending(Promise.resolve(keys.set(data))),
});

/** What Baileys still wants to write when its link has ended is dropped: the next link may have written other keys under the same numbers. */
export const liveKeys = (keys: SignalKeyStoreWithTransaction, isEnded: () => boolean): SignalKeyStoreWithTransaction => ({
  ...keys,
  set: async (data) => {
    if (isEnded()) throw new Error("the link has ended");
    await keys.set(data);
  },
});
