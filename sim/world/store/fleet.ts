/** Declared rows, seats, and the records written beside decisions. */
import { OPEN_STATES } from "../../../machines/delivery/outbox-state.ts";
import { seatId, servantOf, type SeatId, type SeatTerm } from "../../../machines/ports/ids.ts";
import type { AlertRow, AuditDraft } from "../../../machines/ports/records.ts";
import type { FleetDeclaration, SeatRow } from "../../../machines/ports/store.ts";
import type { Bench, Handlers } from "./handlers.ts";
import { compare, type Placed, type State } from "./state.ts";

type Ops =
  | "fleet.declare"
  | "fleet.load"
  | "orders.write"
  | "account.update"
  | "device.update"
  | "seat.change"
  | "seat.settle"
  | "failover.record"
  | "failover.list"
  | "alert.record"
  | "alert.list"
  | "audit.append"
  | "audit.read"
  | "events.append"
  | "events.read";

export const writeAudit = ({ tables }: State, entry: AuditDraft): void => {
  tables.audit.push({ ...entry, seq: tables.audit.length + 1 });
};

/** Servants' posts at which something waits. */
const busyPosts = ({ indexes }: State): SeatId[] =>
  [...indexes.bySeat]
    .filter(([seat, states]) => servantOf(seat) !== null && UNSETTLED.some((each) => (states.get(each)?.size ?? 0) > 0))
    .map(([seat]) => seat)
    .sort(compare);
const UNSETTLED = [...OPEN_STATES, "held"] as const;

export const fleetOps = ({ state, onSeat }: Bench): Pick<Handlers, Ops> => ({
  "fleet.declare": ({ fleet }) => {
    declare(state(), fleet);
    return { kind: "declared" };
  },
  "fleet.load": () => {
    const { accounts, devices, lines, seats, failovers, alerts, creds, orders } = state().tables;
    return {
      kind: "loaded",
      accounts: inPlace(accounts),
      devices: inPlace(devices).map((row) => (row.link === "unlinked" && creds.has(row.id) ? { ...row, link: "linked" } : row)),
      lines: inPlace(lines),
      seats: [...seats.values()].sort((a, b) => compare(a.id, b.id)),
      failovers: [...failovers.values()].filter(({ outcome }) => outcome === "running"),
      alerts: alerts.filter(({ state }) => state === "open"),
      orders: orders.at(-1) ?? { pausedBy: null, cordoned: [] },
      posts: busyPosts(state()),
    };
  },
  "orders.write": ({ orders }) => {
    state().tables.orders.splice(0, 1, orders);
    return { kind: "ordered" };
  },
  "account.update": ({ account, standing, until, audit }) => {
    const { accounts } = state().tables;
    const known = accounts.get(account);
    if (known) accounts.set(account, { ...known, row: { ...known.row, standing, standingUntil: until } });
    writeAudit(state(), audit);
    return { kind: "updated" };
  },
  "device.update": ({ device, link, jid, lid, audit }) => {
    const { devices } = state().tables;
    const known = devices.get(device);
    if (known) devices.set(device, { ...known, row: { ...known.row, link, jid, lid } });
    writeAudit(state(), audit);
    return { kind: "updated" };
  },

  "seat.change": ({ seat, expect, holder, phase, failover, audit }) => {
    const row = readSeat(state(), seat);
    if (row.term !== expect) return { kind: "conflict", row };
    const changed: SeatRow = { ...row, holder, phase, term: (row.term + 1) as SeatTerm };
    const { seats, failovers } = state().tables;
    seats.set(seat, changed);
    if (failover) failovers.set(failover.id, failover);
    writeAudit(state(), audit);
    onSeat(changed);
    return { kind: "changed", row: changed };
  },
  "seat.settle": ({ seat, term, phase, failover, audit }) => {
    const row = readSeat(state(), seat);
    if (row.term !== term) return { kind: "conflict", row };
    const changed: SeatRow = { ...row, phase };
    const { seats, failovers } = state().tables;
    seats.set(seat, changed);
    if (failover) failovers.set(failover.id, failover);
    if (audit) writeAudit(state(), audit);
    onSeat(changed);
    return { kind: "changed", row: changed };
  },

  "failover.record": ({ failover, audit }) => {
    const { failovers } = state().tables;
    if (failover.outcome !== "running" || !failovers.has(failover.id)) failovers.set(failover.id, failover);
    writeAudit(state(), audit);
    return { kind: "recorded" };
  },
  "failover.list": ({ seat, limit }) => ({
    kind: "failovers",
    rows: newest([...state().tables.failovers.values()], limit, (row) => seat === null || row.seat === seat),
  }),
  "alert.record": ({ alert, audit }) => {
    const { alerts } = state().tables;
    const place = alertPlace(alerts, alert);
    if (place === -1) alerts.push(alert);
    else alerts[place] = alert;
    if (audit) writeAudit(state(), audit);
    return { kind: "recorded" };
  },
  "alert.list": ({ openOnly, limit }) => ({
    kind: "alerts",
    rows: newest(state().tables.alerts, limit, (row) => !openOnly || row.state === "open"),
  }),
  "audit.append": ({ entries }) => {
    for (const entry of entries) writeAudit(state(), entry);
    return { kind: "appended" };
  },
  "audit.read": ({ subject, limit }) => ({
    kind: "audit",
    rows: newest(state().tables.audit, limit, (row) => subject === null || row.subject === subject),
  }),
  "events.append": ({ events }) => {
    const rows = state().tables.events;
    for (const event of events) rows.push({ ...event, seq: rows.length + 1 });
    return { kind: "appended", lastSeq: rows.length };
  },
  "events.read": ({ afterSeq, limit }) => ({ kind: "events", rows: state().tables.events.slice(afterSeq, afterSeq + limit) }),
});

