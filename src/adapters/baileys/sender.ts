/**
 * Sends of one device: look up, encrypt, commit, gate, write.
 *
 * Baileys' relayMessage encrypts and writes in one go inside a key transaction that commits afterwards; here the order is
 * 1. the seat's grant is looked at (early, to save the work), 2. address, devices and sessions are looked up, 3. the message is
 * encrypted for all devices in one transaction with its attempt row, 4. that becomes durable, 5. the gate: still granted, link
 * still open, and in the same turn 6. the frame is written and `sent` is said.
 * Each send is answered by exactly one of `sent` and `unsent`, whatever happens to the link meanwhile.
 */
import {
  WAMessageAddressingMode,
  encodeSignedDeviceIdentity,
  isJidGroup,
  isLidUser,
  proto,
  writeRandomPadMax16,
} from "@whiskeysockets/baileys";
import type { BinaryNode } from "@whiskeysockets/baileys";
import { getMessageReportingToken, shouldIncludeReportingToken } from "@whiskeysockets/baileys/lib/Utils/reporting-utils.js";
import type { ConnectionCommand, ConnectionFact } from "../../../machines/ports/connection.ts";
import type { DeviceId, SeatId, SeatTerm } from "../../../machines/ports/ids.ts";
import type { AttemptDraft, ContactRow } from "../../../machines/ports/store.ts";
import { type Envelope, envelopeOf, messageOf } from "./content.ts";
import { codeOf } from "./group-calls.ts";
import { type Groups, whyNotOurs } from "./groups.ts";
import { CommitError } from "./keys/commits.ts";
import type { DeviceKeys } from "./keys/device-keys.ts";
import type { Link } from "./link.ts";
import { LookupError, Lookups } from "./lookups.ts";
import { type Archive, quotedIn } from "./quotes.ts";
import type { Ciphertext, Encrypted } from "./signal.ts";
import { Tokens } from "./tokens.ts";
import type { Uploads } from "./uploads.ts";

export type SendCommand = Extract<ConnectionCommand, { op: "send" }>;
type Why = Extract<ConnectionFact, { kind: "unsent" }>["why"];

/** This message can't be prepared, now or later. `code`: WhatsApp's, if it said so with one. */
class UnpreparableError extends Error {
  readonly code: number | undefined;
  constructor(text: string, code?: number) {
    super(text);
    this.name = "UnpreparableError";
    this.code = code;
  }
}

export interface SenderOptions {
  readonly device: DeviceId;
  readonly link: Link;
  readonly keys: DeviceKeys;
  readonly groups: Groups;
  readonly granted: (seat: SeatId, term: SeatTerm) => boolean;
  readonly contact: (id: SendCommand["contact"]) => Promise<ContactRow | null>;
  readonly archive: Archive;
  readonly uploads: Uploads;
  readonly learned: (contact: ContactRow, lid: string) => void;
  readonly emit: (fact: ConnectionFact) => void;
}

interface Job {
  readonly command: SendCommand;
  done: boolean;
}
interface Prepared {
  readonly stanza: BinaryNode;
  readonly durable: Promise<void>;
  readonly afterwards: () => void;
}

const encNode = (part: { type: string; bytes: Uint8Array }, envelope: Envelope): BinaryNode => ({
  tag: "enc",
  attrs: { v: "2", type: part.type, ...envelope.enc },
  content: part.bytes,
});
const participantsNode = (parts: readonly Ciphertext[], envelope: Envelope): BinaryNode => ({
  tag: "participants",
  attrs: {},
  content: parts.map((part) => ({ tag: "to", attrs: { jid: part.jid }, content: [encNode(part, envelope)] })),
});
const padded = (bytes: Uint8Array) => (): Uint8Array => writeRandomPadMax16(bytes);

