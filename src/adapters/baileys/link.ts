/**
 * One dial of one device: from the command to `closed`, which is said exactly once.
 *
 * The frames are read before Baileys reads them (its `frame` event comes first), so facts follow the stanza and not Baileys' own
 * event buffer, which may hold things back for 20 s. Whatever an abandoned socket still says is dropped here.
 */
import {
  Browsers,
  DEFAULT_CONNECTION_CONFIG,
  initAuthCreds,
  isJidGroup,
  isLidUser,
  isPnUser,
  jidDecode,
  jidEncode,
  makeWASocket,
} from "@whiskeysockets/baileys";
import type { AuthenticationCreds, BinaryNode, WASocket, proto } from "@whiskeysockets/baileys";
import { Agent } from "node:https";
import type { Clock } from "../../../machines/ports/clock.ts";
import type { ConnectionFact, Finding, LinkMethod } from "../../../machines/ports/connection.ts";
import type { AccountId, DeviceId, Millis, WaId } from "../../../machines/ports/ids.ts";
import type { Cache } from "./caches.ts";
import { cappedBy } from "./check.ts";
import { type CloseSignal, closingOf } from "./close-reason.ts";
import type { Deadlines, Deadline } from "./deadlines.ts";
import { abandon, closeAtOnce, onRefusedUpgrade, rawSocket, readWithoutStacks, withoutStacks } from "./internals.ts";
import { HandlingWatch } from "./handling-watch.ts";
import { authorOf, draftsOf, isCopy } from "./inbound.ts";
import { decodeCreds } from "./keys/codec.ts";
import { CredsKeeper } from "./keys/creds-keeper.ts";
import type { DeviceKeys } from "./keys/device-keys.ts";
import { endingKeys, endingWith, liveKeys } from "./keys/ending.ts";
import { offerAndPair } from "./linking.ts";
import { isFromPhone, signedAt } from "./phone.ts";
import { preparePreKeys } from "./pre-keys.ts";
import type { BaileysLogger } from "./quiet.ts";
import { type Sealed, type SealedBy, type Signal, makeSignal } from "./signal.ts";
import { childOf, childrenOf } from "./stanza.ts";
import type { Versions } from "./versions.ts";
import { wholeDownloads } from "./whole-downloads.ts";

/** At most one `evidence` fact per device in this time; the first after quiet is never held back, nor is a probe's answer. */
const EVIDENCE_EVERY: Millis = 50;
/** Baileys' own keep-alive can't be switched off, only be made to wait: this is the longest that a timer can. Ours are the probes. */
const NEVER: Millis = 2_147_483_647;

/** Node's `fetch` takes a dispatcher beside what the standard knows. */
const DOWNLOADS = { dispatcher: wholeDownloads() } as unknown as RequestInit;

/** WhatsApp's word for a version that it does not take any more. */
const OUTDATED = 405;

export interface DeviceCaches {
  readonly devices: Cache;
  readonly retries: Cache;
  readonly placeholders: Cache;
  readonly calls: Cache;
}
export interface LinkOptions {
  readonly device: DeviceId;
  readonly account: AccountId;
  readonly dial: number;
  /** null: log in with what is stored. */
  readonly method: LinkMethod | null;
  readonly connectTimeout: Millis;
  readonly url: string;
  readonly allowSelfSigned: boolean;
  readonly versions: Versions;
  /** Baileys' own queries (look-ups, login steps) give up after this. */
  readonly queryTimeout: Millis;
  /** So long messages may wait for Baileys while it handles none. */
  readonly handledWithin: Millis;
  /** May this link be ended because they have waited longer? */
  readonly mayEndStuck: () => boolean;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly logger: BaileysLogger;
  readonly keys: DeviceKeys;
  readonly caches: DeviceCaches;
  readonly loadCreds: () => Promise<Uint8Array | null>;
  /**
   * Credentials are prepared or replaced by one link of the device at a time. Two that made pre-keys at once would make different
   * ones under the same numbers: WhatsApp gets the one's, the store keeps the other's, and nothing that begins with them can be read.
   */
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>;
  /** Forgets credentials and keys of an earlier link, with the reason for the audit. */
  readonly wipe: (why: string) => Promise<void>;
  readonly getMessage: (waId: WaId) => Promise<proto.IMessage | undefined>;
  readonly emit: (fact: ConnectionFact) => void;
  readonly onClosed: () => void;
  /** A stanza that belongs to sends or groups; see the callers. */
  readonly onGroupChanged: (group: string) => void;
  readonly onPair: (lid: string, pn: string) => void;
  /** The account's phone was on the network then. High rate. */
  readonly onPhone: (at: Millis) => void;
}

