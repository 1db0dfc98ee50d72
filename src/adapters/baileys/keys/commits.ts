/**
 * Makes a device's key changes durable, in order, in as few transactions as the traffic allows.
 *
 * A unit is what must become durable together: the ratchet change of one message, with its inbox row or its attempt. Units are
 * committed in the order in which they were pushed; at most one transaction of a device is under way, and what queues meanwhile
 * shares the next one. So every state that a crash can leave behind is a prefix of what happened: no ratchet step without the row
 * that it decrypted.
 *
 * A failed transaction fails everything queued behind it too, because that was computed on top of it; `onBroken` then tells the
 * owner to forget whatever it knows beyond the durable state. An attempt that is stale fails alone: skipping a step of
 * a sending chain is harmless, so the rest of its transaction is committed without it.
 */
import type { DeviceId, LeaseTerm } from "../../../../machines/ports/ids.ts";
import type { AttemptDraft, InboundDraft, InboundRow, KeyWrite, StoreFailure } from "../../../../machines/ports/store.ts";
import type { Ask } from "../ask.ts";
import { encodeKey } from "./codec.ts";

/** One changed key; `value` null deletes. The object's identity tells a later change of the same key from this one. */
export interface KeyChange {
  readonly type: string;
  readonly id: string;
  readonly value: unknown;
}
export interface Unit {
  readonly keys: ReadonlyMap<string, KeyChange>;
  readonly creds: Uint8Array | null;
  readonly inbound: readonly InboundDraft[];
  /** Asked when the transaction is written, so that an attempt given up meanwhile leaves no row. */
  readonly attempt: (() => AttemptDraft | null) | null;
}
/** `staleAttempt`: its seat term has ended, or the message is no open row of that seat any more. */
export type CommitFault = "store" | "staleLease" | "staleAttempt";
/** Nothing of the unit may be relied on: nothing may be sent, acknowledged or shown. */
export class CommitError extends Error {
  readonly fault: CommitFault;
  constructor(fault: CommitFault, text: string) {
    super(text);
    this.name = "CommitError";
    this.fault = fault;
  }
}

interface Waiting {
  readonly unit: Unit;
  readonly resolve: () => void;
  readonly reject: (error: CommitError) => void;
}
interface Owner {
  /** The unit's changes are durable. */
  onDurable(keys: ReadonlyMap<string, KeyChange>): void;
  /** New inbox rows: twins' copies of known messages are not among them. */
  onInbound(rows: readonly InboundRow[]): void;
  /** `inbound`: rows were lost with it, so their messages must not be acknowledged. */
  onBroken(error: CommitError, inbound: boolean): void;
}

const failureText = (failure: StoreFailure): string => `E_KEYS_COMMIT the store did not take the keys (${failure.cause})`;

const staleError = (what: "lease" | "seat" | "message"): CommitError => {
  if (what === "lease") return new CommitError("staleLease", "the device's lease term has ended");
  return new CommitError(
    "staleAttempt",
    what === "seat" ? "the seat's term has ended" : "the message is not the seat's to send any more",
  );
};

export class CommitQueue {
  readonly #ask: Ask;
  readonly #device: DeviceId;
  readonly #owner: Owner;
  #leaseTerm: LeaseTerm;
  #queue: Waiting[] = [];
  #busy = false;
  /** Who waits for the batch that is being gathered, and so for the one under way. */
  #waiting: (() => void)[] = [];

  constructor(ask: Ask, device: DeviceId, leaseTerm: LeaseTerm, owner: Owner) {
    this.#ask = ask;
    this.#device = device;
    this.#leaseTerm = leaseTerm;
    this.#owner = owner;
  }

  set leaseTerm(term: LeaseTerm) {
    this.#leaseTerm = term;
  }

  /** Resolves once the unit is durable. @throws CommitError */
  push(unit: Unit): Promise<void> {
    const done = new Promise<void>((resolve, reject) => this.#queue.push({ unit, resolve, reject }));
    if (!this.#busy) void this.#drain();
    return done;
  }

  /** Resolves when what has been pushed so far is answered, however that ended. There may never be a moment without more. */
  settled(): Promise<void> {
    return this.#busy ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve();
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    while (this.#queue.length > 0) {
      const batch = this.#queue;
      const waiting = this.#waiting;
      this.#queue = [];
      this.#waiting = [];
      await this.#commit(batch);
      for (const resolve of waiting) resolve();
    }
    this.#busy = false;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  async #commit(batch: readonly Waiting[]): Promise<void> {
    const keys = new Map<string, KeyChange>();
    const inbound: InboundDraft[] = [];
    const attempts: { waiting: Waiting; draft: AttemptDraft }[] = [];
    let creds: Uint8Array | null = null;
    for (const waiting of batch) {
      for (const [name, change] of waiting.unit.keys) keys.set(name, change);
      for (const draft of waiting.unit.inbound) inbound.push(draft);
      if (waiting.unit.creds !== null) creds = waiting.unit.creds;
      const draft = waiting.unit.attempt?.() ?? null;
      if (draft !== null) attempts.push({ waiting, draft });
    }
    const writes: KeyWrite[] = [];
    for (const { type, id, value } of keys.values()) {
      writes.push({ type, id, value: value === null || value === undefined ? null : encodeKey(type, value) });
    }
    const base = { device: this.#device, leaseTerm: this.#leaseTerm };
    const none = { keys: [], creds: null, inbound: [] };
    // One attempt travels with the keys. Several get an operation each, asked in the same turn so that they share its transaction.
    const single = attempts.length === 1 ? attempts[0] : undefined;
    const asked = [
      this.#ask("keys.commit", { ...base, keys: writes, creds, inbound, attempt: single?.draft ?? null }),
      ...(single ? [] : attempts.map(({ draft }) => this.#ask("keys.commit", { ...base, ...none, attempt: draft }))),
    ];
    let [main, ...others] = await Promise.all(asked);
    const refused = new Map<Waiting, CommitError>();
    if (single && main?.kind === "stale" && main.what !== "lease") {
      refused.set(single.waiting, staleError(main.what));
      main = await this.#ask("keys.commit", { ...base, keys: writes, creds, inbound, attempt: null });
    }
    for (const [index, answer] of others.entries()) {
      const waiting = attempts[index]?.waiting;
      if (!waiting || answer.kind === "committed") continue;
      if (answer.kind === "failed") refused.set(waiting, new CommitError("store", failureText(answer)));
      else refused.set(waiting, staleError(answer.what));
    }
    if (main?.kind !== "committed") {
      const error = main?.kind === "failed" ? new CommitError("store", failureText(main)) : staleError("lease");
      const lost = [...batch, ...this.#queue.splice(0)];
      this.#owner.onBroken(
        error,
        lost.some(({ unit }) => unit.inbound.length > 0),
      );
      for (const waiting of lost) waiting.reject(refused.get(waiting) ?? error);
      return;
    }
    this.#owner.onDurable(keys);
    if (main.inbound.length > 0) this.#owner.onInbound(main.inbound);
    for (const waiting of batch) {
      const error = refused.get(waiting);
      if (error) waiting.reject(error);
      else waiting.resolve();
    }
  }
}
