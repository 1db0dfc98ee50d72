/** One device: its keys and caches, which outlive a link, the grants that its sends must hold, and at most one link. */
import { isJidGroup } from "@whiskeysockets/baileys";
import type { proto } from "@whiskeysockets/baileys";
import type { Clock } from "../../../machines/ports/clock.ts";
import type { ConnectionFact, LinkMethod } from "../../../machines/ports/connection.ts";
import { type AccountId, accountOf } from "../../../machines/ports/ids.ts";
import type { ContactId, DeviceId, LeaseTerm, Millis, RequestId, SeatId, SeatTerm, WaId } from "../../../machines/ports/ids.ts";
import type { AuditDraft } from "../../../machines/ports/records.ts";
import { bareAddress, type ContactRow, type InboundRow, type OutboxRow } from "../../../machines/ports/store.ts";
import type { Ask } from "./ask.ts";
import { makeCache } from "./caches.ts";
import { deepCheck } from "./check.ts";
import type { DeviceSnapshot } from "./connections.ts";
import { messageOf } from "./content.ts";
import type { Deadlines } from "./deadlines.ts";
import { type GroupCalls, groupCalls } from "./group-calls.ts";
import { Groups } from "./groups.ts";
import { DeviceKeys } from "./keys/device-keys.ts";
import { type DeviceCaches, Link } from "./link.ts";
import { selfIn } from "./lookups.ts";
import { Lru } from "./lru.ts";
import type { BaileysLogger } from "./quiet.ts";
import { type Archive, quotedIn } from "./quotes.ts";
import { type SendCommand, Sender } from "./sender.ts";
import { type MediaSource, Uploads } from "./uploads.ts";
import type { Versions } from "./versions.ts";

const MINUTE: Millis = 60_000;
const REMEMBERED_CONTACTS = 1000;
/** Where the next link does no better, ending one after the other would only cost service. */
const STUCK_ENDS_EVERY: Millis = 10 * MINUTE;

export interface DeviceOptions {
  readonly id: DeviceId;
  readonly ask: Ask;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly logger: BaileysLogger;
  readonly url: string;
  readonly allowSelfSigned: boolean;
  readonly versions: Versions;
  readonly queryTimeout: Millis;
  readonly handledWithin: Millis;
  readonly media: MediaSource;
  readonly emit: (fact: ConnectionFact) => void;
  readonly onPhone: (at: Millis) => void;
}
interface Dial {
  readonly dial: number;
  readonly leaseTerm: LeaseTerm;
  readonly connectTimeout: Millis;
}

export class Device {
  readonly #options: DeviceOptions;
  readonly #account: AccountId;
  readonly #caches: DeviceCaches;
  readonly #groups: Groups;
  readonly #grants = new Map<SeatId, SeatTerm>();
  readonly #contacts = new Lru<ContactId, ContactRow>(REMEMBERED_CONTACTS);
  readonly #told = new Lru<string, true>(REMEMBERED_CONTACTS);
  readonly #uploads: Uploads;
  readonly #archive: Archive = { outbox: (waId) => this.#outbox(waId), inbox: (waId) => this.#inbox(waId) };
  #keys: DeviceKeys | null = null;
  #leaseTerm: LeaseTerm | null = null;
  #link: Link | null = null;
  #sender: Sender | null = null;
  #dial = 0;
  #probeIds = 0;
  #turn: Promise<unknown> = Promise.resolve();
  #endedStuckAt: Millis | null = null;

