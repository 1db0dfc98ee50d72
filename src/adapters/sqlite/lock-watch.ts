/**
 * Whether the store is still this process's alone: the file under its name is the one that is open here, and its lock is ours. Otherwise
 * another process could open what lies there and speak for the same numbers, and what is written here would not be found by the next start.
 *
 * Linux says in /proc/locks who has which lock, and that it is gone: POSIX locks go when any descriptor of the file is closed in its
 * holder. Where ours does not stand there from the start (another system, some file systems) the files alone are compared.
 */
import { readFileSync, type Stats, statSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";

const LOCKS = "/proc/locks";

/** Once the file is open and locked. What it returns never rejects. */
export const watchLock = (file: string): (() => Promise<boolean>) => {
  const opened = statSync(file);
  const isListed = isOurs(listed(), opened);
  return async () => {
    try {
      const found = await stat(file);
      const isSame = found.dev === opened.dev && found.ino === opened.ino;
      return isSame && (!isListed || isOurs(await readFile(LOCKS, "utf8"), opened));
    } catch {
      return false;
    }
  };
};

const listed = (): string => {
  try {
    return readFileSync(LOCKS, "utf8");
  } catch {
    return "";
  }
};

/** `1: POSIX  ADVISORY  WRITE 4711 fd:00:131 1073741826 1073742335`: the process, and the file as its disk and number. */
const isOurs = (locks: string, { ino }: Stats): boolean =>
  locks.split("\n").some((line) => {
    const [, , , , pid, place = ""] = line.trim().split(/\s+/);
    return pid === String(process.pid) && place.endsWith(`:${ino}`);
  });
