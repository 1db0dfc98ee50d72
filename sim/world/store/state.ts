/** What the simulated store holds. Rows are never changed in place, so a snapshot copies the tables and shares the rows. */
import { isOpen } from "../../../machines/delivery/outbox-state.ts";
import type {
  AccountId,
  ConversationId,
  DeviceId,
  LineId,
  MessageId,
  Millis,
  NodeId,
  SeatId,
  WaId,
} from "../../../machines/ports/ids.ts";
import type { AlertRow, AuditRow, FailoverRecord, FleetEventRow } from "../../../machines/ports/records.ts";
import type {
  AccountRow,
  ContactRow,
  DeviceRow,
  InboundRow,
  LineRow,
  OutboxRow,
  OutboxState,
  PerformanceRow,
  SeatRow,
  StandingOrders,
  TrafficSlot,
} from "../../../machines/ports/store.ts";

/** A row and its place in the fleet file. */
export interface Placed<T> {
  readonly row: T;
  readonly place: number;
}
export interface Contact extends Omit<ContactRow, "id"> {
  readonly number: number;
  /** The contact that this one turned out to be. */
  readonly aliasOf: number | null;
}
export interface Conversation {
  readonly id: ConversationId;
  readonly contact: string;
  readonly seat: SeatId;
}
export interface Lease {
  readonly term: number;
  readonly node: NodeId | null;
  readonly expiresAt: Millis;
}

const emptyTables = () => ({
  accounts: new Map<AccountId, Placed<AccountRow>>(),
  devices: new Map<DeviceId, Placed<DeviceRow>>(),
  lines: new Map<LineId, Placed<LineRow>>(),
  seats: new Map<SeatId, SeatRow>(),
  failovers: new Map<string, FailoverRecord>(),
  alerts: [] as AlertRow[],
  audit: [] as AuditRow[],
  events: [] as FleetEventRow[],
  journal: new Map<number, string>(),
  cursors: new Map<string, number>(),
  contacts: new Map<number, Contact>(),
  conversations: new Map<ConversationId, Conversation>(),
  /** Which accounts an address knows, in order. */
  warm: new Map<string, readonly AccountId[]>(),
  /** Of accounts with a cap, by slot. */
  traffic: new Map<AccountId, Map<number, TrafficSlot>>(),
  /** Row `seq` is at `seq - 1`. */
  outbox: [] as OutboxRow[],
  /** Row `seq` is at `seq - 1`. */
  inbox: [] as InboundRow[],
  /** The one document, if any was written. */
  orders: [] as StandingOrders[],
  creds: new Map<DeviceId, Uint8Array>(),
  /** By device, then by type and id. Whoever gives or gets bytes leaves them as they are. */
  keys: new Map<DeviceId, Map<string, Uint8Array>>(),
  leases: new Map<DeviceId, Lease>(),
  /** By minute, seat and account. */
  minutes: new Map<string, PerformanceRow>(),
});
export type Tables = ReturnType<typeof emptyTables>;

/** What can be found again by looking through the tables. */
interface Indexes {
  readonly byId: Map<MessageId, number>;
  readonly byWaId: Map<WaId, number>;
  /** By line and idempotency key. */
  readonly byKey: Map<string, number>;
  /** By seat, then by state: the rows' seqs. */
  readonly bySeat: Map<SeatId, Map<OutboxState, Set<number>>>;
  readonly openOnLine: Map<LineId, number>;
  /** Open and held rows of a conversation. */
  readonly unsettled: Map<ConversationId, number>;
  readonly byInbound: Map<WaId, number[]>;
  /** Contacts' numbers, by LID and by phone number. */
  readonly byAddress: Map<string, number>;
}

export class State {
  readonly tables: Tables;
  readonly indexes: Indexes;

  constructor(tables: Tables = emptyTables()) {
    this.tables = tables;
    this.indexes = {
      byId: new Map(),
      byWaId: new Map(),
      byKey: new Map(),
      bySeat: new Map(),
      openOnLine: new Map(),
      unsettled: new Map(),
      byInbound: new Map(),
      byAddress: new Map(),
    };
    for (const contact of tables.contacts.values()) this.#indexContact(contact);
    for (const row of tables.outbox) this.#index(row);
    for (const row of tables.inbox) this.#indexInbound(row);
  }

