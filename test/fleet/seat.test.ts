import { describe, expect, it } from "vitest";
import type { Millis } from "../../machines/ports/ids.ts";
import { BUSY, DEVICES, FREE, HOLDER, LAST, SEAT, Stage, TIMINGS, TWIN } from "./stage.ts";

describe("a seat", () => {
  it("has its grant from the start, and its sender as soon as the holder is well", () => {
    const stage = new Stage();
    expect([...stage.grants]).toEqual([[HOLDER, 1]]);
    expect(opened(stage)).toEqual([]);
    stage.well();
    expect(opened(stage)).toEqual([`sender.open ${HOLDER} 1`]);
  });

  it("takes its grant from the old holder and gives it to the new one in the turn of the commit", () => {
    const stage = new Stage().well();
    stage.fail();
    const before = stage.host.log.length;
    stage.store("ok");
    const turn = stage.host.log.slice(before).flatMap(({ effect }) => {
      if (effect.op === "connection" && "seat" in effect.command) return [`${effect.command.op} ${effect.command.device}`];
      return effect.op === "tell" && effect.to === `sender:${SEAT}` ? [effect.event.type] : [];
    });
    expect(turn).toEqual(["sender.close", `revoke ${HOLDER}`, `grant ${TWIN}`]);
  });

  it("opens its sender for the new holder once that one is in service, not before", () => {
    const stage = new Stage().well();
    stage.fail();
    stage.store("ok");
    expect(opened(stage).at(-1)).toMatch(/^sender.close/);
    stage.probe("seen");
    expect(opened(stage).at(-1)).toBe(`sender.open ${TWIN} 2`);
  });

  it("keeps its place when it was found in the middle of a move, and says in its row that somebody speaks", () => {
    const stage = new Stage({ holder: TWIN, term: 4 as never, phase: "moving" });
    stage.well();
    expect(stage.state).toBe("serving");
    expect(stage.row).toMatchObject({ holder: TWIN, term: 4, phase: "serving" });
    expect(stage.writes("seat.settle")).toHaveLength(1);
    stage.health(TWIN, "suspect");
    stage.health(TWIN, "healthy");
    expect(stage.writes("seat.settle")).toHaveLength(1);
  });

  it("that nobody holds yet is taken by a device of its own account as soon as one is well", () => {
    const stage = new Stage({ holder: null, term: 0 as never, phase: "vacant" }, { seats: vacant });
    expect(stage.state).toBe("vacant");
    stage.health(FREE, "healthy");
    expect(stage.state).toBe("vacant");
    stage.health(HOLDER, "healthy");
    stage.store("ok");
    stage.probe("seen");
    expect(stage.row).toMatchObject({ holder: HOLDER, term: 1, phase: "serving" });
  });

  it("hears only what is said of its holder", () => {
    const stage = new Stage().well();
    for (const type of ["holder.failed", "holder.suspect"])
      stage.host.tell(`seat:${SEAT}`, { type, device: TWIN, cause: "closed", isFinal: true, lastEvidenceAt: null });
    expect(stage.state).toBe("serving");
    stage.fail("silent");
    stage.host.tell(`seat:${SEAT}`, { type: "holder.well", device: TWIN });
    expect(stage.state).toBe("moving");
  });

  it("waits its turn while the brake is on, and is judged from the moment at which it may move", () => {
    const stage = new Stage().well();
    stage.host.tell("orchestrator", { type: "pause.request", by: "operator:ada" });
    stage.fail("silent");
    expect(stage.state).toBe("denied");
    stage.host.advance(60_000);
    for (const id of DEVICES) if (id !== HOLDER) stage.seen(id);
    stage.host.tell("orchestrator", { type: "resume.request", by: "operator:ada" });
    expect(stage.failovers.at(-1)).toMatchObject({ detectedAt: stage.host.now, twinAt: stage.host.now + TIMINGS.twinAfter });
    stage.health(HOLDER, "recovering");
    expect(stage.state).toBe("serving");
    expect([...stage.grants]).toEqual([[HOLDER, 1]]);
  });

  it("is moved by an operator whatever the brake says", () => {
    const stage = new Stage().well();
    stage.host.tell("orchestrator", { type: "pause.request", by: "operator:ada" });
    stage.fail("silent");
    demand(stage, LAST);
    stage.store("ok");
    stage.probe("seen");
    expect(stage.row.holder).toBe(LAST);
    expect(stage.host.of("audit").map(({ entry }) => entry.actor)).toContain("operator:ada");
  });

  it("gives its turn at the brake back when its holder came back before it moved, and keeps it when it moved", () => {
    const averted = new Stage().well();
    averted.fail("silent");
    averted.health(HOLDER, "recovering");
    expect(averted.state).toBe("serving");
    expect(turnsGivenBack(averted)).toBe(1);
    const moved = new Stage().well();
    moved.fail();
    moved.store("ok");
    moved.probe("seen");
    expect(moved.row.holder).toBe(TWIN);
    expect(turnsGivenBack(moved)).toBe(0);
  });

  it("says no to an operator while it is moving, and when nobody could take it", () => {
    const stage = new Stage().well();
    stage.fail("silent");
    demand(stage, LAST);
    expect(events(stage)).toContain("failover.refused");
    expect(stage.failovers).toHaveLength(1);
    const refused = new Stage().well();
    for (const id of [TWIN, BUSY, FREE, LAST]) refused.health(id, "failed", "closed");
    demand(refused, null);
    refused.host.advance(TIMINGS.patience);
    expect(events(refused)).toContain("failover.refused");
    expect(refused.state).toBe("serving");
    expect(refused.host.of("raise").filter(({ rule }) => rule === "seat.stranded")).toEqual([]);
  });

  it("whose failed holder can be replaced by nobody asks again, less and less often, and gives its turn at the brake back", () => {
    const stage = new Stage().well();
    for (const id of [TWIN, BUSY, FREE, LAST]) stage.health(id, "failed", "closed");
    stage.fail();
    const began: Millis[] = [];
    for (let seconds = 0; seconds < 120; seconds++) {
      if (stage.failovers.length > began.length) began.push(stage.host.now);
      stage.host.advance(1000);
    }
    const pauses = began.slice(1).map((at, place) => at - (began[place] as Millis));
    expect(pauses).toEqual(pauses.toSorted((one, other) => one - other));
    expect(pauses.at(-1)).toBeGreaterThan(10_000);
    expect((stage.host.context("orchestrator") as { recent: unknown[] }).recent).toEqual([]);
    expect(stage.host.of("raise").filter(({ rule }) => rule === "seat.stranded").length).toBe(stage.ended.length);
  });

  it("that is stranded moves at once when somebody becomes able, and its alert is resolved", () => {
    const stage = new Stage().well();
    for (const id of [TWIN, BUSY, FREE, LAST]) stage.health(id, "failed", "closed");
    stage.fail("silent");
    while (stage.state !== "stranded") stage.host.advance(100);
    stage.health(FREE, "healthy");
    stage.store("ok");
    stage.probe("seen");
    expect(stage.row.holder).toBe(FREE);
    expect(stage.host.of("resolve").map(({ key }) => key)).toContain(`seat.stranded:${SEAT}`);
  });

  it("that is stranded is served again by its own holder as soon as that one is back", () => {
    const stage = new Stage().well();
    for (const id of [TWIN, BUSY, FREE, LAST]) stage.health(id, "failed", "closed");
    stage.fail("silent");
    stage.host.advance(30_000);
    stage.health(HOLDER, "recovering");
    expect(stage.state).toBe("serving");
    expect(stage.row.term).toBe(1);
  });

  it("leaves the old holder as a standby: once well, it is the first choice again after the cool-down", () => {
    const stage = new Stage().well();
    stage.fail();
    stage.store("ok");
    stage.probe("seen");
    stage.health(HOLDER, "healthy");
    expect(stage.row.holder).toBe(TWIN);
    stage.host.advance(60_000);
    for (const id of DEVICES) stage.seen(id);
    stage.fail("loggedOut");
    expect(stage.commits.at(-1)?.holder).toBe(HOLDER);
  });
});

const vacant = [{ id: SEAT, line: "sales" as never, account: "m1" as never, holder: null, term: 0 as never }];

function demand(stage: Stage, to: string | null): void {
  stage.host.tell(`seat:${SEAT}`, { type: "failover.demand", to, by: "operator:ada" });
}
function opened(stage: Stage): readonly string[] {
  return stage.host
    .told(`sender:${SEAT}`)
    .map(({ type, device, term, why }) => [type, device, term, why].filter(Boolean).join(" "));
}
function events(stage: Stage): readonly string[] {
  return stage.host.of("event").map(({ event }) => event.type);
}
function turnsGivenBack(stage: Stage): number {
  return stage.host.told("orchestrator").filter(({ type }) => type === "failover.gaveUp").length;
}
