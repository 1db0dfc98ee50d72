/**
 * How a device's key changes become durable, as in the Baileys adapter: units in order, one transaction at a time, what queues
 * meanwhile shares the next one. A failed transaction fails everything queued behind it, because that was computed on top of it;
 * an attempt that is stale fails alone.
 */
import type { DeviceId, LeaseTerm, RequestId } from "../../machines/ports/ids.ts";
import type { AttemptDraft, InboundDraft, InboundRow, KeyWrite, StoreAnswer, StoreCommand } from "../../machines/ports/store.ts";

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
interface Asker {
  nextRequest(): RequestId;
  ask(command: Commit, answered: (answer: Answer) => void): void;
}
type Commit = StoreCommand<"keys.commit">;
type Answer = StoreAnswer<"keys.commit">;
type Refused = Map<Unit, CommitFault>;
const NOTHING: readonly never[] = [];

export class CommitQueue {
  leaseTerm: LeaseTerm;
  readonly #device: DeviceId;
  readonly #store: Asker;
  readonly #owner: KeysOwner;
  #queue: Unit[] = [];
  #busy = false;
  #idle: (() => void)[] = [];

  constructor(device: DeviceId, leaseTerm: LeaseTerm, store: Asker, owner: KeysOwner) {
    this.#device = device;
    this.leaseTerm = leaseTerm;
    this.#store = store;
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
    const keys = lastOfEach(ofAll(batch, (unit) => unit.keys));
    const inbound = ofAll(batch, (unit) => unit.inbound);
    let creds: Uint8Array | null = null;
    const attempts: { readonly unit: Unit; readonly draft: AttemptDraft }[] = [];
    for (const unit of batch) {
      creds = unit.creds ?? creds;
      const draft = unit.attempt?.() ?? null;
      if (draft !== null) attempts.push({ unit, draft });
    }
    if (attempts.length < 2) {
      const [single] = attempts;
      return this.#ask(keys, creds, inbound, single?.draft ?? null, (answer) => {
        if (!single || answer.kind !== "stale" || answer.what === "lease") return this.#finish(batch, null, answer);
        const refused: Refused = new Map([[single.unit, "staleAttempt"]]);
        this.#ask(keys, creds, inbound, null, (again) => this.#finish(batch, refused, again));
      });
    }
    // Several attempts get an operation each, asked in the same turn so that they share the transaction.
    const refused: Refused = new Map();
    let waiting = 1 + attempts.length;
    let first: Answer | undefined;
    const arrived = (): void => {
      if (--waiting === 0 && first) this.#finish(batch, refused, first);
    };
    this.#ask(keys, creds, inbound, null, (answer) => {
      first = answer;
      arrived();
    });
    for (const { unit, draft } of attempts) {
      this.#ask(NOTHING, null, NOTHING, draft, (answer) => {
        const fault = faultOf(answer);
        if (fault) refused.set(unit, fault);
        arrived();
      });
    }
  }

  #ask(
    keys: Commit["keys"],
    creds: Commit["creds"],
    inbound: Commit["inbound"],
    attempt: Commit["attempt"],
    answered: (answer: Answer) => void,
  ): void {
    const { leaseTerm } = this;
    const reqId = this.#store.nextRequest();
    this.#store.ask({ op: "keys.commit", reqId, device: this.#device, leaseTerm, keys, creds, inbound, attempt }, answered);
  }

  #finish(batch: readonly Unit[], refused: Refused | null, answer: Answer): void {
    const fault = faultOf(answer);
    if (fault !== null || answer.kind !== "committed") {
      const lost = [...batch, ...this.#queue];
      this.#queue = [];
      this.#owner.onBroken(
        fault ?? "store",
        lost.some(({ inbound }) => inbound.length > 0),
      );
      for (const unit of lost) unit.done(refused?.get(unit) ?? fault);
    } else {
      if (answer.inbound.length > 0) this.#owner.onInbound(answer.inbound);
      for (const unit of batch) unit.done(refused?.get(unit) ?? null);
    }
    this.#drain();
  }
}

const ofAll = <T>(batch: readonly Unit[], part: (unit: Unit) => readonly T[]): readonly T[] => {
  const [only] = batch;
  return only && batch.length === 1 ? part(only) : batch.flatMap(part);
};

/** Of several writes of one key the last counts. */
const lastOfEach = (writes: Unit["keys"]): Unit["keys"] =>
  writes.length < 2 ? writes : [...new Map(writes.map((write) => [`${write.type} ${write.id}`, write])).values()];

const faultOf = (answer: Answer): CommitFault | null => {
  if (answer.kind === "committed") return null;
  if (answer.kind === "failed") return "store";
  return answer.what === "lease" ? "staleLease" : "staleAttempt";
};