  constructor(options: DeviceOptions) {
    const { clock } = options;
    this.#options = options;
    this.#account = accountOf(options.id);
    this.#groups = new Groups(clock);
    const { media: source, logger, allowSelfSigned } = options;
    this.#uploads = new Uploads({ clock, source, logger, allowSelfSigned });
    this.#caches = {
      devices: makeCache(clock, 5000, 5 * MINUTE),
      retries: makeCache(clock, 1000, 60 * MINUTE),
      placeholders: makeCache(clock, 1000, 60 * MINUTE),
      calls: makeCache(clock, 100, 5 * MINUTE),
    };
  }

  dial(command: Dial, method: LinkMethod | null): void {
    const { id, clock, deadlines, logger, url, allowSelfSigned, versions, queryTimeout, emit, onPhone, ask } = this.#options;
    this.terminate();
    this.#dial = command.dial;
    const keys = this.#keysFor(command.leaseTerm);
    const link = new Link({
      device: id,
      account: this.#account,
      dial: command.dial,
      method,
      connectTimeout: command.connectTimeout,
      url,
      allowSelfSigned,
      versions,
      queryTimeout,
      handledWithin: this.#options.handledWithin,
      mayEndStuck: () => this.#mayEndStuck(),
      clock,
      deadlines,
      logger,
      keys,
      caches: this.#caches,
      loadCreds: async () => {
        // What an earlier link has queued must be there before it is read back.
        await keys.barrier();
        const answer = await ask("creds.load", { device: id });
        if (answer.kind === "failed") throw new Error(`E_CREDS_LOAD the store did not give the credentials (${answer.cause})`);
        return answer.value;
      },
      inTurn: (work) => {
        const done = this.#turn.then(work);
        this.#turn = done.catch(() => undefined);
        return done;
      },
      wipe: async (why) => {
        const answer = await ask("keys.wipe", { device: id, audit: this.#audit(why) });
        if (answer.kind === "failed") throw new Error(`E_KEYS_WIPE the store did not forget the keys (${answer.cause})`);
        keys.forget();
      },
      getMessage: (waId) => this.#message(link, waId),
      emit,
      onClosed: () => {
        if (this.#link !== link) return;
        this.#link = null;
        const sender = this.#sender;
        this.#sender = null;
        sender?.close();
      },
      onGroupChanged: (group) => this.#groups.changed(group),
      onPair: (lid, pn) => this.#learn(lid, pn),
      onPhone,
    });
    this.#link = link;
    this.#sender = new Sender({
      device: id,
      link,
      keys,
      groups: this.#groups,
      granted: (seat, term) => this.#grants.get(seat) === term,
      contact: (contact) => this.#contact(contact),
      archive: this.#archive,
      uploads: this.#uploads,
      learned: (contact, lid) => {
        this.#contacts.set(contact.id, { ...contact, lid });
        if (contact.pn !== null) this.#learn(lid, contact.pn);
      },
      emit,
    });
  }

  terminate(): void {
    this.#link?.close({ kind: "ours" });
  }

  /** Written by ourselves: Baileys' own logout ends the link before WhatsApp can have heard it. */
  unlink(): void {
    const link = this.#link;
    const jid = link?.creds.me?.id;
    if (!link?.ready || jid === undefined) return;
    link.write({
      tag: "iq",
      attrs: { id: `gr.unlink.${this.#dial}`, to: "s.whatsapp.net", type: "set", xmlns: "md" },
      content: [{ tag: "remove-companion-device", attrs: { jid, reason: "user_initiated" } }],
    });
  }

  grant(seat: SeatId, term: SeatTerm): void {
    this.#grants.set(seat, term);
  }

  revoke(seat: SeatId): void {
    this.#grants.delete(seat);
  }

  send(command: SendCommand): void {
    if (this.#sender && this.#link?.ready) return this.#sender.send(command);
    const { id, clock, emit } = this.#options;
    const { message, attempt } = command;
    emit({ kind: "unsent", device: id, at: clock.now(), message, attempt, why: "closed", detail: "the device has no open link" });
  }

  /** A ping stanza and one slot on the shared timer: no promise, no stack trace, no timer of its own. */
  probe(probe: number, deadline: Millis): void {
    const { id: device, clock, deadlines, emit } = this.#options;
    const link = this.#link;
    const dial = this.#dial;
    const from = clock.now();
    const say = (rtt: Millis | null): void => emit({ kind: "probed", device, dial, at: clock.now(), probe, rtt });
    if (!link?.ready) {
      deadlines.add(deadline, () => say(null));
      return;
    }
    this.#probeIds += 1;
    const id = `gr.${dial}.${this.#probeIds}`;
    const waiting = deadlines.add(deadline, () => {
      answer.cancel();
      say(null);
    });
    const answer = link.await(id, () => {
      waiting.cancel();
      say(clock.now() - from);
    });
    link.write({
      tag: "iq",
      attrs: { id, to: "s.whatsapp.net", type: "get", xmlns: "w:p" },
      content: [{ tag: "ping", attrs: {} }],
    });
  }

  check(reqId: RequestId, deadline: Millis): void {
    const { id: device, clock, deadlines, emit } = this.#options;
    const link = this.#link;
    let answered = false;
    const say = (finding: Extract<ConnectionFact, { kind: "checked" }>["finding"]): void => {
      if (answered) return;
      answered = true;
      late.cancel();
      emit({ kind: "checked", device, at: clock.now(), reqId, finding });
    };
    const late = deadlines.add(deadline, () => say(null));
    if (!link?.ready) return say(null);
    link.checking(() => deepCheck(link.sock)).then(say, () => say(null));
  }

  get groups(): GroupCalls {
    return groupCalls(
      () => (this.#link?.ready ? this.#link.sock : null),
      (group) => this.#groups.changed(group),
    );
  }

  async idle(): Promise<void> {
    await this.#keys?.barrier();
  }

  snapshot(): DeviceSnapshot {
    return {
      device: this.#options.id,
      dial: this.#dial,
      state: this.#link?.state ?? "none",
      lastEvidenceAt: this.#link?.lastEvidenceAt ?? null,
      grants: [...this.#grants].map(([seat, term]) => ({ seat, term })),
      sending: this.#sender?.size ?? 0,
      keys: this.#keys?.size ?? null,
    };
  }

  #mayEndStuck(): boolean {
    const now = this.#options.clock.now();
    if (this.#endedStuckAt !== null && now - this.#endedStuckAt < STUCK_ENDS_EVERY) return false;
    this.#endedStuckAt = now;
    return true;
  }

  /** Under another lease term somebody else may have changed the keys meanwhile: what we remember of them is worthless. */
  #keysFor(leaseTerm: LeaseTerm): DeviceKeys {
    const { id, ask, clock, emit } = this.#options;
    this.#keys ??= new DeviceKeys(ask, id, leaseTerm, {
      onInbound: (rows) => {
        for (const row of rows) emit({ kind: "received", device: id, at: clock.now(), seq: row.seq });
      },
      // An inbound message whose row is not stored must not be acknowledged: without the link Baileys can't, and WhatsApp will
      // bring it again. Losing only an attempt needs no such thing.
      onBroken: (fault, lostInbound) => {
        if (fault === "staleLease" || lostInbound) this.#link?.close({ kind: "ours" });
      },
    });
    if (this.#leaseTerm !== leaseTerm) this.#keys.forget();
    this.#leaseTerm = leaseTerm;
    this.#keys.leaseTerm = leaseTerm;
    return this.#keys;
  }

  async #contact(id: ContactId): Promise<ContactRow | null> {
    const known = this.#contacts.get(id);
    if (known) return known;
    const answer = await this.#options.ask("contact.get", { id });
    if (answer.kind === "failed" || answer.row === null) return null;
    this.#contacts.set(id, answer.row);
    return answer.row;
  }

  async #inbox(waId: WaId): Promise<InboundRow | null> {
    const answer = await this.#options.ask("inbox.get", { account: this.#account, waId });
    return answer.kind === "failed" ? null : answer.row;
  }

  async #outbox(waId: WaId): Promise<OutboxRow | null> {
    const answer = await this.#options.ask("outbox.get", { waId });
    return answer.kind === "failed" ? null : answer.row;
  }

  /** What a recipient that could not decrypt is sent again: from the store, so that any holder can answer after a failover. */
  async #message(link: Link, waId: WaId): Promise<proto.IMessage | undefined> {
    const row = await this.#outbox(waId);
    const contact = row && (await this.#contact(row.contact));
    const address = contact?.pn?.endsWith("@g.us") ? contact.pn : (contact?.lid ?? contact?.pn ?? null);
    if (!row || address === null) return undefined;
    const chat = { address, isGroup: isJidGroup(address) === true, self: selfIn(address, link.creds) };
    return messageOf(row.content, {
      at: row.attempts.at(-1)?.at ?? row.acceptedAt,
      upload: (kind, media) => this.#uploads.get(link.sock, kind, media),
      quoted: quotedIn(this.#archive, chat),
    }).catch(() => undefined);
  }

  /** Tells the store that two addresses are one contact's, once. */
  #learn(lid: string, pn: string): void {
    const pair = { lid: bareAddress(lid), pn: bareAddress(pn) };
    const name = `${pair.lid} ${pair.pn}`;
    if (this.#told.get(name)) return;
    this.#told.set(name, true);
    void this.#options.ask("contact.resolve", pair);
  }

  #audit(why: string): AuditDraft {
    const { id, clock } = this.#options;
    return { at: clock.now(), actor: "supervisor", action: "device.keysWiped", subject: id, text: `${id}: ${why}`, evidence: {} };
  }
}
