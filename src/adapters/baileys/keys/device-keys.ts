/**
 * A device's Signal keys: cached, written through, and committed together with the rows they belong to.
 *
 * Baileys wraps the store it is given (`auth.keys`) in transactions of its own, which commit after bytes have left. This one has
 * its own transactions, used by our signal repository underneath, and both see the same data. Rules:
 * 1. One transaction of a device at a time, and no network inside: it only steps ratchets in memory.
 * 2. A transaction's changes become visible to others, and are queued for the store, in the same turn in which it ends.
 * 3. `durable` resolves when they are on disk. What read them earlier is queued behind them, so it is durable later too.
 * 4. If the store fails, everything not yet durable is forgotten, here and in transactions still running (see CommitQueue).
 *
 * There are two views of it, because a caller can't be told apart by its asynchronous context: libsignal runs the jobs of all
 * devices that write to one address in one queue, so a job may run in the context of another device's transaction. `inside` is for
 * the repository that works within the running transaction; `outside` for everybody else.
 */
import type { SignalDataSet, SignalDataTypeMap, SignalKeyStoreWithTransaction } from "@whiskeysockets/baileys";
import type { DeviceId, LeaseTerm } from "../../../../machines/ports/ids.ts";
import type { AttemptDraft, InboundDraft, InboundRow } from "../../../../machines/ports/store.ts";
import type { Ask } from "../ask.ts";
import { Lru } from "../lru.ts";
import { decodeKey } from "./codec.ts";
import { CommitError, type CommitFault, CommitQueue, type KeyChange } from "./commits.ts";

/** Sessions and the like kept in memory per device; about 4 KiB each. */
const CACHED_KEYS = 2000;
/** Used once, and there are hundreds: they stay in the store. */
const UNCACHED = new Set(["pre-key", "app-state-sync-version"]);

/** What one transaction has gathered so far. */
export class Draft {
  readonly epoch: number;
  keys = new Map<string, KeyChange>();
  readonly inbound: InboundDraft[] = [];
  attempt: (() => AttemptDraft | null) | null = null;
  /** The store did not give a key. Whoever asked may have gone on without it, as if there were none: nothing of this may be kept. */
  failure: CommitError | null = null;

  constructor(epoch: number) {
    this.epoch = epoch;
  }

  get empty(): boolean {
    return this.keys.size === 0 && this.inbound.length === 0 && this.attempt === null;
  }
}

/** Can be asked for again: nobody waits until it is on disk. What is built upon it is committed after it (rule 3). */
const ASKED_AGAIN = new Set(["lid-mapping", "device-list"]);

const nameOf = (type: string, id: string): string => `${type}\0${id}`;
type Keyed<T extends keyof SignalDataTypeMap> = { [id: string]: SignalDataTypeMap[T] };

export interface KeysOwner {
  onInbound(rows: readonly InboundRow[]): void;
  /** Changes were lost, inbox rows among them or not. */
  onBroken(fault: CommitFault, inbound: boolean): void;
}

