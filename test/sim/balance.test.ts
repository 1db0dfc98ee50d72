/** What balancing owes, measured in whole fleets in simulated time: equal shares, short waits under a skewed load, the nearest region. */
import { describe, expect, it } from "vitest";
import { balanceOf } from "../../machines/delivery/balance/settings.ts";
import { planRebalance } from "../../machines/delivery/balance/rebalance.ts";
import type { LineBalance, Strategy } from "../../machines/delivery/balance/strategy.ts";
import type { NodeConfig } from "../../machines/driver/boot.ts";
import {
  accountId,
  type AccountId,
  accountOf,
  type DeviceId,
  lineId,
  type LineId,
  type Millis,
  type SeatId,
} from "../../machines/ports/ids.ts";
import type { Fault } from "../../sim/faults/catalogue.ts";
import { Fleet, type FleetOptions } from "../../sim/world/harness.ts";
import { silentHabits } from "../../sim/world/people.ts";
import { declare, referenceConfig } from "../../sim/world/reference.ts";
import { personOf } from "../../sim/world/workload.ts";

const LINE = lineId("sales");
const BOOT: Millis = 20_000;

interface Load {
  readonly seats: number;
  /** Conversations, one message each. */
  readonly people: number;
  /** Between two of them. */
  readonly every: Millis;
  readonly balance: Partial<LineBalance>;
  readonly config?: Partial<NodeConfig>;
  readonly faults?: readonly Fault[];
  readonly options?: Partial<FleetOptions>;
}

const fleetFor = ({ seats, people, balance, config, faults = [], options = {} }: Load): Fleet => {
  const declaration = declare({ name: LINE, masters: Array.from({ length: seats }, () => 1), servants: 0 });
  const masters = declaration.lines[0]?.masters ?? [];
  return new Fleet({
    seed: 7,
    declaration,
    habits: silentHabits,
    workload: { peoplePerLine: people, sends: 0, writes: 0, warm: 1 },
    config: { ...referenceConfig(declaration), balance: (line: LineId) => balanceOf(line, masters, balance), ...config },
    faults,
    ...options,
  });
};

/** Everybody is written to once, one after the other. */
const writeToAll = (load: Load, fleet: Fleet, before: (no: number) => void = () => {}): Fleet => {
  fleet.run(BOOT);
  for (let no = 1; no <= load.people; no++) {
    before(no);
    fleet.bring(LINE, personOf(LINE, no), `message ${no}`);
    fleet.run(load.every);
  }
  return fleet;
};

const sharesOf = (fleet: Fleet): ReadonlyMap<SeatId, number> => {
  const shares = new Map<SeatId, number>();
  for (const { seat } of fleet.accepted) shares.set(seat, (shares.get(seat) ?? 0) + 1);
  return shares;
};

/** From acceptance to WhatsApp's ack, of all that were accepted; who has none yet has waited until now. */
const timesToAck = (fleet: Fleet): readonly Millis[] => {
  const ackedAt = new Map(
    fleet.world.ledger.events.flatMap((event) => (event.kind === "ackTold" ? [[event.waId, event.at] as const] : [])),
  );
  return fleet.accepted
    .map(({ waId, at }) => (ackedAt.get(waId) ?? fleet.world.clock.now()) - at)
    .sort((one, other) => one - other);
};
const p99 = (times: readonly Millis[]): Millis => times[Math.ceil(times.length * 0.99) - 1] ?? Number.NaN;

const account = (no: number): AccountId => accountId(`${LINE}-${no}`);
const device = (no: number): DeviceId => `${account(no)}/a` as DeviceId;

describe("round-robin", () => {
  it("gives each of 8 seats its eighth of 10,000 conversations, to 1 %", () => {
    const load: Load = { seats: 8, people: 10_000, every: 20, balance: { strategy: "round-robin" } };
    const fleet = writeToAll(load, fleetFor(load));
    expect(fleet.accepted).toHaveLength(10_000);
    const shares = [...sharesOf(fleet).values()];
    expect(shares).toHaveLength(8);
    for (const share of shares) expect(Math.abs(share - 1250)).toBeLessThanOrEqual(12.5);
  }, 120_000);
});

describe("two lines that are written to in turns", () => {
  /** Conversations by seat. */
  const sharesWith = (balance: NodeConfig["balance"]): number[] => {
    const declaration = declare(
      { name: "sales", masters: [1, 1], servants: 0 },
      { name: "support", masters: [1, 1], servants: 0 },
    );
    const config = { ...referenceConfig(declaration), ...(balance ? { balance } : {}) };
    const workload = { peoplePerLine: 20, sends: 0, writes: 0, warm: 1 };
    const fleet = new Fleet({ seed: 3, declaration, habits: silentHabits, workload, config }).run(BOOT);
    for (let no = 1; no <= 20; no++) {
      for (const { id } of declaration.lines) {
        fleet.bring(id, personOf(id, no), "x");
        fleet.run(50);
      }
    }
    return [...sharesOf(fleet).values()];
  };

  it("have a turn each when they have settings, and one for both when they have none (decision 0013)", () => {
    expect(sharesWith((line) => balanceOf(line, []))).toEqual([10, 10, 10, 10]);
    expect(sharesWith(undefined)).toEqual([20, 20]);
  });
});

