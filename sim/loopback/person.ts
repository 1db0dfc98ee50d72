/**
 * A scripted person: a phone that reads what it receives, confirms it, remembers it, and writes to others.
 *
 * It does what a real phone does with a repeated message: the same id from the same account is dropped, silently.
 * `received` is what a human would see; `arrivals` is every copy that came, so that a test sees both.
 */
import { randomBytes } from "node:crypto";
import { encodeWAMessage, proto, unpadRandomMax16 } from "@whiskeysockets/baileys";
import { type Account, type Device, RecentIds } from "./directory.ts";
import { spread } from "./groups.ts";
import { isGroup, parseJid } from "./jids.ts";
import { bytes, child, children, el, type Node, stamp } from "./node.ts";
import { bundleNodes, bundleOf } from "./prekeys.ts";
import { passReceipt } from "./receipts.ts";
import { hand, warm } from "./routing.ts";
import type { Service } from "./service.ts";
import { KEY_USED } from "./signal-endpoint.ts";

export interface ReceivedMessage {
  /** `Date.now()` when the stanza reached the phone. */
  readonly at: number;
  /** Counts up over all people of one server. */
  readonly order: number;
  readonly id: string;
  readonly fromNumber: string;
  readonly fromDevice: number;
  readonly text: string;
  /** The number of the other side, or the jid of a group. */
  readonly chat: string;
  /** 0 unless the sender encrypted it anew after a retry receipt. */
  readonly retryCount: number;
}

export interface Arrival {
  readonly at: number;
  readonly order: number;
  readonly id: string;
  readonly fromNumber: string;
  readonly fromDevice: number;
  readonly outcome: "received" | "duplicate" | "undecryptable" | "own copy";
  readonly reason?: string;
}

export interface Receipt {
  readonly at: number;
  readonly id: string;
  readonly type: "delivered" | "read" | "played";
  readonly fromNumber: string;
}

export interface PersonOptions {
  /** False: counts and confirms without reading, for benchmarks. Default true. */
  decrypt?: boolean;
  /** Confirm delivery of what arrives. Default true. */
  autoReceipts?: boolean;
  /** Also confirm reading. Default false. */
  autoRead?: boolean;
}

export interface SendOptions {
  id?: string;
  /** Without encryption, which Baileys accepts from anybody: cheap, for benchmarks. */
  plaintext?: boolean;
  /** Which address the stanzas name as their author; the other one stands beside it, unless it is the number alone. Default "pn". */
  addressing?: Addressing;
}

type Addressing = "pn" | "lid" | "pn-only";

interface Outgoing {
  readonly message: proto.IMessage;
  readonly to: Account | string;
  readonly addressing: Addressing;
}

const MAX_RETRIES = 5;
/** Sent messages that can still be sent again. */
const REMEMBERED = 10_000;

export class Person {
  readonly received: ReceivedMessage[] = [];
  readonly arrivals: Arrival[] = [];
  /** Copies of what the person's own linked devices sent. */
  readonly ownCopies: ReceivedMessage[] = [];
  readonly receipts: Receipt[] = [];
  /** Ids of this person's messages that a device could not read and asked for again. */
  readonly askedAgain: string[] = [];
  duplicatesSuppressed = 0;
  /** Messages taken without being read (`decrypt: false`). */
  rawCount = 0;
  private readonly service: Service;
  private readonly account: Account;
  private readonly options: Required<PersonOptions>;
  private readonly listeners = new Set<(message: ReceivedMessage, content: proto.IMessage) => void>();
  private readonly known = new RecentIds(200_000);
  private readonly sent = new Map<string, Outgoing>();
  private readonly retries = new Map<string, number>();
  /** Devices that hold this person's key for a group. */
  private readonly keyed = new Map<string, Set<string>>();

  constructor(service: Service, account: Account, options: PersonOptions) {
    this.service = service;
    this.account = account;
    this.options = {
      decrypt: options.decrypt ?? true,
      autoReceipts: options.autoReceipts ?? true,
      autoRead: options.autoRead ?? false,
    };
    account.phone.reads = this.options.decrypt;
    account.phone.take = (node) => this.take(node);
  }

  get number(): string {
    return this.account.number;
  }

  get jid(): string {
    return this.account.jid;
  }

  get lid(): string {
    return this.account.lid;
  }

  /** `content`: everything that it says. */
  onMessage(listener: (message: ReceivedMessage, content: proto.IMessage) => void): () => void {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  }

  goOffline(): void {
    this.account.phone.goOffline();
  }

  goOnline(): void {
    this.account.phone.goOnline();
  }

  /** Resolves once everything that arrived or was sent so far has been worked off. */
  async settled(): Promise<void> {
    await this.account.phone.inTurn(async () => undefined);
  }

