/** What a running node has to begin and to end when its fleet becomes another one. Pure. */
import type { AccountRow, DeviceRow, SeatRow } from "../ports/store.ts";
import type { Address } from "../protocol.ts";
import type { Loaded } from "./boot.ts";

export interface Turnover {
  readonly gone: { readonly accounts: readonly AccountRow[]; readonly devices: readonly DeviceRow[] };
  readonly added: { readonly devices: readonly DeviceRow[]; readonly seats: readonly SeatRow[] };
  /** Actors that know others by name, and stay: they are started again from the rows, as if they had died. */
  readonly anew: readonly Address[];
}

export const turnoverOf = (before: Loaded, after: Loaded): Turnover => {
  const devicesOf = ({ devices }: Loaded, account: string): string =>
    devices.flatMap((device) => (device.account === account ? [device.id] : [])).join();
  const kept = after.accounts.filter(({ id }) => before.accounts.some((each) => each.id === id));
  return {
    gone: { accounts: without(before.accounts, after.accounts), devices: without(before.devices, after.devices) },
    added: { devices: without(after.devices, before.devices), seats: without(after.seats, before.seats) },
    anew: [
      "roster",
      ...kept.flatMap(({ id, role }): Address[] => [
        // It looks at the account through its devices.
        ...(devicesOf(before, id) === devicesOf(after, id) ? [] : [`checkup:${id}` as const]),
        ...(role === "servant" ? [`servant:${id}` as const] : []),
      ]),
    ],
  };
};

const without = <T extends { readonly id: string }>(all: readonly T[], others: readonly T[]): readonly T[] => {
  const ids = new Set(others.map(({ id }) => id));
  return all.filter(({ id }) => !ids.has(id));
};
