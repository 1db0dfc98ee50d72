/**
 * The stage of the demo: a loopback WhatsApp, a supervisor with real Baileys connections and a real store, all in this process,
 * and the people. Everything that the demo measures happens through these, not beside them.
 */
import { randomBytes } from "node:crypto";
import { createWriteStream, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import pino from "pino";
import type { ConnectionFact } from "../../machines/ports/connection.ts";
import { accountOf, nodeId, type DeviceId, type RequestId } from "../../machines/ports/ids.ts";
import { createBaileysConnections } from "../../src/adapters/baileys/index.ts";
import { openSqliteStore } from "../../src/adapters/sqlite/store.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { defaultNodeConfig } from "../../src/runtime/node-config.ts";
import { Supervisor } from "../../src/runtime/supervisor.ts";
import { alertsFor, openPost, type Told } from "./alerts.ts";
import { type Loopback, type LoopbackOptions, type Person, startLoopback } from "../loopback/index.ts";
import { DECLARATION, MEMBERS, PEOPLE } from "./fleet.ts";
import { waitForFact, waitUntil } from "./waiting.ts";

/** How long a fleet of ten may take to be linked and in service. */
const READY_WITHIN = 120_000;
/** What the server adds to each frame: so that nothing is as fast as loopback alone would make it. */
const LATENCY = { min: 5, max: 30 };

export interface StageOptions {
  readonly say: (line: string) => void;
  readonly latencyMs?: LoopbackOptions["latencyMs"];
  readonly signal?: AbortSignal | undefined;
  /** Every fact of every connection, those of high rate included. */
  readonly onFact?: (fact: ConnectionFact) => void;
}
export interface Stage {
  readonly loopback: Loopback;
  readonly supervisor: Supervisor;
  /** The clock on which the supervisor's times are. */
  readonly now: () => number;
  /** A notice has arrived on the fleet's channel. Returns how to stop. */
  onTold(listener: (told: Told) => void): () => void;
  readonly person: (number: string) => Person;
  readonly people: () => readonly Person[];
  /** Where a device is known to the server. */
  readonly target: (device: DeviceId) => { account: string; device: number };
  /** Links a device as its owner would: by scanning the code that the supervisor shows. */
  link(device: DeviceId): Promise<void>;
  linkAll(): Promise<void>;
  /** With `journal`, the supervisor's journal is left in that file, one record a line. */
  close(journal?: string | null): Promise<void>;
}

export const setStage = async ({ say, latencyMs = LATENCY, signal, onFact }: StageOptions): Promise<Stage> => {
  const folder = mkdtempSync(join(tmpdir(), "greenroom-demo-"));
  const loopback = await startLoopback({ latencyMs });
  const file = join(folder, "demo.db");
  const store = openSqliteStore({ file, key: randomBytes(32), clock: systemClock });
  const post = await openPost();
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
    connections: {
      perform: (command) => connections.perform(command),
      shutdown: () => connections.shutdown(),
      onFact: (listener) =>
        connections.onFact((fact) => {
          onFact?.(fact);
          listener(fact);
        }),
    },
    clock: systemClock,
    logger,
  });
  const alerts = alertsFor({ url: post.url, file, store, supervisor, logger });
  const indexes = new Map<DeviceId, number>();
  const people = new Map(PEOPLE.map(({ number }) => [number, loopback.person(number)]));
  for (const { number, account } of MEMBERS) loopback.account(number, { name: account });
  await alerts.open();
  await supervisor.start();
  alerts.begin();

  const link = async (device: DeviceId): Promise<void> => {
    const fact = (kind: "linkOffer" | "serving"): Promise<ConnectionFact> =>
      waitForFact(supervisor, (seen) => seen.kind === kind && seen.device === device, {
        within: READY_WITHIN,
        otherwise: () => `${device} was not linked within ${READY_WITHIN / 1000} s: no ${kind} came`,
        signal,
      });
    const offered = fact("linkOffer");
    const served = fact("serving");
    supervisor.node.link(device, { kind: "qr" });
    const linked = async (): Promise<void> => {
      const { offer } = (await offered) as Extract<ConnectionFact, { kind: "linkOffer" }>;
      indexes.set(device, (await loopback.account(numberOf(device)).scanQr(offer.text)).device);
    };
    await Promise.all([linked(), served]);
    say(`linked ${device}`);
  };
  return {
    loopback,
    supervisor,
    link,
    now: () => systemClock.now(),
    onTold: (listener) => post.onTold(listener),
    person: (number) => {
      const known = people.get(number) ?? loopback.person(number);
      people.set(number, known);
      return known;
    },
    people: () => [...people.values()],
    target: (device) => ({ account: numberOf(device), device: indexes.get(device) ?? 0 }),
    linkAll: async () => {
      // Owners scan side by side; two devices of one account, one after the other.
      const linkAccount = async ({ devices }: (typeof MEMBERS)[number]): Promise<void> => {
        for (const device of devices) await link(device);
      };
      await Promise.all(MEMBERS.map(linkAccount));
      await waitUntil(() => supervisor.isServing(), {
        within: READY_WITHIN,
        otherwise: () => `seats not in service: ${supervisor.notServing().join(", ")}`,
        signal,
      });
    },
    close: async (journal) => {
      alerts.close();
      await supervisor.stop();
      try {
        if (journal) await writeJournal(supervisor, journal);
      } finally {
        store.close();
        post.close();
        await loopback.close();
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
};

const numberOf = (device: DeviceId): string => MEMBERS.find(({ account }) => account === accountOf(device))?.number ?? "";

const PAGE = 10_000;
const writeJournal = async (supervisor: Supervisor, file: string): Promise<void> => {
  const out = createWriteStream(file);
  const done = finished(out);
  let afterSeq = 0;
  for (let isMore = true; isMore; ) {
    const page = await supervisor.ask("journal.read", { afterSeq, limit: PAGE });
    if (page.kind === "failed") throw new Error(`the journal could not be read: ${page.message}`);
    for (const { seq, line } of page.entries) {
      out.write(`${line}\n`);
      afterSeq = seq;
    }
    isMore = page.entries.length === PAGE;
  }
  out.end();
  await done;
};