  /** Loses all sessions, as a reinstalled phone does: the next message is asked for again. */
  forgetSessions(): void {
    this.account.phone.signal.forgetSessions();
  }

  /** Writes to an account: one ciphertext for each of its linked devices. Returns the message id at once. */
  send(toNumber: string, text: string, options: SendOptions = {}): string {
    return this.sendContent(toNumber, { conversation: text }, options);
  }

  /** The same with anything that WhatsApp knows. */
  sendContent(toNumber: string, message: proto.IMessage, options: SendOptions = {}): string {
    const to = this.service.directory.accounts.get(toNumber);
    if (!to) throw new Error(`nobody has the number ${toNumber}: create the account first`);
    return this.sendMessage({ message, to, addressing: options.addressing ?? "pn" }, options);
  }

  /** Writes to a group of which this person is a member. */
  sendGroup(groupJid: string, text: string, options: SendOptions = {}): string {
    const group = this.service.groups.get(groupJid);
    if (!group?.members.has(this.account)) throw new Error(`${this.number} is no member of ${groupJid}`);
    return this.sendMessage({ message: { conversation: text }, to: groupJid, addressing: group.addressing }, options);
  }

  /** Confirms reading, as opening the chat would. */
  read(id: string, fromNumber: string): void {
    const from = this.service.directory.accounts.get(fromNumber);
    if (from) this.confirm(el("receipt", { id, to: from.jid, type: "read" }));
  }

  private sendMessage(outgoing: Outgoing, options: SendOptions): string {
    const id = options.id ?? `3A${randomBytes(9).toString("hex").toUpperCase()}`;
    if (options.plaintext) {
      this.post(id, outgoing);
      return id;
    }
    this.remember(id, outgoing);
    const work = async (): Promise<void> => this.encryptAndPost(id, outgoing);
    this.account.phone
      .inTurn(work)
      .catch((error: unknown) => this.service.log(`${this.number} could not send ${id}: ${String(error)}`));
    return id;
  }

  /** For retry receipts. */
  private remember(id: string, outgoing: Outgoing): void {
    this.sent.set(id, outgoing);
    if (this.sent.size <= REMEMBERED) return;
    const [oldest] = this.sent.keys();
    if (oldest !== undefined) this.sent.delete(oldest);
  }

  /** Without encryption. */
  private post(id: string, { message, to, addressing }: Outgoing): void {
    const plain = plaintext(message);
    if (typeof to === "string") {
      const group = this.service.groups.get(to);
      if (group)
        spread(this.service, group, { account: this.account, deviceId: 0 }, el("message", { id, type: "text" }), plain, []);
      return;
    }
    warm(this.account, to);
    const stanza = el("message", this.direct(id, addressing), [plain]);
    for (const device of to.devices.values()) this.service.deliver(device, stanza);
    if (to !== this.account) to.phone.receive(stanza);
  }

  private async encryptAndPost(id: string, outgoing: Outgoing): Promise<void> {
    const { message, to, addressing } = outgoing;
    if (typeof to === "string") {
      await this.encryptForGroup(id, message, to);
      return;
    }
    warm(this.account, to);
    for (const device of to.devices.values()) {
      const enc = await this.seal(device, message);
      this.service.deliver(device, el("message", this.direct(id, addressing), [enc]));
    }
    // Phones trust each other: between two of them nobody checks the encryption, so it is left out.
    if (to !== this.account) to.phone.receive(el("message", this.direct(id, addressing), [plaintext(message)]));
    const copy: proto.IMessage = { deviceSentMessage: { destinationJid: to.jid, message } };
    for (const own of this.account.devices.values()) {
      const attrs = { ...this.direct(id, "pn"), recipient: to.jid, peer_recipient_lid: to.lid, sender_lid: undefined };
      if (to !== this.account) this.service.deliver(own, el("message", attrs, [await this.seal(own, copy)]));
    }
  }

  private direct(id: string, addressing: Addressing): Record<string, string | undefined> {
    const base = { id, type: "text", t: stamp(), notify: this.account.name };
    if (addressing === "pn-only") return { ...base, from: this.jid };
    return addressing === "pn"
      ? { ...base, from: this.jid, sender_lid: this.lid }
      : { ...base, from: this.lid, sender_pn: this.jid };
  }

  private async seal(device: Device, message: proto.IMessage, attrs: Record<string, string> = {}): Promise<Node> {
    const { signal } = this.account.phone;
    if (!signal.hasSession(device.lid)) await signal.startSession(device.lid, bundleOf(this.service, device));
    const { type, ciphertext } = await signal.encrypt(device.lid, encodeWAMessage(message));
    return el("enc", { v: "2", type, ...attrs }, ciphertext);
  }

