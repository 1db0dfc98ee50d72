/** A node's connections on real Baileys, a store in a file of its own, and a WhatsApp on loopback: what the tests here stand on. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import type { Clock } from "../../../machines/ports/clock.ts";
import type { ConnectionCommand, ConnectionFact } from "../../../machines/ports/connection.ts";
import { accountId, accountOf, conversationId, deviceId, lineId, nodeId, seatId, seatTerm } from "../../../machines/ports/ids.ts";
import type {
  AccountId,
  ContactId,
  DeviceId,
  LeaseTerm,
  MessageId,
  RequestId,
  SeatId,
  SeatTerm,
  WaId,
} from "../../../machines/ports/ids.ts";
import type { MessageContent, StorePort } from "../../../machines/ports/store.ts";
import { type Loopback, startLoopback } from "../../../sim/loopback/index.ts";
import { makeAsk } from "../../../src/adapters/baileys/ask.ts";
import { createBaileysConnections } from "../../../src/adapters/baileys/index.ts";
import { openSqliteStore } from "../../../src/adapters/sqlite/store.ts";

export type Fact<K extends ConnectionFact["kind"]> = Extract<ConnectionFact, { kind: K }>;
type Send = Extract<ConnectionCommand, { op: "send" }>;

export const systemClock: Clock = {
  now: () => Date.now(),
  setTimeout: (fire, after) => setTimeout(fire, after),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};
const LINE = lineId("sales");
let lastRequest = 0;
export const nextRequestId = (): RequestId => `t${++lastRequest}` as RequestId;

export interface RigOptions {
  /** Devices to declare, "sales-1/a" each. */
  readonly devices?: readonly string[];
  readonly loopback?: Loopback;
  readonly file?: string;
  readonly wrap?: (store: StorePort) => StorePort;
  /** Where to dial instead of the loopback server. */
  readonly url?: string;
  readonly allowSelfSigned?: boolean;
  readonly queryTimeout?: number;
  readonly handledWithin?: number;
  /** What is warned of comes here, a JSON document a line. */
  readonly log?: string[];
  readonly media?: (id: string) => AsyncIterable<Uint8Array>;
  readonly onPhone?: (account: AccountId, at: number) => void;
}

export class Rig {
  readonly loopback: Loopback;
  readonly store: StorePort & { close(): void };
  readonly file: string;
  readonly port: ReturnType<typeof createBaileysConnections>;
  readonly facts: ConnectionFact[] = [];
  readonly ask: ReturnType<typeof makeAsk>;
  readonly terms = new Map<DeviceId, LeaseTerm>();
  readonly #dials = new Map<DeviceId, number>();
  readonly #seats = new Map<SeatId, SeatTerm>();
  readonly #waiting = new Set<() => void>();
  readonly #own: { loopback: boolean; directory: string | null };
  #messages = 0;

  static async start(options: RigOptions = {}): Promise<Rig> {
    const loopback = options.loopback ?? (await startLoopback());
    const directory = options.file ? null : mkdtempSync(join(tmpdir(), "greenroom-baileys-"));
    const file = options.file ?? join(directory ?? "", "store.db");
    const rig = new Rig(loopback, file, { loopback: !options.loopback, directory }, options);
    const names = (options.devices ?? ["sales-1/a"]).map((name) => {
      const [account = "", device = ""] = name.split("/");
      return deviceId(accountId(account), device);
    });
    await rig.declare(names);
    return rig;
  }

