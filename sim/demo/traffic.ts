/** Steady two-way traffic between the lines and the people, and at its end the account of it. */
import { isOpen, isProved } from "../../machines/delivery/outbox-state.ts";
import type { LineId, MessageId, SeatId } from "../../machines/ports/ids.ts";
import type { OutboxRow, OutboxState } from "../../machines/ports/store.ts";
import type { Supervisor } from "../../src/runtime/supervisor.ts";
import {
  type AcceptedMessage,
  countInbound,
  countOutbound,
  type Heard,
  type Inbound,
  type Outbound,
  type Written,
} from "./count.ts";
import { type DemoPerson, PEOPLE } from "./fleet.ts";
import type { Stage } from "./stage.ts";
import { pause } from "./waiting.ts";

/** Milliseconds between two messages to one person, and between two from one. */
const SEND_EVERY = 8000;
const WRITE_EVERY = 40_000;
/** Within this span everybody writes for the first time; a slow machine may take longer to store all of it. */
const GREET_WITHIN = 3500;
const STORED_WITHIN = 60_000;
/** Settling ends when nothing has moved for so long; in a run that was cut short, after this long. */
const STUCK_AFTER = 20_000;
const SETTLE_IN_HASTE = 1500;
const EVERYTHING = 10_000_000;

export interface Account extends Outbound {
  /** Wanted, and not accepted: the outbox was full or the store failed. */
  readonly refused: number;
  readonly inbound: Inbound;
}
type Accepted = AcceptedMessage & { readonly seat: SeatId };

export class Traffic {
  readonly #stage: Stage;
  readonly #accepted = new Map<MessageId, Accepted>();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #orders = new Map<string, number>();
  readonly #written: Written[] = [];
  readonly #startedAt = performance.now();
  #greetings = 0;
  #refused = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /**
   * Everybody writes first and is answered once that is stored: so every chat is warm, and belongs to the seat that was written
   * to. When all have been, both sides go on, each person at a time of its own: each seat always has something to say.
   * @throws if the first messages are not stored within a minute
   */
  async start(signal?: AbortSignal): Promise<void> {
    const unheard = new Map<string, DemoPerson>();
    PEOPLE.forEach((person, index) => {
      const greet = (): void => void unheard.set(this.write(person.number, person.master), person);
      this.#after((index / PEOPLE.length) * GREET_WITHIN, greet);
    });
    const end = performance.now() + STORED_WITHIN;
    for (let heard = 0, afterSeq = 0; heard < PEOPLE.length; await pause(50, signal)) {
      if (performance.now() > end) throw new Error(`${PEOPLE.length - heard} people's first messages were not stored`);
      const inbox = await this.#stage.supervisor.ask("inbox.read", { afterSeq, limit: EVERYTHING });
      for (const { seq, waId } of inbox.kind === "rows" ? inbox.rows : []) {
        afterSeq = seq;
        const person = unheard.get(waId);
        if (!person) continue;
        heard++;
        void this.send(person.number, person.line);
      }
    }
    PEOPLE.forEach(({ number, line, master }, index) => {
      const share = index / PEOPLE.length;
      this.#after(share * SEND_EVERY, () => void this.send(number, line), SEND_EVERY);
      this.#after(share * WRITE_EVERY, () => void this.write(number, master), WRITE_EVERY);
    });
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  get accepted(): number {
    return this.#accepted.size;
  }
  find(message: MessageId): Accepted | undefined {
    return this.#accepted.get(message);
  }

  /** One message of the line to a person. */
  async send(person: string, line: LineId): Promise<AcceptedMessage | undefined> {
    const order = (this.#orders.get(person) ?? 0) + 1;
    this.#orders.set(person, order);
    const answer = await this.#stage.supervisor.accept({
      line,
      to: { lid: null, pn: `${person}@s.whatsapp.net` },
      content: { kind: "text", text: `${line} #${order}` },
    });
    if (answer.kind !== "accepted") {
      this.#refused++;
      return undefined;
    }
    const message = { id: answer.id, waId: answer.waId, seat: answer.seat, person, order };
    this.#accepted.set(message.id, message);
    return message;
  }

