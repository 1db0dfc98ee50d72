/** The fleets and the settings that simulations use unless told otherwise. */
import { DEFAULT_TIMERS } from "../../machines/account/timers.ts";
import { timingsOf } from "../../machines/account/timings.ts";
import type { NodeConfig } from "../../machines/driver/boot.ts";
import { accountId, deviceId, lineId, type AccountId } from "../../machines/ports/ids.ts";
import type { FleetDeclaration, Role } from "../../machines/ports/store.ts";

export const referenceConfig = (declaration: FleetDeclaration): NodeConfig => ({
  declaration,
  timings: timingsOf(DEFAULT_TIMERS),
  lease: { ttl: 4_000, renewEvery: null },
  reconnectPerSecond: 25,
  brake: { seats: 2, share: 0.1, within: 30_000 },
  queue: () => ({}),
  failback: () => "manual",
  outboxLimit: () => 10_000,
});

export interface LineShape {
  readonly name: string;
  /** Devices of each master, in priority order: 2 is a master with a twin. */
  readonly masters: readonly number[];
  readonly servants: number;
}

/** A fleet by the shape of its lines: accounts "sales-1", "sales-2", … then the servants "sales-s1", …; devices "a", "b", …. */
export const declare = (...lines: readonly LineShape[]): FleetDeclaration => {
  const account = (id: AccountId, role: Role, devices: number) => ({
    id,
    role,
    devices: Array.from({ length: devices }, (_, i) => deviceId(id, "abcd".charAt(i))),
  });
  const shaped = lines.map(({ name, masters, servants }) => ({
    line: lineId(name),
    masters: masters.map((devices, i) => account(accountId(`${name}-${i + 1}`), "master", devices)),
    servants: Array.from({ length: servants }, (_, i) => account(accountId(`${name}-s${i + 1}`), "servant", 1)),
  }));
  return {
    accounts: shaped.flatMap(({ masters, servants }) => [...masters, ...servants]),
    lines: shaped.map(({ line, masters, servants }) => ({
      id: line,
      masters: masters.map(({ id }) => id),
      servants: servants.map(({ id }) => id),
      strategy: "round-robin",
    })),
  };
};

/** The demo's: 2 lines, 4 masters of which two have a twin, 4 servants. */
export const demoFleet = (): FleetDeclaration =>
  declare({ name: "sales", masters: [2, 1], servants: 2 }, { name: "support", masters: [2, 1], servants: 2 });

/** 20 accounts, 3 lines, twins. */
export const referenceFleet = (): FleetDeclaration =>
  declare(
    { name: "sales", masters: [2, 2, 1], servants: 4 },
    { name: "support", masters: [2, 1, 1], servants: 4 },
    { name: "alerts", masters: [2, 1], servants: 4 },
  );
