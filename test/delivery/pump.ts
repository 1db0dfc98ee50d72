/** A seat's queue alone, with a store that answers at once, and its time in the test's hands. */
import { queue, type SeatQueue } from "../../machines/delivery/queue.ts";
import type { QueueInput } from "../../machines/delivery/queue-config.ts";
import { accountId, accountOf, deviceId, lineId, seatId } from "../../machines/ports/ids.ts";
import type { OutboxChange, OutboxRow } from "../../machines/ports/store.ts";
import type { QueueEvent } from "../../machines/protocol.ts";

export const ACCOUNT = accountId("m1");
export const SEAT = seatId(lineId("sales"), ACCOUNT);
export const HOLDER = deviceId(ACCOUNT, "a");
export const STRANGER = deviceId(accountId("m2"), "a");

type Told = QueueEvent extends infer E ? (E extends unknown ? Omit<E, "at"> : never) : never;

export function id(seq: number): OutboxRow["id"] {
  return `m${seq}` as OutboxRow["id"];
}
/** Each of a conversation of its own. */
export function row(seq: number, expiresAt: number | null = null): OutboxRow {
  return {
    id: id(seq),
    waId: `w${seq}` as never,
    line: lineId("sales"),
    seat: SEAT,
    conversation: `sales:c${seq}` as never,
    contact: `c${seq}` as never,
    content: { kind: "text", text: "" },
    priority: 5,
    expiresAt,
    idempotencyKey: null,
    acceptedAt: 0,
    seq,
    state: "accepted",
    reason: null,
    attempts: [],
  };
}

/** A queue from 0 on, with a store that answers at once, unless it is silent. */
export class Pump {
  now = 0;
  state: SeatQueue;
  isStoreSilent: boolean;
  readonly sends: string[] = [];
  /** Events of the fleet. */
  readonly said: object[] = [];
  readonly reads: string[] = [];
  /** Of the lists of held messages. */
  readonly limits: number[] = [];
  readonly changes: OutboxChange[] = [];
  readonly #rows: readonly OutboxRow[];
  readonly #told: { to: string; type: string }[] = [];
  #wakeAt: number | null = null;

  constructor(rows: readonly OutboxRow[], input: Partial<QueueInput> = {}, isStoreSilent = false) {
    this.#rows = rows;
    this.isStoreSilent = isStoreSilent;
    const step = queue.start({ seat: SEAT, ...input }, 0);
    this.state = step.state;
    this.#note(step);
  }
  tell(event: Told): void {
    this.#note(queue.receive(this.state, { ...event, at: this.now }));
  }
  until(end: number): this {
    while (this.#wakeAt !== null && this.#wakeAt <= end) {
      if (this.#wakeAt < this.now) throw new Error(`wishes to be woken at ${this.#wakeAt}, at ${this.now}`);
      this.now = this.#wakeAt;
      this.tell({ type: "wake" });
    }
    this.now = end;
    return this;
  }
  open(device = HOLDER, term = 1): this {
    this.tell({ type: "queue.open", device, account: accountOf(device), term: term as never, resolveFor: 1000 });
    return this;
  }
  sent(seq: number, attempt = 1): this {
    this.tell({ type: "sent", device: HOLDER, message: id(seq), attempt });
    return this;
  }
  /** The newest attempt, if no other is named. */
  unsent(seq: number, why: "stale" | "closed" | "unpreparable" | "store" | "lookup", attempt?: number, code?: number): this {
    const newest = Number(this.sends.findLast((send) => send.startsWith(`m${seq} `))?.split(" ")[1]);
    const said = { why, detail: "so it is", ...(code === undefined ? {} : { code }) };
    this.tell({ type: "unsent", device: HOLDER, message: id(seq), attempt: attempt ?? newest, ...said });
    return this;
  }
  proved(seq: number, by: "ack" | "receipt" = "ack", receipt: "read" | null = null): this {
    this.tell({ type: "proved", waId: `w${seq}` as never, by, receipt });
    return this;
  }
  phase(seq: number): string | undefined {
    return this.state.phaseOf(id(seq));
  }
  told(kind: string): string[] {
    return this.#told.flatMap(({ to, type }) => (to.startsWith(kind) ? [type] : []));
  }
  #note({ effects = [], wakeAt }: ReturnType<typeof queue.receive>): void {
    this.#wakeAt = wakeAt;
    for (const effect of effects) {
      if (effect.op === "event") this.said.push(effect.event);
      if (effect.op === "tell") this.#told.push({ to: effect.to, type: effect.event.type });
      if (effect.op === "connection" && effect.command.op === "send")
        this.sends.push(`${effect.command.message} ${effect.command.attempt}`);
      if (effect.op !== "store") continue;
      const { ask } = effect;
      if (ask.op === "outbox.record") this.changes.push(...ask.changes);
      else this.reads.push(ask.op);
      if (ask.op === "outbox.list") this.limits.push(ask.limit);
      if (!this.isStoreSilent) this.#answer(ask);
    }
  }
  #answer(ask: { readonly op: string; readonly afterSeq?: number }): void {
    const { op, afterSeq = 0 } = ask;
    if (op === "outbox.record") this.tell({ type: "store.recorded", answer: { op, kind: "ok" } } as never);
    const rows = op === "outbox.open" ? this.#rows.filter(({ seq }) => seq > afterSeq) : [];
    if (op === "outbox.open" || op === "outbox.list")
      this.tell({ type: "store.rows", answer: { op, rows, more: false } } as never);
  }
}
