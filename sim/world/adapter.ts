/**
 * The connection port of one node: what the Baileys adapter is in production, at the same instants and with the same order of
 * writes. Keys are committed before bytes in both directions, and the last check of a send, the gate, stands between the commit
 * and the write, each an instant of its own, so that a seed can put anything in between.
 */
import type { CloseReason, ConnectionCommand, ConnectionFact, ConnectionPort } from "../../machines/ports/connection.ts";
import type { ContactId, DeviceId, LeaseTerm, Millis, RequestId, SeatId, SeatTerm } from "../../machines/ports/ids.ts";
import { accountOf } from "../../machines/ports/ids.ts";
import type { Standing, StoreAnswer, StoreOp, StoreOps, StorePort } from "../../machines/ports/store.ts";
import type { FaultBoard } from "../faults/board.ts";
import type { NodeClock, WorldClock } from "./clock.ts";
import { reasonOf } from "./closing.ts";
import type { PersonId } from "./ledger.ts";
import type { Endpoint, Envelope, Outgoing } from "./parcels.ts";
import type { Random } from "./random.ts";
import type { Service } from "./service.ts";
import { Wire } from "./wire.ts";

type Command<K extends ConnectionCommand["op"]> = Extract<ConnectionCommand, { op: K }>;
type Unsent = Extract<ConnectionFact, { kind: "unsent" }>["why"];
type Stage = "dialling" | "linking" | "open" | "serving" | "closed";

interface Link extends Endpoint {
  readonly device: Local;
  readonly dial: number;
  readonly leaseTerm: LeaseTerm;
  stage: Stage;
  /** The dial is given up at this. */
  timeout: unknown;
  /** Queries without an answer yet, and what to say if the link ends first. */
  readonly open: Map<string, { timer: unknown; giveUp: () => void }>;
}

interface Local {
  readonly id: DeviceId;
  link: Link | null;
  /** Of the last dial. */
  dial: number;
  readonly grants: Map<SeatId, SeatTerm>;
  /** Keys used of each chat's ratchet, as far as this process knows. */
  readonly ratchets: Map<ContactId, number>;
  /** Recipients whose devices were looked up. */
  readonly known: Set<PersonId>;
  /** The mutex of the device's keys: one encryption or decryption with its commit at a time. */
  readonly tasks: ((done: () => void) => void)[];
  busy: boolean;
  readonly random: Random;
}

export interface AdapterOptions {
  readonly clock: NodeClock;
  readonly world: WorldClock;
  readonly store: StorePort;
  readonly service: Service;
  readonly board: FaultBoard;
  /** Shared by all nodes, so that links are numbered over the world. */
  readonly nextLink: () => number;
  /** The last check before the bytes. Replaceable, to plant the bug that leaves it out. */
  readonly gate?: (held: SeatTerm | undefined, asked: SeatTerm) => boolean;
}

export class Adapter implements ConnectionPort {
  readonly #options: AdapterOptions;
  readonly #devices = new Map<DeviceId, Local>();
  readonly #contacts = new Map<ContactId, PersonId>();
  #listener: (fact: ConnectionFact) => void = () => {};
  #requests = 0;

  constructor(options: AdapterOptions) {
    this.#options = options;
  }

  onFact(listener: (fact: ConnectionFact) => void): void {
    this.#listener = listener;
  }

  perform(command: ConnectionCommand): void {
    const device = this.#device(command.device);
    switch (command.op) {
      case "open":
        return this.#open(device, command);
      case "link":
        return this.#link(device, command);
      case "terminate":
        return this.#terminate(device);
      case "probe":
        return this.#probe(device, command);
      case "grant":
        return void device.grants.set(command.seat, command.term);
      case "revoke":
        return void device.grants.delete(command.seat);
      case "send":
        return this.#send(device, command);
      case "check":
        return this.#check(device, command);
    }
  }

