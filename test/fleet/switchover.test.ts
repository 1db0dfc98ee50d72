import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isOpen } from "../../machines/delivery/outbox-state.ts";
import type { DeviceId, MessageId, Millis, SeatId } from "../../machines/ports/ids.ts";
import type { OutboxRow } from "../../machines/ports/store.ts";
import type { Target } from "../../sim/faults/rule.ts";
import type { Fleet } from "../../sim/world/harness.ts";
import { type Injection, settled, withoutTwin, withTwin } from "../sim/world/story.ts";

/** It waits behind a message that is held: an operator has the word. */
const isBehindHeld = (fleet: Fleet, { conversation, seq }: OutboxRow): boolean =>
  rows(fleet).some((row) => row.conversation === conversation && row.state === "held" && row.seq < seq);
const rows = (fleet: Fleet): readonly OutboxRow[] => [...fleet.store.tables.outbox.values()];
const holderOf = (fleet: Fleet, seat: SeatId): DeviceId | null => fleet.seat(seat)?.holder ?? null;
const twinOf = (holder: DeviceId | null): DeviceId => (holder === "support-1/a" ? "support-1/b" : "support-1/a") as DeviceId;
const refusals = (fleet: Fleet): string[] =>
  fleet.world.ledger.events.flatMap((event) =>
    event.kind === "said" && event.type === "switchover.refused" ? [String(event.data["why"])] : [],
  );

/** What people saw twice, saw in another order than it was accepted in, or never saw. */
const wrongs = (fleet: Fleet): { readonly twice: MessageId[]; readonly late: MessageId[]; readonly missing: MessageId[] } => {
  const byId = new Map(rows(fleet).map((row) => [row.id, row]));
  const seen = new Set<MessageId>();
  const last = new Map<string, number>();
  const twice: MessageId[] = [];
  const late: MessageId[] = [];
  for (const event of fleet.world.ledger.events) {
    if (event.kind !== "shown") continue;
    const { conversation, seq } = byId.get(event.message) as OutboxRow;
    if (seen.has(event.message)) twice.push(event.message);
    else if (seq < (last.get(conversation) ?? 0)) late.push(event.message);
    seen.add(event.message);
    last.set(conversation, Math.max(seq, last.get(conversation) ?? 0));
  }
  const isLost = (row: OutboxRow): boolean =>
    !seen.has(row.id) && row.state !== "held" && row.state !== "failed" && !isBehindHeld(fleet, row);
  const missing = rows(fleet).flatMap((row) => (isLost(row) ? [row.id] : []));
  return { twice, late, missing };
};

/** From the acceptance of each message of the seat to WhatsApp's acknowledgement, by the time of acceptance. */
const waits = (fleet: Fleet, seat: SeatId): { readonly at: Millis; readonly took: Millis }[] => {
  const taken = new Map(
    fleet.world.ledger.events.flatMap((event) => (event.kind === "accepted" ? [[event.message, event.at] as const] : [])),
  );
  return rows(fleet).flatMap(({ id, seat: of, acceptedAt }) =>
    of === seat && taken.has(id) ? [{ at: acceptedAt, took: (taken.get(id) as Millis) - acceptedAt }] : [],
  );
};

const strike = (fleet: Fleet, fault: Injection, target: Target): void => void fleet.inject({ ...fault, target });
const DRAINED = ["support-1/a", "support-1/b"] as DeviceId[];
/** They are no single device's. */
const OF_ALL: ReadonlySet<Injection["kind"]> = new Set(["node-crash", "store-slow"]);
const FAULTS: readonly Injection[] = [
  { kind: "half-open-link", for: "permanent" },
  { kind: "silent-path", for: 6_000, keeps: false },
  { kind: "close", for: 0, code: 428 },
  { kind: "logged-out", for: "permanent" },
  { kind: "ack-lost", for: 6_000, mute: true },
  { kind: "send-swallowed", for: 6_000, share: 1 },
  { kind: "node-crash", for: 0, tells: false, downFor: 1_000 },
  { kind: "store-slow", for: 5_000, mean: 400 },
];

const end = (fleet: Fleet): Fleet => fleet.run(60_000).stopWorkload().run(120_000);

