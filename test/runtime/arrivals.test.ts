/** What comes has its place at once, whether or not anybody reads it: on the embedded store. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { ConnectionFact } from "../../machines/ports/connection.ts";
import {
  accountId,
  conversationId,
  deviceId,
  type LeaseTerm,
  lineId,
  nodeId,
  type RequestId,
  seatId,
  type WaId,
} from "../../machines/ports/ids.ts";
import type { StoreAnswer, StoreOp, StoreOps } from "../../machines/ports/store.ts";
import { openSqliteStore, type SqliteStore } from "../../src/adapters/sqlite/store.ts";
import type { FleetConfig } from "../../src/config/index.ts";
import { Arrivals } from "../../src/runtime/arrivals.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import type { Supervisor } from "../../src/runtime/supervisor.ts";
import type { Answered, Views } from "../../src/runtime/views.ts";

const [ONE, TWO] = [accountId("m-1"), accountId("m-2")];
const DEVICE = deviceId(TWO, "a");
const SALES = lineId("sales");
const LINES = [{ id: SALES, masters: [ONE, TWO], servants: [], strategy: "round-robin" }];

let folder: string;
let store: SqliteStore;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "greenroom-arrivals-"));
  store = openSqliteStore({ file: join(folder, "test.db"), key: new Uint8Array(32).fill(7), clock: systemClock });
  const accounts = [ONE, TWO].map((id) => ({ id, role: "master" as const, devices: [deviceId(id, "a")] }));
  await ask("fleet.declare", { fleet: { accounts, lines: LINES } });
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

it("somebody who writes first is answered by the number that they know, though nobody reads the inbox", async () => {
  let tell: (fact: ConnectionFact) => void = () => undefined;
  const supervisor = {
    node: { roster: () => undefined, seat: () => undefined, driver: { tell: () => undefined } },
    onFact: (listener: (fact: ConnectionFact) => void) => {
      tell = listener;
    },
  } as unknown as Supervisor;
  const arrivals = new Arrivals({
    supervisor,
    views: { ask } as unknown as Views,
    lines: LINES as unknown as FleetConfig["lines"],
  });
  let told = 0;
  arrivals.onMore(() => told++);
  const { contact, seq } = await written("999100@s.whatsapp.net");
  tell({ kind: "received", device: DEVICE, at: 1, seq });
  await vi.waitFor(async () => {
    const { seat } = await ask("conversation.get", { conversation: conversationId(SALES, contact) });
    expect(seat).toBe(seatId(SALES, TWO));
  });
  expect(told).toBe(1);
});

/** As the device keeps it: with its ratchet, before the receipt. */
const written = async (sender: string) => {
  const { granted } = await ask("lease.acquire", { devices: [DEVICE], node: nodeId("local"), ttl: 60_000 });
  const leaseTerm = granted[0]?.term ?? (0 as LeaseTerm);
  const message = { account: TWO, device: DEVICE, waId: "3A1" as WaId, chat: sender, sender, fromMe: false };
  const inbound = [{ ...message, proto: new Uint8Array(), sentAt: 1, receivedAt: 2 }];
  const kept = await ask("keys.commit", { device: DEVICE, leaseTerm, keys: [], creds: null, inbound, attempt: null });
  if (kept.kind !== "committed") throw new Error(kept.kind);
  const { row } = await ask("contact.resolve", { lid: null, pn: sender });
  return { contact: row.id, seq: kept.inbound[0]?.seq ?? 0 };
};

let requests = 0;
const ask = <K extends StoreOp>(op: K, input: StoreOps[K]["in"]): Promise<Answered<K>> =>
  new Promise((resolve, reject) => {
    store.ask<K>({ op, reqId: `r${++requests}` as RequestId, ...input } as never, (answer: StoreAnswer<K>) => {
      if (answer.kind === "failed") reject(new Error("the store failed"));
      else resolve(answer as Answered<K>);
    });
  });
