/** Small caches in the shape that Baileys wants. Its own are one timer each; these live as long as the device, through re-dials. */
import type { PossiblyExtendedCacheStore } from "@whiskeysockets/baileys";
import type { Clock } from "../../../machines/ports/clock.ts";
import type { Millis } from "../../../machines/ports/ids.ts";
import { Lru } from "./lru.ts";

export type Cache = PossiblyExtendedCacheStore;

/** @param life milliseconds after which an entry is gone */
export const makeCache = (clock: Clock, limit: number, life: Millis): Cache => {
  const entries = new Lru<string, { readonly value: unknown; readonly until: Millis }>(limit);
  const read = (key: string): unknown => {
    const entry = entries.get(key);
    return entry && entry.until > clock.now() ? entry.value : undefined;
  };
  const write = (key: string, value: unknown): void => entries.set(key, { value, until: clock.now() + life });
  const cache = {
    get: read,
    set: write,
    del: (key: string): void => entries.delete(key),
    flushAll: (): void => entries.clear(),
    mget: (keys: string[]) => Promise.resolve(Object.fromEntries(keys.map((key) => [key, read(key)]))),
    mset: (list: { key: string; value: unknown }[]): void => {
      for (const { key, value } of list) write(key, value);
    },
  };
  // The interface promises any type that the caller names: it is the caller who put it in.
  return cache as Cache;
};
