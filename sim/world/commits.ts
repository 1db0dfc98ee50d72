/**
 * How a device's key changes become durable, as in the Baileys adapter: units in order, one transaction at a time, what queues
 * meanwhile shares the next one. A failed transaction fails everything queued behind it, because that was computed on top of it;
 * an attempt that is stale fails alone.
 */
import type { DeviceId, LeaseTerm } from "../../machines/ports/ids.ts";
import type { AttemptDraft, InboundDraft, InboundRow, KeyWrite, StoreAnswer, StoreOps } from "../../machines/ports/store.ts";

/** `staleAttempt`: its seat term has ended, or the message is no open row of that seat any more. */
export type CommitFault = "store" | "staleLease" | "staleAttempt";
export interface Unit {
  readonly keys: readonly KeyWrite[];
  readonly creds: Uint8Array | null;
  readonly inbound: readonly InboundDraft[];
  /** Asked when the transaction is written, so that an attempt given up meanwhile leaves no row. */
  readonly attempt: (() => AttemptDraft | null) | null;
  /** Durable (null), or why not. */
  readonly done: (fault: CommitFault | null) => void;
}
export interface KeysOwner {
  /** New inbox rows. */
  onInbound(rows: readonly InboundRow[]): void;
  /** Changes were lost, inbox rows among them or not. Said before the units are told. */
  onBroken(fault: CommitFault, inbound: boolean): void;
}
type Commit = StoreOps["keys.commit"]["in"];
type Ask = (commit: Commit, answered: (answer: StoreAnswer<"keys.commit">) => void) => void;

export class CommitQueue {
  leaseTerm: LeaseTerm;
  readonly #device: DeviceId;
  readonly #ask: Ask;
  readonly #owner: KeysOwner;
  #queue: Unit[] = [];
  #busy = false;
  #idle: (() => void)[] = [];

  constructor(device: DeviceId, leaseTerm: LeaseTerm, ask: Ask, owner: KeysOwner) {
    this.#device = device;
    this.leaseTerm = leaseTerm;
    this.#ask = ask;
    this.#owner = owner;
  }

  push(unit: Unit): void {
    this.#queue.push(unit);
    if (!this.#busy) this.#drain();
  }

  /** Calls back when nothing is under way or queued. */
  whenIdle(then: () => void): void {
    if (this.#busy) this.#idle.push(then);
    else then();
  }

  #drain(): void {
    const batch = this.#queue;
    this.#busy = batch.length > 0;
    if (this.#busy) {
      this.#queue = [];
      this.#commit(batch);
      return;
    }
    const idle = this.#idle;
    this.#idle = [];
    for (const then of idle) then();
  }

  #commit(batch: readonly Unit[]): void {
    const keys = lastOfEach(batch.flatMap((unit) => unit.keys));
    const inbound = batch.flatMap((unit) => unit.inbound);
    const creds = batch.reduce<Uint8Array | null>((last, unit) => unit.creds ?? last, null);
    const attempts: { unit: Unit; draft: AttemptDraft }[] = [];
    for (const unit of batch) {
      const draft = unit.attempt?.() ?? null;
      if (draft !== null) attempts.push({ unit, draft });
    }
    const base = { device: this.#device, leaseTerm: this.leaseTerm };
    const refused = new Map<Unit, CommitFault>();
    const main = { ...base, keys, creds, inbound, attempt: null };
    const finish = (answer: StoreAnswer<"keys.commit">) => this.#finish(batch, refused, answer);
    const [single] = attempts;
    if (single && attempts.length === 1) {
      return this.#ask({ ...main, attempt: single.draft }, (answer) => {
        if (answer.kind !== "stale" || answer.what === "lease") return finish(answer);
        refused.set(single.unit, "staleAttempt");
        this.#ask(main, finish);
      });
    }
    // Several attempts get an operation each, asked in the same turn so that they share the transaction.
    let waiting = 1 + attempts.length;
    let first: StoreAnswer<"keys.commit"> | undefined;
    const arrived = (): void => {
      if (--waiting === 0 && first) finish(first);
    };
    this.#ask(main, (answer) => {
      first = answer;
      arrived();
    });
    for (const { unit, draft } of attempts) {
      this.#ask({ ...base, keys: [], creds: null, inbound: [], attempt: draft }, (answer) => {
        const fault = faultOf(answer);
        if (fault) refused.set(unit, fault);
        arrived();
      });
    }
  }

  #finish(batch: readonly Unit[], refused: ReadonlyMap<Unit, CommitFault>, answer: StoreAnswer<"keys.commit">): void {
    const fault = faultOf(answer);
    if (fault !== null || answer.kind !== "committed") {
      const lost = [...batch, ...this.#queue];
      this.#queue = [];
      this.#owner.onBroken(
        fault ?? "store",
        lost.some(({ inbound }) => inbound.length > 0),
      );
      for (const unit of lost) unit.done(refused.get(unit) ?? fault);
    } else {
      if (answer.inbound.length > 0) this.#owner.onInbound(answer.inbound);
      for (const unit of batch) unit.done(refused.get(unit) ?? null);
    }
    this.#drain();
  }
}

/** Of several writes of one key the last counts. */
const lastOfEach = (writes: Unit["keys"]): Unit["keys"] =>
  writes.length < 2 ? writes : [...new Map(writes.map((write) => [`${write.type} ${write.id}`, write])).values()];

const faultOf = (answer: StoreAnswer<"keys.commit">): CommitFault | null => {
  if (answer.kind === "committed") return null;
  if (answer.kind === "failed") return "store";
  return answer.what === "lease" ? "staleLease" : "staleAttempt";
};
