/** Writes the fleet file anew, all of it or nothing: whoever reads it finds the old text or the new one. */
import { closeSync, fsyncSync, openSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { ControlError } from "./control-protocol.ts";

/** Throws E_REFUSED if it can't be read. */
export const readFleetText = (file: string): string => trying(file, "read", () => readFileSync(file, "utf8"));

/** `before`: what it said when the change was made. Throws E_REFUSED if it says something else by now, or can't be written. */
export const writeFleetText = (file: string, before: string, text: string): void =>
  trying(file, "written", () => {
    // A link stays a link.
    const place = realpathSync(file);
    const draft = `${place}.${process.pid}.new`;
    try {
      const handle = openSync(draft, "w", statSync(place).mode & 0o777);
      try {
        writeSync(handle, text);
        fsyncSync(handle);
      } finally {
        closeSync(handle);
      }
      if (readFileSync(place, "utf8") !== before)
        throw new ControlError("E_REFUSED", `${file} was changed meanwhile: look at it, then ask again`);
      renameSync(draft, place);
    } catch (error) {
      rmSync(draft, { force: true });
      throw error;
    }
    const folder = openSync(dirname(place), "r");
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  });

const trying = <T>(file: string, what: string, work: () => T): T => {
  try {
    return work();
  } catch (error) {
    if (error instanceof ControlError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new ControlError("E_REFUSED", `${file} can't be ${what} (${why}): nothing was changed. Change it where it is kept`);
  }
};