  private async encryptForGroup(id: string, message: proto.IMessage, groupJid: string): Promise<void> {
    const group = this.service.groups.get(groupJid);
    if (!group) return;
    const { ciphertext, distribution } = await this.account.phone.signal.encryptGroup(
      groupJid,
      this.lid,
      encodeWAMessage(message),
    );
    const keyed = this.keyed.get(groupJid) ?? new Set<string>();
    this.keyed.set(groupJid, keyed);
    const envelopes: Node[] = [];
    for (const member of group.members.keys()) {
      for (const device of member.devices.values()) {
        if (keyed.has(device.lid)) continue;
        keyed.add(device.lid);
        const key: proto.IMessage = {
          senderKeyDistributionMessage: { groupId: groupJid, axolotlSenderKeyDistributionMessage: distribution },
        };
        envelopes.push(el("to", { jid: device.lid }, [await this.seal(device, key)]));
      }
    }
    const sealed = el("enc", { v: "2", type: "skmsg" }, ciphertext);
    const node = el("message", { id, type: "text" });
    spread(this.service, group, { account: this.account, deviceId: 0 }, node, sealed, envelopes, plaintext(message));
  }

  private take(node: Node): void {
    if (node.tag === "message") this.takeMessage(node);
    else if (node.tag === "receipt") this.takeReceipt(node);
  }

  private takeMessage(node: Node): void {
    if (!this.options.decrypt) {
      this.rawCount++;
      if (!this.options.autoReceipts) return;
      if (node.attrs.recipient) this.account.phone.confirm(node);
      else this.confirm(receiptFor(node));
      return;
    }
    const at = Date.now();
    const order = this.service.nextOrder();
    this.account.phone
      .inTurn(() => this.readMessage(node, at, order))
      .catch((error: unknown) => this.service.log(`${this.number}: ${String(error)}`));
  }

  private async readMessage(node: Node, at: number, order: number): Promise<void> {
    const sender = node.attrs.participant ?? node.attrs.from;
    const from = this.service.directory.find(sender);
    const id = node.attrs.id;
    if (!from || id === undefined) return;
    const arrival = { at, order, id, fromNumber: from.number, fromDevice: parseJid(sender)?.device ?? 0 };
    let message: proto.IMessage;
    try {
      message = await this.open(node, from, arrival.fromDevice);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.arrivals.push({ ...arrival, outcome: "undecryptable", reason });
      // A real phone takes that for a copy of what it has, and drops it.
      if (!reason.includes(KEY_USED)) this.askAgain(node);
      return;
    }
    this.file(node, message, arrival);
  }

  private file(node: Node, message: proto.IMessage, arrival: Omit<Arrival, "outcome">): void {
    const { fromNumber, id } = arrival;
    const chat = node.attrs.participant ? (node.attrs.from ?? "") : fromNumber;
    // Baileys answers a phone by sending to everybody again, without a count: what we asked for is what it answers.
    const asked = this.retries.get(retryKey(node)) ?? 0;
    const retryCount = Math.max(asked, ...children(node, "enc").map((enc) => Number(enc.attrs.count ?? "0")));
    const text = textOf(message);
    if (fromNumber === this.number) {
      const other = this.service.directory.find(node.attrs.recipient)?.number ?? chat;
      this.arrivals.push({ ...arrival, outcome: "own copy" });
      this.ownCopies.push({ ...arrival, text, chat: other, retryCount });
      if (this.options.autoReceipts) this.account.phone.confirm(node);
      return;
    }
    if (!this.known.add(`${fromNumber} ${id}`)) {
      this.duplicatesSuppressed++;
      this.arrivals.push({ ...arrival, outcome: "duplicate" });
    } else {
      this.arrivals.push({ ...arrival, outcome: "received" });
      const received: ReceivedMessage = { ...arrival, text, chat, retryCount };
      this.received.push(received);
      for (const listener of this.listeners) listener(received, message);
    }
    if (this.options.autoReceipts) this.confirm(receiptFor(node));
    if (this.options.autoRead) this.confirm(receiptFor(node, "read"));
  }

