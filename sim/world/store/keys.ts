/** Ratchet state, inbound messages, leases, the journal. */
import { isOpen, mayRetryAttempt } from "../../../machines/delivery/outbox-state.ts";
import { seatOf, type DeviceId, type LeaseTerm, type NodeId } from "../../../machines/ports/ids.ts";
import {
  isSameMessage,
  type AttemptDraft,
  type InboundDraft,
  type InboundRow,
  type OutboxRow,
} from "../../../machines/ports/store.ts";
import { warmUp } from "./contacts.ts";
import { writeAudit } from "./fleet.ts";
import type { Bench, Handlers } from "./handlers.ts";
import { type Lease, valueIn, type State } from "./state.ts";
import { countAttempt, loadTraffic } from "./traffic.ts";

type KeyOps =
  | "creds.load"
  | "keys.load"
  | "keys.commit"
  | "keys.wipe"
  | "inbox.get"
  | "inbox.read"
  | "inbox.cursor"
  | "traffic.load";

export const keyOps = ({ state }: Bench): Pick<Handlers, KeyOps> => ({
  "creds.load": ({ device }) => ({ kind: "creds", value: state().tables.creds.get(device)?.slice() ?? null }),
  "keys.load": ({ device, type, ids }) => {
    const keys = state().tables.keys.get(device);
    return { kind: "keys", values: ids.map((id) => keys?.get(nameOf(type, id)) ?? null) };
  },
  "keys.commit": ({ device, leaseTerm, keys, creds, inbound, attempt }) => {
    const { leases, creds: allCreds, keys: allKeys } = state().tables;
    const lease = leases.get(device);
    if (!lease || lease.node === null || lease.term !== leaseTerm) return { kind: "stale", what: "lease" };
    const row = attempt && checkAttempt(state(), attempt);
    if (row === "seat" || row === "message") return { kind: "stale", what: row };
    const mine = valueIn(allKeys, device, () => new Map<string, Uint8Array>());
    for (const { type, id, value } of keys) {
      if (value) mine.set(nameOf(type, id), value);
      else mine.delete(nameOf(type, id));
    }
    if (creds) allCreds.set(device, creds.slice());
    if (attempt && row) {
      state().changeOutbox(withAttempt(row, attempt));
      countAttempt(state(), attempt);
    }
    const received: InboundRow[] = [];
    for (const draft of inbound) {
      const fresh = receive(state(), draft);
      if (fresh) received.push(fresh);
    }
    return { kind: "committed", inbound: received };
  },
  "traffic.load": ({ accounts }) => ({ kind: "traffic", accounts: accounts.map((account) => loadTraffic(state(), account)) }),
  "keys.wipe": ({ device, audit }) => {
    state().tables.creds.delete(device);
    state().tables.keys.delete(device);
    writeAudit(state(), audit);
    return { kind: "wiped" };
  },
  "inbox.get": ({ account, waId }) => ({
    kind: "inbound",
    row: state().inboundLike({ account, waId })[0] ?? null,
  }),
  "inbox.read": ({ afterSeq, limit }) => ({ kind: "rows", rows: state().tables.inbox.slice(afterSeq, afterSeq + limit) }),
  "inbox.cursor": ({ reader, seq }) => {
    const { cursors } = state().tables;
    const at = Math.max(cursors.get(reader) ?? 0, seq ?? 0);
    if (seq !== null) cursors.set(reader, at);
    return { kind: "cursor", seq: at };
  },
});

const nameOf = (type: string, id: string): string => `${type} ${id}`;

const checkAttempt = (state: State, { seat, seatTerm, message, number }: AttemptDraft): OutboxRow | "seat" | "message" => {
  if (state.tables.seats.get(seatOf(seat))?.term !== seatTerm) return "seat";
  const seq = state.indexes.byId.get(message);
  const row = seq === undefined ? undefined : state.outboxRow(seq);
  if (!row || !isOpen(row.state) || row.seat !== seat) return "message";
  const same = row.attempts.find((attempt) => attempt.number === number);
  return same && !mayRetryAttempt(same.outcome) ? "message" : row;
};

const withAttempt = (row: OutboxRow, { number, device, seatTerm, at }: AttemptDraft): OutboxRow => ({
  ...row,
  state: "dispatched",
  reason: null,
  attempts: [
    ...row.attempts.filter((attempt) => attempt.number !== number),
    { number, device, seatTerm, at, outcome: "pending" as const, detail: null },
  ].sort((a, b) => a.number - b.number),
});

const receive = (state: State, draft: InboundDraft): InboundRow | undefined => {
  warmUp(state, draft.chat, draft.account);
  if (state.inboundLike(draft).some((row) => isSameMessage(row, draft))) return undefined;
  const row: InboundRow = { ...draft, seq: state.tables.inbox.length + 1 };
  state.addInbound(row);
  return row;
};

export const leaseOps = (bench: Bench): Pick<Handlers, "lease.acquire" | "lease.renew" | "lease.release"> => {
  const { state, clock, mayLive, onLease } = bench;
  const isMine = (device: DeviceId, term: LeaseTerm, node: NodeId): boolean => {
    const lease = state().tables.leases.get(device);
    return lease?.term === term && lease.node === node;
  };
  const put = (device: DeviceId, lease: Lease): void => {
    state().tables.leases.set(device, lease);
    onLease(device, lease);
  };
  return {
    "lease.acquire": ({ devices, node, ttl }) => {
      const granted: { device: DeviceId; term: LeaseTerm }[] = [];
      const held: { device: DeviceId; by: NodeId }[] = [];
      const { leases } = state().tables;
      for (const device of devices) {
        const lease = leases.get(device);
        const by = lease?.node ?? null;
        if (lease && by !== null && by !== node && lease.expiresAt > clock.now() && mayLive(device)) {
          held.push({ device, by });
          continue;
        }
        const term = ((lease?.term ?? 0) + 1) as LeaseTerm;
        put(device, { term, node, expiresAt: clock.now() + ttl });
        granted.push({ device, term });
      }
      return { kind: "leases", granted, held };
    },
    "lease.renew": ({ leases, node, ttl }) => {
      const lost = leases.filter(({ device, term }) => !isMine(device, term, node)).map(({ device }) => device);
      for (const { device, term } of leases) {
        if (isMine(device, term, node)) put(device, { term, node, expiresAt: clock.now() + ttl });
      }
      return { kind: "renewed", lost };
    },
    "lease.release": ({ leases, node }) => {
      for (const { device, term } of leases) {
        if (isMine(device, term, node)) put(device, { term, node: null, expiresAt: 0 });
      }
      return { kind: "released" };
    },
  };
};

export const journalOps = ({ state }: Bench): Pick<Handlers, "journal.append" | "journal.read"> => ({
  "journal.append": ({ entries, keep }) => {
    const { journal } = state().tables;
    for (const { seq, line } of entries) journal.set(seq, line);
    const newest = [...journal.keys()].reduce((a, b) => Math.max(a, b), 0);
    for (const seq of journal.keys()) if (seq <= newest - keep) journal.delete(seq);
    return { kind: "appended" };
  },
  "journal.read": ({ afterSeq, limit }) => ({
    kind: "journal",
    entries: [...state().tables.journal]
      .map(([seq, line]) => ({ seq, line }))
      .filter(({ seq }) => seq > afterSeq)
      .sort((a, b) => a.seq - b.seq)
      .slice(0, limit),
  }),
});
