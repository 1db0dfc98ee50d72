/**
 * What the connection suite stands on: a fleet of two masters (the first with a twin) and a spare account, its durable store, the
 * port under test, and what the suite may do to the world around it. Nothing here knows which world that is.
 */
import type { ConnectionCommand, ConnectionFact, LinkMethod } from "../../machines/ports/connection.ts";
import {
  accountId,
  accountOf,
  conversationId,
  deviceId,
  lineId,
  nodeId,
  seatId,
  seatTerm,
  type AccountId,
  type ContactId,
  type DeviceId,
  type LeaseTerm,
  type MessageId,
  type Millis,
  type RequestId,
  type SeatId,
  type SeatTerm,
  type WaId,
} from "../../machines/ports/ids.ts";
import type {
  InboundRow,
  MessageContent,
  StoreAnswer,
  StoreCommand,
  StoreOp,
  StoreOps,
  StorePort,
} from "../../machines/ports/store.ts";
import type { Fault, FaultKind } from "../../sim/faults/catalogue.ts";

export const FIRST = accountId("sales-1");
export const SECOND = accountId("sales-2");
const SPARE = accountId("spare");
/** `a` and `b` are twins; `c` belongs to another account, in another region. */
export const a = deviceId(FIRST, "a");
export const b = deviceId(FIRST, "b");
export const c = deviceId(SECOND, "a");
/** Devices that nobody has linked when a case begins, one for each case that links or loses one. */
export const spare = {
  byQr: deviceId(SPARE, "a"),
  byCode: deviceId(SPARE, "b"),
  unscanned: deviceId(SPARE, "c"),
  lost: deviceId(SPARE, "d"),
};
export const ACCOUNTS = [
  { id: FIRST, region: "eu", devices: [a, b] },
  { id: SECOND, region: "us", devices: [c] },
  { id: SPARE, region: "us", devices: Object.values(spare) },
] as const;
const LINE = lineId("sales");
const NODE = nodeId("n1");

/** Faults that are not the connection port's, each with the reason. */
export const elsewhere = {
  "node-crash": "a process that dies has no port any more: tested with the driver, and in test/adapters/baileys with kill -9",
  "node-pause": "the event loop that stalls is the node's, port and machines alike",
  "late-timers": "timers belong to the clock that the port was given",
  "clock-skew": "time belongs to the clock that the port was given",
  "store-slow": "the store's: here the suite only asks what a port does when a commit fails",
  "store-failing": "the store's: here the suite only asks what a port does when a commit fails",
  "store-partition": "the store's: here the suite only asks what a port does when a commit fails",
  "store-crash": "the store's: here the suite only asks what a port does when a commit fails",
  operator: "an operator's word goes to the machines, not to the port",
} as const satisfies { readonly [K in FaultKind]?: string };
export type LinkFaultKind = Exclude<FaultKind, keyof typeof elsewhere>;
export type LinkFault = Extract<Fault, { kind: LinkFaultKind }>;
export type LinkFaultOf<K extends LinkFaultKind> = Extract<Fault, { kind: K }>;
/** Begins now. */
type Injection = LinkFault extends infer F ? (F extends LinkFault ? Omit<F, "at"> : never) : never;

export type Fact<K extends ConnectionFact["kind"]> = Extract<ConnectionFact, { kind: K }>;
type Offer = Fact<"linkOffer">["offer"];
type Send = Extract<ConnectionCommand, { op: "send" }>;
export interface Address {
  readonly lid: string | null;
  readonly pn: string | null;
}

/** What an arm of the suite brings along. */
export interface Outside {
  readonly store: StorePort;
  /** To the port of the present life. */
  perform(command: ConnectionCommand): void;
  /** What the port of the present life tells. */
  onFact(listener: (fact: ConnectionFact) => void): void;
  now(): Millis;
  /** What one end has written has reached the other after that, where nothing hinders it. */
  readonly lull: Millis;
  /** Time goes by until it holds, for so long at most; says whether it does. */
  pass(holds: () => boolean, within: Millis): Promise<boolean>;
  /** The account's phone scans the QR or is given the code. Rejects if it can't. */
  take(account: AccountId, offer: Offer): Promise<void>;
  /** How many companions the account has. */
  companions(account: AccountId): number;
  /** A person with a phone, made when first named. `reads`: looks at what comes. */
  person(name: string, reads: boolean): Address;
  /** An address that WhatsApp does not know. */
  readonly nobody: Address;
  /** A group that WhatsApp does not know. */
  readonly noGroup: Address;
  write(person: string, account: AccountId, text: string): WaId;
  /** Ids of what the person has seen on the phone, in order. */
  shown(person: string): readonly string[];
  /** How many more chats the account may begin, up to 40. */
  allowNewChats(account: AccountId, left: number): Promise<void>;
  /** Begins now; gives back how to end it. */
  inject(fault: LinkFault): Promise<() => Promise<void>>;
  /** While it is set no commit of keys succeeds. */
  failCommits(failing: boolean): void;
  /** The node ends in good order and starts anew on the same store. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export interface Arm {
  readonly name: string;
  /** One stage for all cases, brought back to order before each; otherwise each case has a new one. */
  readonly shared: boolean;
  /** Titles of cases that this arm does not run, each with the reason. */
  readonly skips: Readonly<Record<string, string>>;
  start(): Promise<Outside>;
}