  /** Links that are up or being dialled. */
  links(): readonly Wire[] {
    return [...this.#devices.values()].flatMap(({ link }) => (link ? [link.wire] : []));
  }

  /** The process dies. If its kernel can still speak, WhatsApp hears that the connections end; otherwise it believes in them. */
  die(tells: boolean): void {
    for (const { link } of this.#devices.values()) {
      if (!link) continue;
      link.stage = "closed";
      this.#options.service.ledger.record({ kind: "dropped", link: link.wire.id, device: link.device.id });
      if (tells) link.wire.up("goodbye", () => this.#options.service.hangUp(link));
    }
  }

  // ---- dialling ----

  #open(device: Local, { dial, leaseTerm, connectTimeout }: Command<"open">): void {
    const link = this.#dial(device, dial, leaseTerm, connectTimeout);
    this.#connect(link, () =>
      this.#ask("creds.load", { device: device.id }, (answer) => {
        if (link.stage !== "dialling") return;
        if (answer.kind === "failed") return this.#close(link, "dropped", null, null);
        if (answer.value === null) return this.#close(link, "loggedOut", 401, null);
        const credentials = new TextDecoder().decode(answer.value);
        link.wire.up("login", () => this.#options.service.login(link, credentials));
      }),
    );
  }

  #link(device: Local, { dial, leaseTerm, connectTimeout, method }: Command<"link">): void {
    const link = this.#dial(device, dial, leaseTerm, connectTimeout);
    this.#connect(link, () => {
      this.#options.clock.clearTimeout(link.timeout);
      link.stage = "linking";
      link.wire.up("login", () => this.#options.service.askToLink(link, method.kind));
    });
  }

  #dial(device: Local, dial: number, leaseTerm: LeaseTerm, connectTimeout: Millis): Link {
    // Never two sockets of one device: an older one is let go first.
    if (device.link) this.#letGo(device.link);
    const { service, world, clock, board, nextLink } = this.#options;
    const view = {
      id: nextLink(),
      device: device.id,
      account: accountOf(device.id),
      region: service.regionOf(device.id),
      node: clock.id,
      dial,
    };
    const wire = new Wire(view, world, clock, board, device.random, service.tuning);
    const link = this.#endpoint(device, wire, dial, leaseTerm);
    device.link = link;
    device.dial = dial;
    service.ledger.record({ kind: "dialled", link: wire.id, node: clock.id, device: device.id, dial });
    link.timeout = clock.setTimeout(() => this.#close(link, "timedOut", 408, null), connectTimeout);
    return link;
  }

  #connect(link: Link, connected: () => void): void {
    const { handshakeTrips } = this.#options.service.tuning;
    link.wire.connect(handshakeTrips, () => {
      if (link.stage !== "dialling") return;
      const fate = this.#options.board.dial(link.wire);
      if (fate?.kind === "http") return this.#close(link, "refused", fate.status, null);
      if (fate?.kind === "failure") return this.#close(link, reasonOf(fate.code), fate.code, null);
      connected();
    });
  }

  #terminate(device: Local): void {
    const { link } = device;
    if (!link) return;
    this.#letGo(link);
    this.#later(() =>
      this.#fact({
        kind: "closed",
        device: device.id,
        dial: link.dial,
        at: this.#now(),
        reason: "dropped",
        code: 428,
        until: null,
      }),
    );
  }

  /** Our side is gone at once; WhatsApp hears of it if the wire still carries, after what was written before. */
  #letGo(link: Link): void {
    this.#options.service.ledger.record({ kind: "dropped", link: link.wire.id, device: link.device.id });
    this.#detach(link);
    link.wire.up("goodbye", () => this.#options.service.hangUp(link));
  }

  #detach(link: Link): void {
    link.stage = "closed";
    if (link.device.link === link) link.device.link = null;
    this.#options.clock.clearTimeout(link.timeout);
    const open = [...link.open.values()];
    link.open.clear();
    for (const { timer, giveUp } of open) {
      this.#options.clock.clearTimeout(timer);
      this.#later(giveUp);
    }
  }

  /** The link has ended, not by our doing (or by our own deadline). Runs in a turn of its own. */
  #close(link: Link, reason: CloseReason, code: number | null, until: Millis | null): void {
    if (link.stage === "closed") return;
    const wasUp = link.stage !== "dialling";
    const { device, dial, wire } = link;
    this.#detach(link);
    this.#options.service.ledger.record({ kind: "ended", link: wire.id, device: device.id, reason, code });
    // Whatever the reason, no half of the socket survives.
    if (wasUp || reason === "timedOut") wire.up("goodbye", () => this.#options.service.hangUp(link));
    this.#fact({ kind: "closed", device: device.id, dial, at: this.#now(), reason, code, until });
  }

  // ---- what WhatsApp says ----

  #endpoint(device: Local, wire: Wire, dial: number, leaseTerm: LeaseTerm): Link {
    /** Frames to a closed link are not read. What is read is evidence, before it is anything else. */
    const heard = (): boolean => {
      if (link.stage === "closed") return false;
      this.#fact({ kind: "evidence", device: device.id, dial, at: this.#now() });
      // The listener may have terminated the link on this very stanza.
      return (link.stage as Stage) !== "closed";
    };
    const link: Link = {
      device,
      wire,
      dial,
      leaseTerm,
      stage: "dialling",
      timeout: null,
      open: new Map(),
      success: () => {
        if (!heard()) return;
        link.stage = "open";
        this.#options.clock.clearTimeout(link.timeout);
        this.#fact({ kind: "opened", device: device.id, dial, at: this.#now() });
      },
      offlineDone: () => {
        if (!heard() || link.stage !== "open") return;
        link.stage = "serving";
        this.#options.service.ledger.record({ kind: "serving", link: wire.id, device: device.id });
        this.#fact({ kind: "serving", device: device.id, dial, at: this.#now() });
      },
      envelope: (envelope) => void (heard() && this.#take(link, envelope)),
      acked: (waId) => void (heard() && this.#fact({ kind: "acked", device: device.id, at: this.#now(), waId })),
      refused: (waId, code) => void (heard() && this.#fact({ kind: "refused", device: device.id, at: this.#now(), waId, code })),
      notice: () => void heard(),
      standing: (standing: Standing, until: Millis | null) =>
        void (heard() && this.#fact({ kind: "standing", account: wire.account, at: this.#now(), standing, until })),
      offer: (text) =>
        void (
          heard() &&
          this.#fact({
            kind: "linkOffer",
            device: device.id,
            dial,
            at: this.#now(),
            offer: { kind: text.startsWith("qr") ? "qr" : "code", text },
          })
        ),
      paired: (jid, lid, creds) => void (heard() && this.#paired(link, jid, lid, creds)),
      failure: (code, until) => {
        if (link.stage === "closed") return;
        // A dropped TCP connection is no stanza; everything else is.
        if (code !== 428 && !heard()) return;
        const reason = link.stage === "linking" && code === 408 ? "unlinked" : reasonOf(code);
        this.#close(link, reason, code, until);
      },
    };
    return link;
  }

  #paired(link: Link, jid: string, lid: string, creds: Uint8Array): void {
    const { device, leaseTerm, dial } = link;
    this.#ask("keys.commit", { device: device.id, leaseTerm, keys: [], creds, inbound: [], attempt: null }, (answer) => {
      if (answer.kind !== "committed") return this.#close(link, "dropped", null, null);
      this.#fact({ kind: "linked", device: device.id, dial, at: this.#now(), jid, lid });
      this.#close(link, "restartRequired", 515, null);
    });
  }

  #take(link: Link, envelope: Envelope): void {
    const { device } = link;
    const receipt = () => {
      if (link.stage !== "closed") link.wire.up("receipt", () => this.#options.service.receipted(link, envelope));
    };
    if (envelope.kind === "status") {
      receipt();
      return this.#fact({ kind: "receipt", device: device.id, at: this.#now(), waId: envelope.waId, receipt: envelope.receipt });
    }
    this.#exclusively(device, (done) => {
      this.#options.clock.setTimeout(
        () => this.#decrypted(link, envelope, receipt, done),
        this.#options.service.tuning.crypto(device.random),
      );
    });
  }

  #decrypted(link: Link, envelope: Extract<Envelope, { kind: "inbound" | "copy" }>, receipt: () => void, done: () => void): void {
    const { device, leaseTerm } = link;
    const chat = envelope.kind === "inbound" ? envelope.from : envelope.to;
    const inbound =
      envelope.kind === "copy"
        ? []
        : [
            {
              account: accountOf(device.id),
              device: device.id,
              waId: envelope.waId,
              chat,
              sender: chat,
              fromMe: false,
              proto: new TextEncoder().encode(envelope.text),
              sentAt: envelope.sentAt,
              receivedAt: this.#now(),
            },
          ];
    const keys = [{ type: "session", id: `in:${chat}`, value: new Uint8Array([1]) }];
    this.#ask("keys.commit", { device: device.id, leaseTerm, keys, creds: null, inbound, attempt: null }, (answer) => {
      done();
      // Not durable: no receipt, so WhatsApp keeps it and sends it again at the next login.
      if (answer.kind !== "committed") return;
      for (const { account, waId, seq } of answer.inbound) {
        this.#options.service.ledger.record({ kind: "kept", account, device: device.id, waId, seq });
      }
      receipt();
      if (envelope.kind === "copy") this.#fact({ kind: "copied", device: device.id, at: this.#now(), waId: envelope.waId });
      for (const { seq } of answer.inbound) this.#fact({ kind: "received", device: device.id, at: this.#now(), seq });
    });
  }

  // ---- probes and checks ----

  #probe(device: Local, { probe, deadline }: Command<"probe">): void {
    const { link } = device;
    const answer = (dial: number, rtt: Millis | null) =>
      this.#fact({ kind: "probed", device: device.id, dial, at: this.#now(), probe, rtt });
    if (!link || (link.stage !== "open" && link.stage !== "serving")) return this.#later(() => answer(device.dial, null));
    const asked = this.#now();
    const settle = this.#query(link, `probe:${probe}`, deadline, () => answer(link.dial, null));
    link.wire.echo("probe", "pong", () => {
      if (link.stage === "closed") return;
      // Evidence even when it comes too late for its probe.
      this.#fact({ kind: "evidence", device: device.id, dial: link.dial, at: this.#now() });
      if (settle()) answer(link.dial, this.#now() - asked);
    });
  }

  #check(device: Local, { reqId, deadline }: Command<"check">): void {
    const { link } = device;
    const answer = (finding: Extract<ConnectionFact, { kind: "checked" }>["finding"]) =>
      this.#fact({ kind: "checked", device: device.id, at: this.#now(), reqId, finding });
    if (!link || link.stage !== "serving") return this.#later(() => answer(null));
    const settle = this.#query(link, `check:${reqId}`, deadline, () => answer(null));
    this.#roundTrip(link, "check", () => {
      if (settle()) answer(this.#options.service.standingOf(link.wire.account));
    });
  }

  /** A question on the link: `giveUp` runs at the deadline or when the link ends, unless the returned function was called before. */
  #query(link: Link, key: string, deadline: Millis, giveUp: () => void): () => boolean {
    const { clock } = this.#options;
    const timer = clock.setTimeout(() => {
      link.open.delete(key);
      giveUp();
    }, deadline);
    link.open.set(key, { timer, giveUp });
    return () => {
      clock.clearTimeout(timer);
      return link.open.delete(key);
    };
  }

  #roundTrip(link: Link, kind: "check" | "lookup", answered: () => void): void {
    link.wire.echo(kind, "answer", () => {
      if (link.stage === "closed") return;
      this.#fact({ kind: "evidence", device: link.device.id, dial: link.dial, at: this.#now() });
      answered();
    });
  }

  // ---- sending ----

  #send(device: Local, command: Command<"send">): void {
    const { link } = device;
    if (!link || link.stage !== "serving") return this.#later(() => this.#unsent(command, "closed", "no link"));
    if (!this.#mayPass(device, command)) return this.#later(() => this.#unsent(command, "stale", "not granted"));
    this.#recipient(link, command, (person) => {
      this.#exclusively(device, (done) => this.#prepare(link, command, person, done));
    });
  }

  #mayPass(device: Local, { seat, term }: Command<"send">): boolean {
    const held = device.grants.get(seat);
    return (this.#options.gate ?? ((have, asked) => have === asked))(held, term);
  }

  /** Who is meant, and which devices he has: asked once. */
  #recipient(link: Link, command: Command<"send">, found: (person: PersonId) => void): void {
    const { device } = link;
    const known = this.#contacts.get(command.contact);
    if (known === undefined) {
      return this.#ask("contact.get", { id: command.contact }, (answer) => {
        if (answer.kind === "failed") return this.#unsent(command, "store", answer.message);
        const address = answer.row?.lid ?? answer.row?.pn;
        if (!address || !this.#options.service.hasPerson(address))
          return this.#unsent(command, "unpreparable", "nobody has this number");
        this.#contacts.set(command.contact, address);
        this.#recipient(link, command, found);
      });
    }
    if (device.known.has(known)) return found(known);
    if (link.stage !== "serving") return this.#unsent(command, "closed", "link lost while looking the recipient up");
    const lost = () =>
      this.#unsent(command, link.stage === "closed" ? "closed" : "lookup", "no answer about the recipient's devices");
    const settle = this.#query(
      link,
      `lookup:${command.message}:${command.attempt}`,
      this.#options.service.tuning.lookupTimeout,
      lost,
    );
    this.#roundTrip(link, "lookup", () => {
      if (!settle()) return;
      device.known.add(known);
      found(known);
    });
  }

  #prepare(link: Link, command: Command<"send">, person: PersonId, done: () => void): void {
    const { device } = link;
    const fail = (why: Unsent, detail: string) => {
      done();
      this.#unsent(command, why, detail);
    };
    if (link.stage !== "serving") return fail("closed", "link lost while waiting its turn");
    const used = device.ratchets.get(command.contact);
    if (used === undefined) {
      const ids = [command.contact];
      return this.#ask("keys.load", { device: device.id, type: "session", ids }, (answer) => {
        if (answer.kind === "failed") return fail("store", answer.message);
        device.ratchets.set(command.contact, numberOf(answer.values[0]));
        this.#prepare(link, command, person, done);
      });
    }
    const ratchet = used + 1;
    this.#options.clock.setTimeout(() => {
      const { message, attempt, seat, term } = command;
      const keys = [{ type: "session", id: command.contact, value: bytesOf(ratchet) }];
      const draft = { message, number: attempt, device: device.id, seat, seatTerm: term, at: this.#now() };
      const commit = { device: device.id, leaseTerm: link.leaseTerm, keys, creds: null, inbound: [], attempt: draft };
      this.#ask("keys.commit", commit, (answer) => {
        if (answer.kind === "failed") return fail("store", answer.message);
        if (answer.kind === "stale") return fail("stale", `the ${answer.what} term has ended`);
        device.ratchets.set(command.contact, ratchet);
        if (link.stage !== "serving") return fail("closed", "link lost while preparing");
        if (!this.#mayPass(device, command)) return fail("stale", "the seat was given to another while preparing");
        this.#pass(link, command, { person, ratchet }, done);
      });
    }, this.#options.service.tuning.crypto(device.random));
  }

  /** The gate stands open: told at once. The bytes follow an instant later, if there is still a link to carry them. */
  #pass(
    link: Link,
    command: Command<"send">,
    { person, ratchet }: { person: PersonId; ratchet: number },
    done: () => void,
  ): void {
    const { service, clock } = this.#options;
    const { device, seat, term, message, waId, attempt, content } = command;
    service.ledger.record({ kind: "gate", node: clock.id, device, seat, term, message, waId, attempt });
    const parcel: Outgoing = {
      device,
      account: accountOf(device),
      seat,
      message,
      attempt,
      waId,
      to: person,
      text: content.kind === "text" ? content.text : "",
      ratchet,
    };
    clock.setTimeout(() => {
      done();
      if (link.stage === "closed") return;
      service.ledger.record({ kind: "written", link: link.wire.id, device, message, attempt });
      const swallowed = () => service.ledger.record({ kind: "swallowed", device, message, waId });
      link.wire.up("message", () => service.send(link, parcel), swallowed);
    }, service.tuning.write(link.device.random));
    this.#fact({ kind: "sent", device, at: this.#now(), message, attempt });
  }

  #unsent({ device, message, attempt }: Command<"send">, why: Unsent, detail: string): void {
    this.#fact({ kind: "unsent", device, at: this.#now(), message, attempt, why, detail });
  }

  // ---- small ----

  #exclusively(device: Local, task: (done: () => void) => void): void {
    device.tasks.push(task);
    if (!device.busy) this.#nextTask(device);
  }

  #nextTask(device: Local): void {
    const task = device.tasks.shift();
    device.busy = task !== undefined;
    task?.(() => this.#nextTask(device));
  }

  #device(id: DeviceId): Local {
    let device = this.#devices.get(id);
    if (!device) {
      const random = this.#options.service.random.stream(`network:${id}`);
      device = {
        id,
        link: null,
        dial: 0,
        grants: new Map(),
        ratchets: new Map(),
        known: new Set(),
        tasks: [],
        busy: false,
        random,
      };
      this.#devices.set(id, device);
    }
    return device;
  }

  #ask<K extends StoreOp>(op: K, question: StoreOps[K]["in"], answered: (answer: StoreAnswer<K>) => void): void {
    const { clock, store } = this.#options;
    const reqId = `wa:${clock.id}:${++this.#requests}` as RequestId;
    store.ask<K>({ op, reqId, ...question }, (answer) => {
      if (clock.alive) answered(answer);
    });
  }

  #later(work: () => void): void {
    this.#options.clock.setTimeout(work, 0);
  }

  #now(): Millis {
    return this.#options.clock.now();
  }

  #fact(fact: ConnectionFact): void {
    this.#listener(fact);
  }
}

const bytesOf = (value: number): Uint8Array => {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
};
const numberOf = (bytes: Uint8Array | null | undefined): number =>
  bytes?.length === 4 ? new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) : 0;
