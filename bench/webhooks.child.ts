/** The supervisor of bench/webhooks.ts: fills its inbox, or delivers what is in it until it is killed. */
import { mkdirSync } from "node:fs";
import { proto } from "@whiskeysockets/baileys";
import { pino } from "pino";
import { accountId, deviceId, nodeId, type RequestId, type WaId } from "../machines/ports/ids.ts";
import { makeAsk } from "../src/adapters/baileys/ask.ts";
import { loadKey } from "../src/adapters/sqlite/key-file.ts";
import { openSqliteStore } from "../src/adapters/sqlite/store.ts";
import { type FleetConfig, parseFleetData, toDeclaration } from "../src/config/index.ts";
import { systemClock } from "../src/runtime/clock.ts";
import { startProduction } from "../src/runtime/production.ts";
import type { BacklogTask } from "./webhooks.ts";

const ACCOUNT = accountId("one");
const DEVICE = deviceId(ACCOUNT, "a");
const NODE = nodeId("fill");
const BATCH = 500;

const fleetOf = ({ directory, url }: BacklogTask): FleetConfig => {
  const parsed = parseFleetData(
    {
      fleet: "bench",
      accounts: { one: { role: "master", devices: ["a"] } },
      lines: { sales: { masters: ["one"] } },
      webhooks: { crm: { url, secret: "${env:SECRET}", allowPrivate: true } },
    },
    directory,
    { SECRET: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" },
  );
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  return parsed.fleet;
};

/** As if it had come through a device; the webhook has seen none of it. */
const fill = async (fleet: FleetConfig, { messages, conversations }: NonNullable<BacklogTask["fill"]>): Promise<void> => {
  const { file, keyFile } = fleet.store;
  const { key } = loadKey({ env: {}, file: keyFile, store: file });
  const store = openSqliteStore({ file, key, clock: systemClock });
  let requests = 0;
  const ask = makeAsk(store, () => `fill-${++requests}` as RequestId);
  await ask("fleet.declare", { fleet: toDeclaration(fleet) });
  await ask("inbox.cursor", { reader: "webhook:crm:inbox", seq: 0 });
  const leases = await ask("lease.acquire", { devices: [DEVICE], node: NODE, ttl: 3_600_000 });
  const leaseTerm = leases.kind === "leases" ? leases.granted[0]?.term : undefined;
  if (leaseTerm === undefined) throw new Error("no lease");
  for (let first = 0; first < messages; first += BATCH) {
    const inbound = Array.from({ length: Math.min(BATCH, messages - first) }, (_, n) => {
      const chat = `${100_000_000_000 + ((first + n) % conversations)}@lid`;
      return {
        account: ACCOUNT,
        device: DEVICE,
        waId: `3EB0${(first + n).toString(16).toUpperCase().padStart(18, "0")}` as WaId,
        chat,
        sender: chat,
        fromMe: false,
        proto: proto.Message.encode({ conversation: `message ${first + n}, of about the length that people write` }).finish(),
        sentAt: systemClock.now(),
        receivedAt: systemClock.now(),
      };
    });
    const { kind } = await ask("keys.commit", { device: DEVICE, leaseTerm, keys: [], creds: null, inbound, attempt: null });
    if (kind !== "committed") throw new Error(`the inbox could not be filled: ${kind}`);
  }
  await ask("lease.release", { leases: leases.kind === "leases" ? leases.granted : [], node: NODE });
  store.close();
};

const work = async (task: BacklogTask): Promise<void> => {
  mkdirSync(task.directory, { recursive: true });
  const fleet = fleetOf(task);
  if (task.fill) {
    await fill(fleet, task.fill);
    process.exit(0);
  }
  await startProduction({ fleet, env: {}, logger: pino({ level: "silent" }), onStop: () => undefined });
};

process.once("message", (task: BacklogTask) => {
  work(task).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  });
});
process.on("disconnect", () => process.exit(0));
