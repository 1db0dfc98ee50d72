/**
 * The audit's chain: each entry's hash covers the entry and the hash before it, and the last one stands under a seal of the store's key.
 *
 * Hashes are plain SHA-256, so whoever has an export can check it without a key. They alone would not do: who can write the file can
 * write them anew. The seal can't be written without the key, so an edited, removed, inserted or reordered entry shows, and so does
 * an audit whose end was cut off. What this can't show is the whole file put back as it once was: compare the head with one that
 * was noted elsewhere (`audit verify --head`).
 */
import { hash } from "node:crypto";
import type { AuditRow } from "../../../machines/ports/records.ts";
import { AUDIT_COLUMNS, entryOf } from "./audit-row.ts";
import { bytesOf, type Database, numberOf, textOf } from "./database.ts";
import type { Seal } from "./seal.ts";

/** An entry with its place in the chain: hexadecimal SHA-256. */
export interface ChainedEntry extends AuditRow {
  readonly hash: string;
}
/** The last entry and its hash; `seq` 0 and the empty hash before the first. */
export interface Head {
  readonly seq: number;
  readonly hash: string;
}
export interface Verdict {
  /** Entries that were read. */
  readonly entries: number;
  /** What was removed by `prune` before the first of them. */
  readonly anchor: Head;
  readonly head: Head;
  /** The first thing that is wrong, in a sentence; null: all is as it was written. */
  readonly broken: { readonly seq: number; readonly why: string } | null;
}

export const NO_HEAD: Head = { seq: 0, hash: "" };

/** What the hash covers, and the only place that knows. Evidence as JSON, as it is stored. */
export const hashOf = (before: string, { seq, at, actor, action, subject, text, evidence }: AuditRow): string =>
  hash("sha256", JSON.stringify([before, seq, at, actor, action, subject, text, JSON.stringify(evidence)]));

/** Follows a chain entry by entry; the store's and an export's alike. */
export class Follower {
  #head: Head;
  #entries = 0;
  broken: Verdict["broken"] = null;

  constructor(anchor: Head) {
    this.#head = anchor;
  }
  get head(): Head {
    return this.#head;
  }
  get entries(): number {
    return this.#entries;
  }

  /** False once something is wrong. */
  take(entry: AuditRow & { readonly hash: string | null }): boolean {
    const { seq, hash: told } = entry;
    this.#entries++;
    if (seq !== this.#head.seq + 1) return this.#breaks(seq, gap(this.#head.seq, seq));
    const hash = hashOf(this.#head.hash, entry);
    if (told !== hash) return this.#breaks(seq, `entry ${seq} is not what was written, or not in its place`);
    this.#head = { seq, hash };
    return true;
  }

  #breaks(seq: number, why: string): false {
    this.broken = { seq, why };
    return false;
  }
}

const gap = (before: number, found: number): string =>
  found <= before
    ? `entry ${found} comes after entry ${before}`
    : found === before + 2
      ? `entry ${before + 1} is missing`
      : `entries ${before + 1} to ${found - 1} are missing`;

/**
 * Chains what each transaction writes. Only what this process has seen being written: a row that stood behind the sealed head when
 * the file was opened was put there by somebody else, stays without a hash, and shows.
 */
export class AuditChain {
  readonly #db: Database;
  readonly #seal: Seal;
  #head: Head;
  #seen: number;
  /** A head whose seal was broken is never sealed again: it would say that all is well. */
  readonly #isSealed: boolean;

  constructor(db: Database, seal: Seal) {
    this.#db = db;
    this.#seal = seal;
    const sealed = markOf(db, seal, "head");
    const last = db.get("select seq, hash from audit where hash is not null order by seq desc limit 1");
    this.#isSealed = sealed !== "broken";
    this.#head = sealed !== "broken" ? sealed : last ? { seq: numberOf(last, "seq"), hash: textOf(last, "hash") } : NO_HEAD;
    this.#seen = lastSeq(db);
  }

  /** Inside a transaction, when its work is done. Returns what to call once it is durable. */
  extend(): () => void {
    const seen = lastSeq(this.#db);
    if (seen <= this.#seen) return nothing;
    let head = this.#head;
    for (const row of this.#db.all(`select ${AUDIT_COLUMNS} from audit where seq > ? order by seq`, this.#seen)) {
      head = { seq: numberOf(row, "seq"), hash: hashOf(head.hash, entryOf(row)) };
      this.#db.run("update audit set hash = ? where seq = ?", head.hash, head.seq);
    }
    if (this.#isSealed) writeMark(this.#db, this.#seal, "head", head);
    return () => {
      this.#head = head;
      this.#seen = seen;
    };
  }
}

const nothing = (): void => {};
export const lastSeq = (db: Database): number => {
  const last = db.get("select seq from audit order by seq desc limit 1");
  return last ? numberOf(last, "seq") : 0;
};

/** Once, when a file gets its chain: what was written before is chained as it was found. */
export const beginChain = (db: Database, seal: Seal): void => {
  let head = NO_HEAD;
  for (const row of db.all(`select ${AUDIT_COLUMNS} from audit order by seq`)) {
    head = { seq: numberOf(row, "seq"), hash: hashOf(head.hash, entryOf(row)) };
    db.run("update audit set hash = ? where seq = ?", head.hash, head.seq);
  }
  const first = db.get("select seq from audit order by seq limit 1");
  writeMark(db, seal, "anchor", first ? { seq: numberOf(first, "seq") - 1, hash: "" } : NO_HEAD);
  writeMark(db, seal, "head", head);
};

/** `anchor`: where the chain begins, because what was before it was pruned. `head`: where it ends. */
type Mark = "anchor" | "head";

/** "broken": it is not there, or was not written with this key. */
export const markOf = (db: Database, seal: Seal, mark: Mark): Head | "broken" => {
  const row = db.get("select value from meta where name = ?", `audit_${mark}`);
  if (!row) return "broken";
  try {
    return JSON.parse(new TextDecoder().decode(seal.open("meta", "", `audit ${mark}`, "", bytesOf(row, "value")))) as Head;
  } catch {
    return "broken";
  }
};

export const writeMark = (db: Database, seal: Seal, mark: Mark, head: Head): void => {
  const sealed = seal.close("meta", "", `audit ${mark}`, "", new TextEncoder().encode(JSON.stringify(head)));
  db.run("insert or replace into meta (name, value) values (?, ?)", `audit_${mark}`, sealed);
};
