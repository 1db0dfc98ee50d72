/** Baileys as everybody uses it: sendMessage, its own events, keys in memory or in its own files. */
import { join } from "node:path";
import {
  type AuthenticationState,
  type BinaryNode,
  generateMessageIDV2,
  initAuthCreds,
  makeWASocket,
  useMultiFileAuthState,
  WA_CERT_DETAILS,
  type WASocket,
} from "@whiskeysockets/baileys";
import pino from "pino";
import { silenceLibsignal } from "../../src/adapters/baileys/quiet.ts";
import { adopt } from "../adopt.ts";
import type { Bench, Client } from "./client.ts";
import { memoryKeys } from "./memory-keys.ts";
import type { Arm } from "./messages.ts";

export const rawClient = (arm: Arm, bench: Bench, lids: readonly string[]): Client => {
  silenceLibsignal();
  WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(bench.ready.root, "hex");
  const logger = pino({ level: "silent" });
  const sockets: WASocket[] = [];
  const acks = new Map<string, () => void>();
  let received = (): void => undefined;

  const authOf = async (index: number): Promise<{ state: AuthenticationState; save: () => Promise<void> }> => {
    const inMemory = { state: { creds: initAuthCreds(), keys: memoryKeys() }, saveCreds: () => Promise.resolve() };
    const { state, saveCreds: save } =
      arm === "raw, keys in memory" ? inMemory : await useMultiFileAuthState(join(bench.directory, `auth-${index}`));
    const { creds, preKeys } = await adopt(bench, bench.numberOf(index));
    Object.assign(state.creds, creds);
    await state.keys.set({ "pre-key": Object.fromEntries(preKeys.map(({ id, pair }) => [id, pair])) });
    await save();
    return { state, save };
  };
  const dial = ({ state, save }: Awaited<ReturnType<typeof authOf>>): Promise<WASocket> =>
    new Promise((resolve, reject) => {
      const sock = makeWASocket({ waWebSocketUrl: bench.ready.url, auth: state, logger });
      sock.ev.on("creds.update", () => void save());
      sock.ws.on("CB:ack,class:message", ({ attrs }: BinaryNode) => {
        const id = attrs["id"] ?? "";
        acks.get(id)?.();
        acks.delete(id);
      });
      sock.ev.on("messages.upsert", ({ messages }) => {
        for (const message of messages) if (message.key.fromMe !== true && message.message?.conversation) received();
      });
      sock.ev.on("connection.update", ({ connection, receivedPendingNotifications, lastDisconnect }) => {
        if (receivedPendingNotifications) resolve(sock);
        if (connection === "close") reject(lastDisconnect?.error ?? new Error("closed"));
      });
    });

  return {
    connect: async (count) => {
      while (sockets.length < count) {
        const index = sockets.length;
        sockets.push(await dial(await authOf(index)));
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
  };
};