  private constructor(
    loopback: Loopback,
    file: string,
    own: { loopback: boolean; directory: string | null },
    { wrap, url, allowSelfSigned = false, queryTimeout, handledWithin, log, media, onPhone }: RigOptions,
  ) {
    this.loopback = loopback;
    this.file = file;
    this.#own = own;
    this.store = openSqliteStore({ file, key: Buffer.alloc(32, 7), clock: systemClock });
    this.ask = makeAsk(this.store, nextRequestId);
    this.port = createBaileysConnections({
      store: wrap ? wrap(this.store) : this.store,
      clock: systemClock,
      endpoint: { url: url ?? loopback.url, rootPublicKey: loopback.rootPublicKey, allowSelfSigned },
      ...(queryTimeout === undefined ? {} : { queryTimeout }),
      ...(handledWithin === undefined ? {} : { handledWithin }),
      ...(media === undefined ? {} : { media }),
      ...(onPhone === undefined ? {} : { onPhone }),
      logger: log
        ? pino({ level: "warn" }, { write: (line) => void log.push(line) })
        : pino({ level: process.env["GREENROOM_TEST_LOG"] ?? "silent" }),
      nextRequestId,
      clientHint: (device) => device,
    });
    this.port.onFact((fact) => {
      this.facts.push(fact);
      for (const wake of this.#waiting) wake();
    });
  }

  async declare(devices: readonly DeviceId[]): Promise<void> {
    const accounts = [...new Set(devices.map(accountOf))];
    await this.ask("fleet.declare", {
      fleet: {
        accounts: accounts.map((id) => ({
          id,
          role: "master" as const,
          devices: devices.filter((each) => accountOf(each) === id),
        })),
        lines: [{ id: LINE, masters: accounts, servants: [], strategy: "priority" }],
      },
    });
    const answer = await this.ask("lease.acquire", { devices, node: nodeId("n1"), ttl: 60_000 });
    if (answer.kind !== "leases") throw new Error("no leases");
    for (const { device, term } of answer.granted) this.terms.set(device, term);
  }

  async close(): Promise<void> {
    await this.port.shutdown();
    this.store.close();
    if (this.#own.loopback) await this.loopback.close();
    if (this.#own.directory) rmSync(this.#own.directory, { recursive: true });
  }

  /** The first fact of this kind that fits, from `since` on; waits for it. */
  async fact<K extends ConnectionFact["kind"]>(
    kind: K,
    fits: (fact: Fact<K>) => boolean = () => true,
    { since = 0, within = 20_000 }: { since?: number; within?: number } = {},
  ): Promise<Fact<K>> {
    const find = (): Fact<K> | undefined =>
      this.facts.slice(since).find((each): each is Fact<K> => each.kind === kind && fits(each as Fact<K>));
    await this.until(() => find() !== undefined, `a fact "${kind}"`, within);
    return find() as Fact<K>;
  }

  async until(holds: () => boolean, what: string, within = 20_000): Promise<void> {
    if (holds()) return;
    await new Promise<void>((resolve, reject) => {
      const done = (act: () => void): void => {
        clearTimeout(late);
        clearInterval(poll);
        this.#waiting.delete(look);
        act();
      };
      const look = (): void => {
        if (holds()) done(resolve);
      };
      const late = setTimeout(
        () => done(() => reject(new Error(`waited ${within} ms for ${what}; facts: ${this.story()}`))),
        within,
      );
      const poll = setInterval(look, 10);
      this.#waiting.add(look);
    });
  }

  story(): string {
    return this.facts
      .filter(({ kind }) => kind !== "evidence")
      .slice(-30)
      .map((fact) => JSON.stringify(fact))
      .join("\n");
  }

  /** Number of facts so far: where to look from for those to come. */
  get mark(): number {
    return this.facts.length;
  }

  nextDial(device: DeviceId): number {
    const dial = (this.#dials.get(device) ?? 0) + 1;
    this.#dials.set(device, dial);
    return dial;
  }

  #term(device: DeviceId): LeaseTerm {
    const term = this.terms.get(device);
    if (term === undefined) throw new Error(`no lease of ${device}`);
    return term;
  }

  open(device: DeviceId, connectTimeout = 5000): number {
    const dial = this.nextDial(device);
    this.port.perform({ op: "open", device, dial, leaseTerm: this.#term(device), connectTimeout });
    return dial;
  }

  /** Opens and waits until it serves. */
  async serve(device: DeviceId): Promise<number> {
    const dial = this.open(device);
    await this.fact("serving", (fact) => fact.device === device && fact.dial === dial);
    return dial;
  }

  /** Links by QR, and waits for the restart that WhatsApp asks for. */
  async link(device: DeviceId, number: string): Promise<{ waDevice: number }> {
    const dial = this.nextDial(device);
    const mine = (fact: { device: DeviceId; dial: number }): boolean => fact.device === device && fact.dial === dial;
    this.port.perform({ op: "link", device, dial, leaseTerm: this.#term(device), method: { kind: "qr" }, connectTimeout: 5000 });
    const { offer } = await this.fact("linkOffer", mine);
    const { device: waDevice } = await this.loopback.account(number).scanQr(offer.text);
    await this.fact("linked", mine);
    await this.fact("closed", mine);
    return { waDevice };
  }

  /** Makes `device` the holder of its master's seat, under the next term, and lets it pass the gate. */
  async seat(device: DeviceId): Promise<{ seat: SeatId; term: SeatTerm }> {
    const seat = seatId(LINE, accountOf(device));
    const change = (expect: SeatTerm) =>
      this.ask("seat.change", {
        seat,
        expect,
        holder: device,
        phase: "serving",
        failover: null,
        audit: { at: Date.now(), actor: "test", action: "seat.moved", subject: seat, text: "a test", evidence: {} },
      });
    let answer = await change(this.#seats.get(seat) ?? seatTerm(0));
    // The file may be an older one, whose seat has changed hands before.
    if (answer.kind === "conflict") answer = await change(answer.row.term);
    if (answer.kind !== "changed") throw new Error(`the seat did not change: ${answer.kind}`);
    this.#seats.set(seat, answer.row.term);
    this.port.perform({ op: "grant", device, seat, term: answer.row.term });
    return { seat, term: answer.row.term };
  }

  async contact(pn: string, lid: string | null = null): Promise<ContactId> {
    const answer = await this.ask("contact.resolve", { lid, pn });
    if (answer.kind !== "contact") throw new Error("no contact");
    return answer.row.id;
  }

  /** Accepts a message into the outbox and gives the command that sends it. */
  async accept(device: DeviceId, contact: ContactId, content: string | MessageContent): Promise<Send> {
    const seat = seatId(LINE, accountOf(device));
    const number = String(++this.#messages).padStart(6, "0");
    const message = `m${number}-${process.pid}` as MessageId;
    const waId = `3EB0${Date.now().toString(16).toUpperCase()}${number}` as WaId;
    const body: MessageContent = typeof content === "string" ? { kind: "text", text: content } : content;
    const answer = await this.ask("outbox.accept", {
      limit: 100_000,
      messages: [
        {
          id: message,
          waId,
          line: LINE,
          seat,
          conversation: conversationId(LINE, contact),
          contact,
          content: body,
          priority: 5,
          expiresAt: null,
          idempotencyKey: null,
          acceptedAt: Date.now(),
        },
      ],
    });
    if (answer.kind !== "accepted") throw new Error(`not accepted: ${answer.kind}`);
    const term = this.#seats.get(seat) ?? seatTerm(0);
    return { op: "send", device, seat, term, message, waId, contact, content: body, attempt: 1 };
  }

  /** Accepts, sends and waits for the answer. */
  async send(
    device: DeviceId,
    contact: ContactId,
    content: string | MessageContent,
  ): Promise<{ command: Send; fact: Fact<"sent"> | Fact<"unsent"> }> {
    const command = await this.accept(device, contact, content);
    const since = this.mark;
    this.port.perform(command);
    return { command, fact: await this.answer(command, since) };
  }

  async answer(command: Send, since = 0): Promise<Fact<"sent"> | Fact<"unsent">> {
    const find = (): Fact<"sent"> | Fact<"unsent"> | undefined =>
      this.facts
        .slice(since)
        .find(
          (each): each is Fact<"sent"> | Fact<"unsent"> =>
            (each.kind === "sent" || each.kind === "unsent") && each.message === command.message,
        );
    await this.until(() => find() !== undefined, `the answer to ${command.message}`, 20_000);
    return find() as Fact<"sent"> | Fact<"unsent">;
  }

  async inbox(): Promise<
    readonly { waId: WaId; chat: string; sender: string; fromMe: boolean; proto: Uint8Array; device: DeviceId }[]
  > {
    const answer = await this.ask("inbox.read", { afterSeq: 0, limit: 10_000 });
    return answer.kind === "rows" ? answer.rows : [];
  }
}

export const device = (name: string): DeviceId => {
  const [account = "", own = ""] = name.split("/");
  return deviceId(accountId(account), own);
};
export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
