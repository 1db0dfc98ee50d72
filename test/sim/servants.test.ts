/** Servants that work, fail, come back and follow their seat, in the midst of all else; and who writes to one first. */
import { describe, expect, it } from "vitest";
import type { Work } from "../../machines/delivery/work.ts";
import { placeOf } from "../../machines/fleet/posts.ts";
import { isProved } from "../../machines/delivery/outbox-state.ts";
import {
  accountId,
  accountOf,
  deviceId,
  lineId,
  type RequestId,
  type SeatId,
  seatOf,
  servantOf,
} from "../../machines/ports/ids.ts";
import type { FleetDeclaration, StoreAnswer, StoreOp, StoreOps } from "../../machines/ports/store.ts";
import { eventsOf } from "../../sim/checkers/life.ts";
import { lifeOf } from "../../sim/plan/life.ts";
import type { Plan } from "../../sim/plan/plan.ts";
import { runPlan } from "../../sim/plan/run.ts";
import { DIRECTED } from "../../sim/scenarios/directed.ts";
import { Fleet } from "../../sim/world/harness.ts";
import { personOf } from "../../sim/world/workload.ts";
import { Inbound } from "../../src/runtime/inbound.ts";
import type { Answered } from "../../src/runtime/views.ts";

const PLAN: Plan = DIRECTED["servants-at-work"];

describe("servants at work", () => {
  it("carry the bulk, follow their seat into its next term, and leave their work to others when they are out", {
    timeout: 60_000,
  }, () => {
    const life = lifeOf(PLAN, runPlan(PLAN));
    const sent = eventsOf(life, "gate").filter(({ seat }) => servantOf(seat) !== null);
    expect(new Set(sent.map(({ device }) => accountOf(device)))).toEqual(
      new Set(["sales-s1", "sales-s2", "sales-s3", "sales-s4"]),
    );
    const moved = sent.filter(({ seat }) => seatOf(seat) === "sales/sales-2");
    expect(new Set(moved.map(({ term }) => term)).size).toBeGreaterThan(1);
    const heirs = eventsOf(life, "said").flatMap(({ type, data }) => (type === "servant.relieved" ? [data["to"]] : []));
    expect(heirs).toContain("sales/sales-1#sales-s3");
    expect(heirs).toContain("sales/sales-1#sales-s1");
    expect(life.tables.outbox.filter(({ state }) => !isProved(state))).toEqual([]);
  });

  it("have nothing to do where the line gives them nothing", { timeout: 60_000 }, () => {
    const idle: Plan = { ...PLAN, fleet: { ...PLAN.fleet, settings: {} } };
    const life = lifeOf(idle, runPlan(idle));
    expect(eventsOf(life, "gate").filter(({ seat }) => servantOf(seat) !== null)).toEqual([]);
  });
});

const SALES = lineId("sales");
const NAMES = ["m1", "m2", "s1", "s2"].map(accountId);
const DECLARATION: FleetDeclaration = {
  accounts: NAMES.map((id) => ({ id, role: id.startsWith("m") ? "master" : "servant", devices: [deviceId(id, "a")] })),
  lines: [{ id: SALES, masters: NAMES.slice(0, 2), servants: NAMES.slice(2), strategy: "round-robin" }],
};

/** A stranger writes to the second servant, is answered there by what the runtime makes of it: at which place, and by whose number. */
const answeredAt = async (work: readonly Work[]): Promise<{ place: SeatId | undefined; by: readonly string[] }> => {
  const workload = { peoplePerLine: 1, warm: 0, sends: 0, writes: 0 };
  const fleet = new Fleet({ seed: 1, declaration: DECLARATION, config: { work: () => work }, workload });
  fleet.until(() => fleet.allServing, 60_000);
  const stranger = personOf(SALES, 1);
  fleet.run(30_000).world.service.write(stranger, NAMES[3] as (typeof NAMES)[number], "hello");
  fleet.run(5_000);
  const [row] = fleet.store.tables.inbox;
  let asked = 0;
  const ask = <K extends StoreOp>(op: K, input: StoreOps[K]["in"]): Promise<Answered<K>> => {
    const { promise, resolve } = Promise.withResolvers<Answered<K>>();
    const command = { op, reqId: `test${++asked}` as RequestId, ...input } as Parameters<typeof fleet.store.ask<K>>[0];
    fleet.store.ask<K>(command, (answer: StoreAnswer<K>) => resolve(answer as Answered<K>));
    fleet.run(100);
    return promise;
  };
  const inbound = new Inbound({
    lines: DECLARATION.lines,
    ask,
    ours: async () => new Set(),
    placeOf: (line, servant) => {
      const roster = fleet.node?.roster();
      return roster && placeOf(roster, line, servant);
    },
    speaker: () => undefined,
    reload: () => undefined,
    contentOf: () => ({ kind: "text", text: "hello", replyTo: null, media: null, location: null, contacts: [] }),
  });
  const message = row && (await inbound.toMessage(row));
  fleet.bring(SALES, stranger, "what can I do for you?");
  fleet.run(30_000);
  const { events } = fleet.world.ledger;
  const by = events.flatMap((event) => (event.kind === "shown" && event.person === stranger ? [event.account] : []));
  return { place: message?.seat, by };
};

describe("who writes to a servant first", () => {
  it("is answered by that number, where it works", async () => {
    expect(await answeredAt(["bulk"])).toEqual({ place: "sales/m2#s2", by: ["s2"] });
  });

  it("is answered by the seat that the servant follows, where it does nothing", async () => {
    expect(await answeredAt([])).toEqual({ place: "sales/m2", by: ["m2"] });
  });
});
