/** The end of what a running fleet no longer has: nobody goes on speaking for it, and nothing open is left behind. */
import type { HeldSeat } from "../account/duty.ts";
import type { RosterState } from "../fleet/roster.ts";
import type { ConnectionPort } from "../ports/connection.ts";
import { accountOf, type SeatId, servantOf } from "../ports/ids.ts";
import type { AlertRow } from "../ports/records.ts";
import type { Address, Effect } from "../protocol.ts";
import type { Loaded } from "./boot.ts";
import type { Driver } from "./driver.ts";
import type { Turnover } from "./turnover.ts";

interface House {
  readonly driver: Driver;
  readonly connections: ConnectionPort;
}

/** Alerts about what no row says: the actor that would resolve them knows nothing of them in its next life. */
const OF_ONE_LIFE: ReadonlySet<string> = new Set([
  "fleet.brake",
  "fleet.outage",
  "account.checkup",
  "account.cap",
  "device.keys",
  "actor.died",
  "balance.strategy",
]);

/** Links of devices go down, and their leases are given back. Nobody speaks for seats whose line is gone. */
export const endGone = (house: House, { accounts, devices, seats, duties }: Turnover["gone"]): void => {
  const { driver, connections } = house;
  const roster = driver.peek("roster")?.context as RosterState | undefined;
  for (const { id } of seats) {
    const holder = roster?.seats.get(id)?.holder;
    if (holder) connections.perform({ op: "revoke", device: holder, seat: id });
    if (holder) driver.tell(`master:${accountOf(holder)}`, { type: "seat.released", seat: id } as { type: string });
    for (const kind of ["failover", "switchover", "seat", "sender", "queue"] as const) driver.dismiss(`${kind}:${id}`);
  }
  for (const { id, role } of duties) {
    // A master's seats move first: until then it speaks for them.
    if (role === "servant") revokeAll(house, `servant:${id}`);
    driver.dismiss(`${role}:${id}`);
  }
  for (const { id } of devices) {
    driver.tell(`connection:${id}`, { type: "stop" });
    for (const kind of ["connection", "health", "lease", "detector"] as const) driver.dismiss(`${kind}:${id}`);
  }
  for (const { id, role } of accounts) {
    revokeAll(house, `${role}:${id}`);
    for (const kind of ["standing", "checkup", role] as const) driver.dismiss(`${kind}:${id}`);
  }
};

/** Where no servant works any more; what lies there is given to others, as at a start. */
export const leavePosts = (driver: Driver, kept: ReadonlySet<SeatId>): void => {
  for (const address of driver.addresses()) {
    const place = address.slice(address.indexOf(":") + 1) as SeatId;
    const isDesk = address.startsWith("queue:") || address.startsWith("sender:");
    if (isDesk && servantOf(place) !== null && !kept.has(place)) driver.dismiss(address);
  }
};

/** Nobody else knows what an account's duty has granted. */
export const revokeAll = ({ driver, connections }: House, duty: Address): void => {
  const { seats } = (driver.peek(duty)?.context ?? { seats: [] }) as { seats: readonly HeldSeat[] };
  for (const { seat, device } of seats) connections.perform({ op: "revoke", device, seat });
};

type Resolve = Extract<Effect, { op: "resolve" }>;

/** Nothing will ever resolve what was said about accounts, devices and seats that are no longer there. */
export const withoutSubject = ({ key, subject }: AlertRow): Resolve => ({
  op: "resolve",
  key,
  text: `${subject} is no longer in the fleet`,
});

/** At a start: alerts about what has left the fleet since, and about what only the former life knew. */
export const alertsOfBefore = (loaded: Loaded, stored: Loaded): Resolve[] => {
  const here = new Set(idsOf(loaded));
  const gone = new Set(idsOf(stored).filter((id) => !here.has(id)));
  const text = "the supervisor was started anew; it is raised again if it still holds";
  return loaded.alerts.flatMap((alert): Resolve[] => {
    if (gone.has(alert.subject)) return [withoutSubject(alert)];
    return OF_ONE_LIFE.has(alert.rule) ? [{ op: "resolve", key: alert.key, text }] : [];
  });
};

const idsOf = ({ accounts, devices, seats }: Loaded): string[] => [...accounts, ...devices, ...seats].map(({ id }) => id);