  /** The store says that WhatsApp has taken it. */
  async isProved({ id }: AcceptedMessage): Promise<boolean> {
    const answer = await this.#stage.supervisor.ask("outbox.get", { id });
    return answer.kind === "row" && answer.row !== null && isProved(answer.row.state);
  }

  /** The id of the message. */
  write(person: string, master: string): string {
    const devices = this.#stage.loopback.account(master).devices();
    const id = this.#stage.person(person).send(master, `hello ${++this.#greetings}`);
    this.#written.push({ id, from: person, to: master, devices, at: performance.now() - this.#startedAt });
    return id;
  }

  /** Messages of all seats that are still under way. */
  async open(): Promise<number> {
    const counts = await this.#stage.supervisor.ask("outbox.counts", {});
    if (counts.kind !== "counts") return Number.POSITIVE_INFINITY;
    return counts.seats.filter(({ state }) => isOpen(state)).reduce((total, { count }) => total + count, 0);
  }

  /** Waits until nothing is under way any more, or nothing moves, then counts at both ends. */
  async settle({ wasCutShort }: { readonly wasCutShort: boolean }): Promise<Account> {
    const { supervisor } = this.#stage;
    if (wasCutShort) await pause(SETTLE_IN_HASTE);
    else await this.#quiet();
    const people = this.#stage.people();
    await Promise.all(people.map((person) => person.settled()));
    const rows = await allRows(supervisor);
    const accepted = [...this.#accepted.values()];
    return {
      ...countOutbound(accepted, rows, people, { wasCutShort }),
      refused: this.#refused,
      inbound: await this.#inbound(wasCutShort),
    };
  }

  async #quiet(): Promise<void> {
    let left = Number.POSITIVE_INFINITY;
    let movedAt = performance.now();
    while (left > 0 && performance.now() - movedAt < STUCK_AFTER) {
      await pause(200);
      const now = (await this.open()) + (await this.#inbound(false)).lost;
      if (now !== left) movedAt = performance.now();
      left = now;
    }
  }

  async #inbound(wasCutShort: boolean): Promise<Inbound> {
    const inbox = await this.#stage.supervisor.ask("inbox.read", { afterSeq: 0, limit: EVERYTHING });
    const rows = inbox.kind === "rows" ? inbox.rows.filter(({ fromMe }) => !fromMe) : [];
    const linked = (number: string): readonly number[] => this.#stage.loopback.account(number).devices();
    return countInbound(this.#written, rows, linked, (message) => this.#heard(message), { wasCutShort });
  }

  #heard({ id, from, to }: Written): Heard {
    const { receipts, askedAgain } = this.#stage.person(from);
    return {
      confirmed: receipts.some((receipt) => receipt.id === id),
      askedAgain: askedAgain.filter((each) => each === id).length,
      waiting: this.#stage.loopback.account(to).waiting(id),
    };
  }

  #after(ms: number, work: () => void, every?: number): void {
    const begin = (): void => {
      work();
      if (every !== undefined) this.#timers.push(setInterval(work, every));
    };
    this.#timers.push(setTimeout(begin, ms));
  }
}

const ALL: readonly OutboxState[] = [
  "accepted",
  "dispatched",
  "unanswered",
  "acknowledged",
  "delivered",
  "read",
  "held",
  "failed",
];
const allRows = async (supervisor: Supervisor): Promise<Map<MessageId, OutboxRow>> => {
  const list = await supervisor.ask("outbox.list", { seat: null, states: ALL, limit: EVERYTHING });
  return new Map(list.kind === "rows" ? list.rows.map((row) => [row.id, row]) : []);
};
