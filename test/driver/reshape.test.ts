/** A fleet that becomes another one while it runs: the same as if it had been started so, and nobody's link is touched. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isOpen } from "../../machines/delivery/outbox-state.ts";
import type { Node } from "../../machines/driver/node.ts";
import { accountOf, type DeviceId, type LineId, type SeatId } from "../../machines/ports/ids.ts";
import type { FleetDeclaration } from "../../machines/ports/store.ts";
import { Fleet } from "../../sim/world/harness.ts";
import type { PersonId } from "../../sim/world/ledger.ts";
import { demoFleet, referenceConfig } from "../../sim/world/reference.ts";

const WHOLE = demoFleet();
const EXTRAS = ["sales-2", "support-1/b", "sales-s2", "support-s1", "sales-1/b", "support-2"] as const;

const PERSON: PersonId = "p:1@lid";

/** The demo's fleet without some of its accounts and devices. */
const without = (...names: readonly string[]): FleetDeclaration => ({
  accounts: WHOLE.accounts
    .filter(({ id }) => !names.includes(id))
    .map((account) => ({ ...account, devices: account.devices.filter((device) => !names.includes(device)) })),
  lines: WHOLE.lines.map((line) => ({
    ...line,
    masters: line.masters.filter((id) => !names.includes(id)),
    servants: line.servants.filter((id) => !names.includes(id)),
  })),
});

/** In a world that has all of them. */
const started = (seed: string, declaration: FleetDeclaration): Fleet => {
  const workload = { sends: 4, writes: 1, peoplePerLine: 50 };
  const fleet = new Fleet({ seed, declaration: WHOLE, config: { declaration }, workload });
  expect(fleet.until(() => isServing(fleet), 120_000)).toBe(true);
  fleet.run(5_000);
  return fleet;
};
const nodeOf = (fleet: Fleet): Node => {
  if (!fleet.node) throw new Error("no node is there");
  return fleet.node;
};
const seatsOf = (fleet: Fleet): SeatId[] => [...(fleet.node?.roster()?.seats.keys() ?? [])];
const isServing = (fleet: Fleet): boolean =>
  fleet.node !== null && seatsOf(fleet).every((seat) => nodeOf(fleet).seat(seat)?.state === "serving");

const reshape = (fleet: Fleet, declaration: FleetDeclaration): void => {
  let end: string | null | undefined;
  nodeOf(fleet).reshape(referenceConfig(declaration), (failure) => (end = failure));
  fleet.run(1_000);
  expect(end).toBeNull();
};

/** As the supervisor does first: who is to go speaks for nobody any more, so that no brake has to judge it. */
const drain = (fleet: Fleet, declaration: FleetDeclaration): void => {
  const stay = new Set(devicesIn(declaration));
  const masters = new Map(declaration.lines.map((line) => [line.id, line.masters]));
  for (const device of nodeOf(fleet).roster()?.devices.keys() ?? []) nodeOf(fleet).cordon(device, !stay.has(device));
  for (const { id, line, holder } of fleet.seats()) {
    const mayStay = holder === null || (stay.has(holder) && masters.get(line)?.includes(accountOf(holder)));
    if (!mayStay) nodeOf(fleet).switchOver(id, null, "test");
    fleet.run(mayStay ? 0 : 5_000);
  }
};

const dials = (fleet: Fleet, devices: readonly DeviceId[]): Record<string, number> =>
  Object.fromEntries(
    devices.map((device) => {
      const link = nodeOf(fleet).driver.peek(`connection:${device}`)?.context as { dial: number } | undefined;
      return [device, link?.dial ?? 0];
    }),
  );
const devicesIn = ({ accounts }: FleetDeclaration): DeviceId[] => accounts.flatMap(({ devices }) => devices);

/** Those that come and go by themselves aside. */
const actors = (fleet: Fleet): string[] =>
  nodeOf(fleet)
    .driver.addresses()
    .filter((address) => !/^(alert|failover|switchover):/.test(address))
    .toSorted();
