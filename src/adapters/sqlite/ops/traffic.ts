/** What accounts with a cap have sent of late, in slots of time: written with each attempt, so that no crash forgets it. */
import { accountOf, type AccountId, type Millis } from "../../../../machines/ports/ids.ts";
import {
  TRAFFIC_KEPT,
  trafficSlot,
  type AttemptDraft,
  type StoreOps,
  type TrafficSlot,
} from "../../../../machines/ports/store.ts";
import { numberOf, numberOrNull, type Database, type Row } from "../database.ts";

type Traffic = StoreOps["traffic.load"]["out"]["accounts"][number];

export const loadTraffic = (db: Database, account: AccountId): Traffic => ({
  account,
  linkedAt: linkedAt(db, account),
  slots: db.all("select slot, messages, openings from traffic where account = ? order by slot", account).map(slotOf),
});

/** Of its first device. What was audited is never taken back. */
const linkedAt = (db: Database, account: AccountId): Millis | null => {
  const row = db.get(
    `select min(at) as at from audit where action = 'device.linked' and subject in (select id from device where account = ?)`,
    account,
  );
  return row ? numberOrNull(row, "at") : null;
};

const slotOf = (row: Row): TrafficSlot => ({
  slot: numberOf(row, "slot"),
  messages: numberOf(row, "messages"),
  openings: numberOf(row, "openings"),
});

/** In the transaction of the attempt. */
export const countAttempt = (db: Database, { device, at, counts }: AttemptDraft): void => {
  if (!counts) return;
  const [account, slot, openings] = [accountOf(device), trafficSlot(at), counts.opens ? 1 : 0];
  const known = db.change(
    "update traffic set messages = messages + 1, openings = openings + ? where account = ? and slot = ?",
    openings,
    account,
    slot,
  );
  if (known > 0) return;
  db.run("insert into traffic (account, slot, messages, openings) values (?, ?, 1, ?)", account, slot, openings);
  const newest = numberOf(db.get("select max(slot) as slot from traffic where account = ?", account) ?? {}, "slot");
  db.run("delete from traffic where account = ? and slot <= ?", account, newest - TRAFFIC_KEPT);
};