/** Long enough for a loaded machine; nothing is judged by it. */
const PATIENCE: Millis = 30_000;
const CONNECT_TIMEOUT: Millis = 25_000;

/** Ids are never used twice, whatever stage they were made on. */
let lastMessage = 0;

export class Stage {
  readonly facts: ConnectionFact[] = [];
  readonly asked = new Set<ConnectionCommand["op"]>();
  readonly heard = new Set<ConnectionFact["kind"]>();
  readonly outside: Outside;
  readonly #terms = new Map<DeviceId, LeaseTerm>();
  readonly #seats = new Map<SeatId, SeatTerm>();
  readonly #dials = new Map<DeviceId, number>();
  readonly #faults = new Set<() => Promise<void>>();
  readonly #senders = new Map<WaId, DeviceId>();
  #requests = 0;
  #probes = 0;

  /** Links a, b and c, seats a, and lets a and b get to know Ana. */
  static async start(arm: Arm): Promise<Stage> {
    const stage = new Stage(await arm.start());
    await stage.#declare();
    for (const device of [a, b, c]) await stage.link(device);
    await stage.serve(a, b, c);
    for (const device of [b, a]) {
      await stage.seat(device);
      const { waId } = await stage.send(device, "ana");
      await stage.fact("acked", (fact) => fact.waId === waId);
    }
    await stage.settle(a, b);
    await stage.reset();
    return stage;
  }

