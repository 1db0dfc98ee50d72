/** Starts one way, and says when the masters and when all devices are in service. What a way needs is loaded here alone. */
import { type Boot, type Booted, devicesOf } from "./boot.ts";

const say = (told: Booted): void => void process.send?.(told);
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
/** After everything is in service: what was wrong shows by then. */
const SETTLE = 3000;
/** Dials of raw Baileys under way. All 200 at once, as its own example would, time each other out again and again on two cores. */
const AT_ONCE = 32;
/** Before raw Baileys dials again. */
const PAUSE = 500;

let faults = 0;
for (const fault of ["uncaughtException", "unhandledRejection"] as const)
  process.on(fault, (error: unknown) => {
    faults++;
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  });

/** All of what `greenroom up` starts, on the store that was filled. */
const greenroom = async ({ url, root, directory, shape }: Boot): Promise<number> => {
  const [{ shaped }, { parseFleetData }, { startProduction }, { pino }, { accountOf }] = await Promise.all([
    import("./fleet.ts"),
    import("../src/config/index.ts"),
    import("../src/runtime/production.ts"),
    import("pino"),
    import("../machines/ports/ids.ts"),
  ]);
  const { accounts, lines } = shaped(shape);
  const own = (device: string): string => device.slice(device.indexOf("/") + 1);
  const parsed = parseFleetData(
    {
      fleet: "bench",
      store: { file: "bench.db" },
      accounts: Object.fromEntries(accounts.map(({ id, role, devices }) => [id, { role, devices: devices.map(own) }])),
      lines: Object.fromEntries(
        lines.map(({ id, masters, servants }) => [id, { masters: [...masters], servants: [...servants] }]),
      ),
      whatsapp: { endpoint: url, rootKey: root },
    },
    directory,
    {},
  );
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  const env = { GREENROOM_KEY: "01".repeat(32) };
  const { supervisor } = await startProduction({
    fleet: parsed.fleet,
    env,
    logger: pino({ level: "silent" }),
    onStop: () => undefined,
  });
  let accused = 0;
  supervisor.onEvent(({ type }) => {
    if (type === "holder.failed" || type === "holder.suspect") accused++;
  });
  const masters = new Set(accounts.filter(({ role }) => role === "master").map(({ id }) => id));
  const down = (): boolean[] =>
    [...(supervisor.node.roster()?.devices.values() ?? [])].flatMap(({ id, state }) =>
      state === "healthy" ? [] : [masters.has(accountOf(id))],
    );
  while (!supervisor.isServing() || down().some((isMaster) => isMaster)) await sleep(10);
  say({ what: "masters" });
  while (down().length > 0) await sleep(10);
  say({ what: "all" });
  await sleep(SETTLE);
  return accused;
};

const raw = async ({ url, root, directory, shape }: Boot): Promise<number> => {
  const { makeWASocket, useMultiFileAuthState, WA_CERT_DETAILS } = await import("@whiskeysockets/baileys");
  const { pino } = await import("pino");
  WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(root, "hex");
  const logger = pino({ level: "silent" });
  const { masters, all } = devicesOf(shape);
  const open = async (index: number): Promise<void> => {
    const { state, saveCreds } = await useMultiFileAuthState(`${directory}/raw-${index}`);
    await new Promise<void>((resolve) => {
      const dial = (): void => {
        const sock = makeWASocket({ waWebSocketUrl: url, auth: state, logger });
        sock.ev.on("creds.update", () => void saveCreds());
        sock.ev.on("connection.update", ({ connection, receivedPendingNotifications }) => {
          if (receivedPendingNotifications) resolve();
          if (connection === "close") setTimeout(dial, PAUSE);
        });
      };
      dial();
    });
  };
  let next = 0;
  let mastersDown = masters;
  const openNext = async (): Promise<void> => {
    for (let index = next++; index < all; index = next++) {
      await open(index);
      if (index < masters && --mastersDown === 0) say({ what: "masters" });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, openNext));
  say({ what: "all" });
  return 0;
};

const start = async (task: Boot): Promise<void> => {
  const accused = await (task.kind === "raw" ? raw(task) : greenroom(task));
  const { user, system } = process.cpuUsage();
  say({ what: "end", accused, faults, cpuMs: (user + system) / 1000 });
};

process.once("message", (task: Boot) => {
  start(task).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(1);
  });
});
// Not at once: raw Baileys writes its credentials over the old ones.
process.on("disconnect", () => setTimeout(() => process.exit(0), 500));
