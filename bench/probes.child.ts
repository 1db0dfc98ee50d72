/** One way of probing, in a process of its own. */
import { makeWASocket, type SignalKeyStore, WA_CERT_DETAILS, type WASocket } from "@whiskeysockets/baileys";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { silenceLibsignal } from "../src/adapters/baileys/quiet.ts";
import { adopt } from "./adopt.ts";
import { memoryKeys } from "./baileys/memory-keys.ts";
import { makeFleet } from "./fleet.ts";
import { type Peer, questions } from "./peer/index.ts";

interface Task {
  readonly kind: "greenroom" | "raw";
  readonly url: string;
  readonly root: string;
  readonly holders: number;
  readonly ms: number;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const SETTLE = 5000;

/** Lets the process do what it does, and says what that took. */
const steady = async (ms: number, answered: () => number): Promise<{ share: number; probes: number }> => {
  await sleep(SETTLE);
  const before = answered();
  const from = performance.now();
  const cpu = process.cpuUsage();
  await sleep(ms);
  const { user, system } = process.cpuUsage(cpu);
  const elapsed = performance.now() - from;
  return { share: (user + system) / 1000 / elapsed, probes: ((answered() - before) / elapsed) * 1000 };
};

const greenroom = async (peer: Peer, { holders, ms }: Task): Promise<object> => {
  const directory = mkdtempSync(join(tmpdir(), "greenroom-probes-"));
  const fleet = await makeFleet(peer, directory, {
    lines: 10,
    mastersPerLine: holders / 10,
    devicesPerMaster: 1,
    servantsPerLine: 0,
  });
  let answered = 0;
  fleet.onProbed(() => (answered += 1));
  await fleet.supervisor.start();
  while (!fleet.supervisor.isServing()) await sleep(100);
  const slice = await steady(ms, () => answered);
  await fleet.close();
  rmSync(directory, { recursive: true, force: true });
  return slice;
};

const opened = (peer: Peer, creds: Awaited<ReturnType<typeof adopt>>["creds"], keys: SignalKeyStore): Promise<WASocket> =>
  new Promise((resolve) => {
    const sock = makeWASocket({ waWebSocketUrl: peer.url, auth: { creds, keys }, logger: pino({ level: "silent" }) });
    sock.ev.on("connection.update", ({ receivedPendingNotifications }) => {
      if (receivedPendingNotifications) resolve(sock);
    });
  });

const raw = async (peer: Peer, { holders, root, ms }: Task): Promise<object> => {
  silenceLibsignal();
  WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(root, "hex");
  let answered = 0;
  for (let index = 0; index < holders; index += 1) {
    const { creds, preKeys } = await adopt(peer, `4915${String(index).padStart(8, "0")}`);
    const keys = memoryKeys();
    await keys.set({ "pre-key": Object.fromEntries(preKeys.map(({ id, pair }) => [id, pair])) });
    const sock = await opened(peer, creds, keys);
    const ping = (): Promise<unknown> =>
      sock.query(
        { tag: "iq", attrs: { to: "s.whatsapp.net", type: "get", xmlns: "w:p" }, content: [{ tag: "ping", attrs: {} }] },
        1000,
      );
    setInterval(() => {
      ping().then(
        () => (answered += 1),
        () => undefined,
      );
    }, 1000);
  }
  return steady(ms, () => answered);
};

const { ask, take } = questions((call) => process.send?.({ call }));
process.on("message", (message: Task | { re: number }) => {
  if ("re" in message) return void take(message);
  const peer: Peer = { url: message.url, root: message.root, call: (op) => ask(op), stop: () => undefined };
  const work = message.kind === "raw" ? raw(peer, message) : greenroom(peer, message);
  work.then(
    (slice) => process.send?.({ slice }),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
      process.exit(1);
    },
  );
});
process.on("disconnect", () => process.exit(0));
