/**
 * Steady two-way traffic, and the account of it: what was accepted, what became of it, and what the people's phones really got.
 */
import type { LineId, MessageId, SeatId, WaId } from "../../machines/ports/ids.ts";
import type { OutboxRow } from "../../machines/ports/store.ts";
import type { Supervisor } from "../../src/runtime/supervisor.ts";
import type { Person } from "../loopback/index.ts";
import { PEOPLE } from "./fleet.ts";
import type { Stage } from "./stage.ts";

/** Milliseconds between two messages to one person, and between two from one. */
const SEND_EVERY = 500;
const WRITE_EVERY = 5000;
/** Settling at the end: messages under way get this long. */
const SETTLE_WITHIN = 20_000;

export interface AcceptedMessage {
  readonly id: MessageId;
  readonly waId: WaId;
  readonly seat: SeatId;
  readonly person: string;
  /** Counts up per person: what the phone must see in this order. */
  readonly order: number;
}
export interface Account {
  readonly accepted: number;
  readonly acknowledged: number;
  readonly held: number;
  readonly lost: number;
  readonly duplicatesUnmarked: number;
  readonly outOfOrder: number;
  readonly inbound: { readonly written: number; readonly stored: number };
}

export class Traffic {
  readonly accepted = new Map<WaId, AcceptedMessage>();
  readonly #stage: Stage;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #orders = new Map<string, number>();
  #written = 0;
  #refused = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  start(): void {
    PEOPLE.forEach(({ number, line, master }, index) => {
      const phase = (index * SEND_EVERY) / PEOPLE.length;
      this.#timers.push(
        setTimeout(() => {
          this.#timers.push(setInterval(() => void this.send(number, line), SEND_EVERY));
        }, phase),
        setInterval(() => this.write(number, master), WRITE_EVERY + phase),
      );
    });
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
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
    this.accepted.set(answer.waId, message);
    return message;
  }

  /** A person writes to a master: the chat is warm from then on. */
  write(person: string, master: string): void {
    this.#stage.people.get(person)?.send(master, `hello ${++this.#written}`);
  }

  /** Waits until nothing is under way any more, then counts at both ends. */
  async settle(): Promise<Account> {
    const { supervisor } = this.#stage;
    const end = Date.now() + SETTLE_WITHIN;
    let open = await countOpen(supervisor);
    while (open > 0 && Date.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      open = await countOpen(supervisor);
    }
    await Promise.all([...this.#stage.people.values()].map((person) => person.settled()));
    return this.#count();
  }

  async #count(): Promise<Account> {
    const rows = await allRows(this.#stage.supervisor);
    const proved = new Set(["acknowledged", "delivered", "read"]);
    const phones = [...this.#stage.people.values()].map((person) => atPhone(person, this.accepted, rows));
    const sum = (key: "duplicatesUnmarked" | "outOfOrder"): number => phones.reduce((total, phone) => total + phone[key], 0);
    const got = new Set([...this.#stage.people.values()].flatMap((person) => person.received.map(({ id }) => id)));
    const states = [...this.accepted.values()].map(({ id, waId }) => ({ state: rows.get(id)?.state, arrived: got.has(waId) }));
    const inbox = await this.#stage.supervisor.ask("inbox.read", { afterSeq: 0, limit: 1_000_000 });
    return {
      accepted: this.accepted.size,
      acknowledged: states.filter(({ state }) => proved.has(state ?? "")).length,
      held: states.filter(({ state }) => state === "held").length,
      // Lost: nowhere, or called acknowledged and never seen by the phone, or still open when all is healed.
      lost: states.filter(({ state, arrived }) => state === undefined || (proved.has(state) && !arrived) || isOpen(state)).length,
      duplicatesUnmarked: sum("duplicatesUnmarked"),
      outOfOrder: sum("outOfOrder"),
      inbound: { written: this.#written, stored: inbox.kind === "rows" ? inbox.rows.filter(({ fromMe }) => !fromMe).length : 0 },
    };
  }
}

const isOpen = (state: string): boolean => state === "accepted" || state === "dispatched" || state === "unanswered";

const countOpen = async (supervisor: Supervisor): Promise<number> => {
  const counts = await supervisor.ask("outbox.counts", {});
  if (counts.kind !== "counts") return 0;
  return counts.seats.filter(({ state }) => isOpen(state)).reduce((total, { count }) => total + count, 0);
};

const allRows = async (supervisor: Supervisor): Promise<Map<MessageId, OutboxRow>> => {
  const list = await supervisor.ask("outbox.list", {
    seat: null,
    states: ["accepted", "dispatched", "unanswered", "acknowledged", "delivered", "read", "held", "failed"],
    limit: 1_000_000,
  });
  return new Map(list.kind === "rows" ? list.rows.map((row) => [row.id, row]) : []);
};

/**
 * What a phone saw, against what was accepted for it. A repetition is marked if its outbox row lists two attempts or more, one of
 * them unanswered; order is judged by the first arrival of each message.
 */
const atPhone = (
  person: Person,
  accepted: ReadonlyMap<WaId, AcceptedMessage>,
  rows: ReadonlyMap<MessageId, OutboxRow>,
): { duplicatesUnmarked: number; outOfOrder: number } => {
  const seen = new Set<string>();
  let duplicatesUnmarked = 0;
  let outOfOrder = 0;
  let last = 0;
  for (const { id, outcome } of person.arrivals) {
    if (outcome !== "received" && outcome !== "duplicate") continue;
    const message = accepted.get(id as WaId);
    if (!message) continue;
    if (seen.has(id)) {
      const attempts = rows.get(message.id)?.attempts ?? [];
      if (attempts.length < 2 || !attempts.some((attempt) => attempt.outcome === "unanswered")) duplicatesUnmarked++;
      continue;
    }
    seen.add(id);
    if (message.order < last) outOfOrder++;
    last = Math.max(last, message.order);
  }
  return { duplicatesUnmarked, outOfOrder };
};
