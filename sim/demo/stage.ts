/**
 * The stage of the demo: a loopback WhatsApp, a supervisor with real Baileys connections and a real store, all in this process,
 * and the people. Everything that the demo measures happens through these, not beside them.
 */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import type { ConnectionFact } from "../../machines/ports/connection.ts";
import { accountOf, nodeId, type DeviceId, type RequestId, type SeatId } from "../../machines/ports/ids.ts";
import { createBaileysConnections } from "../../src/adapters/baileys/index.ts";
import { openSqliteStore } from "../../src/adapters/sqlite/store.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { defaultNodeConfig } from "../../src/runtime/node-config.ts";
import { Supervisor } from "../../src/runtime/supervisor.ts";
import { type Loopback, type Person, startLoopback } from "../loopback/index.ts";
import { DECLARATION, MEMBERS, PEOPLE } from "./fleet.ts";

/** How long a fleet of ten may take to be linked and in service. */
const READY_WITHIN = 60_000;
/** What the server adds to each frame: so that nothing is as fast as loopback alone would make it. */
const LATENCY = { min: 5, max: 30 };

export interface Stage {
  readonly loopback: Loopback;
  readonly supervisor: Supervisor;
  readonly people: ReadonlyMap<string, Person>;
  /** Where a device is known to the server. */
  target(device: DeviceId): { account: string; device: number };
  /** Links a device as its owner would: by scanning the code that the supervisor shows. */
  link(device: DeviceId): Promise<void>;
  /** Every seat is spoken for and its holder is well. */
  ready(within?: number): Promise<void>;
  close(): Promise<void>;
}

export const setStage = async (say: (line: string) => void): Promise<Stage> => {
  const folder = mkdtempSync(join(tmpdir(), "greenroom-demo-"));
  const loopback = await startLoopback({ latencyMs: LATENCY });
  const store = openSqliteStore({ file: join(folder, "demo.db"), key: randomBytes(32), clock: systemClock });
  const logger = pino({ level: process.env["GREENROOM_LOG"] ?? "silent" }, pino.destination(2));
  let requests = 0;
  const connections = createBaileysConnections({
    store,
    clock: systemClock,
    endpoint: { url: loopback.url, rootPublicKey: loopback.rootPublicKey },
    logger,
    nextRequestId: () => `demo-c${++requests}` as RequestId,
    clientHint: (device) => device.replace("/", "-"),
  });
  const supervisor = new Supervisor({
    node: nodeId("demo"),
    config: defaultNodeConfig(DECLARATION),
    store,
    connections,
    clock: systemClock,
    logger,
  });
  const indexes = new Map<DeviceId, number>();
  const people = new Map(PEOPLE.map(({ number }) => [number, loopback.person(number)]));
  for (const { number, account } of MEMBERS) loopback.account(number, { name: account });
  await supervisor.start();

  const numberOf = (device: DeviceId): string => MEMBERS.find(({ account }) => account === accountOf(device))?.number ?? "";
  const link = async (device: DeviceId): Promise<void> => {
    const offer = waitForFact(supervisor, (fact) => fact.kind === "linkOffer" && fact.device === device);
    const serving = waitForFact(supervisor, (fact) => fact.kind === "serving" && fact.device === device);
    supervisor.node.link(device, { kind: "qr" });
    const { offer: shown } = (await offer) as Extract<ConnectionFact, { kind: "linkOffer" }>;
    const { device: index } = await loopback.account(numberOf(device)).scanQr(shown.text);
    indexes.set(device, index);
    await serving;
    say(`linked ${device}`);
  };
  const ready = (within = READY_WITHIN): Promise<void> =>
    waitUntil(
      () => supervisor.isServing(),
      within,
      () => `seats not in service: ${supervisor.notServing().join(", ")}`,
    );
  return {
    loopback,
    supervisor,
    people,
    link,
    ready,
    target: (device) => ({ account: numberOf(device), device: indexes.get(device) ?? 0 }),
    close: async () => {
      await supervisor.stop();
      store.close();
      await loopback.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

export const waitForFact = (
  supervisor: Supervisor,
  test: (fact: ConnectionFact) => boolean,
  within = READY_WITHIN,
): Promise<ConnectionFact> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => done(() => reject(new Error("what was waited for did not happen in time"))), within);
    const stop = supervisor.onFact((fact) => {
      if (test(fact)) done(() => resolve(fact));
    });
    const done = (then: () => void): void => {
      clearTimeout(timer);
      stop();
      then();
    };
  });

/** Polls a condition that no single event announces. */
export const waitUntil = async (test: () => boolean, within: number, otherwise: () => string): Promise<void> => {
  const end = Date.now() + within;
  while (!test()) {
    if (Date.now() > end) throw new Error(otherwise());
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

export type SeatOf = (seat: SeatId) => DeviceId | null;
