/** Baileys as everybody uses it: sendMessage, its own events, keys in memory or in its own files. */
import { join } from "node:path";
import {
  type AuthenticationState,
  type BinaryNode,
  generateMessageIDV2,
  initAuthCreds,
  makeWASocket,
  type SignalKeyStore,
  useMultiFileAuthState,
  WA_CERT_DETAILS,
  type WASocket,
} from "@whiskeysockets/baileys";
import pino from "pino";
import { silenceLibsignal } from "../../src/adapters/baileys/quiet.ts";
import type { Bench, Client } from "./client.ts";
import type { Arm } from "./messages.ts";

const memoryKeys = (): SignalKeyStore => {
  const data = new Map<string, unknown>();
  return {
    get: (type, ids) => {
      const found: Record<string, never> = {};
      for (const id of ids) {
        const value = data.get(`${type}.${id}`);
        if (value !== undefined) found[id] = value as never;
      }
      return found;
    },
    set: (changes) => {
      for (const [type, entries] of Object.entries(changes)) {
        for (const [id, value] of Object.entries(entries ?? {})) {
          if (value === null) data.delete(`${type}.${id}`);
          else data.set(`${type}.${id}`, value);
        }
      }
    },
  };
};

export const rawClient = (arm: Arm, bench: Bench, lids: readonly string[]): Client => {
  silenceLibsignal();
  WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(bench.ready.root, "hex");
  const logger = pino({ level: "silent" });
  const sockets: WASocket[] = [];
  const acks = new Map<string, () => void>();
  let received = (): void => undefined;

  const authOf = async (index: number): Promise<{ state: AuthenticationState; save: () => Promise<void> }> => {
    if (arm === "raw, keys in memory") {
      return { state: { creds: initAuthCreds(), keys: memoryKeys() }, save: () => Promise.resolve() };
    }
    const { state, saveCreds } = await useMultiFileAuthState(join(bench.directory, `auth-${index}`));
    return { state, save: saveCreds };
  };
  const dial = (index: number, auth: Awaited<ReturnType<typeof authOf>>): Promise<WASocket> =>
    new Promise((resolve, reject) => {
      const sock = makeWASocket({ waWebSocketUrl: bench.ready.url, auth: auth.state, logger });
      sock.ev.on("creds.update", () => void auth.save());
      sock.ws.on("CB:ack,class:message", ({ attrs }: BinaryNode) => {
        const id = attrs["id"] ?? "";
        acks.get(id)?.();
        acks.delete(id);
      });
      sock.ev.on("messages.upsert", ({ messages }) => {
        for (const message of messages) if (message.key.fromMe !== true && message.message?.conversation) received();
      });
      let asked = false;
      sock.ev.on("connection.update", ({ connection, qr, receivedPendingNotifications, lastDisconnect }) => {
        if (qr && !asked) {
          asked = true;
          bench.call({ op: "scan", number: bench.numberOf(index), qr }).catch(reject);
        }
        if (receivedPendingNotifications) resolve(sock);
        if (connection === "close") {
          const error = lastDisconnect?.error as { output?: { statusCode?: number } } | undefined;
          if (error?.output?.statusCode === 515) dial(index, auth).then(resolve, reject);
          else reject(error ?? new Error("closed"));
        }
      });
    });

  return {
    connect: async (count) => {
      while (sockets.length < count) {
        const index = sockets.length;
        await bench.call({ op: "accounts", numbers: [bench.numberOf(index)] });
        sockets.push(await dial(index, await authOf(index)));
      }
    },
    prepare: () => Promise.resolve(),
    send: async (connection, contact) => {
      const sock = sockets[connection];
      const jid = lids[contact];
      if (!sock || jid === undefined) throw new Error("no such connection or contact");
      const id = generateMessageIDV2(sock.user?.id);
      const acked = new Promise<void>((resolve) => acks.set(id, resolve));
      await sock.sendMessage(jid, { text: "a message of ordinary length, as people write them" }, { messageId: id });
      await acked;
    },
    onReceived: (listener) => {
      received = listener;
    },
    probe: async (connection) => {
      await sockets[connection]?.query(
        { tag: "iq", attrs: { to: "s.whatsapp.net", type: "get", xmlns: "w:p" }, content: [{ tag: "ping", attrs: {} }] },
        1000,
      );
    },
    close: async () => {
      for (const sock of sockets) void sock.end(undefined);
      await new Promise((resolve) => setTimeout(resolve, 200));
    },
  };
};