  private async open(node: Node, from: Account, device: number): Promise<proto.IMessage> {
    const plain = bytes(child(node, "plaintext"));
    if (plain) return proto.Message.decode(plain);
    const { signal } = this.account.phone;
    const author = device === 0 ? from.lid : (from.devices.get(device)?.lid ?? `${from.lidUser}:${device}@lid`);
    let whole: proto.IMessage | undefined;
    for (const enc of children(node, "enc")) {
      const sealed = bytes(enc);
      if (!sealed) continue;
      const group = enc.attrs.type === "skmsg" ? (node.attrs.from ?? "") : undefined;
      const padded =
        group === undefined
          ? await signal.decrypt(author, enc.attrs.type === "pkmsg" ? "pkmsg" : "msg", sealed)
          : await signal.decryptGroup(group, author, sealed);
      const message = proto.Message.decode(unpadRandomMax16(padded));
      const key = message.senderKeyDistributionMessage;
      if (key?.groupId && key.axolotlSenderKeyDistributionMessage) {
        await signal.learnGroupKey(key.groupId, author, key.axolotlSenderKeyDistributionMessage);
      }
      whole = message;
    }
    if (!whole) throw new Error("a message without content");
    return whole.deviceSentMessage?.message ?? whole;
  }

  /** A retry receipt, with keys, so that the sender can start a new session at once. */
  private askAgain(node: Node): void {
    const id = node.attrs.id ?? "";
    const count = (this.retries.get(retryKey(node)) ?? 0) + 1;
    if (count > MAX_RETRIES) return;
    this.retries.set(retryKey(node), count);
    const bundle = this.account.phone.signal.bundle();
    const retry = el("retry", { count: String(count), id, t: node.attrs.t, v: "1", error: "0" });
    const keys = el("keys", {}, [el("type", {}, Buffer.from([5])), ...bundleNodes(bundle)]);
    const attrs = {
      id,
      type: "retry",
      to: node.attrs.from,
      participant: node.attrs.participant,
      recipient: node.attrs.recipient,
    };
    this.confirm(el("receipt", attrs, [retry, el("registration", {}, bundle.registration), keys]));
  }

  private takeReceipt(node: Node): void {
    const { id, type } = node.attrs;
    const from = this.service.directory.find(node.attrs.participant ?? node.attrs.from);
    if (!from || id === undefined) return;
    if (type === "retry") {
      this.askedAgain.push(id);
      this.sendAgain(id, node, from);
      return;
    }
    const kind = type === "read" || type === "played" ? type : "delivered";
    const ids = [id, ...children(child(node, "list"), "item").flatMap(({ attrs }) => attrs.id ?? [])];
    for (const each of ids) this.receipts.push({ at: Date.now(), id: each, type: kind, fromNumber: from.number });
  }

  /** A device could not read it: encrypt anew, in a fresh session. */
  private sendAgain(id: string, receipt: Node, from: Account): void {
    const outgoing = this.sent.get(id);
    const deviceId = parseJid(receipt.attrs.participant ?? receipt.attrs.from)?.device ?? 0;
    const device = from.devices.get(deviceId);
    if (!outgoing || !device) return;
    const count = child(receipt, "retry")?.attrs.count ?? "1";
    const resend = async (): Promise<void> => {
      await this.account.phone.signal.endSession(device.lid);
      let { message } = outgoing;
      const attrs: Record<string, string | undefined> = this.direct(id, outgoing.addressing);
      if (typeof outgoing.to === "string") {
        const group = outgoing.to;
        const { distribution } = await this.account.phone.signal.encryptGroup(group, this.lid, Buffer.alloc(1));
        message = {
          ...message,
          senderKeyDistributionMessage: { groupId: group, axolotlSenderKeyDistributionMessage: distribution },
        };
        Object.assign(attrs, {
          from: group,
          participant: this.lid,
          participant_pn: this.jid,
          addressing_mode: "lid",
          sender_pn: undefined,
        });
      }
      hand(this.service, from, deviceId, el("message", attrs, [await this.seal(device, message, { count })]));
    };
    this.account.phone
      .inTurn(resend)
      .catch((error: unknown) => this.service.log(`${this.number} could not resend ${id}: ${String(error)}`));
  }

  private confirm(node: Node): void {
    const { jid, lid } = this;
    passReceipt(this.service, { node, jid, lid, bareJid: jid, bareLid: lid, ownNumber: this.number });
  }
}

const retryKey = ({ attrs }: Node): string => `${attrs.participant ?? attrs.from ?? ""} ${attrs.id ?? ""}`;

const plaintext = (message: proto.IMessage): Node => el("plaintext", {}, Buffer.from(proto.Message.encode(message).finish()));

/** The receipt a phone sends for a message; the type is left out when it only means "delivered". */
function receiptFor({ attrs }: Node, type?: "read"): Node {
  return el("receipt", { id: attrs.id, to: attrs.from, participant: isGroup(attrs.from) ? attrs.participant : undefined, type });
}

function textOf(message: proto.IMessage): string {
  return (
    message.conversation ??
    message.extendedTextMessage?.text ??
    message.imageMessage?.caption ??
    message.documentMessage?.caption ??
    ""
  );
}
