/** Our adapter on the SQLite store, synchronous=FULL: every key change, attempt and inbox row is on disk before bytes move. */
import { join } from "node:path";
import pino from "pino";
import type { ConnectionFact } from "../../machines/ports/connection.ts";
import { accountId, conversationId, deviceId, lineId, nodeId, seatId, seatTerm } from "../../machines/ports/ids.ts";
import type { ContactId, DeviceId, LeaseTerm, MessageId, RequestId, SeatTerm, WaId } from "../../machines/ports/ids.ts";
import type { OutboxDraft, StoreOp } from "../../machines/ports/store.ts";
import { makeAsk } from "../../src/adapters/baileys/ask.ts";
import { createBaileysConnections } from "../../src/adapters/baileys/index.ts";
import { openSqliteStore } from "../../src/adapters/sqlite/store.ts";
import { adopt } from "../adopt.ts";
import { storeDevice } from "../fleet.ts";
import type { Bench, Client } from "./client.ts";

const LINE = lineId("bench");
const clock = {
  now: () => Date.now(),
  setTimeout: (fire: () => void, after: number): unknown => setTimeout(fire, after),
  clearTimeout: (timer: unknown) => clearTimeout(timer as NodeJS.Timeout),
};

export const greenroomClient = async (bench: Bench, lids: readonly string[]): Promise<Client> => {
  let requests = 0;
  const nextRequestId = (): RequestId => `b${++requests}` as RequestId;
  const store = openSqliteStore({ file: join(bench.directory, "store.db"), key: Buffer.alloc(32, 1), clock });
  const ask = makeAsk(store, nextRequestId);
  const must = async <K extends StoreOp>(op: K, input: Parameters<typeof ask<K>>[1]) => {
    const answer = await ask(op, input);
    if (answer.kind === "failed") throw new Error(`${op} failed`);
    return answer;
  };
  const port = createBaileysConnections({
    store,
    clock,
    endpoint: { url: bench.ready.url, rootPublicKey: Buffer.from(bench.ready.root, "hex") },
    logger: pino({ level: "silent" }),
    nextRequestId,
  });
  const devices: { id: DeviceId; term: LeaseTerm; seatTerm: SeatTerm }[] = [];
  const contacts: ContactId[] = [];
  const waiting = new Map<string, (fact: ConnectionFact) => void>();
  const acks = new Map<string, () => void>();
  const ready = new Map<string, OutboxDraft[]>();
  let received = (): void => undefined;
  let messages = 0;
  port.onFact((fact) => {
    switch (fact.kind) {
      case "acked":
        acks.get(fact.waId)?.();
        acks.delete(fact.waId);
        return;
      case "received":
        return received();
      case "unsent":
        throw new Error(`unsent: ${fact.why}: ${fact.detail}`);
      case "serving":
      case "closed": {
        const key = `${fact.kind} ${fact.device}`;
        waiting.get(key)?.(fact);
        waiting.delete(key);
        return;
      }
      default:
    }
  });
  const fact = (key: string): Promise<ConnectionFact> => new Promise((resolve) => waiting.set(key, resolve));
  for (const lid of lids) {
    const answer = await must("contact.resolve", { lid, pn: null });
    if (answer.kind === "contact") contacts.push(answer.row.id);
  }
  const connectOne = async (index: number): Promise<void> => {
    const account = accountId(`c${index}`);
    const id = deviceId(account, "a");
    const seat = seatId(LINE, account);
    await must("fleet.declare", {
      fleet: {
        accounts: [{ id: account, role: "master", devices: [id] }],
        lines: [
          {
            id: LINE,
            masters: [...devices.map((each) => accountId(each.id.split("/")[0] ?? "")), account],
            servants: [],
            strategy: "priority",
          },
        ],
      },
    });
    const leases = await must("lease.acquire", { devices: [id], node: nodeId("n1"), ttl: 3_600_000 });
    const term = leases.kind === "leases" ? leases.granted[0]?.term : undefined;
    if (term === undefined) throw new Error("no lease");
    await storeDevice(ask, id, term, await adopt(bench, bench.numberOf(index)));
    const serving = fact(`serving ${id}`);
    port.perform({ op: "open", device: id, dial: 1, leaseTerm: term, connectTimeout: 20_000 });
    await serving;
    const audit = { at: 0, actor: "bench", action: "seat.moved", subject: seat, text: "bench", evidence: {} };
    const moved = await must("seat.change", { seat, expect: seatTerm(0), holder: id, phase: "serving", failover: null, audit });
    if (moved.kind !== "changed") throw new Error("the seat did not change");
    port.perform({ op: "grant", device: id, seat, term: moved.row.term });
    devices.push({ id, term, seatTerm: moved.row.term });
  };

  return {
    connect: async (count) => {
      while (devices.length < count) await connectOne(devices.length);
    },
    prepare: async (connection, contact, count) => {
      const key = `${connection} ${contact}`;
      const drafts: OutboxDraft[] = ready.get(key) ?? [];
      const before = drafts.length;
      const to = contacts[contact];
      const seat = seatId(LINE, accountId(`c${connection}`));
      if (to === undefined) throw new Error("no such contact");
      for (let made = before; made < count; made += 1) {
        messages += 1;
        drafts.push({
          id: `m${String(messages).padStart(9, "0")}` as MessageId,
          waId: `3EB0${String(messages).padStart(18, "0")}` as WaId,
          line: LINE,
          seat,
          // One conversation per connection, or the second connection's rows would go to the first one's seat.
          conversation: conversationId(LINE, `${to}-${connection}` as ContactId),
          contact: to,
          content: { kind: "text", text: "a message of ordinary length, as people write them" },
          priority: 5,
          expiresAt: null,
          idempotencyKey: null,
          acceptedAt: Date.now(),
        });
      }
      for (let from = before; from < drafts.length; from += 200) {
        await must("outbox.accept", { messages: drafts.slice(from, from + 200), limit: 10_000_000 });
      }
      ready.set(key, drafts);
    },
    send: (connection, contact) => {
      const draft = ready.get(`${connection} ${contact}`)?.pop();
      const device = devices[connection];
      if (!draft || !device) throw new Error("more messages are sent than were prepared");
      const acked = new Promise<void>((resolve) => acks.set(draft.waId, resolve));
      port.perform({
        op: "send",
        device: device.id,
        seat: draft.seat,
        term: device.seatTerm,
        message: draft.id,
        waId: draft.waId,
        contact: draft.contact,
        content: draft.content,
        attempt: 1,
      });
      return acked;
    },
    onReceived: (listener) => {
      received = listener;
    },
  };
};