describe("a switchover", () => {
  it.each([
    ["to the twin", withTwin, "support-1/b"],
    ["to another number", withoutTwin, "sales-1/a"],
  ] as const)("%s is seen by nobody: nothing is lost, doubled, reordered or left unanswered", (_, seat, target) => {
    const fleet = settled("switchover", 50);
    const from = fleet.world.clock.now();
    const calm = waits(fleet, seat).map(({ took }) => took);
    fleet.node?.switchOver(seat, target as DeviceId, "test");
    expect(fleet.until(() => holderOf(fleet, seat) === target && fleet.allServing, 5_000)).toBe(true);
    end(fleet);
    expect(wrongs(fleet)).toEqual({ twice: [], late: [], missing: [] });
    const unanswered = rows(fleet).filter(({ attempts }) => attempts.some(({ outcome }) => outcome === "unanswered"));
    expect(unanswered).toEqual([]);
    const meanwhile = waits(fleet, seat).filter(({ at }) => at > from - 1_000 && at < from + 2_000);
    expect(meanwhile.length).toBeGreaterThan(10);
    // The longest of a drain (the slowest acknowledgement under way), a commit and a look at the new holder.
    expect(Math.max(...meanwhile.map(({ took }) => took))).toBeLessThan(Math.max(...calm) + 2_000);
  });

  it.each(Array.from({ length: 8 }, (_, no) => no * 700))(
    "to whoever is best goes to the twin, %i ms later too: a number is not changed while the same one can speak",
    (offset) => {
      const fleet = settled("no target");
      fleet.run(offset);
      const twin = twinOf(holderOf(fleet, withTwin));
      fleet.node?.switchOver(withTwin, null, "test");
      fleet.run(4_000);
      expect(holderOf(fleet, withTwin)).toBe(twin);
    },
  );

  it("goes to another number when the twin does not answer", () => {
    const fleet = settled("mute twin");
    strike(fleet, { kind: "silent-path", for: "permanent", keeps: false }, { device: twinOf(holderOf(fleet, withTwin)) });
    fleet.node?.switchOver(withTwin, null, "test");
    fleet.run(4_000);
    expect(holderOf(fleet, withTwin)).toMatch(/^(?!support-1\/)/);
  });

  it("refuses a named target that was heard of a moment ago and answers no more", () => {
    const fleet = settled("mute target");
    const holder = holderOf(fleet, withTwin);
    strike(fleet, { kind: "silent-path", for: "permanent", keeps: false }, { device: twinOf(holder) });
    fleet.node?.switchOver(withTwin, twinOf(holder), "test");
    fleet.run(4_000);
    expect([holderOf(fleet, withTwin), refusals(fleet).length]).toEqual([holder, 1]);
    expect(refusals(fleet)[0]).toMatch(/support-1.[ab]: (it does not answer|last heard of \d+ ms ago)/);
  });

  it("refuses a target that can't deliver, says why, and the holder goes on", () => {
    const fleet = settled("refused");
    const holder = holderOf(fleet, withoutTwin);
    fleet.inject({ kind: "logged-out", target: { device: "sales-1/a" as DeviceId }, for: "permanent" });
    fleet.node?.cordon("sales-1/b" as DeviceId, true);
    fleet.run(5_000);
    for (const target of ["sales-1/a", "sales-1/b", "support-1/a"]) {
      fleet.node?.switchOver(withoutTwin, target as DeviceId, "test");
      fleet.run(4_000);
    }
    expect(refusals(fleet)).toEqual([
      expect.stringMatching(/^sales-1\/a: not linked|^sales-1\/a: health: /),
      "sales-1/b: cordoned",
      "support-1/a is no other device of the line's masters",
    ]);
    expect(holderOf(fleet, withoutTwin)).toBe(holder);
    end(fleet);
    expect(wrongs(fleet)).toEqual({ twice: [], late: [], missing: [] });
    expect(fleet.failovers(withoutTwin).filter(({ cause }) => cause === "operator").length).toBeLessThanOrEqual(1);
  });

  it("is not made while WhatsApp owes an acknowledgement: the holder goes on with what waited", () => {
    const fleet = settled("undrained");
    const holder = holderOf(fleet, withoutTwin) as DeviceId;
    strike(fleet, { kind: "ack-lost", for: 3_600, mute: true }, { device: holder });
    fleet.run(300);
    fleet.node?.switchOver(withoutTwin, null, "test");
    end(fleet);
    expect(refusals(fleet)).toEqual(["its holder is in trouble"]);
    expect(holderOf(fleet, withoutTwin)).toBe(holder);
    expect(wrongs(fleet)).toMatchObject({ late: [], missing: [] });
  });

  it("leads back, or on, when the target falls silent the moment it is chosen", () => {
    const fleet = settled("falls silent");
    fleet.node?.switchOver(withTwin, "support-1/b" as DeviceId, "test");
    fleet.until(() => holderOf(fleet, withTwin) === "support-1/b", 5_000);
    strike(fleet, { kind: "silent-path", for: "permanent", keeps: false }, { device: "support-1/b" as DeviceId });
    end(fleet);
    expect(holderOf(fleet, withTwin)).not.toBe("support-1/b");
    expect(fleet.allServing).toBe(true);
    expect(wrongs(fleet)).toMatchObject({ late: [], missing: [] });
  });

  it("leads back to a holder that is to hold no more seats, too, rather than leave the seat with a device that does not answer", () => {
    const fleet = settled("drained");
    const holder = holderOf(fleet, withTwin) as DeviceId;
    for (const device of DRAINED) fleet.node?.cordon(device, true);
    fleet.node?.switchOver(withTwin, null, "test");
    fleet.until(() => holderOf(fleet, withTwin) !== holder, 5_000);
    const target = holderOf(fleet, withTwin) as DeviceId;
    strike(fleet, { kind: "silent-path", for: "permanent", keeps: false }, { device: target });
    fleet.run(8_000);
    expect(holderOf(fleet, withTwin)).toBe(holder);
    expect(fleet.failovers(withTwin).filter(({ cause }) => cause === "operator")).toMatchObject([
      { to: target, outcome: "rolledBack" },
    ]);
    for (const device of DRAINED) fleet.node?.cordon(device, false);
    end(fleet);
    expect(wrongs(fleet)).toMatchObject({ late: [], missing: [] });
  });

  it("is refused in words while the seat is moving, and by a node that has just started", () => {
    const fleet = settled("busy");
    fleet.node?.demandFailover(withTwin, null, "test");
    fleet.node?.switchOver(withTwin, null, "test");
    expect(refusals(fleet)).toEqual(["it is not in service at present"]);
  });

  const trouble = fc.record({
    seed: fc.nat(1_000),
    seat: fc.constantFrom(withTwin, withoutTwin),
    fault: fc.constantFrom(...FAULTS),
    hitsHolder: fc.boolean(),
    offset: fc.integer({ min: -1_500, max: 2_500 }),
  });
  it("loses nothing and leaves nobody mute, whatever fails while it is made", { timeout: 240_000 }, () => {
    fc.assert(
      fc.property(trouble, ({ seed, seat, fault, hitsHolder, offset }) => {
        const fleet = settled(`trouble ${seed}`, 8);
        const target = seat === withTwin ? ("support-1/b" as DeviceId) : ("sales-1/b" as DeviceId);
        const device = hitsHolder ? (holderOf(fleet, seat) as DeviceId) : target;
        const order = (): void => fleet.node?.switchOver(seat, target, "test");
        const fails = (): void => strike(fleet, fault, OF_ALL.has(fault.kind) ? { all: true } : { device });
        if (offset < 0) fails();
        else order();
        fleet.run(Math.abs(offset));
        if (offset < 0) order();
        else fails();
        end(fleet);
        expect(fleet.allServing).toBe(true);
        expect(wrongs(fleet)).toMatchObject({ late: [], missing: [] });
        expect(rows(fleet).filter((row) => isOpen(row.state) && !isBehindHeld(fleet, row))).toEqual([]);
        expect(fleet.events().filter(({ type }) => type === "actor.died")).toEqual([]);
      }),
      { numRuns: process.env["GREENROOM_FULL"] ? 400 : 12 },
    );
  });
});