describe("least-loaded", () => {
  const ratio = (load: Omit<Load, "balance">): { leastLoaded: Millis; roundRobin: Millis } => {
    const measure = (strategy: string): Millis => {
      const all = { ...load, balance: { strategy } };
      const fleet = writeToAll(all, fleetFor(all)).run(60_000);
      expect(fleet.accepted).toHaveLength(load.people);
      return p99(timesToAck(fleet));
    };
    return { leastLoaded: measure("least-loaded"), roundRobin: measure("round-robin") };
  };

  it("has p99 to the ack at most 0.7 of round-robin's when two of eight seats are slow", () => {
    const faults: Fault[] = [1, 2].map((no) => ({
      kind: "slow",
      target: { device: device(no) },
      at: 0,
      for: "permanent",
      mean: 400,
    }));
    const { leastLoaded, roundRobin } = ratio({ seats: 8, people: 2000, every: 50, faults });
    expect(leastLoaded).toBeLessThanOrEqual(0.7 * roundRobin);
  });

  it("has p99 to the ack at most 0.7 of round-robin's when two of eight accounts may send only slowly", () => {
    const pacing = Object.fromEntries(
      [1, 2, 3, 4, 5, 6, 7, 8].map((no) => [account(no), { perSecond: no <= 2 ? 1 : 4, burst: 2 }]),
    );
    const config: Partial<NodeConfig> = { queue: () => ({ pacing }) };
    const { leastLoaded, roundRobin } = ratio({ seats: 8, people: 2000, every: 60, config });
    expect(leastLoaded).toBeLessThanOrEqual(0.7 * roundRobin);
  });
});

describe("adaptive weights", () => {
  it("shed new conversations from a seat that gets slow, and give them back when it is well", () => {
    const slowFor: Fault = { kind: "slow", target: { device: device(1) }, at: BOOT + 60_000, for: 60_000, mean: 500 };
    const load: Load = {
      seats: 8,
      people: 6400,
      every: 50,
      balance: { strategy: "round-robin", adaptive: true },
      config: { brake: { seats: 0, share: 0, within: 30_000 } },
      faults: [slowFor],
    };
    const fleet = writeToAll(load, fleetFor(load));
    /** The seat's part of what was begun in a span, against an equal share. */
    const part = (from: Millis, to: Millis): number => {
      const begun = fleet.accepted.slice(from / load.every, to / load.every);
      return (begun.filter(({ seat }) => seat === `${LINE}/${account(1)}`).length / begun.length) * load.seats;
    };
    expect(part(0, 60_000)).toBeCloseTo(1, 1);
    expect(part(75_000, 120_000)).toBeLessThan(0.5);
    expect(part(260_000, 320_000)).toBeGreaterThan(0.9);
    // It never failed: all of that was before anybody had to move it.
    expect(fleet.failovers().filter(({ cause }) => cause !== "startup")).toEqual([]);
  });
});

describe("a rebalance", () => {
  it("is planned from what really waits: what has begun stays, and what is under way", () => {
    const pacing = Object.fromEntries([1, 2].map((no) => [account(no), { perSecond: 0.2, burst: 1 }]));
    const load: Load = {
      seats: 2,
      people: 40,
      every: 10,
      // Everything to the first.
      balance: { strategy: "first" },
      config: { strategies: [{ name: "first", begin: () => () => 0 }], queue: () => ({ pacing }) },
      options: { workload: { peoplePerLine: 40, sends: 0, writes: 0, warm: 0 } },
    };
    const fleet = writeToAll(load, fleetFor(load)).run(500);
    const seats = fleet.node?.line(LINE)?.seats ?? [];
    const backlog = seats.flatMap(({ seat }) => fleet.node?.backlog(seat).map((each) => ({ ...each, seat })) ?? []);
    const busy = backlog.filter(({ isBusy }) => isBusy);
    expect(seats.map(({ begun }) => begun)).toEqual([40, 0]);
    expect(backlog.length - busy.length).toBeGreaterThan(30);
    const { moves, after } = planRebalance(
      seats,
      backlog.map((each) => ({ ...each, hasBegun: false })),
      100,
      () => true,
    );
    expect(moves.length).toBeGreaterThan(15);
    expect(moves.filter(({ conversation }) => busy.some((each) => each.conversation === conversation))).toEqual([]);
    const [first = 0, second = 0] = after.values();
    expect(Math.abs(first - second)).toBeLessThanOrEqual(1);
  });
});