export class Sender {
  readonly #options: SenderOptions;
  readonly #jobs = new Set<Job>();
  readonly #tokens: Tokens;
  #lookups: Lookups | null = null;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#tokens = new Tokens(options.keys, options.link.options.clock);
  }

  /** Sends not yet answered. */
  get size(): number {
    return this.#jobs.size;
  }

  send(command: SendCommand): void {
    const job: Job = { command, done: false };
    this.#jobs.add(job);
    void this.#run(job).catch((error: unknown) => this.#refuse(job, ...this.#why(error)));
  }

  /** The link is gone: nothing that waits can leave any more. */
  close(): void {
    for (const job of this.#jobs) this.#refuse(job, "closed", "the link closed while the message was being prepared");
  }

  async #run(job: Job): Promise<void> {
    const { command } = job;
    const { device, link, granted, emit } = this.#options;
    if (!granted(command.seat, command.term)) return this.#refuse(job, "stale", "the seat's term has ended");
    const prepared = await this.#prepare(job);
    await prepared.durable;
    if (job.done) return;
    // The gate. From here to the write nothing may wait.
    if (!granted(command.seat, command.term)) return this.#refuse(job, "stale", "the seat's term has ended");
    if (!link.ready) return this.#refuse(job, "closed", "the link is closed");
    link.write(prepared.stanza);
    job.done = true;
    this.#jobs.delete(job);
    emit({ kind: "sent", device, at: link.options.clock.now(), message: command.message, attempt: command.attempt });
    prepared.afterwards();
  }

  async #prepare(job: Job): Promise<Prepared> {
    const { command } = job;
    const { link, contact: contactOf, learned } = this.#options;
    this.#lookups ??= new Lookups(link.sock, link.creds, this.#options.keys);
    const contact = await contactOf(command.contact);
    if (!contact || (contact.lid === null && contact.pn === null)) throw new UnpreparableError("the contact has no address");
    const group = contact.pn !== null && isJidGroup(contact.pn) === true;
    const chat = group && contact.pn !== null ? contact.pn : await this.#lookups.address(contact.lid, contact.pn);
    if (!group && contact.lid === null && isLidUser(chat)) learned(contact, chat);
    const message = await this.#message(command.content, chat, group);
    const envelope = envelopeOf(message, group);
    if (group) return this.#prepareGroup(job, chat, message, envelope);
    return this.#prepareDirect(job, { chat, pn: contact.pn }, message, envelope);
  }

  async #prepareDirect(
    job: Job,
    { chat, pn }: { readonly chat: string; readonly pn: string | null },
    message: proto.IMessage,
    envelope: Envelope,
  ): Promise<Prepared> {
    const { link } = this.#options;
    const lookups = this.#mustLookups();
    const self = lookups.self(chat);
    const { others, own } = await lookups.recipients(self === chat ? [chat] : [self, chat]);
    const toSelf = self === chat;
    if (!toSelf && others.length === 0) {
      // Our own devices stand in every answer: without them there was none.
      if (pn !== null && own.length > 0 && (await lookups.isNobody(pn)))
        throw new UnpreparableError("the number is not on WhatsApp");
      throw new LookupError("WhatsApp named no device of the recipient");
    }
    const reachable = new Set(await lookups.withSessions([...others, ...own]));
    const targets = (toSelf ? own : others).filter((jid) => reachable.has(jid));
    if (targets.length === 0) throw new LookupError("WhatsApp gave no keys for the recipient");
    const { token, due } = await this.#tokens.of(chat);
    const bytes = proto.Message.encode(message).finish();
    const copy = proto.Message.encode({
      deviceSentMessage: { destinationJid: chat, message },
      messageContextInfo: message.messageContextInfo ?? null,
    }).finish();
    const mine = new Set(own);
    const { value, durable } = await link.signal.encrypt(
      {
        kind: "direct",
        parts: [...others, ...own]
          .filter((jid) => reachable.has(jid))
          .map((jid) => ({ jid, data: padded(mine.has(jid) ? copy : bytes) })),
      },
      () => this.#attempt(job),
    );
    if (!value.parts.some(({ jid }) => targets.includes(jid))) {
      durable.catch(() => undefined);
      throw new LookupError("the message could not be encrypted for any device of the recipient");
    }
    const content: BinaryNode[] = [participantsNode(value.parts, envelope), ...this.#identity(value)];
    const reporting = await this.#reporting(job, chat, message, bytes);
    if (reporting) content.push(reporting);
    if (token && link.sock.serverProps.privacyTokenOn1to1) content.push({ tag: "tctoken", attrs: {}, content: token });
    if (envelope.meta) content.push({ tag: "meta", attrs: envelope.meta });
    return {
      stanza: { tag: "message", attrs: { id: job.command.waId, to: chat, ...envelope.attrs }, content },
      durable,
      afterwards: () => {
        if (due && !toSelf && !message.protocolMessage) void this.#tokens.give(link.sock, chat);
      },
    };
  }

  async #prepareGroup(job: Job, group: string, message: proto.IMessage, envelope: Envelope): Promise<Prepared> {
    const { link, keys, groups } = this.#options;
    const lookups = this.#mustLookups();
    const metadata = await groups
      .get(group, (jid) => link.sock.groupMetadata(jid))
      .catch((error: unknown) => {
        const code = codeOf(error);
        const why = code === null ? undefined : whyNotOurs(code);
        if (code !== null && why !== undefined) throw new UnpreparableError(why, code);
        throw new LookupError(`WhatsApp did not tell who is in the group${code === null ? "" : ` (${code})`}`);
      });
    const { id, lid } = lookups.me;
    const mode = metadata.addressingMode === WAMessageAddressingMode.PN ? "pn" : "lid";
    const sender = mode === "lid" && lid !== null ? lid : id;
    const { others, own } = await lookups.recipients(metadata.participants.map((participant) => participant.id));
    const devices = [...others, ...own];
    if (devices.length === 0) throw new LookupError("WhatsApp named no device of the group's members");
    const memory = (await keys.outside.get("sender-key-memory", [group]))[group] ?? {};
    const newcomers = await lookups.withSessions(devices.filter((jid) => !memory[jid]));
    if (newcomers.length === 0 && !devices.some((jid) => memory[jid]))
      throw new LookupError("WhatsApp gave no keys for the group's members");
    const bytes = proto.Message.encode(message).finish();
    const { value, durable } = await link.signal.encrypt(
      {
        kind: "group",
        group,
        sender,
        data: writeRandomPadMax16(bytes),
        newcomers,
        distribution: (key) =>
          padded(
            proto.Message.encode({
              senderKeyDistributionMessage: { axolotlSenderKeyDistributionMessage: key, groupId: group },
            }).finish(),
          ),
      },
      () => this.#attempt(job),
    );
    const content: BinaryNode[] = [];
    if (value.group) content.push(encNode({ type: "skmsg", bytes: value.group }, envelope));
    if (value.parts.length > 0) content.push(participantsNode(value.parts, envelope));
    content.push(...this.#identity(value));
    const reporting = await this.#reporting(job, group, message, bytes);
    if (reporting) content.push(reporting);
    if (envelope.meta) content.push({ tag: "meta", attrs: envelope.meta });
    const expiration = metadata.ephemeralDuration ? { expiration: String(metadata.ephemeralDuration) } : {};
    return {
      stanza: {
        tag: "message",
        attrs: { id: job.command.waId, to: group, ...envelope.attrs, addressing_mode: mode, ...expiration },
        content,
      },
      durable,
      // Only what has been written is remembered: a key sent twice is harmless, one never sent leaves the member without messages.
      afterwards: () => {
        if (value.parts.length === 0) return;
        const known = Object.fromEntries(value.parts.map(({ jid }) => [jid, true]));
        keys
          .begin(async () => {
            const now = (await keys.inside.get("sender-key-memory", [group]))[group] ?? {};
            await keys.inside.set({ "sender-key-memory": { [group]: { ...now, ...known } } });
          })
          .then(({ durable: stored }) => stored)
          .catch(() => undefined);
      },
    };
  }

  #identity(value: Encrypted): BinaryNode[] {
    const { account } = this.#options.link.creds;
    if (!account || !value.parts.some(({ type }) => type === "pkmsg")) return [];
    return [{ tag: "device-identity", attrs: {}, content: encodeSignedDeviceIdentity(account, true) }];
  }

  /** Messages that carry a secret (polls, events) also carry a token with which they can be reported. */
  async #reporting(job: Job, chat: string, message: proto.IMessage, bytes: Uint8Array): Promise<BinaryNode | null> {
    if (!message.messageContextInfo?.messageSecret || !shouldIncludeReportingToken(message)) return null;
    const key = { id: job.command.waId, fromMe: true, remoteJid: chat };
    return getMessageReportingToken(writeRandomPadMax16(bytes), message, key).catch(() => null);
  }

  /** What WhatsApp did not answer is tried again; anything else that is missing will be missing the next time, too. */
  async #message(content: SendCommand["content"], chat: string, group: boolean): Promise<proto.IMessage> {
    const { link, uploads } = this.#options;
    try {
      return await messageOf(content, {
        at: link.options.clock.now(),
        upload: (kind, media) => uploads.get(link.sock, kind, media),
        quoted: quotedIn(this.#options.archive, { address: chat, isGroup: group, self: this.#mustLookups().self(chat) }),
      });
    } catch (error) {
      if (error instanceof LookupError || !link.ready) throw error;
      throw new UnpreparableError(error instanceof Error ? error.message : "the content is no message");
    }
  }

  #attempt(job: Job): AttemptDraft | null {
    if (job.done) return null;
    const { device, link } = this.#options;
    const { message, attempt: number, seat, term, counts } = job.command;
    return { message, number, device, seat, seatTerm: term, at: link.options.clock.now(), ...(counts ? { counts } : {}) };
  }

  #mustLookups(): Lookups {
    if (!this.#lookups) throw new Error("look-ups before the first send");
    return this.#lookups;
  }

  #why(error: unknown): [why: Why, detail: string, code?: number | undefined] {
    if (error instanceof UnpreparableError) return ["unpreparable", error.message, error.code];
    if (error instanceof LookupError) return ["lookup", error.message];
    if (error instanceof CommitError) return [error.fault === "store" ? "store" : "stale", error.message];
    if (!this.#options.link.ready) return ["closed", "the link is closed"];
    return ["lookup", "a query to WhatsApp failed"];
  }

  #refuse(job: Job, why: Why, detail: string, code?: number): void {
    if (job.done) return;
    job.done = true;
    this.#jobs.delete(job);
    const { device, link, emit } = this.#options;
    const { message, attempt } = job.command;
    const said = { why, detail, ...(code === undefined ? {} : { code }) };
    emit({ kind: "unsent", device, at: link.options.clock.now(), message, attempt, ...said });
  }
}