  private constructor(outside: Outside) {
    this.outside = outside;
    outside.onFact((fact) => {
      // What its own phone and twin confirm to the sender: the model's phones are off and its twins silent, which is the harsher world.
      if (fact.kind === "copied" && fact.device === this.#senders.get(fact.waId)) return;
      this.heard.add(fact.kind);
      this.facts.push(fact);
    });
  }

  /** Faults are over, links dropped, grants taken back, facts forgotten. What WhatsApp keeps for a device, it keeps. */
  async reset(): Promise<void> {
    this.outside.failCommits(false);
    await this.healAll();
    for (const { devices } of ACCOUNTS) {
      for (const device of devices) {
        for (const seat of this.#seats.keys()) this.perform({ op: "revoke", device, seat });
        this.perform({ op: "terminate", device });
      }
    }
    await this.rest(10);
    this.facts.length = 0;
  }

  async close(): Promise<void> {
    await this.outside.close();
  }

  // ---- commands ----

  perform(command: ConnectionCommand): void {
    this.asked.add(command.op);
    this.outside.perform(command);
  }

  /** Dials; gives the number of the dial. */
  open(device: DeviceId, { connectTimeout = CONNECT_TIMEOUT, leaseTerm = this.term(device) } = {}): number {
    const dial = this.#nextDial(device);
    this.perform({ op: "open", device, dial, leaseTerm, connectTimeout });
    return dial;
  }

  /** Dials, and waits until each serves. */
  async serve(...devices: readonly DeviceId[]): Promise<void> {
    for (const device of devices) {
      const dial = this.open(device);
      await this.fact("serving", (fact) => fact.device === device && fact.dial === dial);
    }
  }

  /** Dials, and waits how that ends. */
  async fail(device: DeviceId, options?: Parameters<Stage["open"]>[1]): Promise<string> {
    const dial = this.open(device, options);
    return inWords(await this.fact("closed", (fact) => fact.device === device && fact.dial === dial));
  }

  /** Asks to be linked; gives the first offer. */
  async offer(device: DeviceId, kind: LinkMethod["kind"]): Promise<Offer> {
    const method: LinkMethod = kind === "qr" ? { kind } : { kind, phone: PHONES[accountOf(device)] ?? "" };
    const dial = this.#nextDial(device);
    this.perform({ op: "link", device, dial, leaseTerm: this.term(device), method, connectTimeout: CONNECT_TIMEOUT });
    return (await this.fact("linkOffer", (fact) => fact.device === device && fact.dial === dial)).offer;
  }

  async link(device: DeviceId, kind: LinkMethod["kind"] = "qr"): Promise<void> {
    const offer = await this.offer(device, kind);
    await this.outside.take(accountOf(device), offer);
    await this.fact("closed", (fact) => fact.device === device && fact.dial === this.#dials.get(device));
  }

  async terminate(device: DeviceId): Promise<void> {
    const since = this.facts.length;
    this.perform({ op: "terminate", device });
    await this.fact("closed", (fact) => fact.device === device, since);
  }

  /** The round trip, or null. */
  async probe(device: DeviceId, deadline: Millis = PATIENCE): Promise<Millis | null> {
    const probe = ++this.#probes;
    this.perform({ op: "probe", device, probe, deadline });
    return (await this.fact("probed", (fact) => fact.probe === probe && fact.device === device)).rtt;
  }

  async check(device: DeviceId, deadline: Millis = PATIENCE): Promise<Fact<"checked">["finding"]> {
    const reqId = this.#reqId();
    this.perform({ op: "check", device, reqId, deadline });
    return (await this.fact("checked", (fact) => fact.reqId === reqId)).finding;
  }

  /** Gives the master's seat to this device, under the next term, and lets it pass the gate. */
  async seat(device: DeviceId): Promise<{ seat: SeatId; term: SeatTerm }> {
    const seat = seatId(LINE, accountOf(device));
    const expect = this.#seats.get(seat) ?? seatTerm(0);
    const audit = { at: this.outside.now(), actor: "test", action: "seat.moved", subject: seat, text: "a test", evidence: {} };
    const answer = await this.ask("seat.change", { seat, expect, holder: device, phase: "serving", failover: null, audit });
    if (answer.kind !== "changed") throw new Error(`the seat did not change: ${answer.kind}`);
    const { term } = answer.row;
    this.#seats.set(seat, term);
    this.perform({ op: "grant", device, seat, term });
    return { seat, term };
  }

  /** Accepts a message into the outbox; gives the command that sends it. */
  async accept(device: DeviceId, to: string | Address | null, given?: MessageContent): Promise<Send> {
    const seat = seatId(LINE, accountOf(device));
    const contact = to === null ? ("c:999999" as ContactId) : await this.#contact(typeof to === "string" ? this.person(to) : to);
    const number = String(++lastMessage).padStart(6, "0");
    const message = `m${number}` as MessageId;
    const waId = `3EB0${String(this.outside.now())}${number}` as WaId;
    const content: MessageContent = given ?? { kind: "text", text: `hello ${number}` };
    const row = { id: message, waId, line: LINE, seat, conversation: conversationId(LINE, contact), contact, content };
    const rest = { priority: 5, expiresAt: null, idempotencyKey: null, acceptedAt: this.outside.now() };
    const answer = await this.ask("outbox.accept", { limit: 100_000, messages: [{ ...row, ...rest }] });
    if (answer.kind !== "accepted") throw new Error(`not accepted: ${answer.kind}`);
    const term = this.#seats.get(seat) ?? seatTerm(0);
    this.#senders.set(waId, device);
    return { op: "send", device, seat, term, message, waId, contact, content, attempt: 1 };
  }

  /** Accepts, sends, and waits until it has passed the gate or has not. */
  async send(
    device: DeviceId,
    to: string | Address | null,
    content?: MessageContent,
  ): Promise<Send & { readonly answer: string }> {
    const command = await this.accept(device, to, content);
    this.perform(command);
    return { ...command, answer: await this.answer(command) };
  }

  /** "sent", or "unsent" and why. */
  async answer({ message, attempt }: Send): Promise<string> {
    const fits = (fact: ConnectionFact): fact is Fact<"sent"> | Fact<"unsent"> =>
      (fact.kind === "sent" || fact.kind === "unsent") && fact.message === message && fact.attempt === attempt;
    await this.until(() => this.facts.some(fits), `the answer to ${message}`);
    const fact = this.facts.find(fits);
    return fact?.kind === "unsent" ? `unsent ${fact.why}` : "sent";
  }

  term(device: DeviceId): LeaseTerm {
    const term = this.#terms.get(device);
    if (term === undefined) throw new Error(`no lease of ${device}`);
    return term;
  }

  /** New leases for all devices: those that there were have ended. */
  async lease(): Promise<void> {
    const devices = ACCOUNTS.flatMap((account) => account.devices);
    const answer = await this.ask("lease.acquire", { devices, node: NODE, ttl: 3_600_000 });
    if (answer.kind !== "leases") throw new Error("no leases");
    for (const { device, term } of answer.granted) this.#terms.set(device, term);
  }

  async restart(): Promise<void> {
    await this.outside.restart();
    await this.lease();
  }

  // ---- the world ----

  person(name: string, reads = false): Address {
    return this.outside.person(name, reads);
  }

  /** Somebody whom nobody has ever written to. */
  stranger(): string {
    const name = `stranger-${++lastMessage}`;
    this.person(name);
    return name;
  }

  /** A person writes; the id that WhatsApp gives it. */
  write(person: string, account: AccountId, text = "good day"): WaId {
    this.person(person);
    return this.outside.write(person, account, text);
  }

  async isShown(person: string, { waId }: { waId: WaId }): Promise<void> {
    await this.until(() => this.outside.shown(person).includes(waId), `${waId} on ${person}'s phone`);
  }

  async inject(fault: Injection): Promise<() => Promise<void>> {
    const end = await this.outside.inject({ ...fault, at: 0 });
    const heal = async (): Promise<void> => {
      if (this.#faults.delete(heal)) await end();
    };
    this.#faults.add(heal);
    return heal;
  }

  async healAll(): Promise<void> {
    for (const heal of this.#faults) await heal();
  }

  // ---- what is told ----

  /** The first fact of this kind that fits, from the given one on; waits for it. */
  async fact<K extends ConnectionFact["kind"]>(
    kind: K,
    fits: (fact: Fact<K>) => boolean = () => true,
    since = 0,
  ): Promise<Fact<K>> {
    const find = (): Fact<K> | undefined => {
      for (let i = since; i < this.facts.length; i++) {
        const fact = this.facts[i];
        if (fact?.kind === kind && fits(fact as Fact<K>)) return fact as Fact<K>;
      }
      return undefined;
    };
    await this.until(() => find() !== undefined, `a fact "${kind}"`);
    return find() as Fact<K>;
  }

  of<K extends ConnectionFact["kind"]>(kind: K, device?: DeviceId): Fact<K>[] {
    return this.facts.filter(
      (fact): fact is Fact<K> => fact.kind === kind && (device === undefined || ("device" in fact && fact.device === device)),
    );
  }

  async until(holds: () => boolean, what: string): Promise<void> {
    if (await this.outside.pass(holds, PATIENCE)) return;
    const told = this.facts.filter(({ kind }) => kind !== "evidence").map((fact) => JSON.stringify(fact));
    throw new Error(`waited ${PATIENCE} ms in vain for ${what}; told so far:\n${told.slice(-30).join("\n")}`);
  }

  /** What is under way on a link that works arrives: then what has not come won't come. */
  async settle(...devices: readonly DeviceId[]): Promise<void> {
    await this.rest(this.outside.lull);
    for (const device of devices) await this.probe(device);
  }

  /** The same, after which the next stanza is told as evidence again. */
  async quiet(...devices: readonly DeviceId[]): Promise<void> {
    await this.settle(...devices);
    await this.rest(this.outside.lull);
    this.facts.length = 0;
  }

  /** Nothing is done for a moment. */
  async rest(length: Millis): Promise<void> {
    await this.outside.pass(() => false, length);
  }

  /** What was told of a device's links, in order: "opened", "closed banned 402", … */
  said(device: DeviceId): string[] {
    return this.facts.flatMap((fact) => {
      const isOfLinks = "device" in fact && fact.device === device && LINK_FACTS.has(fact.kind);
      return isOfLinks ? [inWords(fact)] : [];
    });
  }

  /** What was told of a message, and by which device, in no order: "a sent", "b copied", … */
  told({ message, waId }: { message?: MessageId; waId: WaId }): string[] {
    return this.facts
      .flatMap((fact) => {
        const isOfIt = ("waId" in fact && fact.waId === waId) || ("message" in fact && fact.message === message);
        return isOfIt && "device" in fact ? [`${fact.device.slice(fact.device.indexOf("/") + 1)} ${inWords(fact)}`] : [];
      })
      .sort();
  }

  /** What may not be, whatever happens to a link: a dial that ends twice, speaks afterwards or serves unopened; a send answered twice. */
  contradictions(): string[] {
    const found: string[] = [];
    const past = new Set<string>();
    for (const fact of this.facts) {
      const said = (what: string): string => ("dial" in fact ? `${fact.device} ${fact.dial} ${what}` : "");
      const answered = fact.kind === "sent" || fact.kind === "unsent" ? `${fact.message} ${fact.attempt} answered` : "";
      // The deadline of a probe may pass when the link is long gone.
      if (past.has(said("closed")) && !(fact.kind === "probed" && fact.rtt === null))
        found.push(`${said(fact.kind)} after its end`);
      if (fact.kind === "serving" && !past.has(said("opened"))) found.push(`${said("serving")}, but not opened`);
      if (past.has(answered)) found.push(`${answered} twice`);
      if ("dial" in fact) past.add(said(fact.kind));
      if (answered !== "") past.add(answered);
    }
    return found;
  }

  /** What was told of an account's standing, repetitions by its devices left out. */
  standings(): string[] {
    const told = this.of("standing").map(
      ({ account, standing, until }) => `${account} ${standing}${until === null ? "" : " until then"}`,
    );
    return told.filter((each, i) => each !== told[i - 1]);
  }

  async inbox(): Promise<readonly InboundRow[]> {
    const answer = await this.ask("inbox.read", { afterSeq: 0, limit: 100_000 });
    return answer.kind === "rows" ? answer.rows : [];
  }

  /** Rows of this message in the inbox. */
  async rows(waId: WaId): Promise<number> {
    return (await this.inbox()).filter((row) => row.waId === waId).length;
  }

  /** Waits for the fact that this message is durable. */
  async received(waId: WaId): Promise<void> {
    let seqs: ReadonlySet<number> = new Set();
    const known = async (): Promise<boolean> => {
      seqs = new Set((await this.inbox()).filter((row) => row.waId === waId).map(({ seq }) => seq));
      return this.of("received").some(({ seq }) => seqs.has(seq));
    };
    const deadline = this.outside.now() + PATIENCE;
    while (!(await known())) {
      if (this.outside.now() > deadline) throw new Error(`waited in vain for ${waId}; ${seqs.size} rows`);
      await this.rest(10);
    }
  }

  // ---- the store ----

  async ask<K extends StoreOp>(op: K, question: StoreOps[K]["in"]): Promise<StoreAnswer<K>> {
    let answer: StoreAnswer<K> | undefined;
    const command = { op, reqId: this.#reqId(), ...question } as unknown as StoreCommand<K>;
    this.outside.store.ask<K>(command, (given) => {
      answer = given;
    });
    await this.until(() => answer !== undefined, `the store's answer to ${op}`);
    return answer as unknown as StoreAnswer<K>;
  }

  async #declare(): Promise<void> {
    const accounts = ACCOUNTS.map(({ id, devices }) => ({ id, role: "master" as const, devices: [...devices] }));
    const masters = accounts.map(({ id }) => id);
    await this.ask("fleet.declare", { fleet: { accounts, lines: [{ id: LINE, masters, servants: [], strategy: "priority" }] } });
    await this.lease();
  }

  async #contact(address: Address): Promise<ContactId> {
    const answer = await this.ask("contact.resolve", { lid: address.lid, pn: address.pn });
    if (answer.kind !== "contact" || answer.row === null) throw new Error("no contact");
    return answer.row.id;
  }

  #reqId(): RequestId {
    return `suite:${++this.#requests}` as RequestId;
  }

  #nextDial(device: DeviceId): number {
    const dial = (this.#dials.get(device) ?? 0) + 1;
    this.#dials.set(device, dial);
    return dial;
  }
}

/** Numbers of the accounts, for those who ask for a code. */
export const PHONES: Readonly<Record<AccountId, string>> = {
  [FIRST]: "15550001001",
  [SECOND]: "15550001002",
  [SPARE]: "15550001003",
};

const LINK_FACTS: ReadonlySet<ConnectionFact["kind"]> = new Set(["linkOffer", "linked", "opened", "serving", "closed"]);

/** A fact without its device, its numbers and its time. */
const inWords = (fact: ConnectionFact): string => {
  switch (fact.kind) {
    case "linkOffer":
      return `offered ${fact.offer.kind}`;
    case "closed":
      return `closed ${fact.reason}${fact.code === null ? "" : ` ${fact.code}`}${fact.until === null ? "" : " until then"}`;
    case "unsent":
      return `unsent ${fact.why}`;
    case "refused":
      return `refused ${fact.code}`;
    case "receipt":
      return fact.receipt;
    default:
      return fact.kind;
  }
};

/** The store as the port sees it: while `failing` says so no commit of keys succeeds. `later` runs something in a turn to come. */
export const withFailingCommits = (store: StorePort, failing: () => boolean, later: (then: () => void) => void): StorePort => ({
  ask<K extends StoreOp>(command: StoreCommand<K>, reply: (answer: StoreAnswer<K>) => void): void {
    if (command.op !== "keys.commit" || !failing()) return store.ask(command, reply);
    const { op, reqId } = command;
    later(() => reply({ op, reqId, at: 0, kind: "failed", cause: "io", message: "a test" } as unknown as StoreAnswer<K>));
  },
});
