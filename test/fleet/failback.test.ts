import { describe, expect, it } from "vitest";
import { roster, type RosterInput } from "../../machines/fleet/roster.ts";
import { type AccountId, accountOf, type DeviceId, type LineId, type SeatId, type SeatTerm } from "../../machines/ports/ids.ts";
import { Fleet } from "../../sim/world/harness.ts";
import { demoFleet, referenceConfig } from "../../sim/world/reference.ts";

const seat = "sales/sales-2" as SeatId;
const home = "sales-2/a" as DeviceId;

describe("a seat whose holder was replaced by another number", () => {
  it("goes home by itself once its own account has been well for a while, if the line wants that", () => {
    const fleet = broken("automatic");
    expect(holderAccount(fleet)).toBe("sales-1");
    expect(fleet.until(() => fleet.seat(seat)?.holder === home, 180_000)).toBe(true);
    fleet.run(20_000);
    expect(fleet.failovers(seat).at(-1)).toMatchObject({ cause: "failback", to: home, outcome: "inService" });
    expect(fleet.allServing).toBe(true);
    const moves = fleet.failovers(seat).length;
    fleet.run(300_000);
    expect(fleet.failovers(seat)).toHaveLength(moves);
    expect(missingUnheld(fleet.stopWorkload().run(60_000))).toEqual([]);
  });

  it("goes home without anybody noticing: nothing is under way when it does", () => {
    const fleet = broken("automatic");
    fleet.until(() => fleet.seat(seat)?.holder === home, 180_000);
    fleet.run(20_000);
    const { audit } = fleet.store.tables;
    expect(audit.filter(({ action, subject }) => action === "switchover.demanded" && subject === seat)).toMatchObject([
      { actor: "orchestrator", evidence: { to: home } },
    ]);
    expect(audit.filter(({ action, subject }) => action === "failover.demanded" && subject === seat)).toEqual([]);
    expect(leftUnheard(fleet)).toEqual([]);
  });

  it("stays with its stand-in while its home may take no seat, and an operator is told so", () => {
    const fleet = broken("automatic");
    fleet.node?.cordon(home, true);
    fleet.run(200_000);
    expect(holderAccount(fleet)).toBe("sales-1");
    for (let times = 0; times < 5; times++) {
      fleet.node?.switchOver(seat, home, "test");
      fleet.run(10_000);
    }
    expect(refusals(fleet)).toContainEqual(expect.stringContaining(`${home}: `));
    expect(holderAccount(fleet)).toBe("sales-1");
  });

  it("stays where it is by default", () => {
    const fleet = broken("manual");
    fleet.run(300_000);
    expect(holderAccount(fleet)).toBe("sales-1");
  });

  it("stays where it is while automatic failover is paused, and goes home after that", () => {
    const fleet = broken("automatic");
    fleet.node?.pause("test");
    fleet.run(300_000);
    expect(holderAccount(fleet)).toBe("sales-1");
    fleet.node?.resume("test");
    expect(fleet.until(() => fleet.seat(seat)?.holder === home, 90_000)).toBe(true);
  });

  it("is offered to go home once a cool-down, however often its home is well again", () => {
    const told = (at: number): unknown[] =>
      roster
        .receive(state, {
          type: "device.health",
          device: home,
          state: "healthy",
          cause: null,
          isFinal: false,
          lastEvidenceAt: at,
          at,
        })
        .effects?.filter((effect) => effect.op === "tell" && effect.to === "orchestrator") ?? [];
    const { state } = roster.start(rosterInput, 0);
    expect(told(1_000)).toEqual([{ op: "tell", to: "orchestrator", event: { type: "home.recovered", seat, device: home } }]);
    expect(told(2_000)).toEqual([]);
    const { wakeAt } = roster.receive(state, { type: "wake", at: 3_000 });
    expect(wakeAt).toBe(1_000 + rosterInput.cooldown);
    expect(told(wakeAt as number)).toHaveLength(1);
  });

  it("is looked at again when the first of all that are away may be offered", () => {
    const away = { id: "sales/sales-1", line: "sales", account: "sales-1", holder: "support-1/a", term: 2 } as never;
    const { state } = roster.start({ ...rosterInput, seats: [...rosterInput.seats, away] }, 0);
    const wakeAfter = (device: string, at: number): number | null => {
      const said = { type: "device.health", state: "healthy", cause: null, isFinal: false, lastEvidenceAt: at, at } as const;
      return roster.receive(state, { ...said, device: device as DeviceId }).wakeAt;
    };
    expect(wakeAfter(home, 1_000)).toBe(1_000 + rosterInput.cooldown);
    expect(wakeAfter("sales-1/a", 5_000)).toBe(1_000 + rosterInput.cooldown);
    expect(roster.receive(state, { type: "wake", at: 6_000 }).wakeAt).toBe(1_000 + rosterInput.cooldown);
  });
});

