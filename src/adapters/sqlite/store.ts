/** The Store port on one SQLite file, for a fleet that runs in one process. */
import type { Clock } from "../../../machines/ports/clock.ts";
import type { StoreAnswer, StoreCommand, StoreOp, StorePort } from "../../../machines/ports/store.ts";
import type { ApiStore } from "../../http/store.ts";
import type { AlertStore } from "../../alerts/store.ts";
import type { RetentionStore } from "../../runtime/retention.ts";
import type { WebhookStore } from "../../webhooks/store.ts";
import { createAlertStore } from "./alert-store.ts";
import { createApiStore, type Run } from "./api-store.ts";
import { type AuditBook, createAuditBook } from "./audit-book.ts";
import { AuditChain } from "./audit-chain.ts";
import { numberOf, type Database } from "./database.ts";
import { failure, openError, StoreError, type StoreErrorCode } from "./errors.ts";
import { removeHolder, writeHolder } from "./holder.ts";
import { watchLock } from "./lock-watch.ts";
import { openDatabase } from "./open.ts";
import { contactOps } from "./ops/contacts.ts";
import { fleetOps } from "./ops/fleet.ts";
import { carryOut, isRead, type Bench, type Handlers } from "./ops/handlers.ts";
import { journalOps } from "./ops/journal.ts";
import { keyOps } from "./ops/keys.ts";
import { leaseOps } from "./ops/leases.ts";
import { outboxOps } from "./ops/outbox.ts";
import { performanceOps } from "./ops/performance.ts";
import { recordOps } from "./ops/records.ts";
import { seatOps } from "./ops/seats.ts";
import { CommandQueue, type Lane, type Medium } from "./queue.ts";
import { createPhoneStore, type PhoneStore } from "./phone-store.ts";
import { createSeal } from "./seal.ts";
import { createRetentionStore } from "./retention-store.ts";
import { createSlaStore, type SlaStore } from "./sla-store.ts";
import { createWebhookStore } from "./webhook-store.ts";

export interface SqliteOptions {
  readonly file: string;
  /** 32 bytes: see `loadKey`. */
  readonly key: Uint8Array;
  /** Where the key came from, for the message about a wrong one. */
  readonly keyOrigin?: string;
  readonly clock: Clock;
  /** Journal entries kept at most, whatever `journal.append` wishes. Default 1,000,000. */
  readonly maxJournal?: number;
  /** The file may not grow beyond this; then answers are `failed`, full. Default: as far as the disk goes. */
  readonly maxBytes?: number;
  /** ISO 3166 country of a phone-number address; null if unknown. Default: always null. */
  readonly countryOf?: (pn: string) => string | null;
}

export interface SqliteStore extends StorePort {
  readonly file: string;
  /** Whether opening made the store. */
  readonly isNew: boolean;
  /** What only the API asks. */
  readonly api: ApiStore;
  /** What people are told of alerts. */
  readonly alerts: AlertStore;
  /** What only who checks the audit asks. */
  readonly audit: AuditBook;
  /** When seats were down. */
  readonly sla: SlaStore;
  /** When phones were seen. */
  readonly phones: PhoneStore;
  /** What webhooks could not deliver. */
  readonly webhooks: WebhookStore;
  /** What is kept no longer. */
  readonly retention: RetentionStore;
  /** A consistent copy of the file, made while it is used. Throws StoreError. */
  copyTo(file: string): Promise<void>;
  /** Changes `maxBytes` while running. */
  limit(maxBytes: number): void;
  /** Whether its file is still the one that was opened, and locked by this process. */
  isOurs(): Promise<boolean>;
  /** SQLite's integrity check: what is wrong, empty if nothing is. Reads the whole file, so it blocks. */
  check(): readonly string[];
  /** Carries out what was asked, frees the file, and lets go of the lock. What is asked later is answered `failed`, lost. */
  close(): void;
}

const PAGE = 4096;

