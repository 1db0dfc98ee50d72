/** The key of a fleet's store, for commands that must not make one. */
import { existsSync } from "node:fs";
import { loadKey, type LoadedKey } from "../adapters/sqlite/key-file.ts";
import type { FleetStore } from "../config/index.ts";
import type { Env } from "./cli.ts";

/** null: there is none; one made for the occasion would open nothing. Throws StoreError for one that is wrong, or that others may read. */
export const storeKey = ({ store }: Pick<FleetStore, "store">, env: Env): LoadedKey | null => {
  if (!env["GREENROOM_KEY"] && !store.key && !existsSync(store.keyFile)) return null;
  const given = store.key ? { given: { text: store.key.reveal(), origin: store.key.reference } } : {};
  return loadKey({ env, file: store.keyFile, store: store.file, ...given });
};