describe("geo", () => {
  it("takes the nearest region with a healthy seat, whichever fails and comes back", () => {
    const places: Readonly<Record<string, readonly number[]>> = { eu: [1, 2], us: [3, 4], asia: [5, 6] };
    const homes: Readonly<Record<string, string>> = { DE: "eu", US: "us", JP: "asia" };
    const countries = Object.keys(homes);
    /** By distance: what is in the settings below, written out. */
    const ways: Readonly<Record<string, readonly string[]>> = {
      eu: ["eu", "us", "asia"],
      us: ["us", "eu", "asia"],
      asia: ["asia", "us", "eu"],
    };
    const load: Load = {
      seats: 6,
      people: 3000,
      every: 50,
      balance: {
        strategy: "geo",
        geo: {
          regions: Object.entries(places).map(([name, numbers]) => ({
            name,
            countries: countries.filter((country) => homes[country] === name),
            masters: numbers.map(account),
            distances: { eu: { us: 6, asia: 9 }, us: { asia: 8 }, asia: {} }[name] ?? {},
          })),
          otherwise: null,
        },
      },
      config: { brake: { seats: 100, share: 1, within: 30_000 } },
      options: { workload: { peoplePerLine: 3000, sends: 0, writes: 0, warm: 1, countries } },
      // Europe's path is gone for a minute, then one of America's.
      faults: [
        ...[1, 2].map(
          (no): Fault => ({ kind: "silent-path", target: { device: device(no) }, at: BOOT + 30_000, for: 40_000, keeps: false }),
        ),
        { kind: "silent-path", target: { device: device(3) }, at: BOOT + 90_000, for: 30_000, keeps: false },
      ],
    };
    const fleet = fleetFor(load);
    /** Regions with a seat whose own number is well, as the roster has it. */
    const healthy = (): string[] => {
      const roster = fleet.node?.roster();
      const isWell = (no: number): boolean => {
        const seat = roster?.seats.get(`${LINE}/${account(no)}` as SeatId);
        const state = seat?.holder && roster?.devices.get(seat.holder)?.state;
        return (
          seat?.holder !== undefined &&
          seat.holder !== null &&
          accountOf(seat.holder) === account(no) &&
          (state === "healthy" || state === "recovering")
        );
      };
      return Object.keys(places).filter((region) => places[region]?.some(isWell));
    };
    const wanted: (string | undefined)[][] = [];
    const nearest = (no: number): string | undefined => {
      const serving = healthy();
      return ways[homes[countries[no % countries.length] ?? ""] ?? ""]?.find((region) => serving.includes(region));
    };
    // What was so when it was brought, or a moment later when its seat was chosen.
    writeToAll(load, fleet, (no) => {
      if (no > 1) wanted[no - 2]?.push(nearest(no - 1));
      wanted.push([nearest(no)]);
    });
    const got = fleet.accepted.map(({ seat }) =>
      Object.keys(places).find((region) => places[region]?.some((no) => seat === `${LINE}/${account(no)}`)),
    );
    expect(got).toHaveLength(3000);
    expect(got.filter((region, no) => wanted[no]?.includes(region)).length).toBe(3000);
    // Both failures were felt: Europeans were written to from America, and nobody else from elsewhere.
    expect(new Set(wanted.map(([region], no) => `${countries[(no + 1) % 3] ?? ""} ${region ?? ""}`))).toEqual(
      new Set(["US us", "JP asia", "DE eu", "DE us"]),
    );
  });
});

describe("a strategy of one's own", () => {
  const last: Strategy = { name: "last", begin: () => (seats) => seats.size - 1 };
  const load: Load = { seats: 3, people: 30, every: 50, balance: { strategy: "last" }, config: { strategies: [last] } };
  const alerts = (fleet: Fleet): string[] =>
    fleet.store.tables.alerts.filter(({ rule }) => rule === "balance.strategy").map(({ text }) => text);

  it("is taken by its name", () => {
    const fleet = writeToAll(load, fleetFor(load));
    expect([...sharesOf(fleet)]).toEqual([[`${LINE}/${account(3)}`, 30]]);
    expect(alerts(fleet)).toEqual([]);
  });

  it("is stood in for when it names a seat that is not able, and a person is told once", () => {
    const all: Load = {
      ...load,
      faults: [{ kind: "restricted", target: { account: account(3) }, at: 5_000, for: "permanent", announced: true }],
    };
    const fleet = writeToAll(all, fleetFor(all));
    expect([...sharesOf(fleet).values()]).toEqual([15, 15]);
    expect(alerts(fleet)).toEqual([
      `the strategy last of line ${LINE} erred: it named ${LINE}/${account(3)}, which may not begin conversations at present. Such conversations are shared out in turn; mend the strategy and restart`,
    ]);
  });

  it("changes nothing by writing into what it may only read", () => {
    const scribbler: Strategy = {
      name: "last",
      begin: () => (seats) => {
        seats.able.fill(0);
        seats.able[2] = 1;
        seats.atHome.fill(0);
        seats.weights.fill(-1);
        return 2;
      },
    };
    const all: Load = {
      ...load,
      config: { strategies: [scribbler] },
      faults: [{ kind: "restricted", target: { account: account(3) }, at: 5_000, for: "permanent", announced: true }],
    };
    const fleet = writeToAll(all, fleetFor(all));
    expect([...sharesOf(fleet).values()]).toEqual([15, 15]);
    expect(alerts(fleet)).toHaveLength(1);
  });

  it("must be there when the node is made", () => {
    expect(() => fleetFor({ ...load, config: {} })).toThrow(
      "line sales: there is no strategy last. There are round-robin, priority, least-loaded, geo",
    );
  });
});
