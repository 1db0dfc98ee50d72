/**
 * What a backup leaves out, and what a restored store begins with.
 *
 * Signal keys are never brought back: an old ratchet breaks every chat that went on since. So credentials and keys are not even in the
 * file, and each device has to be linked anew. What was open when the backup was made may have gone out since: it is held, for a
 * person to decide.
 */
import { DatabaseSync } from "node:sqlite";

/** In place, on a copy that nobody else has open. What is left out can't be found in freed pages either. */
export const scrub = (file: string): void => {
  const db = new DatabaseSync(file);
  try {
    db.exec("pragma journal_mode = delete; pragma secure_delete = on");
    db.exec(
      "begin immediate; delete from creds; delete from signal_key; delete from lease; delete from journal; update device set link = 'unlinked'; commit",
    );
    db.exec("vacuum");
  } finally {
    db.close();
  }
};

export interface Held {
  readonly held: number;
  readonly devices: readonly string[];
}

/** On the restored copy, before anybody opens it as a store. */
export const holdOpen = (file: string, reason: string): Held => {
  const db = new DatabaseSync(file);
  try {
    const fault = db.prepare("pragma quick_check(1)").get()?.["quick_check"];
    if (fault !== "ok") throw new Error(`its pages are damaged: ${String(fault)}`);
    db.exec("begin immediate");
    const held = Number(
      db
        .prepare("update outbox set state = 'held', reason = ? where state in ('accepted', 'dispatched', 'unanswered')")
        .run(reason).changes,
    );
    db.exec(
      "delete from outbox_count; insert into outbox_count (line, state, seat, count) select line, state, seat, count(*) from outbox group by line, state, seat",
    );
    db.exec("commit");
    return {
      held,
      devices: db
        .prepare("select id from device order by place")
        .all()
        .map((row) => String(row["id"])),
    };
  } finally {
    db.close();
  }
};
