/** Close codes in our words, as the Baileys adapter translates them (WhatsApp's and Baileys' codes, docs/close-codes.md). */
import type { CloseReason } from "../../machines/ports/connection.ts";

const REASONS: ReadonlyMap<number, CloseReason> = new Map([
  [400, "badPeer"],
  [401, "loggedOut"],
  [402, "banned"],
  [403, "locked"],
  [405, "outdated"],
  [406, "banned"],
  [408, "timedOut"],
  [409, "outdated"],
  [411, "mismatch"],
  [419, "loggedOut"],
  [428, "dropped"],
  [440, "replaced"],
  [500, "unavailable"],
  [501, "unavailable"],
  [503, "unavailable"],
  [515, "restartRequired"],
]);

export const reasonOf = (code: number): CloseReason => REASONS.get(code) ?? "unavailable";