export type LinkState = "dialling" | "opened" | "serving" | "closed";

export class Link {
  readonly options: LinkOptions;
  state: LinkState = "dialling";
  lastEvidenceAt: Millis | null = null;
  #deadline: Deadline | null = null;
  #sock: WASocket | null = null;
  #signal: Signal | null = null;
  #creds: AuthenticationCreds | null = null;
  #keeper: CredsKeeper | null = null;
  #offered = false;
  #checks = 0;
  readonly #watch: HandlingWatch;
  readonly #version: Versions["next"];
  readonly #stanzas = new WeakMap<Uint8Array, BinaryNode>();
  readonly #answers = new Map<string, () => void>();

  constructor(options: LinkOptions) {
    this.options = options;
    this.#version = options.versions.next;
    this.#watch = new HandlingWatch(options.deadlines, options.handledWithin, () => this.#stuck());
    this.#deadline = options.deadlines.add(options.connectTimeout, () => this.close({ kind: "deadline" }));
    void this.#dial().catch((error: unknown) => {
      options.logger.error(`the dial of ${options.device} failed: ${error instanceof Error ? error.message : "unknown"}`);
      this.close({ kind: "ours" });
    });
  }

  get closed(): boolean {
    return this.state === "closed";
  }
  /** WhatsApp accepted the login, and the socket takes bytes. */
  get ready(): boolean {
    return (this.state === "opened" || this.state === "serving") && this.#sock?.ws.isOpen === true;
  }
  get sock(): WASocket {
    if (!this.#sock) throw new Error("the link has no socket");
    return this.#sock;
  }
  get signal(): Signal {
    if (!this.#signal) throw new Error("the link has no keys");
    return this.#signal;
  }
  get creds(): AuthenticationCreds {
    if (!this.#creds) throw new Error("the link has no credentials");
    return this.#creds;
  }

  isMe = (jid: string): boolean => {
    const me = this.#creds?.me;
    const user = jidDecode(jid)?.user;
    if (!me || user === undefined) return false;
    return user === (isLidUser(jid) ? jidDecode(me.lid ?? "")?.user : jidDecode(me.id)?.user);
  };

  /** Ends the link now. The first call decides the reason; later ones are ignored. */
  close(signal: CloseSignal): void {
    if (this.state === "closed") return;
    this.state = "closed";
    this.#deadline?.cancel();
    this.#keeper?.close();
    this.#watch.close();
    this.#answers.clear();
    const { device, dial, clock, emit, onClosed } = this.options;
    const sock = this.#sock;
    if (sock) abandon(sock);
    onClosed();
    emit({ kind: "closed", device, dial, at: clock.now(), ...closingOf(signal, clock.now()) });
  }

  /** Writes a stanza in this turn. @throws if the socket takes no bytes: then nothing was written */
  write(stanza: BinaryNode): void {
    if (this.state === "closed" || this.#sock?.ws.isOpen !== true) throw new Error("the link is closed");
    // Its promise tells when the kernel has taken the bytes, which nobody needs; a failure shows as the socket's end.
    const sock = this.#sock;
    withoutStacks(() => sock.sendNode(stanza)).catch(() => undefined);
  }

  /** Calls `answered` when the stanza with this id arrives, unless the link closes before. */
  await(id: string, answered: () => void): { cancel(): void } {
    this.#answers.set(id, answered);
    return { cancel: () => void this.#answers.delete(id) };
  }

  /** What we ask of the account's standing ourselves is no news. */
  async checking<T>(work: () => Promise<T>): Promise<T> {
    this.#checks += 1;
    try {
      return await work();
    } finally {
      this.#checks -= 1;
    }
  }

  async #dial(): Promise<void> {
    const { method, inTurn } = this.options;
    const creds = method === null ? await inTurn(() => this.#storedCreds()) : initAuthCreds();
    if (this.closed) return;
    if (!creds) return this.close({ kind: "noCredentials" });
    this.#creds = creds;
    this.#open(creds);
  }

  /** Ready for a login; null if the device is not linked. */
  async #storedCreds(): Promise<AuthenticationCreds | null> {
    const { options } = this;
    if (this.closed) return null;
    const stored = await options.loadCreds();
    if (stored === null || this.closed) return null;
    const creds = decodeCreds(stored) as AuthenticationCreds;
    if (!creds.me || !creds.account) {
      // A socket that died while it was being linked leaves `me` without an account: logging in with that can only fail.
      await options.wipe("linking had not been completed");
      return null;
    }
    await preparePreKeys(creds, options.keys);
    return creds;
  }

  #open(creds: AuthenticationCreds): void {
    const { options } = this;
    const { caches, logger, keys } = options;
    const ending = endingWith(() => this.close({ kind: "ours" }));
    const sock = makeWASocket({
      ...DEFAULT_CONNECTION_CONFIG,
      waWebSocketUrl: options.url,
      version: this.#version,
      ...(options.allowSelfSigned ? { agent: new Agent({ rejectUnauthorized: false }) } : {}),
      auth: { creds, keys: liveKeys(endingKeys(keys.outside, ending), () => this.closed) },
      browser: Browsers.macOS("Chrome"),
      logger,
      // The deadline of the dial is ours. Without one of Baileys' own, each write is spared two stack traces and a timer.
      connectTimeoutMs: 0,
      defaultQueryTimeoutMs: options.queryTimeout,
      keepAliveIntervalMs: NEVER,
      emitOwnEvents: false,
      markOnlineOnConnect: false,
      syncFullHistory: false,
      options: DOWNLOADS,
      transactionOpts: { maxCommitRetries: 1, delayBetweenTriesMs: 1 },
      userDevicesCache: caches.devices,
      msgRetryCounterCache: caches.retries,
      placeholderResendCache: caches.placeholders,
      callOfferCache: caches.calls,
      getMessage: ({ id }) => (id ? options.getMessage(id as WaId) : Promise.resolve(undefined)),
      makeSignalRepository: (_auth, _logger, pnToLid) => {
        const asked = (ciphertext: Uint8Array): void => this.#watch.asked(ciphertext);
        this.#signal = makeSignal({ creds, keys, logger, pnToLid, drafts: this.#drafts, ending, asked });
        return this.#signal.repository;
      },
    });
    this.#sock = sock;
    closeAtOnce(sock);
    readWithoutStacks(sock, (error) => {
      if (this.closed) return;
      logger.error(`a stanza for ${options.device} was not answered: ${error instanceof Error ? error.message : "unknown"}`);
    });
    onRefusedUpgrade(sock, (status) => this.close({ kind: "http", status }));
    let upgraded = false;
    const socket = rawSocket(sock);
    socket.once("open", () => (upgraded = true));
    socket.on("error", (error: NodeJS.ErrnoException) =>
      this.close(upgraded ? { kind: "socket" } : { kind: "dialError", errno: error.code ?? null }),
    );
    socket.on("close", () => this.close({ kind: "socket" }));
    sock.ws.on("frame", (frame: BinaryNode | Uint8Array) => {
      if (this.state !== "closed" && !(frame instanceof Uint8Array)) this.#read(frame);
    });
    const tellStanding = (judged: Pick<Finding, "standing" | "until">): void =>
      options.emit({ kind: "standing", account: options.account, at: options.clock.now(), ...judged });
    // That there are new chats again is for the next deep check to say: a restriction might forbid them all the same.
    sock.ev.on("message-capping.update", (cap) => {
      const capped = cappedBy(cap);
      if (capped) tellStanding(capped);
    });
    sock.ev.on("connection.update", ({ connection, lastDisconnect, reachoutTimeLock }) => {
      if (reachoutTimeLock && this.#checks === 0) {
        const until = reachoutTimeLock.timeEnforcementEnds?.getTime() ?? null;
        tellStanding(reachoutTimeLock.isActive ? { standing: "restricted", until } : { standing: "good", until: null });
      }
      if (connection === "close") {
        const error = lastDisconnect?.error as { output?: { statusCode?: number } } | undefined;
        const code = error?.output?.statusCode ?? null;
        this.close(this.#offered && code === 408 ? { kind: "offersEnded" } : { kind: "handshake", code });
      }
    });
    if (options.method !== null) {
      offerAndPair(this, sock, creds, options.method, () => {
        this.#offered = true;
        // Linking has deadlines of its own: the offers expire.
        this.#deadline?.cancel();
      });
      return;
    }
    const keeper = new CredsKeeper({
      creds,
      now: () => options.clock.now(),
      deadlines: options.deadlines,
      save: (bytes) => void keys.saveCreds(bytes).catch(() => this.close({ kind: "ours" })),
    });
    this.#keeper = keeper;
    sock.ev.on("creds.update", () => keeper.changed());
  }

  #drafts = (ciphertext: Uint8Array, plaintext: proto.IMessage, bytes: Uint8Array) => {
    const stanza = this.#stanzas.get(ciphertext);
    if (!stanza) return null;
    const { account, device, clock } = this.options;
    return {
      author: authorOf(stanza),
      rows: draftsOf(stanza, plaintext, bytes, { account, device, isMe: this.isMe }, clock.now()),
    };
  };

  /** Evidence, unless some was told less than `every` ms ago. */
  #heard(at: Millis, every: Millis): void {
    if (this.lastEvidenceAt !== null && at - this.lastEvidenceAt < every) return;
    this.lastEvidenceAt = at;
    const { device, dial, emit } = this.options;
    emit({ kind: "evidence", device, dial, at });
  }

  #read(node: BinaryNode): void {
    const { device, dial, clock, emit } = this.options;
    const at = clock.now();
    this.#heard(at, EVIDENCE_EVERY);
    const { attrs } = node;
    switch (node.tag) {
      case "iq": {
        const id = attrs["id"];
        const answered = id === undefined ? undefined : this.#answers.get(id);
        if (id === undefined || !answered) return;
        this.#answers.delete(id);
        // Not held back, unless some was told in this very millisecond.
        this.#heard(at, 1);
        return answered();
      }
      case "ack":
        if (attrs["class"] === "message" && attrs["id"] !== undefined) this.#acked(attrs["id"] as WaId, attrs["error"], at);
        return;
      case "message":
        return this.#message(node, at);
      case "receipt":
        return this.#receipt(node, at);
      case "notification":
        if (attrs["type"] === "w:gp2" && attrs["from"] !== undefined) this.options.onGroupChanged(attrs["from"]);
        return;
      case "success":
        if (this.state !== "dialling") return;
        this.state = "opened";
        this.#deadline?.cancel();
        this.options.versions.taken(this.#version);
        return emit({ kind: "opened", device, dial, at });
      case "ib":
        if (childOf(node, "downgrade_webclient")) return this.close({ kind: "downgrade" });
        if (childOf(node, "offline") && this.state === "opened") {
          this.state = "serving";
          emit({ kind: "serving", device, dial, at });
        }
        return;
      case "stream:error": {
        const child = childrenOf(node)[0];
        const code = Number(attrs["code"]);
        return this.close({
          kind: "streamError",
          code: Number.isInteger(code) ? code : null,
          child: child?.tag ?? null,
          type: child?.attrs["type"] ?? null,
        });
      }
      case "failure": {
        const expire = Number(attrs["expire"]);
        const code = Number(attrs["reason"] ?? 500);
        if (code === OUTDATED) void this.options.versions.refused(this.#version);
        return this.close({
          kind: "failure",
          code,
          expire: attrs["expire"] !== undefined && Number.isFinite(expire) ? expire : null,
        });
      }
      case "xmlstreamend":
        return this.close({ kind: "streamEnd" });
      default:
    }
  }

  #acked(waId: WaId, error: string | undefined, at: Millis): void {
    const { device, emit } = this.options;
    if (error === undefined) emit({ kind: "acked", device, at, waId });
    else emit({ kind: "refused", device, at, waId, code: Number(error) || 0 });
  }

  #message(node: BinaryNode, at: Millis): void {
    const { account, device, emit, onPhone } = this.options;
    if (isFromPhone(node, this.isMe)) onPhone(signedAt(node, at));
    for (const child of childrenOf(node)) {
      if (child.tag !== "enc" || !(child.content instanceof Uint8Array)) continue;
      this.#stanzas.set(child.content, node);
      const type = child.attrs["type"];
      if (type === "msg" || type === "pkmsg" || type === "skmsg") {
        this.#watch.came(child.content, node.attrs["offline"] !== undefined);
        this.signal.readAhead(child.content, type, authorOf(node), () => this.#sealedBy(node, type));
      }
    }
    const { id, from, sender_lid: lid, sender_pn: pn } = node.attrs;
    // WhatsApp gave it to another of our devices: it took the message, whether or not its ack comes.
    if (id !== undefined && isCopy(node, { account, device, isMe: this.isMe })) {
      emit({ kind: "copied", device, at, waId: id as WaId });
    }
    if (from === undefined) return;
    if (lid !== undefined && !isLidUser(from)) this.options.onPair(lid, from);
    else if (pn !== undefined && isLidUser(from)) this.options.onPair(from, pn);
  }

  /**
   * Where the session of a stanza's author is kept, if that is certain without asking anybody. Of a pair of number and LID that is new
   * to us it begins under the LID, which the stanza gives. Baileys learns the pair, and moves what is kept under the number: where
   * there is such a session, or the stanza gives another LID than we know, the message is left to it.
   */
  async #sealedBy(node: BinaryNode, type: Sealed): Promise<SealedBy | null> {
    const { keys } = this.options;
    const { from, participant_lid, sender_lid, participant_pn, sender_pn } = node.attrs;
    const author = authorOf(node);
    const group = from !== undefined && isJidGroup(from) === true ? from : null;
    const { user, device } = jidDecode(author) ?? {};
    if (this.closed || user === undefined || (type === "skmsg" && group === null)) return null;
    if (type === "skmsg") return { jid: author, group };
    if (isLidUser(author)) {
      const pn = jidDecode(participant_pn ?? sender_pn)?.user;
      const known =
        pn === undefined ? undefined : (await keys.outside.get("lid-mapping", [`${user}_reverse`]))[`${user}_reverse`];
      if (pn === known) return { jid: author, group };
      const isNew = known === undefined && pn !== undefined && !(await this.#hasSession(jidEncode(pn, "s.whatsapp.net", device)));
      return isNew ? { jid: author, group } : null;
    }
    if (isPnUser(author) !== true) return null;
    const known = (await keys.outside.get("lid-mapping", [user]))[user];
    const told = jidDecode(participant_lid ?? sender_lid)?.user;
    const lid = known ?? told;
    if (lid === undefined || (told !== undefined && told !== lid)) return null;
    if (known === undefined && (await this.#hasSession(author))) return null;
    return { jid: jidEncode(lid, "lid", device), group };
  }

  /** What has not been confirmed comes again with the next link. */
  #stuck(): void {
    const { device, handledWithin, logger, mayEndStuck } = this.options;
    const ends = mayEndStuck();
    const next = ends
      ? "the link ends, so that WhatsApp brings them again"
      : "a link was ended for this lately, so this one stays";
    logger.error(`E_STUCK ${device}: messages came in, and Baileys has handled none for ${handledWithin / 1000} s; ${next}`);
    if (ends) this.close({ kind: "stuck" });
  }

  async #hasSession(jid: string): Promise<boolean> {
    const address = this.signal.repository.jidToSignalProtocolAddress(jid);
    return (await this.options.keys.outside.get("session", [address]))[address] !== undefined;
  }

  /** Any receipt for one of our sends proves that WhatsApp took it, a request to encrypt it again included. */
  #receipt(node: BinaryNode, at: Millis): void {
    const { device, emit, onPhone } = this.options;
    const { id, type, recipient, from, participant } = node.attrs;
    const own = this.isMe(participant ?? from ?? "");
    if (isFromPhone(node, this.isMe)) onPhone(signedAt(node, at));
    // With a recipient it is about somebody else's message, unless another device of ours confirms our own.
    if (recipient !== undefined && !(own && (type === "sender" || type === "retry"))) return;
    const list = childOf(node, "list");
    const ids = [id, ...(list ? childrenOf(list).map((item) => item.attrs["id"]) : [])];
    for (const waId of ids) {
      if (waId === undefined) continue;
      if (type === "sender") emit({ kind: "copied", device, at, waId: waId as WaId });
      else if (type === "retry") emit({ kind: "acked", device, at, waId: waId as WaId });
      else if (type === undefined || type === "inactive" || type === "read" || type === "played") {
        emit({
          kind: "receipt",
          device,
          at,
          waId: waId as WaId,
          receipt: type === "read" || type === "played" ? "read" : "delivered",
        });
      }
    }
  }
}
