/** Starts one way, and says when its connection serves. What a way needs is loaded here, so that neither pays for the other. */
import type { Start } from "./coldstart.ts";

const greenroom = async ({ url, root, directory }: Start): Promise<void> => {
  const { openFleet, shaped } = await import("./fleet.ts");
  const declaration = shaped({ lines: 1, mastersPerLine: 1, devicesPerMaster: 1, servantsPerLine: 0 });
  const { supervisor } = openFleet({ url, root }, directory, declaration, new Map());
  await new Promise<void>((resolve) => {
    supervisor.onFact(({ kind }) => {
      if (kind === "serving") resolve();
    });
    void supervisor.start();
  });
};

const raw = async ({ url, root, directory }: Start): Promise<void> => {
  const { makeWASocket, useMultiFileAuthState, WA_CERT_DETAILS } = await import("@whiskeysockets/baileys");
  const { default: pino } = await import("pino");
  WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(root, "hex");
  const { state, saveCreds } = await useMultiFileAuthState(`${directory}/raw`);
  await new Promise<void>((resolve) => {
    const sock = makeWASocket({ waWebSocketUrl: url, auth: state, logger: pino({ level: "silent" }) });
    sock.ev.on("creds.update", () => void saveCreds());
    sock.ev.on("connection.update", ({ receivedPendingNotifications }) => {
      if (receivedPendingNotifications) resolve();
    });
  });
};

const start = async (task: Start): Promise<void> => {
  await (task.kind === "raw" ? raw(task) : greenroom(task));
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuMs: (user + system) / 1000 });
};

process.once("message", (task: Start) => {
  start(task).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(1);
  });
});
// Not at once: raw Baileys writes its credentials over the old ones, and half a file would be a device that nobody has linked.
process.on("disconnect", () => setTimeout(() => process.exit(0), 500));
