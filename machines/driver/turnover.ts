/** What a running node has to begin and to end when its fleet becomes another one. Pure. */
import type { AccountRow, DeviceRow, SeatRow } from "../ports/store.ts";
import type { Address } from "../protocol.ts";
import { type Loaded, type NodeConfig, postsIn } from "./boot.ts";

export interface Turnover {
  readonly gone: {
    readonly accounts: readonly AccountRow[];
    readonly devices: readonly DeviceRow[];
    readonly seats: readonly SeatRow[];
    /** Their accounts stay, with the other role. */
    readonly duties: readonly AccountRow[];
  };
  readonly added: { readonly devices: readonly DeviceRow[]; readonly seats: readonly SeatRow[] };
  /** Actors that know others by name, and stay: they are started again from the rows, as if they had died. */
  readonly anew: readonly Address[];
}
interface Fleet {
  readonly loaded: Loaded;
  readonly config: NodeConfig;
}

export const turnoverOf = (before: Fleet, after: Fleet): Turnover => {
  const [old, now] = [before.loaded, after.loaded];
  const kept = now.accounts.flatMap((account) => {
    const former = old.accounts.find(({ id }) => id === account.id);
    return former ? [{ account, former }] : [];
  });
  const hasMoved = known(before) !== known(after);
  return {
    gone: {
      accounts: without(old.accounts, now.accounts),
      devices: without(old.devices, now.devices),
      seats: without(old.seats, now.seats),
      duties: kept.flatMap(({ account, former }) => (former.role === account.role ? [] : [former])),
    },
    added: { devices: without(now.devices, old.devices), seats: without(now.seats, old.seats) },
    anew: hasMoved
      ? [
          "roster",
          ...kept.flatMap(({ account: { id, role }, former }): Address[] => [
            // It looks at the account through its devices.
            ...(devicesOf(old, id) === devicesOf(now, id) ? [] : [`checkup:${id}` as const]),
            ...(role === "servant" || former.role !== role ? [`${role}:${id}` as const] : []),
          ]),
        ]
      : [],
  };
};

const devicesOf = ({ devices }: Loaded, account: string): string =>
  devices.flatMap((device) => (device.account === account ? [device.id] : [])).join();

/** What the roster knows by name. */
const known = ({ loaded, config }: Fleet): string =>
  JSON.stringify([
    loaded.accounts.map(({ id, role }) => [id, role, devicesOf(loaded, id)]),
    loaded.lines.map((line) => [line, config.failback(line.id)]),
    loaded.seats.map(({ id }) => id),
    postsIn(loaded, config),
  ]);

const without = <T extends { readonly id: string }>(all: readonly T[], others: readonly T[]): readonly T[] => {
  const ids = new Set(others.map(({ id }) => id));
  return all.filter(({ id }) => !ids.has(id));
};