const readSeat = ({ tables }: State, seat: SeatId): SeatRow => {
  const row = tables.seats.get(seat);
  if (!row) throw new Error(`seat ${seat} was never declared`);
  return row;
};

const declare = ({ tables }: State, fleet: FleetDeclaration): void => {
  const declared = new Set([...tables.accounts.keys(), ...fleet.accounts.map(({ id }) => id)]);
  const stranger = fleet.lines.flatMap(({ masters }) => masters).find((account) => !declared.has(account));
  if (stranger !== undefined) throw new Error(`account ${stranger} is a master, but was never declared`);
  for (const [place, { id, role, devices }] of fleet.accounts.entries()) {
    const known = tables.accounts.get(id)?.row ?? { id, standing: "good" as const, standingUntil: null };
    tables.accounts.set(id, { place, row: { ...known, role } });
    for (const [i, device] of devices.entries()) {
      const row = tables.devices.get(device)?.row ?? { id: device, account: id, link: "unlinked" as const, jid: null, lid: null };
      tables.devices.set(device, { place: place * 100 + i, row });
    }
  }
  for (const [place, row] of fleet.lines.entries()) {
    tables.lines.set(row.id, { place, row });
    for (const account of row.masters) {
      const id = seatId(row.id, account);
      if (!tables.seats.has(id)) {
        tables.seats.set(id, { id, line: row.id, account, holder: null, term: 0 as SeatTerm, phase: "vacant" });
      }
    }
  }
};

const inPlace = <T extends { readonly id: string }>(table: ReadonlyMap<string, Placed<T>>): T[] =>
  [...table.values()].sort((a, b) => a.place - b.place || compare(a.row.id, b.row.id)).map(({ row }) => row);

const alertPlace = (alerts: readonly AlertRow[], { key, raisedAt }: AlertRow): number => {
  const open = alerts.findIndex((row) => row.key === key && row.state === "open");
  return open === -1 ? alerts.findIndex((row) => row.key === key && row.raisedAt === raisedAt) : open;
};

/** The last `limit` that `fits`, newest first. */
const newest = <T>(rows: readonly T[], limit: number, fits: (row: T) => boolean): T[] => {
  const found: T[] = [];
  for (let i = rows.length - 1; i >= 0 && found.length < limit; i--) {
    const row = rows[i];
    if (row !== undefined && fits(row)) found.push(row);
  }
  return found;
};
