/** Keys as the quickest of all stores keeps them, and loses them. */
import type { SignalKeyStore } from "@whiskeysockets/baileys";

export const memoryKeys = (): SignalKeyStore => {
  const data = new Map<string, unknown>();
  return {
    get: (type, ids) => {
      const found: Record<string, never> = {};
      for (const id of ids) {
        const value = data.get(`${type}.${id}`);
        if (value !== undefined) found[id] = value as never;
      }
      return found;
    },
    set: (changes) => {
      for (const [type, entries] of Object.entries(changes)) {
        for (const [id, value] of Object.entries(entries ?? {})) {
          if (value === null) data.delete(`${type}.${id}`);
          else data.set(`${type}.${id}`, value);
        }
      }
    },
  };
};
