/**
 * One device of a node: its keys and grants, which outlive a link, and at most one link.
 *
 * A send goes: granted? → look the recipient up → step the ratchet → commit it with the attempt → the gate: still granted, link
 * still there → said to be sent → written. Each is an instant of its own, so that a seed can put anything in between.
 */
import type { ConnectionCommand, ConnectionFact } from "../../machines/ports/connection.ts";
import {
  accountOf,
  type AccountId,
  type DeviceId,
  type LeaseTerm,
  type RequestId,
  type SeatId,
  type SeatTerm,
} from "../../machines/ports/ids.ts";
import type { InboundDraft, StoreAnswer, StoreCommand, StoreOp } from "../../machines/ports/store.ts";
import type { FaultBoard } from "../faults/board.ts";
import type { NodeClock, WorldClock } from "./clock.ts";
import { CommitQueue } from "./commits.ts";
import { bytesOf, Keys } from "./keys.ts";
import type { PersonId } from "./ledger.ts";
import { Link, type LinkOwner } from "./link.ts";
import { Probe } from "./probe.ts";
import type { Envelope, Outgoing } from "./parcels.ts";
import type { Random } from "./random.ts";
import type { Service } from "./service.ts";
import { Wire } from "./wire.ts";

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();
const NOTHING = new Uint8Array();

export type Command<K extends ConnectionCommand["op"]> = Extract<ConnectionCommand, { op: K }>;
type Why = Extract<ConnectionFact, { kind: "unsent" }>["why"];
export type Gate = (held: SeatTerm | undefined, asked: SeatTerm) => boolean;

/** What a device needs of its node. */
export interface Host {
  readonly clock: NodeClock;
  readonly world: WorldClock;
  readonly service: Service;
  readonly board: FaultBoard;
  readonly gate: Gate;
  nextLink(): number;
  nextRequest(): RequestId;
  ask<K extends StoreOp>(command: StoreCommand<K>, answered: (answer: StoreAnswer<K>) => void): void;
  emit(fact: ConnectionFact): void;
  /** Addresses of contacts, as far as they were asked for. */
  readonly contacts: Map<Command<"send">["contact"], PersonId>;
}

/** Who may send for a seat, and under which term. */
export interface Grant {
  readonly device: DeviceId;
  readonly seat: SeatId;
  readonly term: SeatTerm;
}

interface Job {
  readonly command: Command<"send">;
  readonly link: Link;
  done: boolean;
}

/** By hand where a letter is a byte: what has to cross into native code costs ten times as much, and it is done for each message. */
const utf8 = (text: string): Uint8Array => {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x80) return ENCODER.encode(text);
    bytes[i] = code;
  }
  return bytes;
};

/** What WhatsApp says of an address that nobody has. */
const whyNobody = (person: PersonId): readonly [detail: string, code?: number] =>
  person.endsWith("@g.us") ? ["there is no such group", 404] : ["the number is not on WhatsApp"];

export class Device implements LinkOwner {
  readonly id: DeviceId;
  readonly account: AccountId;
  readonly clock: NodeClock;
  readonly service: Service;
  readonly #host: Host;
  readonly #random: Random;
  readonly #keys: Keys;
  readonly #grants = new Map<SeatId, SeatTerm>();
  /** Recipients whose devices were looked up. */
  readonly #known = new Set<PersonId>();
  readonly #jobs = new Set<Job>();
  #link: Link | null = null;
  #dial = 0;
  #leaseTerm: LeaseTerm | null = null;

