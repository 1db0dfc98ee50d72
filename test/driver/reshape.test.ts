/** A fleet that becomes another one while it runs: the same as if it had been started so, and nobody's link is touched. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isOpen } from "../../machines/delivery/outbox-state.ts";
import type { Node } from "../../machines/driver/node.ts";
import type { NodeConfig } from "../../machines/driver/boot.ts";
import { type AccountId, accountOf, type DeviceId, type LineId, type SeatId } from "../../machines/ports/ids.ts";
import type { FleetDeclaration } from "../../machines/ports/store.ts";
import type { Fault } from "../../sim/faults/catalogue.ts";
import { Fleet, NODE } from "../../sim/world/harness.ts";
import { demoFleet, referenceConfig } from "../../sim/world/reference.ts";
import { personOf } from "../../sim/world/workload.ts";

const WHOLE = demoFleet();
const EXTRAS = ["sales-2", "support-1/b", "sales-s2", "support-s1", "sales-1/b", "support-2"] as const;

const PERSON = personOf("support" as LineId, 1);

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

/** Whoever has servants has work for them, on every other line. */
const configOf = (declaration: FleetDeclaration): NodeConfig => ({
  ...referenceConfig(declaration),
  work: (line) =>
    line === "two" && declaration.lines.some(({ id, servants }) => id === line && servants.length > 0) ? ["bulk"] : [],
});

/** Where any fleet may live: each account has worked for each line before. */
const NAMES = ["one-1", "one-2", "two-1", "two-2", "both"] as AccountId[];
const WORLD: FleetDeclaration = {
  accounts: NAMES.map((id) => ({ id, role: "master", devices: [`${id}/a`, `${id}/b`] as DeviceId[] })),
  lines: (["one", "two", "three"] as LineId[]).map((id) => ({ id, masters: NAMES, servants: [], strategy: "round-robin" })),
};
const anyAccount = fc.record({ role: fc.constantFrom("master" as const, "servant" as const), twins: fc.boolean() });
const anyLine = fc.record({ has: fc.boolean(), without: fc.subarray([...NAMES]) });
const anyFleet: fc.Arbitrary<FleetDeclaration> = fc
  .record({
    kinds: fc.array(anyAccount, { minLength: 4, maxLength: 4 }),
    lines: fc.array(anyLine, { minLength: 2, maxLength: 2 }),
  })
  .map(({ kinds, lines }) => {
    // The first is always there, and master of everything: some fleet comes of any draw.
    const accounts = NAMES.flatMap((id, place) => {
      const kind = place === 0 ? { role: "master" as const, twins: true } : kinds[place - 1];
      return kind ? [{ id, role: kind.role, devices: (kind.twins ? [`${id}/a`, `${id}/b`] : [`${id}/b`]) as DeviceId[] }] : [];
    });
    const members = (role: "master" | "servant", but: readonly AccountId[]): AccountId[] =>
      accounts.filter((each) => each.role === role && (each.id === NAMES[0] || !but.includes(each.id))).map(({ id }) => id);
    const all = [{ has: true, without: [] as AccountId[] }, ...lines];
    return {
      accounts,
      lines: WORLD.lines.flatMap((line, place) => {
        const drawn = all[place];
        if (!drawn?.has) return [];
        return [{ ...line, masters: members("master", drawn.without), servants: members("servant", drawn.without) }];
      }),
    };
  });

/** How the lines share out conversations, as far as it does not depend on what happened before. */
const shares = (fleet: Fleet, { lines }: FleetDeclaration) =>
  lines.map(({ id }) => {
    const view = nodeOf(fleet).line(id);
    return view && { ...view, seats: view.seats.map(({ seat }) => seat), posts: view.posts.map(({ seat }) => seat) };
  });

/** In a world that has all of them. */
const started = (seed: string, declaration: FleetDeclaration, world: FleetDeclaration = WHOLE): Fleet => {
  const workload = { sends: 4, writes: 1, peoplePerLine: 50 };
  const fleet = new Fleet({ seed, declaration: world, config: configOf(declaration), workload });
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
  nodeOf(fleet).reshape(configOf(declaration), (failure) => (end = failure));
  fleet.run(1_000);
  expect(end).toBeNull();
};