/** Throws StoreError when the file can't be had as it is; then nothing was written to it. */
export const openSqliteStore = (options: SqliteOptions): SqliteStore => {
  const { file, clock } = options;
  const seal = createSeal(options.key);
  const { database, isNew } = openDatabase(file, seal, options.keyOrigin ?? "the key given", clock.now());
  writeHolder(file, Date.now());
  const isOurs = watchLock(file);
  const medium = createMedium(database, new AuditChain(database, seal));
  const queue = new CommandQueue(medium);
  const handlers = createHandlers({
    db: database,
    seal,
    clock,
    maxJournal: options.maxJournal ?? 1_000_000,
    countryOf: options.countryOf ?? (() => null),
  });
  let isOpen = true;
  const limit = (maxBytes: number): void => database.exec(`pragma max_page_count = ${Math.max(1, Math.floor(maxBytes / PAGE))}`);
  if (options.maxBytes !== undefined) limit(options.maxBytes);
  const run: Run = (work, writes) =>
    new Promise((resolve, reject) => {
      const refused = (error: unknown): void => {
        const [code = "", ...words] = failure(file, error).message.split(" ");
        reject(new StoreError(code as StoreErrorCode, words.join(" "), error));
      };
      if (!isOpen) return refused(new Error("it was closed before this was asked"));
      queue.push(
        {
          run: () => {
            const result = work(database);
            return () => resolve(result);
          },
          fail: (error) => () => refused(error),
          writes,
        },
        "foreground",
      );
    });

  return {
    file,
    isNew,
    api: createApiStore(run),
    alerts: createAlertStore(run),
    audit: createAuditBook(run, seal),
    sla: createSlaStore(run),
    phones: createPhoneStore(run),
    webhooks: createWebhookStore(run),
    retention: createRetentionStore(run),
    async copyTo(to) {
      try {
        await database.copyTo(to);
      } catch (error) {
        throw openError(to, error);
      }
    },
    limit,
    isOurs,
    ask<K extends StoreOp>(command: StoreCommand<K>, reply: (answer: StoreAnswer<K>) => void): void {
      const { op, reqId } = command;
      const answer = (out: object) => () => reply({ op, reqId, at: clock.now(), ...out } as StoreAnswer<K>);
      if (!isOpen) {
        setImmediate(answer({ kind: "failed", cause: "lost", message: `${file} was closed before this was asked` }));
        return;
      }
      queue.push(
        {
          run: () => answer(carryOut(handlers, command)),
          fail: (error) => answer(failure(file, error)),
          writes: !isRead(op),
        },
        BACKGROUND.has(op) ? "background" : "foreground",
      );
    },
    check: () =>
      database
        .all("pragma integrity_check")
        .map((row) => String(row["integrity_check"]))
        .filter((line) => line !== "ok"),
    close() {
      if (!isOpen) return;
      isOpen = false;
      queue.drain();
      removeHolder(file); // while the lock is still ours: a successor writes its own
      database.close();
    },
  };
};

/** What nobody waits for. */
const BACKGROUND: ReadonlySet<StoreOp> = new Set<StoreOp>([
  "journal.append",
  "journal.read",
  "performance.append",
  "performance.read",
]);

const createHandlers = (bench: Bench): Handlers => ({
  ...fleetOps(bench),
  ...seatOps(bench),
  ...recordOps(bench),
  ...outboxOps(bench),
  ...contactOps(bench),
  ...keyOps(bench),
  ...leaseOps(bench),
  ...journalOps(bench),
  ...performanceOps(bench),
});

/**
 * Pages of log that a checkpoint should find: enough that its flushes are worth it, few enough that the loop is soon free again.
 * Commits are counted, not pages, so their number between two checkpoints follows what the last one found. (Not how long it
 * took: on a disk that has become slow, more checkpoints would be the last thing to wish for.)
 */
const CHECKPOINT_PAGES = 1500;
const CHECKPOINT_EVERY = { least: 10, first: 200, most: 1000 };

const createMedium = (database: Database, chain: AuditChain): Medium => {
  /** Whatever wrote an entry, it is chained before it is durable. */
  const chained = <T>(work: () => T): T => {
    let settle = (): void => {};
    const result = database.transaction(() => {
      const done = work();
      settle = chain.extend();
      return done;
    });
    settle();
    return result;
  };
  let commits = 0;
  let every = CHECKPOINT_EVERY.first;
  return {
    get needsUpkeep() {
      return commits >= every;
    },
    commit(work, lane: Lane) {
      commits++;
      if (lane === "foreground") return chained(work);
      // Nobody relies on the journal after a power cut, and kill -9 loses nothing that was written: spare the flush to disk.
      database.exec("pragma synchronous = normal");
      try {
        return chained(work);
      } finally {
        database.exec("pragma synchronous = full");
      }
    },
    upkeep() {
      const since = commits;
      commits = 0;
      try {
        const pages = numberOf(database.get("pragma wal_checkpoint(passive)") ?? {}, "log");
        const wanted = Math.round((since * CHECKPOINT_PAGES) / Math.max(1, pages));
        every = Math.min(CHECKPOINT_EVERY.most, Math.max(CHECKPOINT_EVERY.least, wanted));
      } catch {
        // Full or failing disk: the log holds everything, and the next one tries again.
      }
    },
  };
};
