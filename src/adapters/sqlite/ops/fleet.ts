/** What the fleet file declares, and how accounts and devices fare. */
import { seatId, type AccountId, type DeviceId, type LineId, type SeatId } from "../../../../machines/ports/ids.ts";
import type {
  AccountRow,
  DeviceRow,
  FleetDeclaration,
  LineRow,
  SeatRow,
  StandingOrders,
} from "../../../../machines/ports/store.ts";
import { bytesOf, jsonOf, numberOf, numberOrNull, textOf, textOrNull, type Database, type Row } from "../database.ts";
import { wholeOrNull, type Bench, type Handlers } from "./handlers.ts";
import { busyPosts } from "./outbox.ts";
import { openAlerts, runningFailovers, writeAudit } from "./records.ts";

export const seatRow = (row: Row): SeatRow => ({
  id: textOf<SeatId>(row, "id"),
  line: textOf<LineId>(row, "line"),
  account: textOf<AccountId>(row, "account"),
  holder: textOrNull<DeviceId>(row, "holder"),
  term: numberOf<SeatRow["term"]>(row, "term"),
  phase: textOf<SeatRow["phase"]>(row, "phase"),
});

type Ops = "fleet.declare" | "fleet.load" | "orders.write" | "account.update" | "device.update";

export const fleetOps = ({ db }: Bench): Pick<Handlers, Ops> => ({
  "fleet.declare": ({ fleet }) => {
    declareAccounts(db, fleet);
    declareLines(db, fleet);
    return { kind: "declared" };
  },
  "fleet.load": () => ({
    kind: "loaded",
    accounts: db.all("select * from account order by place, id").map(accountRow),
    devices: db.all(DEVICES).map(deviceRow),
    lines: db.all("select * from line order by place, id").map(lineRow),
    seats: db.all("select * from seat order by id").map(seatRow),
    failovers: runningFailovers(db),
    alerts: openAlerts(db),
    orders: ordersIn(db),
    posts: busyPosts(db),
  }),
  "orders.write": ({ orders }) => {
    db.run("insert or replace into meta (name, value) values ('orders', ?)", Buffer.from(JSON.stringify(orders)));
    return { kind: "ordered" };
  },
  "account.update": ({ account, standing, until, audit }) => {
    db.run("update account set standing = ?, standing_until = ? where id = ?", standing, wholeOrNull(until), account);
    writeAudit(db, audit);
    return { kind: "updated" };
  },
  "device.update": ({ device, link, jid, lid, audit }) => {
    db.run("update device set link = ?, jid = ?, lid = ? where id = ?", link, jid, lid, device);
    writeAudit(db, audit);
    return { kind: "updated" };
  },
});

const ordersIn = (db: Database): StandingOrders => {
  const row = db.get("select value from meta where name = 'orders'");
  return row ? (JSON.parse(Buffer.from(bytesOf(row, "value")).toString()) as StandingOrders) : { pausedBy: null, cordoned: [] };
};

/** `place` is the order in the fleet file, so that loading gives back what was declared; what is declared no more keeps its own. */
const declareAccounts = (db: Database, { accounts }: FleetDeclaration): void => {
  for (const [place, { id, role, devices }] of accounts.entries()) {
    db.run(
      "insert into account (id, role, place) values (?, ?, ?) on conflict (id) do update set role = excluded.role, place = excluded.place",
      id,
      role,
      place,
    );
    for (const [i, device] of devices.entries()) {
      db.run(
        "insert into device (id, account, place) values (?, ?, ?) on conflict (id) do update set place = excluded.place",
        device,
        id,
        place * 100 + i,
      );
    }
  }
};
const declareLines = (db: Database, { lines }: FleetDeclaration): void => {
  for (const [place, { id, masters, servants, strategy }] of lines.entries()) {
    db.run(
      `insert into line (id, masters, servants, strategy, place) values (?, ?, ?, ?, ?) on conflict (id) do update
       set masters = excluded.masters, servants = excluded.servants, strategy = excluded.strategy, place = excluded.place`,
      id,
      JSON.stringify(masters),
      JSON.stringify(servants),
      strategy,
      place,
    );
    for (const account of masters) {
      db.run(
        "insert into seat (id, line, account) values (?, ?, ?) on conflict (id) do nothing",
        seatId(id, account),
        id,
        account,
      );
    }
  }
};

const accountRow = (row: Row): AccountRow => ({
  id: textOf<AccountId>(row, "id"),
  role: textOf<AccountRow["role"]>(row, "role"),
  standing: textOf<AccountRow["standing"]>(row, "standing"),
  standingUntil: numberOrNull(row, "standing_until"),
});
/** Who died between the credentials and this row was linked all the same: to link it again would leave a dead device at WhatsApp. */
const DEVICES = `select id, account, jid, lid,
    case when link = 'unlinked' and exists (select 1 from creds where device = device.id) then 'linked' else link end as link
  from device order by place, id`;
const deviceRow = (row: Row): DeviceRow => ({
  id: textOf<DeviceId>(row, "id"),
  account: textOf<AccountId>(row, "account"),
  link: textOf<DeviceRow["link"]>(row, "link"),
  jid: textOrNull(row, "jid"),
  lid: textOrNull(row, "lid"),
});
const lineRow = (row: Row): LineRow => ({
  id: textOf<LineId>(row, "id"),
  masters: jsonOf<readonly AccountId[]>(row, "masters"),
  servants: jsonOf<readonly AccountId[]>(row, "servants"),
  strategy: textOf(row, "strategy"),
});