/** As the supervisor does first: seats go to who stays their line's master, so that no brake has to judge it. */
const drain = (fleet: Fleet, declaration: FleetDeclaration): void => {
  const stay = new Set(devicesIn(declaration));
  const masters = new Map(declaration.lines.map((line) => [line.id, line.masters]));
  for (const device of nodeOf(fleet).roster()?.devices.keys() ?? []) nodeOf(fleet).cordon(device, !stay.has(device));
  for (const { id, line, holder } of fleet.seats()) {
    const mayStay = holder === null || (stay.has(holder) && masters.get(line)?.includes(accountOf(holder)));
    const heir = declaration.accounts.find((account) => masters.get(line)?.includes(account.id))?.devices[0] ?? null;
    if (!mayStay) nodeOf(fleet).switchOver(id, heir, "test");
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

/** What came for somebody who has gone is no wonder. */
const misunderstood = (fleet: Fleet): string[] =>
  [...nodeOf(fleet).driver.ignored.keys()].filter((what) => !/\((nobody there|asker gone)\)$/.test(what));

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
    expect(fleet.missing()).toEqual([]);
    expect(isServing(fleet)).toBe(true);
  });

  it("lets a line go: its seats, queues and posts end, and whoever spoke for it is free", () => {
    const [sales, support] = WHOLE.lines;
    if (!sales || !support) throw new Error("two lines are there");
    const fleet = started("gone", WHOLE);
    const before = dials(fleet, devicesIn(WHOLE));
    reshape(fleet, { ...WHOLE, lines: [sales] });
    fleet.run(10_000);
    expect(seatsOf(fleet)).toEqual(["sales/sales-1", "sales/sales-2"]);
    expect(actors(fleet).filter((address) => address.includes(":support/"))).toEqual([]);
    expect(nodeOf(fleet).line(support.id)).toBeUndefined();
    expect(nodeOf(fleet).driver.peek("master:support-1" as never)?.value).toBe("standby");
    expect(dials(fleet, devicesIn(WHOLE))).toEqual(before);
    // And takes it up again, where it was.
    reshape(fleet, WHOLE);
    fleet.run(30_000);
    fleet.bring("support" as LineId, PERSON, "hello");
    fleet.run(20_000);
    expect(isServing(fleet)).toBe(true);
    expect(fleet.missing()).toEqual([]);
  });

  it("has a master become a servant, and a servant a master, without a dial", () => {
    const fleet = started("roles", WHOLE);
    const before = dials(fleet, devicesIn(WHOLE));
    const next: FleetDeclaration = {
      accounts: WHOLE.accounts.map((account) =>
        account.id === "sales-2"
          ? { ...account, role: "servant" }
          : account.id === "sales-s1"
            ? { ...account, role: "master" }
            : account,
      ),
      lines: WHOLE.lines.map((line) =>
        line.id === "sales" ? { ...line, masters: ["sales-1", "sales-s1"], servants: ["sales-2", "sales-s2"] } : line,
      ) as FleetDeclaration["lines"],
    };
    drain(fleet, next);
    reshape(fleet, next);
    fleet.run(20_000);
    expect(dials(fleet, devicesIn(WHOLE))).toEqual(before);
    expect(fleet.seat("sales/sales-s1" as SeatId)?.holder).toBe("sales-s1/a");
    expect(attached(fleet)["sales-2"]).not.toEqual([]);
    expect(isServing(fleet)).toBe(true);
  });

  it("remembers which device a seat has just left", () => {
    const fleet = started("left", WHOLE);
    const seat = "sales/sales-1" as SeatId;
    const holder = fleet.seat(seat)?.holder;
    fleet.world.board.inject({
      kind: "close",
      target: { device: holder as DeviceId },
      at: fleet.world.clock.now(),
      for: 0,
      code: 500,
    });
    fleet.run(1_000);
    expect(fleet.seat(seat)?.holder).not.toBe(holder);
    reshape(fleet, without("support-s1"));
    expect(nodeOf(fleet).roster()?.seats.get(seat)?.left?.device).toBe(holder);
  });

  it("sends what is refused from now on as its line says by now", () => {
    const outcomes = (whenRefused: "reroute" | "fail"): readonly string[] => {
      const workload = { sends: 0, writes: 0, peoplePerLine: 4, warm: 0 };
      const fleet = new Fleet({ seed: "refused", declaration: WHOLE, config: configOf(WHOLE), workload });
      expect(fleet.until(() => isServing(fleet), 120_000)).toBe(true);
      nodeOf(fleet).reshape({ ...configOf(WHOLE), queue: () => ({ whenRefused }) }, () => {});
      fleet.run(1_000);
      fleet.inject({
        kind: "restricted",
        target: { account: "sales-1" as AccountId },
        for: "permanent",
        announced: false,
      } as never);
      for (let no = 1; no <= 2; no++) fleet.bring("sales" as LineId, personOf("sales" as LineId, no), "hello");
      fleet.run(20_000);
      return fleet.store.tables.outbox
        .map(({ reason, state }) => reason?.split(" ")[0] ?? (isOpen(state) ? state : "arrived"))
        .toSorted();
    };
    expect(outcomes("fail")).toEqual(["arrived", "refused:463"]);
    expect(outcomes("reroute")).toEqual(["arrived", "arrived"]);
  });

  it("comes to what was wanted through faults, and breaks no law on the way", () => {
    const anyFault = fc.record({
      what: fc.constantFrom(
        { kind: "close", code: 500, for: 0 },
        { kind: "half-open-link", for: "permanent" },
        { kind: "store-failing", cause: "busy", share: 0.5, for: 1_500 },
        { kind: "store-slow", mean: 300, for: 1_500 },
        { kind: "node-pause", for: 1_500 },
      ),
      who: fc.nat(devicesIn(WORLD).length - 1),
      at: fc.nat(4_000),
    });
    fc.assert(
      fc.property(anyFleet, anyFleet, fc.array(anyFault, { maxLength: 4 }), (one, other, faults) => {
        const fleet = started("faults", one, WORLD);
        fleet.startWorkload();
        for (const { what, who, at } of faults) {
          const target =
            what.kind.startsWith("store") || what.kind === "node-pause" ? { node: NODE } : { device: devicesIn(WORLD)[who] };
          fleet.world.board.inject({ ...what, target, at: fleet.world.clock.now() + at } as Fault);
        }
        drain(fleet, other);
        // As an operator would, who is told that the store failed.
        const ends: (string | null)[] = [];
        for (let tries = 0; !ends.includes(null) && tries < 5; tries++) {
          nodeOf(fleet).reshape(configOf(other), (failure) => ends.push(failure));
          fleet.run(5_000);
        }
        expect(ends.at(-1)).toBeNull();
        fleet.run(20_000).stopWorkload().run(120_000);
        const fresh = started("faults", other, WORLD);
        fresh.run(20_000);
        expect(known(fleet)).toEqual(known(fresh));
        expect(actors(fleet)).toEqual(actors(fresh));
        expect(isServing(fleet)).toBe(true);
        expect(misunderstood(fleet)).toEqual([]);
        const lines = new Set(other.lines.map(({ id }) => id));
        expect([...fleet.store.tables.outbox.values()].filter(({ state, line }) => lines.has(line) && isOpen(state))).toEqual([]);
      }),
      { numRuns: 6, seed: 5 },
    );
  });

  it("goes from any fleet to any other, and is then as if it had been started so", () => {
    fc.assert(
      fc.property(anyFleet, anyFleet, (one, other) => {
        const fleet = started("pairs", one, WORLD);
        drain(fleet, other);
        reshape(fleet, other);
        fleet.run(20_000);
        const fresh = started("pairs", other, WORLD);
        fresh.run(20_000);
        expect(actors(fleet)).toEqual(actors(fresh));
        expect(known(fleet)).toEqual(known(fresh));
        expect(attached(fleet)).toEqual(attached(fresh));
        expect(shares(fleet, WORLD)).toEqual(shares(fresh, WORLD));
        expect(isServing(fleet)).toBe(true);
        expect(misunderstood(fleet)).toEqual([]);
      }),
      { numRuns: 8, seed: 11 },
    );
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
