/** The demo's fleet: two lines, four masters of which two have a twin, four servants. Numbers are from a range nobody has. */
import {
  accountId,
  deviceId,
  lineId,
  seatId,
  type AccountId,
  type DeviceId,
  type LineId,
  type SeatId,
} from "../../machines/ports/ids.ts";
import type { FleetDeclaration, Role } from "../../machines/ports/store.ts";

interface Member {
  readonly account: AccountId;
  readonly role: Role;
  readonly line: LineId;
  readonly number: string;
  readonly devices: readonly DeviceId[];
}

const member = (name: string, role: Role, line: string, number: string, devices: readonly string[]): Member => {
  const account = accountId(name);
  return { account, role, line: lineId(line), number, devices: devices.map((device) => deviceId(account, device)) };
};

export const MEMBERS: readonly Member[] = [
  member("support-1", "master", "support", "99900000001", ["a", "b"]),
  member("support-2", "master", "support", "99900000002", ["a"]),
  member("sales-1", "master", "sales", "99900000003", ["a", "b"]),
  member("sales-2", "master", "sales", "99900000004", ["a"]),
  member("support-bulk", "servant", "support", "99900000005", ["a"]),
  member("support-media", "servant", "support", "99900000006", ["a"]),
  member("sales-bulk", "servant", "sales", "99900000007", ["a"]),
  member("sales-media", "servant", "sales", "99900000008", ["a"]),
];

export const LINES: readonly LineId[] = [lineId("support"), lineId("sales")];

export const DECLARATION: FleetDeclaration = {
  accounts: MEMBERS.map(({ account, role, devices }) => ({ id: account, role, devices })),
  lines: LINES.map((line) => ({
    id: line,
    masters: MEMBERS.filter((one) => one.line === line && one.role === "master").map(({ account }) => account),
    servants: MEMBERS.filter((one) => one.line === line && one.role === "servant").map(({ account }) => account),
    strategy: "round-robin",
  })),
};

export interface DemoSeat {
  readonly seat: SeatId;
  readonly line: LineId;
  readonly account: AccountId;
  readonly number: string;
  /** The preferred holder's twin exists. */
  readonly twin: boolean;
  readonly home: DeviceId;
}
export const SEATS: readonly DemoSeat[] = MEMBERS.filter(({ role }) => role === "master").map(
  ({ account, line, number, devices }) => ({
    seat: seatId(line, account),
    line,
    account,
    number,
    twin: devices.length > 1,
    home: devices[0] as DeviceId,
  }),
);

/**
 * People who write to the fleet and hear from it, so many for each seat, all of them warm. Enough that some of them have nothing
 * under way when a holder fails: a conversation whose last message is in doubt waits when the number changes.
 */
const PER_SEAT = 40;
export interface DemoPerson {
  readonly number: string;
  readonly seat: SeatId;
  readonly line: LineId;
  readonly master: string;
}
/** Seats take turns, so that each hears and speaks evenly. */
export const PEOPLE: readonly DemoPerson[] = Array.from({ length: PER_SEAT }, (_, index) =>
  SEATS.map(({ seat, line, number }, place) => ({
    number: `9991${place}${String(index).padStart(6, "0")}`,
    seat,
    line,
    master: number,
  })),
).flat();
