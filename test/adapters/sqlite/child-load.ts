/**
 * Keeps a store busy and says what it was promised, until somebody kills it: `child-load.ts FILE FIRST`.
 * A line is written only once the answer is there, and synchronously: what the parent reads, the store has promised.
 */
import { writeSync } from "node:fs";
import { openSqliteStore } from "../../../src/adapters/sqlite/store.ts";
import {
  createTestClock,
  declaration,
  device,
  draft,
  inbound,
  messageId,
  node,
  seat,
  seatTerm,
  underTest,
} from "../../conformance/store-kit.ts";

const [, , file = "", first = "1"] = process.argv;
const A = device("sales-1/a");
const store = openSqliteStore({ file, key: new Uint8Array(32).fill(7), clock: createTestClock() });
const port = underTest({ store, restart: async () => store, advance: () => undefined, dispose: async () => store.close() });
const promised = (...words: (string | number)[]): number => writeSync(1, `${words.join(" ")}\n`);

await port.ask({ op: "fleet.declare", fleet: declaration });
const { granted } = await port.expect("leases", { op: "lease.acquire", devices: [A], node: node("n1"), ttl: 1000 });
const term = granted[0]?.term;
if (!term) throw new Error("no lease");
promised("leased", term);

/** One message's way through the store: accepted, sent, acknowledged. Several run at once, so that batches are cut anywhere. */
const send = async (n: number): Promise<void> => {
  await port.expect("accepted", { op: "outbox.accept", messages: [draft(n)], limit: 1e9 });
  promised("accepted", n);
  await port.expect("committed", {
    op: "keys.commit",
    device: A,
    leaseTerm: term,
    keys: [{ type: "session", id: String(n % 5), value: Buffer.from(`${n} `.repeat(300)) }],
    creds: null,
    inbound: [inbound(n)],
    attempt: { message: messageId(n), number: 1, device: A, seat: seat("sales/sales-1"), seatTerm: seatTerm(0), at: n },
  });
  promised("dispatched", n);
  void port
    .ask({ op: "journal.append", entries: [{ seq: n, line: `{"n":${n}}` }], keep: 500 })
    .then(() => promised("journal", n));
  await port.expect("recorded", {
    op: "outbox.record",
    changes: [
      { id: messageId(n), state: "acknowledged", reason: null, attempt: { number: 1, outcome: "acknowledged", detail: "ack" } },
    ],
  });
  promised("acknowledged", n);
};

let next = Number(first);
const work = async (): Promise<void> => {
  for (;;) await send(next++);
};
await Promise.all(Array.from({ length: 8 }, work));
