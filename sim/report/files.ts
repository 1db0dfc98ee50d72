/** Files that a command leaves behind. Asked about before the work that they tell of, so that no long run ends at a mistyped path. */
import { closeSync, mkdirSync, openSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

type Path = string | null | undefined;

/** What is wrong with the first that can't be written, as a sentence; null: nothing. Folders that are missing are made. */
export const fileFault = (files: readonly Path[], folders: readonly Path[] = []): string | null => {
  for (const folder of folders) {
    const fault = folder ? faultOf(folder, () => makeFolder(folder)) : null;
    if (fault !== null) return fault;
  }
  for (const file of files) {
    const fault = file ? faultOf(file, () => tryOpen(file)) : null;
    if (fault !== null) return fault;
  }
  return null;
};

/** As `fileFault`: the disk may have filled up meanwhile, or there may be nothing to write. */
export const writeTo = (file: string, make: () => string): string | null => faultOf(file, () => writeFileSync(file, make()));

const faultOf = (path: string, attempt: () => unknown): string | null => {
  try {
    attempt();
    return null;
  } catch (error) {
    return `E_FILE ${path} can't be written: ${error instanceof Error ? error.message : String(error)}`;
  }
};

const tryOpen = (file: string): void => {
  makeFolder(dirname(file));
  const wasThere = statSync(file, { throwIfNoEntry: false }) !== undefined;
  closeSync(openSync(file, "a"));
  if (!wasThere) rmSync(file);
};

/** Not by Node's own `recursive`: where nothing can be made, as in /proc, that tries for ever. */
const makeFolder = (folder: string): void => {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return;
  makeFolder(dirname(folder));
  mkdirSync(folder);
};