  constructor(id: DeviceId, host: Host) {
    this.id = id;
    this.account = accountOf(id);
    this.#host = host;
    this.clock = host.clock;
    this.service = host.service;
    this.#random = host.service.random.stream(`network:${id}`);
    const commits = new CommitQueue(id, 0 as LeaseTerm, host, {
      onInbound: (rows) => {
        for (const { account, waId, seq, fromMe } of rows) {
          if (!fromMe) this.service.ledger.record({ kind: "kept", account, device: id, waId, seq });
          this.emit({ kind: "received", device: id, at: this.clock.now(), seq });
        }
      },
      // What is not stored must not be receipted: without the link it can't be, and WhatsApp brings it again.
      onBroken: (fault, inbound) => {
        this.#keys.forget();
        if (fault === "staleLease" || inbound) this.terminate();
      },
    });
    this.#keys = new Keys(
      commits,
      (contact, loaded) =>
        host.ask({ op: "keys.load", reqId: host.nextRequest(), device: id, type: "session", ids: [contact] }, (answer) =>
          loaded(answer.kind === "failed" ? "failed" : (answer.values[0] ?? null)),
        ),
      (after, then) => void this.clock.setTimeout(then, after),
    );
  }

  get wire(): Wire | null {
    return this.#link?.wire ?? null;
  }

  emit(fact: ConnectionFact): void {
    this.#host.emit(fact);
  }

  vanish(tells: boolean): void {
    this.#link?.vanish(tells);
  }

  // ---- dialling ----

  open(command: Command<"open">): void {
    const link = this.#begin(command);
    // What an earlier link has queued must be there before it is read back.
    this.#keys.commits.whenIdle(() =>
      this.#host.ask({ op: "creds.load", reqId: this.#host.nextRequest(), device: this.id }, (answer) => {
        if (link.closed) return;
        if (answer.kind === "failed") return link.end("dropped", null, null, true);
        if (answer.value === null) return link.end("unlinked", null, null, true);
        const credentials = DECODER.decode(answer.value);
        this.#connect(link, () => link.wire.up("login", () => this.service.login(link, credentials)));
      }),
    );
  }

  link(command: Command<"link">): void {
    const link = this.#begin(command);
    this.#connect(link, () => {
      link.startLinking();
      link.wire.up("login", () => this.service.askToLink(link, command.method.kind));
    });
  }

  terminate(): void {
    this.#link?.end("dropped", null, null, true);
  }

  unlink(): void {
    if (this.#link?.ready) this.service.logOut(this.id);
  }

  #begin({ dial, leaseTerm, connectTimeout }: Command<"open" | "link">): Link {
    // Never two sockets of one device: an older one is let go first.
    this.terminate();
    this.#dial = dial;
    // Under another lease term somebody else may have changed the keys meanwhile.
    if (this.#leaseTerm !== leaseTerm) this.#keys.forget();
    this.#leaseTerm = leaseTerm;
    this.#keys.commits.leaseTerm = leaseTerm;
    const { world, board } = this.#host;
    const region = this.service.regionOf(this.id);
    const view = { id: this.#host.nextLink(), device: this.id, account: this.account, region, node: this.clock.id, dial };
    const wire = new Wire(view, world, this.clock, board, this.#random, this.service.tuning);
    this.service.ledger.record({ kind: "dialled", link: wire.id, node: this.clock.id, device: this.id, dial });
    this.#link = new Link(wire, leaseTerm, connectTimeout, this);
    return this.#link;
  }

  #connect(link: Link, connected: () => void): void {
    link.wire.connect(this.service.tuning.handshakeTrips, () => {
      if (link.closed) return;
      const fate = this.#host.board.dial(link.wire);
      if (fate?.kind === "http") return link.end("refused", fate.status, null);
      if (fate?.kind === "failure") return link.failure(fate.code, null);
      connected();
    });
  }

  /** The link is gone: nothing that waits can leave any more. */
  onClosed(): void {
    this.#link = null;
    for (const job of this.#jobs) this.#refuse(job, "closed", "the link closed while the message was being prepared");
  }

  onPaired(link: Link, jid: string, lid: string, creds: Uint8Array): void {
    const audit = {
      at: this.clock.now(),
      actor: "supervisor",
      action: "device.keysWiped",
      subject: this.id,
      text: "linked anew",
      evidence: {},
    };
    this.#host.ask({ op: "keys.wipe", reqId: this.#host.nextRequest(), device: this.id, audit }, () => {
      this.#keys.forget();
      const done = (fault: unknown) => {
        if (link.closed) return;
        if (fault !== null) return link.end("badPeer", 400, null);
        this.emit({ kind: "linked", device: this.id, dial: link.dial, at: this.clock.now(), jid, lid });
        link.wire.up("receipt", () => this.service.signedUp(link));
      };
      this.#keys.commits.push({ keys: [], creds, inbound: [], attempt: null, done });
    });
  }

  // ---- inbound ----

  onEnvelope(link: Link, envelope: Envelope): void {
    const receipt = () => {
      if (!link.closed) link.wire.up("receipt", () => this.service.receipted(link, envelope));
    };
    const at = this.clock.now();
    if (envelope.kind === "status") {
      this.service.ledger.record({ kind: "proofTold", device: this.id, waId: envelope.waId, by: "receipt" });
      this.emit({ kind: "receipt", device: this.id, at, waId: envelope.waId, receipt: envelope.receipt });
      return receipt();
    }
    if (envelope.kind === "standing") {
      this.emit({ kind: "standing", account: this.account, at, standing: envelope.standing, until: envelope.until });
      return receipt();
    }
    // WhatsApp gave it to another of the account's devices: it took the message, whether or not its ack comes.
    if (envelope.kind === "copy") {
      this.service.ledger.record({ kind: "proofTold", device: this.id, waId: envelope.waId, by: "copy" });
      this.emit({ kind: "copied", device: this.id, at, waId: envelope.waId });
    }
    this.#keys.exclusively((done) => {
      const { epoch } = this.#keys;
      this.clock.setTimeout(() => {
        done();
        // Decrypted with keys that were not kept: as any inbound message that is lost here, it must come again.
        if (epoch !== this.#keys.epoch) return link.end("dropped", null, null, true);
        const draft = this.#draft(envelope);
        const keys = [{ type: "session", id: `from ${draft.chat}`, value: bytesOf(envelope.no) }];
        const settled = (fault: unknown) => void (fault === null && receipt());
        this.#keys.commits.push({ keys, creds: null, inbound: [draft], attempt: null, done: settled });
      }, this.service.tuning.crypto(this.#random));
    });
  }

  #draft(envelope: Extract<Envelope, { kind: "inbound" | "copy" }>): InboundDraft {
    const now = this.clock.now();
    const { account } = this;
    const fromMe = envelope.kind === "copy";
    const chat = fromMe ? envelope.to : envelope.from;
    return {
      account,
      device: this.id,
      waId: envelope.waId,
      chat,
      sender: fromMe ? `${account}@lid` : chat,
      fromMe,
      proto: fromMe ? NOTHING : utf8(envelope.text),
      sentAt: fromMe ? now : envelope.sentAt,
      receivedAt: now,
    };
  }

  // ---- probes and checks ----

  probe({ probe, deadline }: Command<"probe">): void {
    const link = this.#link;
    const dial = this.#dial;
    if (!link?.ready) {
      this.clock.setTimeout(
        () => this.emit({ kind: "probed", device: this.id, dial, at: this.clock.now(), probe, rtt: null }),
        deadline,
      );
      return;
    }
    new Probe(link, probe, this).send(deadline);
  }

  check({ reqId, deadline }: Command<"check">): void {
    const link = this.#link;
    let open = true;
    const say = (finding: Extract<ConnectionFact, { kind: "checked" }>["finding"]): void => {
      if (!open) return;
      open = false;
      this.emit({ kind: "checked", device: this.id, at: this.clock.now(), reqId, finding });
    };
    if (!link?.ready) return void this.clock.setTimeout(() => say(null), 0);
    const late = link.after(deadline, () => say(null));
    const takeBack = link.atEnd(() => {
      this.clock.clearTimeout(late);
      this.clock.setTimeout(() => say(null), 0);
    });
    const arrived = (): void => {
      if (!link.heard()) return;
      this.clock.clearTimeout(late);
      takeBack();
      say(this.service.standingOf(this.account));
    };
    link.wire.echo("check", "answer", { arrived });
  }

  // ---- sending ----

  grant({ seat, term }: Command<"grant">): void {
    this.#grants.set(seat, term);
  }

  get grants(): readonly Grant[] {
    return [...this.#grants].map(([seat, term]) => ({ device: this.id, seat, term }));
  }

  revoke({ seat }: Command<"revoke">): void {
    this.#grants.delete(seat);
  }

  send(command: Command<"send">): void {
    const link = this.#link;
    const later = (why: Why, detail: string) => void this.clock.setTimeout(() => this.#unsent(command, why, detail), 0);
    if (!link?.ready) return later("closed", "the device has no open link");
    if (!this.#granted(command)) return later("stale", "the seat's term has ended");
    const job: Job = { command, link, done: false };
    this.#jobs.add(job);
    this.#address(job, (person) => {
      const { content } = command;
      if (content.kind === "raw" && content.proto.length === 0)
        return this.#refuse(job, "unpreparable", "the bytes hold no message");
      this.#lookUp(job, person, () => this.#prepare(job, person));
    });
  }

  #granted({ seat, term }: Command<"send">): boolean {
    return this.#host.gate(this.#grants.get(seat), term);
  }

  #address(job: Job, found: (person: PersonId) => void): void {
    const { contact } = job.command;
    const { contacts } = this.#host;
    const known = contacts.get(contact);
    if (known !== undefined) return found(known);
    this.#host.ask({ op: "contact.get", reqId: this.#host.nextRequest(), id: contact }, (answer) => {
      if (job.done) return;
      if (answer.kind === "failed") return this.#refuse(job, "store", answer.message);
      const address = answer.row?.lid ?? answer.row?.pn;
      if (!address) return this.#refuse(job, "unpreparable", "the contact has no address");
      contacts.set(contact, address);
      found(address);
    });
  }

  /** The recipient's devices: asked once. */
  #lookUp(job: Job, person: PersonId, found: () => void): void {
    if (this.#known.has(person)) return found();
    const { link } = job;
    const late = link.after(this.service.tuning.lookupTimeout, () =>
      this.#refuse(job, "lookup", "WhatsApp named no device of the recipient"),
    );
    const arrived = (): void => {
      if (!link.heard() || job.done) return;
      this.clock.clearTimeout(late);
      if (!this.service.hasPerson(person)) return this.#refuse(job, "unpreparable", ...whyNobody(person));
      this.#known.add(person);
      found();
    };
    link.wire.echo("lookup", "answer", { arrived });
  }

  #prepare(job: Job, person: PersonId): void {
    const { contact } = job.command;
    this.#keys.step(contact, this.service.tuning.crypto(this.#random), (step) => {
      if (step === "failed") return this.#refuse(job, "lookup", "the store did not give the keys");
      if (step.epoch !== this.#keys.epoch) return this.#refuse(job, "store", "an earlier key change was lost");
      this.#keys.commits.push({
        keys: [{ type: "session", id: contact, value: bytesOf(step.use) }],
        creds: null,
        inbound: [],
        attempt: () => this.#attempt(job),
        done: (fault) => {
          if (fault !== null) return this.#refuse(job, fault === "store" ? "store" : "stale", `not committed: ${fault}`);
          this.#gate(job, person, step.use);
        },
      });
    });
  }

  #attempt({ done, command }: Job) {
    if (done) return null;
    const { message, attempt: number, seat, term: seatTerm, counts } = command;
    return { message, number, device: this.id, seat, seatTerm, at: this.clock.now(), ...(counts ? { counts } : {}) };
  }

  /** The last check. If it passes that is told at once; the bytes follow an instant later, if there is still a link to carry them. */
  #gate(job: Job, person: PersonId, ratchet: number): void {
    if (job.done) return;
    const { command, link } = job;
    if (!this.#granted(command)) return this.#refuse(job, "stale", "the seat's term has ended");
    if (!link.ready) return this.#refuse(job, "closed", "the link is closed");
    job.done = true;
    this.#jobs.delete(job);
    const { seat, term, message, waId, attempt, content } = command;
    const device = this.id;
    this.service.ledger.record({ kind: "gate", node: this.clock.id, device, seat, term, message, waId, attempt });
    const parcel: Outgoing = {
      device,
      account: this.account,
      seat,
      message,
      attempt,
      waId,
      to: person,
      text: content.kind === "text" ? content.text : "",
      ratchet,
    };
    this.clock.setTimeout(() => this.#write(link, parcel), this.service.tuning.write(this.#random));
    this.emit({ kind: "sent", device, at: this.clock.now(), message, attempt });
  }

  #write(link: Link, parcel: Outgoing): void {
    if (link.closed) return;
    const { device, message, waId, attempt } = parcel;
    const { ledger } = this.service;
    ledger.record({ kind: "written", link: link.wire.id, device, message, attempt });
    link.wire.up(
      "message",
      () => this.service.send(link, parcel),
      () => ledger.record({ kind: "swallowed", device, message, waId }),
    );
  }

  #refuse(job: Job, why: Why, detail: string, code?: number): void {
    if (job.done) return;
    job.done = true;
    this.#jobs.delete(job);
    this.#unsent(job.command, why, detail, code);
  }

  #unsent({ message, attempt }: Command<"send">, why: Why, detail: string, code?: number): void {
    const said = { why, detail, ...(code === undefined ? {} : { code }) };
    this.emit({ kind: "unsent", device: this.id, at: this.clock.now(), message, attempt, ...said });
  }
}
