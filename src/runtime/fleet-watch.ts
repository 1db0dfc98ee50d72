/** Tells when the fleet file has been saved. By looking once a second: editors replace files, and not every file system tells. */
import { unwatchFile, watchFile } from "node:fs";

const EVERY = 1000;

/** Returns how to stop that. A file that is not there is no news. */
export const watchFleetFile = (file: string, onSaved: () => void): (() => void) => {
  const look = (now: { mtimeMs: number; size: number; ino: number }, before: { mtimeMs: number; ino: number }): void => {
    const isNew = now.mtimeMs !== before.mtimeMs || now.ino !== before.ino;
    if (now.mtimeMs > 0 && isNew) onSaved();
  };
  watchFile(file, { interval: EVERY, persistent: false }, look);
  return () => unwatchFile(file, look);
};