export class DeviceKeys {
  readonly #ask: Ask;
  readonly #device: DeviceId;
  readonly #commits: CommitQueue;
  readonly #cache = new Lru<string, { readonly value: unknown }>(CACHED_KEYS);
  /** Ended but not yet durable. */
  readonly #pending = new Map<string, KeyChange>();
  #epoch = 0;
  #draft: Draft | null = null;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(ask: Ask, device: DeviceId, leaseTerm: LeaseTerm, owner: KeysOwner) {
    this.#ask = ask;
    this.#device = device;
    this.#commits = new CommitQueue(ask, device, leaseTerm, {
      onDurable: (keys) => this.#settle(keys),
      onInbound: (rows) => owner.onInbound(rows),
      onBroken: (error, inbound) => {
        this.forget();
        owner.onBroken(error.fault, inbound);
      },
    });
  }

  /** Cached and pending entries, for status. */
  get size(): { cached: number; pending: number } {
    return { cached: this.#cache.size, pending: this.#pending.size };
  }

  set leaseTerm(term: LeaseTerm) {
    this.#commits.leaseTerm = term;
  }

  /** Forgets all that is cached or pending, and dooms the transactions that have read it. */
  forget(): void {
    this.#epoch += 1;
    this.#cache.clear();
    this.#pending.clear();
  }

  /** Part of the running transaction: what `work` of a nested one changed is undone if it throws. */
  readonly inside: SignalKeyStoreWithTransaction = {
    get: (type, ids) => this.#get(type, ids, this.#running()),
    set: (data) => this.#write(this.#running(), data),
    isInTransaction: () => true,
    transaction: async (work) => {
      const draft = this.#running();
      const before = new Map(draft.keys);
      try {
        return await work();
      } catch (error) {
        draft.keys = before;
        throw error;
      }
    },
  };

  /** Sees what has ended; each `set` is a transaction of its own and resolves when it is durable, if it has to be. */
  readonly outside: SignalKeyStoreWithTransaction = {
    get: (type, ids) => this.#get(type, ids, null),
    set: async (data) => {
      const { durable } = await this.begin(async (draft) => this.#write(draft, await this.#changed(data, draft)));
      if (Object.keys(data).every((type) => ASKED_AGAIN.has(type))) durable.catch(() => undefined);
      else await durable;
    },
    isInTransaction: () => false,
    transaction: (work) => work(),
  };

  /**
   * Takes steps through `inside`. Resolves when they are taken and queued; `durable` when they may be relied on.
   * @throws whatever `work` throws, or CommitError if it lacked a key; then none of its changes is kept. `durable` rejects with CommitError.
   */
  begin<T>(work: (draft: Draft) => Promise<T>): Promise<{ value: T; durable: Promise<void> }> {
    const run = async (): Promise<{ value: T; durable: Promise<void> }> => {
      const draft = new Draft(this.#epoch);
      this.#draft = draft;
      try {
        const value = await work(draft);
        if (draft.failure) throw draft.failure;
        return { value, durable: this.#end(draft) };
      } finally {
        this.#draft = null;
      }
    };
    const result = this.#tail.then(run, run);
    this.#tail = result.catch(() => undefined);
    return result;
  }

  /** Resolves once all that ended before is durable, or has failed. */
  async barrier(): Promise<void> {
    await this.#tail;
    await this.#commits.settled();
  }

  /** @throws CommitError */
  saveCreds(creds: Uint8Array): Promise<void> {
    return this.#commits.push({ keys: new Map(), creds, inbound: [], attempt: null });
  }

  #running(): Draft {
    if (!this.#draft) throw new Error("no key transaction is running");
    return this.#draft;
  }

  #known(name: string, draft: Draft | null): { readonly value: unknown } | undefined {
    return draft?.keys.get(name) ?? this.#pending.get(name) ?? this.#cache.get(name);
  }

  async #get<T extends keyof SignalDataTypeMap>(type: T, ids: string[], draft: Draft | null): Promise<Keyed<T>> {
    const found: Keyed<T> = {};
    const missing: string[] = [];
    for (const id of ids) {
      const known = this.#known(nameOf(type, id), draft);
      if (known === undefined) missing.push(id);
      else if (known.value !== null && known.value !== undefined) found[id] = known.value as SignalDataTypeMap[T];
    }
    if (missing.length > 0) await this.#load(type, missing, found, draft);
    return found;
  }

  /** Baileys writes our own device list at every login, as it was: that needs no flush to disk. */
  async #changed(data: SignalDataSet, draft: Draft): Promise<SignalDataSet> {
    const lists = data["device-list"];
    if (!lists) return data;
    const known = await this.#get("device-list", Object.keys(lists), draft);
    const changed = Object.entries(lists).filter(([user, list]) => known[user]?.join() !== list?.join());
    return { ...data, "device-list": Object.fromEntries(changed) };
  }

  #write(draft: Draft, data: SignalDataSet): void {
    for (const [type, entries] of Object.entries(data)) {
      for (const [id, value] of Object.entries(entries ?? {}))
        draft.keys.set(nameOf(type, id), { type, id, value: value ?? null });
    }
  }

  async #load(type: string, ids: string[], found: { [id: string]: unknown }, draft: Draft | null): Promise<void> {
    const epoch = this.#epoch;
    const answer = await this.#ask("keys.load", { device: this.#device, type, ids });
    if (answer.kind === "failed") {
      const failure = new CommitError("store", `E_KEYS_LOAD the store did not give the keys (${answer.cause})`);
      if (draft) draft.failure ??= failure;
      throw failure;
    }
    for (const [index, id] of ids.entries()) {
      const name = nameOf(type, id);
      // Somebody may have changed it while we waited: what is known by now is newer than what was read.
      const newer = this.#known(name, draft);
      const bytes = answer.values[index] ?? null;
      const value = newer ? newer.value : bytes === null ? null : decodeKey(type, bytes);
      if (!newer && !UNCACHED.has(type) && epoch === this.#epoch) this.#cache.set(name, { value });
      if (value !== null && value !== undefined) found[id] = value;
    }
  }

  #end(draft: Draft): Promise<void> {
    if (draft.epoch !== this.#epoch)
      return Promise.reject(new CommitError("store", "E_KEYS_COMMIT an earlier key change was lost"));
    if (draft.empty) return Promise.resolve();
    for (const [name, change] of draft.keys) this.#pending.set(name, change);
    return this.#commits.push({ keys: draft.keys, creds: null, inbound: draft.inbound, attempt: draft.attempt });
  }

  #settle(keys: ReadonlyMap<string, KeyChange>): void {
    for (const [name, change] of keys) {
      if (this.#pending.get(name) !== change) continue;
      this.#pending.delete(name);
      if (UNCACHED.has(change.type)) this.#cache.delete(name);
      else this.#cache.set(name, { value: change.value });
    }
  }
}