  putContact(contact: Contact): Contact {
    const old = this.tables.contacts.get(contact.number);
    for (const address of old ? [old.lid, old.pn] : []) {
      if (address !== null && this.indexes.byAddress.get(address) === contact.number) this.indexes.byAddress.delete(address);
    }
    this.tables.contacts.set(contact.number, contact);
    this.#indexContact(contact);
    return contact;
  }
  contactAt(address: string | null): Contact | undefined {
    const number = address === null ? undefined : this.indexes.byAddress.get(address);
    return number === undefined ? undefined : this.tables.contacts.get(number);
  }
  addOutbox(row: OutboxRow): void {
    this.tables.outbox.push(row);
    this.#index(row);
  }
  changeOutbox(row: OutboxRow): void {
    const old = this.outboxRow(row.seq);
    this.tables.outbox[row.seq - 1] = row;
    if (old.state === row.state && old.seat === row.seat) return;
    this.#count(old, -1);
    this.#count(row, 1);
  }
  addInbound(row: InboundRow): void {
    this.tables.inbox.push(row);
    this.#indexInbound(row);
  }
  outboxRow(seq: number): OutboxRow {
    const row = this.tables.outbox[seq - 1];
    if (!row) throw new RangeError(`the outbox has no row ${seq}`);
    return row;
  }
  /** Inbound rows of the account with that id. */
  inboundLike({ account, waId }: Pick<InboundRow, "account" | "waId">): InboundRow[] {
    const like: InboundRow[] = [];
    for (const seq of this.indexes.byInbound.get(waId) ?? []) {
      const row = this.tables.inbox[seq - 1];
      if (row?.account === account) like.push(row);
    }
    return like;
  }

  #index(row: OutboxRow): void {
    const { byId, byWaId, byKey } = this.indexes;
    byId.set(row.id, row.seq);
    byWaId.set(row.waId, row.seq);
    if (row.idempotencyKey !== null) byKey.set(keyName(row.line, row.idempotencyKey), row.seq);
    this.#count(row, 1);
  }
  #count({ seat, state, line, seq, conversation }: OutboxRow, by: 1 | -1): void {
    const { bySeat, openOnLine, unsettled } = this.indexes;
    const states = valueIn(bySeat, seat, () => new Map<OutboxState, Set<number>>());
    const seqs = valueIn(states, state, () => new Set<number>());
    if (by === 1) seqs.add(seq);
    else seqs.delete(seq);
    if (isOpen(state)) openOnLine.set(line, (openOnLine.get(line) ?? 0) + by);
    if (isOpen(state) || state === "held") unsettled.set(conversation, (unsettled.get(conversation) ?? 0) + by);
  }
  #indexContact({ number, lid, pn }: Contact): void {
    for (const address of [lid, pn]) if (address !== null) this.indexes.byAddress.set(address, number);
  }
  #indexInbound({ waId, seq }: InboundRow): void {
    valueIn(this.indexes.byInbound, waId, () => []).push(seq);
  }
}

/** A copy that later changes of `tables` do not reach. */
export const copyTables = (tables: Tables): Tables => ({
  accounts: new Map(tables.accounts),
  devices: new Map(tables.devices),
  lines: new Map(tables.lines),
  seats: new Map(tables.seats),
  failovers: new Map(tables.failovers),
  alerts: [...tables.alerts],
  audit: [...tables.audit],
  events: [...tables.events],
  journal: new Map(tables.journal),
  cursors: new Map(tables.cursors),
  contacts: new Map(tables.contacts),
  conversations: new Map(tables.conversations),
  warm: new Map(tables.warm),
  traffic: new Map([...tables.traffic].map(([account, slots]) => [account, new Map(slots)])),
  outbox: [...tables.outbox],
  inbox: [...tables.inbox],
  orders: [...tables.orders],
  creds: new Map(tables.creds),
  minutes: new Map(tables.minutes),
  keys: new Map([...tables.keys].map(([device, keys]) => [device, new Map(keys)])),
  leases: new Map(tables.leases),
});

export const keyName = (line: LineId, key: string): string => `${line} ${key}`;

export const valueIn = <K, V>(map: Map<K, V>, key: K, make: () => V): V => {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
};

export const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));
