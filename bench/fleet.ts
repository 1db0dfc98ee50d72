/** A supervisor with linked devices by the hundred. */
import { join } from "node:path";
import pino from "pino";
import {
  accountId,
  accountOf,
  deviceId,
  lineId,
  nodeId,
  type DeviceId,
  type LeaseTerm,
  type RequestId,
} from "../machines/ports/ids.ts";
import type { NodeConfig } from "../machines/driver/boot.ts";
import type { FleetDeclaration } from "../machines/ports/store.ts";
import { type Ask, makeAsk } from "../src/adapters/baileys/ask.ts";
import { createBaileysConnections } from "../src/adapters/baileys/index.ts";
import { encodeCreds, encodeKey } from "../src/adapters/baileys/keys/codec.ts";
import { openSqliteStore, type SqliteStore } from "../src/adapters/sqlite/store.ts";
import { systemClock } from "../src/runtime/clock.ts";
import { defaultNodeConfig } from "../src/runtime/node-config.ts";
import { Supervisor } from "../src/runtime/supervisor.ts";
import { adopt } from "./adopt.ts";
import type { Peer } from "./peer/index.ts";
import type { DeviceAddress } from "./peer/messages.ts";

const NODE = nodeId("bench");

export interface FleetShape {
  readonly lines: number;
  readonly mastersPerLine: number;
  readonly devicesPerMaster: number;
  readonly servantsPerLine: number;
}
export interface Fleet {
  readonly supervisor: Supervisor;
  readonly store: SqliteStore;
  readonly devices: readonly DeviceId[];
  /** Where the peer knows it. */
  address(device: DeviceId): DeviceAddress;
  /** Called at each dial. */
  onDial(listener: (device: DeviceId) => void): void;
  /** Called at each probe that was answered, with its round trip. */
  onProbed(listener: (rtt: number) => void): void;
  close(): Promise<void>;
}

export const openStore = (directory: string): SqliteStore =>
  openSqliteStore({ file: join(directory, "bench.db"), key: Buffer.alloc(32, 1), clock: systemClock });

export const shaped = ({ lines, mastersPerLine, devicesPerMaster, servantsPerLine }: FleetShape): FleetDeclaration => {
  const names = Array.from({ length: lines }, (_, index) => lineId(`line-${index}`));
  const masters = names.map((line) => Array.from({ length: mastersPerLine }, (_, index) => accountId(`${line}-m${index}`)));
  const servants = names.map((line) => Array.from({ length: servantsPerLine }, (_, index) => accountId(`${line}-s${index}`)));
  const devicesOf = (account: FleetDeclaration["accounts"][number]["id"], count: number): DeviceId[] =>
    Array.from({ length: count }, (_, index) => deviceId(account, "abcd"[index] ?? ""));
  return {
    accounts: [
      ...masters.flat().map((id) => ({ id, role: "master" as const, devices: devicesOf(id, devicesPerMaster) })),
      ...servants.flat().map((id) => ({ id, role: "servant" as const, devices: devicesOf(id, 1) })),
    ],
    lines: names.map((id, index) => ({
      id,
      masters: masters[index] ?? [],
      servants: servants[index] ?? [],
      strategy: "round-robin" as const,
    })),
  };
};

/** Writes an adopted device to the store as if it had been linked through it. */
export const storeDevice = async (
  ask: Ask,
  device: DeviceId,
  leaseTerm: LeaseTerm,
  { me, creds, preKeys }: Awaited<ReturnType<typeof adopt>>,
): Promise<void> => {
  const keys = preKeys.map(({ id, pair }) => ({ type: "pre-key", id: String(id), value: encodeKey("pre-key", pair) }));
  const done = await ask("keys.commit", {
    device,
    leaseTerm,
    keys,
    creds: encodeCreds(creds),
    inbound: [],
    attempt: null,
  });
  if (done.kind !== "committed") throw new Error(`the keys of ${device} were not stored`);
  const audit = { at: 0, actor: "bench", action: "device.linked", subject: device, text: "adopted", evidence: {} };
  await ask("device.update", { device, link: "linked", jid: me.id, lid: me.lid, audit });
};

/** Fills a store with linked devices, and says where the peer knows them. */
export const seedFleet = async (
  peer: Pick<Peer, "call">,
  directory: string,
  declaration: FleetDeclaration,
): Promise<ReadonlyMap<DeviceId, DeviceAddress>> => {
  const store = openStore(directory);
  let requests = 0;
  const ask = makeAsk(store, () => `seed-${++requests}` as RequestId);
  const devices = declaration.accounts.flatMap((account) => account.devices);
  const addresses = new Map<DeviceId, DeviceAddress>();
  await ask("fleet.declare", { fleet: declaration });
  const leases = await ask("lease.acquire", { devices, node: NODE, ttl: 3_600_000 });
  if (leases.kind !== "leases") throw new Error("no leases");
  const phones = new Map(declaration.accounts.map(({ id }, index) => [id, `4915${String(index).padStart(8, "0")}`]));
  for (const { device, term } of leases.granted) {
    const phone = phones.get(accountOf(device)) ?? "";
    const adopted = await adopt(peer, phone);
    await storeDevice(ask, device, term, adopted);
    addresses.set(device, { account: phone, device: adopted.device });
  }
  store.close();
  return addresses;
};

/** What a benchmark wants to be different from production's defaults. */
type Tune = (config: NodeConfig) => NodeConfig;

/** A supervisor on a store full of linked devices. Not started yet. */
export const makeFleet = async (peer: Omit<Peer, "stop">, directory: string, shape: FleetShape, tune?: Tune): Promise<Fleet> => {
  const declaration = shaped(shape);
  const addresses = await seedFleet(peer, directory, declaration);
  return openFleet(peer, directory, declaration, addresses, tune);
};

export const openFleet = (
  peer: Pick<Peer, "url" | "root">,
  directory: string,
  declaration: FleetDeclaration,
  addresses: ReadonlyMap<DeviceId, DeviceAddress>,
  tune: Tune = (config) => config,
): Fleet => {
  const store = openStore(directory);
  let requests = 0;
  const nextRequestId = (): RequestId => `bench-${++requests}` as RequestId;
  const real = createBaileysConnections({
    store,
    clock: systemClock,
    endpoint: { url: peer.url, rootPublicKey: Buffer.from(peer.root, "hex") },
    logger: pino({ level: "silent" }),
    nextRequestId,
    clientHint: (device) => device.replace("/", "-"),
  });
  let dialled: (device: DeviceId) => void = () => undefined;
  let probed: (rtt: number) => void = () => undefined;
  const connections: typeof real = {
    ...real,
    perform: (command) => {
      if (command.op === "open") dialled(command.device);
      real.perform(command);
    },
    onFact: (listener) =>
      real.onFact((fact) => {
        if (fact.kind === "probed" && fact.rtt !== null) probed(fact.rtt);
        listener(fact);
      }),
  };
  const logger = pino({ level: process.env["GREENROOM_LOG"] ?? "silent" }, pino.destination(2));
  const supervisor = new Supervisor({
    node: NODE,
    config: tune(defaultNodeConfig(declaration)),
    store,
    connections,
    clock: systemClock,
    logger,
  });
  return {
    supervisor,
    store,
    devices: declaration.accounts.flatMap((account) => account.devices),
    address: (device) => addresses.get(device) ?? { account: "", device: 0 },
    onDial: (listener) => {
      dialled = listener;
    },
    onProbed: (listener) => {
      probed = listener;
    },
    close: async () => {
      await supervisor.stop();
      store.close();
    },
  };
};
