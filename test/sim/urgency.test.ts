/** How long an urgent message waits behind a campaign that its account's pace stretches, in whole fleets in simulated time. */
import { describe, expect, it } from "vitest";
import { balanceOf } from "../../machines/delivery/balance/settings.ts";
import { lineId, accountId, type LineId, type Millis } from "../../machines/ports/ids.ts";
import { Fleet } from "../../sim/world/harness.ts";
import { silentHabits } from "../../sim/world/people.ts";
import { declare, referenceConfig } from "../../sim/world/reference.ts";
import { personOf } from "../../sim/world/workload.ts";

const LINE = lineId("sales");
const BOOT: Millis = 20_000;
const BULK = 2000;
const PER_SECOND = 5;

/** One seat; everybody of the campaign is accepted at once. */
const campaign = (others: number): Fleet => {
  const declaration = declare({ name: LINE, masters: [1], servants: 0 });
  const masters = declaration.lines[0]?.masters ?? [];
  const fleet = new Fleet({
    seed: 7,
    declaration,
    habits: silentHabits,
    workload: { peoplePerLine: BULK + others, sends: 0, writes: 0, warm: 1 },
    config: {
      ...referenceConfig(declaration),
      balance: (line: LineId) => balanceOf(line, masters, {}),
      queue: () => ({ pacing: { [accountId(`${LINE}-1`)]: { perSecond: PER_SECOND, burst: 3 } } }),
    },
  }).run(BOOT);
  for (let no = 1; no <= BULK; no++) fleet.bring(LINE, personOf(LINE, no), `bulk ${no}`, 0);
  return fleet;
};
/** From acceptance to WhatsApp's ack of all of a priority; who has none has waited until now. */
const waits = (fleet: Fleet, priority: number): Millis[] => {
  const acked = new Map(
    fleet.world.ledger.events.flatMap((event) => (event.kind === "ackTold" ? [[event.waId, event.at] as const] : [])),
  );
  return fleet.store.tables.outbox
    .filter((row) => row.priority === priority)
    .map(({ waId, acceptedAt }) => (acked.get(waId) ?? fleet.world.clock.now()) - acceptedAt);
};

describe("a VIP behind 2,000 messages of a campaign", () => {
  it("is written to within seconds, each of one a second, and four of five messages remain the campaign's", () => {
    const fleet = campaign(100).run(5000);
    const before = waits(fleet, 0).length;
    for (let no = 1; no <= 100; no++) {
      fleet.bring(LINE, personOf(LINE, BULK + no), "urgent", 9);
      fleet.run(1000);
    }
    const urgent = waits(fleet, 9);
    expect(before).toBe(BULK);
    expect(urgent).toHaveLength(100);
    expect(Math.max(...urgent)).toBeLessThan(3000);
    const bulk = fleet.store.tables.outbox.filter(({ priority, state }) => priority === 0 && state !== "accepted").length;
    expect(bulk).toBeGreaterThan((PER_SECOND - 1) * 100);
    fleet.run((BULK / PER_SECOND) * 1000);
    expect(fleet.store.tables.outbox.filter(({ state }) => state === "accepted")).toEqual([]);
  });
});