const known = (fleet: Fleet) => {
  const roster = nodeOf(fleet).roster();
  return {
    accounts: [...(roster?.accounts.values() ?? [])].map(({ role, devices }) => ({ role, devices })),
    devices: [...(roster?.devices.keys() ?? [])],
    lines: [...(roster?.lines.values() ?? [])],
    seats: seatsOf(fleet),
  };
};
const attached = (fleet: Fleet): Record<string, readonly string[]> =>
  Object.fromEntries(
    [...(nodeOf(fleet).roster()?.accounts ?? [])].flatMap(([id, { role }]) => {
      if (role !== "servant") return [];
      const duty = nodeOf(fleet).driver.peek(`servant:${id}`)?.context as { seats: readonly { seat: SeatId }[] } | undefined;
      return [[id, duty?.seats.map(({ seat }) => seat).toSorted() ?? []]];
    }),
  );

describe("a running fleet", () => {
  it("takes up accounts, devices and servants, and re-dials nobody", () => {
    const small = without("sales-2", "support-1/b", "support-s1");
    const fleet = started("grow", small);
    const before = dials(fleet, devicesIn(small));
    fleet.startWorkload();
    reshape(fleet, WHOLE);
    fleet.run(20_000).stopWorkload().run(60_000);
    expect(dials(fleet, devicesIn(small))).toEqual(before);
    expect(seatsOf(fleet)).toContain("sales/sales-2");
    expect(isServing(fleet)).toBe(true);
    expect(
      nodeOf(fleet)
        .roster()
        ?.devices.get("support-1/b" as DeviceId)?.state,
    ).toBe("healthy");
    expect([...fleet.store.tables.outbox.values()].filter(({ state }) => isOpen(state))).toEqual([]);
    // The new twin is of use: it speaks when the other one fails.
    const seat = "support/support-1" as SeatId;
    nodeOf(fleet).demandFailover(seat, "support-1/b" as DeviceId, "test");
    fleet.run(5_000);
    expect(fleet.seat(seat)?.holder).toBe("support-1/b");
  });

  it("lets accounts and devices go: their seats move, their links end, their leases are given back", () => {
    const small = without("sales-2", "support-1/a", "sales-s1");
    const fleet = started("shrink", WHOLE);
    const before = dials(fleet, devicesIn(small));
    fleet.startWorkload();
    reshape(fleet, small);
    fleet.run(20_000).stopWorkload().run(60_000);
    expect(dials(fleet, devicesIn(small))).toEqual(before);
    expect(fleet.seat("support/support-1" as SeatId)?.holder).toBe("support-1/b");
    expect(fleet.seat("sales/sales-2" as SeatId)?.holder).toMatch(/^sales-1\//);
    expect(isServing(fleet)).toBe(true);
    for (const gone of ["sales-2/a", "support-1/a", "sales-s1/a"] as DeviceId[]) {
      expect(nodeOf(fleet).driver.has(`connection:${gone}`)).toBe(false);
      expect(fleet.store.tables.leases.get(gone)?.node ?? null).toBeNull();
    }
    expect([...fleet.store.tables.outbox.values()].filter(({ state }) => isOpen(state))).toEqual([]);
  });

  it("takes up a line, which is of use at once", () => {
    const [sales, support] = WHOLE.lines;
    const fleet = started("line", { ...WHOLE, lines: sales ? [sales] : [] });
    expect(support?.id).toBe("support");
    reshape(fleet, WHOLE);
    fleet.run(10_000);
    fleet.bring("support" as LineId, PERSON, "hello");
    fleet.run(20_000);
    expect(fleet.accepted).toHaveLength(1);
    expect(isServing(fleet)).toBe(true);
  });

  it("is after any changes what it would be if it had been started so", () => {
    const step = fc.subarray([...EXTRAS]);
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 4 }), (steps) => {
        const fleet = started("walk", WHOLE);
        for (const left of steps) {
          drain(fleet, without(...left));
          reshape(fleet, without(...left));
          fleet.run(10_000);
        }
        const last = without(...(steps.at(-1) ?? []));
        // Seats outlive their accounts: the other fleet's store has them, too.
        const other = started("walk", WHOLE);
        drain(other, last);
        reshape(other, last);
        other.run(10_000);
        expect(actors(fleet)).toEqual(actors(other));
        expect(known(fleet)).toEqual(known(other));
        expect(attached(fleet)).toEqual(attached(other));
        expect(isServing(fleet)).toBe(true);
      }),
      { numRuns: 6, seed: 7 },
    );
  });
});
