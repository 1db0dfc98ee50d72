/** Reading the whole audit, page by page so that nobody waits for it: to verify it, to export it, and to shorten it. */
import type { AuditDraft } from "../../../machines/ports/records.ts";
import type { Run } from "./api-store.ts";
import { type ChainedEntry, Follower, type Head, lastSeq, markOf, NO_HEAD, type Verdict, writeMark } from "./audit-chain.ts";
import { AUDIT_COLUMNS, entryOf } from "./audit-row.ts";
import { type Database, numberOf, textOf } from "./database.ts";
import { writeAudit } from "./ops/records.ts";
import type { Seal } from "./seal.ts";

export interface AuditPage {
  /** What the first entry of all follows. */
  readonly anchor: Head;
  readonly entries: readonly ChainedEntry[];
}
export interface AuditBook {
  /** Follows the chain from its anchor to its sealed head. */
  verify(): Promise<Verdict>;
  /** Entries after `afterSeq`, oldest first. */
  page(afterSeq: number, limit: number): Promise<AuditPage>;
  /** Removes what was written before `at`, and says how many. The chain goes on from a sealed anchor. Verify first. */
  prune(at: number, entry: (removed: number) => AuditDraft): Promise<number>;
}

/** A millisecond or two of hashing. */
const PAGE = 200;

export const createAuditBook = (run: Run, seal: Seal): AuditBook => ({
  page: (afterSeq, limit) =>
    run((db) => {
      const anchor = markOf(db, seal, "anchor");
      const entries = db.all(NEXT, afterSeq, limit).map(entryOf);
      return {
        anchor: anchor === "broken" ? NO_HEAD : anchor,
        entries: entries.map((entry) => ({ ...entry, hash: entry.hash ?? "" })),
      };
    }, false),

  async verify() {
    const { anchor, head, last } = await run(
      (db) => ({ anchor: markOf(db, seal, "anchor"), head: markOf(db, seal, "head"), last: lastSeq(db) }),
      false,
    );
    const from = anchor === "broken" ? NO_HEAD : anchor;
    const follower = new Follower(from);
    const verdict = (broken: Verdict["broken"]): Verdict => ({
      entries: follower.entries,
      anchor: from,
      head: follower.head,
      broken,
    });
    if (anchor === "broken") return verdict({ seq: 0, why: "the seal that says where the audit begins was removed or changed" });
    if (head === "broken") return verdict({ seq: 0, why: "the seal that says where the audit ends was removed or changed" });
    // What is written meanwhile comes after this head, and is not looked at.
    while (follower.head.seq < head.seq) {
      const rows = await run((db) => db.all(NEXT, follower.head.seq, Math.min(PAGE, head.seq - follower.head.seq)), false);
      const [first] = rows;
      if (!first || numberOf(first, "seq") > head.seq)
        return verdict({ seq: follower.head.seq + 1, why: cutOff(follower.head, head) });
      for (const row of rows.map(entryOf)) if (!follower.take(row)) return verdict(follower.broken);
    }
    if (follower.head.hash !== head.hash)
      return verdict({ seq: head.seq, why: "the chain fits itself but not its seal: it was written anew without the key" });
    return verdict(last > head.seq ? { seq: head.seq + 1, why: `entry ${head.seq + 1} was not written by Greenroom` } : null);
  },

  async prune(at, entry) {
    let removed = 0;
    for (
      let upTo = await run((db) => cut(db, seal, at), true);
      upTo.removed > 0;
      upTo = await run((db) => cut(db, seal, at), true)
    )
      removed += upTo.removed;
    if (removed > 0) await run((db) => writeAudit(db, entry(removed)), true);
    return removed;
  },
});

const NEXT = `select ${AUDIT_COLUMNS} from audit where seq > ? order by seq limit ?`;

const cutOff = (reached: Head, head: Head): string =>
  reached.seq + 1 === head.seq ? `entry ${head.seq} is missing` : `entries ${reached.seq + 1} to ${head.seq} are missing`;

/** One page of what is older than `at`, and never the newest entry: the chain goes on from it. */
const cut = (db: Database, seal: Seal, at: number): { readonly removed: number } => {
  const rows = db.all("select seq, at, hash from audit where seq < ? order by seq limit ?", lastSeq(db), PAGE);
  const old = rows.findIndex((row) => numberOf(row, "at") >= at);
  const last = rows[(old < 0 ? rows.length : old) - 1];
  if (!last) return { removed: 0 };
  const seq = numberOf(last, "seq");
  writeMark(db, seal, "anchor", { seq, hash: textOf(last, "hash") });
  return { removed: db.change("delete from audit where seq <= ?", seq) };
};