describe("a fleet file that names an account no more", () => {
  it("leaves its seat with the line: conversations go on with another master", () => {
    const { fleet, declaration } = changeable();
    const messages = fleet.startWorkload().run(20_000).accepted.length;
    expect(messages).toBeGreaterThan(0);
    declaration.accounts = declaration.accounts.filter(({ id }) => id !== "sales-2");
    declaration.lines = declaration.lines.map((line) => ({ ...line, masters: line.masters.filter((id) => id !== "sales-2") }));
    restart(fleet);
    expect(fleet.until(() => holderAccount(fleet) === "sales-1", 60_000)).toBe(true);
    fleet.run(30_000);
    expect(fleet.failovers(seat).at(-1)).toMatchObject({ cause: "removed", outcome: "inService" });
    expect(fleet.node?.roster()?.devices.has(home)).toBe(false);
    expect(fleet.node?.driver.has(`connection:${home}`)).toBe(false);
    expect(missingUnheld(fleet.stopWorkload().run(60_000))).toEqual([]);
  });

  it("brings a seat home again when it is named again", () => {
    const { fleet, declaration } = changeable("automatic");
    const { accounts, lines } = declaration;
    declaration.accounts = accounts.filter(({ id }) => id !== "sales-2");
    declaration.lines = lines.map((line) => ({ ...line, masters: line.masters.filter((id) => id !== "sales-2") }));
    restart(fleet);
    expect(fleet.until(() => holderAccount(fleet) === "sales-1", 60_000)).toBe(true);
    Object.assign(declaration, { accounts, lines });
    restart(fleet);
    expect(fleet.until(() => fleet.seat(seat)?.holder === home, 120_000)).toBe(true);
  });

  it("starts nothing of a line that is gone, and keeps what was accepted", () => {
    const { fleet, declaration } = changeable();
    const rows = fleet.startWorkload().run(10_000).stopWorkload().store.tables.outbox.length;
    declaration.lines = declaration.lines.filter(({ id }) => id !== "sales");
    restart(fleet);
    fleet.run(30_000);
    expect([...(fleet.node?.roster()?.seats.keys() ?? [])]).toEqual(["support/support-1", "support/support-2"]);
    expect(fleet.seat(seat)?.holder).toBe(home);
    expect(fleet.store.tables.outbox).toHaveLength(rows);
  });
});

const rosterInput: RosterInput = {
  accounts: demoFleet().accounts.map(({ id, role, devices }) => ({
    id,
    role,
    standing: "good",
    devices: devices.map((device) => ({ id: device, linked: true, cordoned: false })),
  })),
  lines: demoFleet().lines,
  seats: [
    { id: seat, line: "sales" as LineId, account: "sales-2" as AccountId, holder: "sales-1/a" as DeviceId, term: 2 as SeatTerm },
  ],
  failback: ["sales" as LineId],
  candidateFresh: 1_500,
  cooldown: 60_000,
  togetherWithin: 2_000,
};
const workload = { sends: 4, writes: 1, peoplePerLine: 50 };
const refusals = (fleet: Fleet): string[] =>
  fleet
    .events()
    .flatMap(({ type, subject, data }) => (type === "switchover.refused" && subject === seat ? [String(data["why"])] : []));
/** Attempts of the seat that its stand-in left without an answer as it went home. */
const leftUnheard = (fleet: Fleet): unknown[] => {
  const { detectedAt = 0 } = fleet.failovers(seat).at(-1) ?? {};
  return fleet.store.tables.outbox.flatMap((row) =>
    row.seat === seat ? row.attempts.filter(({ at, outcome }) => outcome === "unanswered" && at > detectedAt - 10_000) : [],
  );
};
const holderAccount = (fleet: Fleet): string => accountOf(fleet.seat(seat)?.holder ?? ("nobody/x" as DeviceId));

/** Everyone at home, then sales-2, which has no twin, is out for half a minute. */
const broken = (failback: "manual" | "automatic"): Fleet => {
  const fleet = new Fleet({
    seed: `failback ${failback}`,
    declaration: demoFleet(),
    workload,
    config: { failback: () => failback },
  });
  fleet.until(() => fleet.allServing, 120_000);
  if (fleet.seat(seat)?.holder !== home) fleet.node?.demandFailover(seat, home, "test");
  fleet.run(30_000).startWorkload().run(10_000);
  fleet.inject({ kind: "silent-path", target: { account: "sales-2" }, for: 30_000, keeps: false } as never);
  fleet.until(() => holderAccount(fleet) === "sales-1", 20_000);
  return fleet;
};

/** A fleet whose declaration the test may change before a restart. */
const changeable = (failback: "manual" | "automatic" = "manual") => {
  const declaration = { ...demoFleet() };
  const config = { ...referenceConfig(declaration), failback: () => failback };
  const fleet = new Fleet({ seed: "changed file", declaration: demoFleet(), workload, config });
  fleet.until(() => fleet.allServing, 120_000);
  if (fleet.seat(seat)?.holder !== home) fleet.node?.demandFailover(seat, home, "test");
  fleet.run(30_000);
  return { fleet, declaration };
};

const restart = (fleet: Fleet): void => {
  const { lives } = fleet;
  fleet.inject({ kind: "node-crash", target: { node: "n1" }, for: 0, tells: true, downFor: 1_000 } as never);
  fleet.until(() => fleet.lives > lives, 10_000);
  fleet.run(1_000);
};

/** Another number holds what may have gone out already: that waits for an operator, and what comes after it as well. */
const missingUnheld = (fleet: Fleet): string[] => {
  const rows = new Map(fleet.store.tables.outbox.map((row) => [row.id, row]));
  const heldChats = new Set([...rows.values()].filter(({ state }) => state === "held").map(({ conversation }) => conversation));
  return fleet.missing().flatMap(({ id }) => (heldChats.has(rows.get(id)?.conversation as never) ? [] : [id]));
};
