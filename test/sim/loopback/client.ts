/** Real Baileys, unmodified, with its keys in memory, so that it can be stopped and started again like a process. */
import { Agent } from "node:https";
import {
  type AuthenticationCreds,
  type BinaryNode,
  type ConnectionState,
  initAuthCreds,
  makeWASocket,
  type MessageUpsertType,
  type SignalDataSet,
  type SignalDataTypeMap,
  type UserFacingSocketConfig,
  WA_CERT_DETAILS,
  type WAMessage,
  type WAMessageUpdate,
  type WASocket,
} from "@whiskeysockets/baileys";
import { pino } from "pino";
import { LOOPBACK_ROOT_PUBLIC_KEY, type Loopback } from "../../../sim/loopback/index.ts";

// libsignal prints whole sessions, private keys included.
console.info = () => undefined;
WA_CERT_DETAILS.PUBLIC_KEY = LOOPBACK_ROOT_PUBLIC_KEY;

export interface Seen {
  readonly message: WAMessage;
  readonly type: MessageUpsertType;
  readonly at: number;
}

/** `pushName` is read by Baileys but missing in its types. */
export type ClientConfig = Partial<UserFacingSocketConfig> & { pushName?: string };

export class Client {
  readonly creds: AuthenticationCreds = initAuthCreds();
  readonly keys = new Map<string, unknown>();
  readonly sentMessages = new Map<string, WAMessage["message"]>();
  readonly seen: Seen[] = [];
  readonly statuses: WAMessageUpdate[] = [];
  /** Of the present connection only: what an older one still says goes nowhere. */
  states: Partial<ConnectionState>[] = [];
  readonly acks: BinaryNode[] = [];
  sock: WASocket | undefined;
  private readonly url: string;
  private readonly config: ClientConfig;

  constructor(url: string, config: ClientConfig = {}) {
    this.url = url;
    this.config = config;
  }

  start(): WASocket {
    const states: Partial<ConnectionState>[] = [];
    this.states = states;
    const store = this.keys;
    const sock = makeWASocket({
      waWebSocketUrl: this.url,
      logger: pino({ level: "silent" }),
      getMessage: async ({ id }) => (id ? (this.sentMessages.get(id) ?? undefined) : undefined),
      ...(this.url.startsWith("wss") && {
        agent: new Agent({ rejectUnauthorized: false }),
        fetchAgent: new Agent({ rejectUnauthorized: false }),
      }),
      ...this.config,
      auth: {
        creds: this.creds,
        keys: {
          get: <T extends keyof SignalDataTypeMap>(type: T, ids: string[]) => {
            const found: Record<string, SignalDataTypeMap[T]> = {};
            for (const id of ids) {
              const value = store.get(`${type} ${id}`);
              if (value !== undefined) found[id] = value as SignalDataTypeMap[T];
            }
            return found;
          },
          set: (data: SignalDataSet) => {
            for (const [type, entries] of Object.entries(data)) {
              for (const [id, value] of Object.entries(entries ?? {})) {
                if (value === null) store.delete(`${type} ${id}`);
                else store.set(`${type} ${id}`, value);
              }
            }
          },
        },
      },
    });
    sock.ev.on("connection.update", (update) => states.push(update));
    sock.ev.on("messages.upsert", ({ messages, type }) => {
      for (const message of messages) this.seen.push({ message, type, at: Date.now() });
    });
    sock.ev.on("messages.update", (updates) => this.statuses.push(...updates));
    sock.ws.on("CB:ack,class:message", (node: BinaryNode) => this.acks.push(node));
    this.sock = sock;
    return sock;
  }

  get live(): WASocket {
    if (!this.sock) throw new Error("the client was not started");
    return this.sock;
  }

  /** The first connection update for which `pick` gives something, past ones included. */
  async state<T>(pick: (update: Partial<ConnectionState>) => T | undefined, withinMs = 10_000): Promise<T> {
    return until(() => {
      for (const update of this.states) {
        const picked = pick(update);
        if (picked !== undefined) return picked;
      }
      return undefined;
    }, withinMs);
  }

  qr(): Promise<string> {
    return this.state((update) => update.qr);
  }

  /** Online, and what was missed has arrived. */
  async ready(): Promise<void> {
    await this.state((update) => (update.connection === "open" ? true : undefined));
    await this.state((update) => (update.receivedPendingNotifications ? true : undefined));
  }

  /** The status code with which the connection ended. */
  async closed(withinMs = 10_000): Promise<number | undefined> {
    const end = await this.state(
      (update) => (update.connection === "close" ? { error: update.lastDisconnect?.error } : undefined),
      withinMs,
    );
    return (end.error as { output?: { statusCode?: number } } | undefined)?.output?.statusCode;
  }

  /** Starts, shows a QR code, is scanned, restarts and waits until it is ready. */
  async pair(loopback: Loopback, number: string): Promise<number> {
    this.start();
    const { device } = await loopback.account(number).scanQr(await this.qr());
    await this.closed();
    await this.restart();
    return device;
  }

  async restart(): Promise<void> {
    this.stop();
    this.start();
    await this.ready();
  }

  /** Ends without a goodbye, as a killed process does. */
  stop(): void {
    if (!this.sock) return;
    const { ws } = this.sock as unknown as { ws: { socket?: { terminate(): void } } };
    ws.socket?.terminate();
    this.sock = undefined;
  }

  async sendText(to: string, text: string, id?: string): Promise<string> {
    const message = { conversation: text };
    const jid = to.includes("@") ? to : `${to}@s.whatsapp.net`;
    if (id) this.sentMessages.set(id, message);
    const sent = await this.live.sendMessage(jid, { text }, id ? { messageId: id } : {});
    const sentId = sent?.key.id ?? "";
    this.sentMessages.set(sentId, message);
    return sentId;
  }

  acked(id: string, withinMs = 5000): Promise<BinaryNode> {
    return until(() => this.acks.find((ack) => ack.attrs.id === id), withinMs);
  }

  /** What Baileys said of a message: in updates, or merged into the message itself when it was still buffered. */
  reported(id: string): Array<Partial<WAMessage>> {
    const updates = this.statuses.filter(({ key }) => key.id === id).map(({ update }) => update);
    return [...updates, ...this.seen.flatMap(({ message }) => (message.key.id === id ? message : []))];
  }

  /** What a message said, once one with this id has been read. */
  textOf(id: string): string | undefined {
    const read = this.seen.find(({ message }) => message.key.id === id && message.message)?.message.message;
    return read?.conversation ?? read?.extendedTextMessage?.text ?? undefined;
  }
}

export async function until<T>(probe: () => T | undefined | false, withinMs = 5000): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const found = probe();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`nothing within ${withinMs} ms: ${String(probe)}`);
    await pause(5);
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
