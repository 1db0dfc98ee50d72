/** What a seat says and asks, in the order in which it does: the chart alone, told what its neighbours would say. */
import { describe, expect, it } from "vitest";
import { seatMachine, type SeatTimings } from "../../machines/fleet/seat.ts";
import { accountId, lineId, seatId } from "../../machines/ports/ids.ts";
import type { Effect, FailoverInput } from "../../machines/protocol.ts";
import { Host } from "../account/host.ts";

const LINE = lineId("sales");
const ACCOUNT = accountId("m1");
const ID = seatId(LINE, ACCOUNT);
const SEAT = `seat:${ID}` as const;
const HOLDER = "m1/a";
const TWIN = "m1/b";
const T: SeatTimings = {
  twinAfter: 1000,
  numberAfter: 2500,
  numberAfterClose: 7000,
  verify: 1200,
  patience: 3000,
  rerank: 250,
  askAgain: 1000,
};
const row = (holder: string | null, term: number, phase = "serving") => ({
  id: ID,
  line: LINE,
  account: ACCOUNT,
  holder,
  term,
  phase,
});
const failed = (cause: string, isFinal = false) => ({ device: HOLDER, cause, isFinal, lastEvidenceAt: 995_500 });

describe("what a seat says", () => {
  it("from its start to the service of another holder", () => {
    const host = started();
    expect(take(host)).toEqual([`grant ${HOLDER} 1`, `roster seat.held ${HOLDER} 1 null`]);
    host.tell(SEAT, { type: "holder.well", device: HOLDER });
    const served = ["orchestrator failover.finished", `resolve seat.stranded:${ID}`];
    expect(take(host)).toEqual([`sender sender.open ${HOLDER} m1 1`, ...served, `event seat.serving ${HOLDER} 1`]);
    host.tell(SEAT, { type: "holder.suspect", device: HOLDER, lastEvidenceAt: 1 });
    expect(take(host)).toEqual([`event holder.suspect ${HOLDER}`]);
    host.tell(SEAT, { type: "holder.failed", ...failed("silent") });
    expect(take(host)).toEqual([`event holder.failed ${HOLDER} silent`, "orchestrator failover.request silent false"]);
    host.tell(SEAT, { type: "failover.granted" });
    expect(take(host)).toEqual(["start failover 1"]);
    host.tell(SEAT, { type: "holder.well", device: HOLDER });
    host.tell(SEAT, { type: "holder.failed", ...failed("closed") });
    expect(take(host)).toEqual(["failover holder.well", "failover holder.failed"]);
    host.tell(SEAT, { type: "seat.changed", row: row(TWIN, 2, "moving") });
    expect(take(host)).toEqual([
      "sender sender.close term 1 ended",
      `revoke ${HOLDER}`,
      `grant ${TWIN} 2`,
      `roster seat.held ${TWIN} 2 ${HOLDER}`,
    ]);
    host.tell(SEAT, { type: "failover.ended", outcome: "inService", holder: TWIN, term: 2 });
    expect(take(host)).toEqual([
      "roster holder.review",
      "write seat.settle 2 serving",
      `sender sender.open ${TWIN} m1 2`,
      ...served,
      `event seat.serving ${TWIN} 2`,
    ]);
  });

  it("when an operator moves it, and refuses a second word while it moves", () => {
    const host = serving();
    host.tell(SEAT, { type: "failover.demand", to: TWIN, by: "operator:ada" });
    expect(take(host)).toEqual([`audit operator:ada failover of ${ID} demanded to ${TWIN}`, "start failover 1"]);
    host.tell(SEAT, { type: "failover.demand", to: null, by: "operator:bob" });
    expect(take(host)).toEqual([`event failover.refused ${HOLDER} it is moving already`]);
    host.tell(SEAT, { type: "seat.changed", row: row(TWIN, 2, "moving") });
    expect(take(host).at(-1)).toBe(`roster seat.held ${TWIN} 2 null`);
    host.tell(SEAT, { type: "failover.ended", outcome: "inService", holder: TWIN, term: 2 });
    expect(host.context(SEAT)).toMatchObject({ demand: null, count: 1 });
  });

  it("when an operator moves it while it waits for its holder, or for any, while that is in doubt, and instead of a switchover", () => {
    const demand = { type: "failover.demand", to: TWIN, by: "operator:ada" };
    const audit = `audit operator:ada failover of ${ID} demanded to ${TWIN}`;
    const waiting = started();
    take(waiting);
    waiting.tell(SEAT, demand);
    expect(take(waiting)).toEqual([audit, "start failover 1"]);
    const vacant = started({ holder: null, term: 0, phase: "vacant" });
    take(vacant);
    vacant.tell(SEAT, demand);
    expect(take(vacant)).toEqual([audit, "start failover 0"]);
    const suspect = serving();
    suspect.tell(SEAT, { type: "holder.suspect", device: HOLDER, lastEvidenceAt: null });
    take(suspect);
    suspect.tell(SEAT, demand);
    expect(take(suspect)).toEqual([audit, "start failover 1"]);
    const switching = serving();
    switching.tell(SEAT, { type: "switchover.request", to: TWIN, by: "operator:eve" });
    take(switching);
    switching.tell(SEAT, demand);
    expect(take(switching)).toEqual(["switchover switchover.cancel", audit, "start failover 1"]);
    for (const host of [waiting, vacant, suspect, switching])
      expect(starts(host)).toMatchObject([{ to: TWIN, avertable: false }]);
  });

  it("when nobody could take it for an operator: its holder goes on", () => {
    const host = serving();
    host.tell(SEAT, { type: "failover.demand", to: null, by: "operator:ada" });
    expect(take(host)[0]).toBe(`audit operator:ada failover of ${ID} demanded`);
    host.tell(SEAT, { type: "failover.ended", outcome: "exhausted", holder: HOLDER, term: 1 });
    expect(take(host)).toEqual(["write seat.settle 1 serving", `event failover.refused ${HOLDER}`, "roster holder.review"]);
    expect(host.value(SEAT)).toBe("waiting");
    host.tell(SEAT, { type: "holder.failed", ...failed("silent") });
    host.tell(SEAT, { type: "failover.granted" });
    host.tell(SEAT, { type: "failover.ended", outcome: "aborted", holder: HOLDER, term: 1 });
    expect(take(host).slice(-2)).toEqual(["write seat.settle 1 serving", "roster holder.review"]);
    expect(host.value(SEAT)).toBe("waiting");
  });

  it("when it is stranded: it asks again after one, two, four seconds and so on, but never less often than each 32", () => {
    const host = serving();
    host.tell(SEAT, { type: "holder.failed", ...failed("closed") });
    const pauses = Array.from({ length: 8 }, () => {
      host.tell(SEAT, { type: "failover.granted" });
      host.tell(SEAT, { type: "failover.ended", outcome: "exhausted", holder: HOLDER, term: 1 });
      expect(take(host).slice(-4)).toEqual([
        "write seat.settle 1 serving",
        "roster holder.review",
        "orchestrator failover.gaveUp",
        `raise seat.stranded:${ID} critical`,
      ]);
      const from = host.now;
      while (host.value(SEAT) === "stranded") host.advance(500);
      expect(take(host)).toEqual(["orchestrator failover.request closed false"]);
      expect(host.context(SEAT)).toMatchObject({ detectedAt: host.now });
      return host.now - from;
    });
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 32, 32].map((seconds) => seconds * 1000));
    host.tell(SEAT, { type: "holder.well", device: HOLDER });
    expect(host.context(SEAT)).toMatchObject({ strandings: 0 });
  });

  it("of a change that nobody waited for: it follows, unless that is old or its own", () => {
    const host = serving();
    host.tell(SEAT, { type: "seat.changed", row: row(TWIN, 0) });
    host.tell(SEAT, { type: "seat.changed", row: row(HOLDER, 1, "moving") });
    expect(take(host)).toEqual([]);
    expect([host.value(SEAT), host.context(SEAT)]).toMatchObject(["serving", { row: { phase: "moving" } }]);
    host.tell(SEAT, { type: "seat.changed", row: row(TWIN, 1) });
    expect(take(host)).toHaveLength(4);
    expect(host.value(SEAT)).toBe("waiting");
    host.tell(SEAT, { type: "seat.changed", row: row(null, 5) });
    expect(take(host)).toEqual(["sender sender.close term 1 ended", `revoke ${TWIN}`, `roster seat.held null 5 ${TWIN}`]);
  });

  it("while nobody holds it: it is filled as soon as somebody is able, and nobody is waited for", () => {
    const host = started({ holder: null, term: 0, phase: "vacant" });
    expect(take(host)).toEqual(["roster seat.held null 0 null"]);
    host.advance(500);
    host.tell(SEAT, { type: "candidate.available" });
    expect(take(host)).toEqual(["orchestrator failover.request startup true"]);
    host.tell(SEAT, { type: "failover.granted" });
    expect(starts(host)).toMatchObject([
      { from: null, avertable: false, detectedAt: host.now, twinAt: host.now, numberAt: host.now, lastEvidenceAt: null },
    ]);
  });

  it("hears of its holder's word while it waits for its turn", () => {
    const host = serving();
    host.tell(SEAT, { type: "holder.failed", ...failed("silent") });
    host.tell(SEAT, { type: "failover.denied", why: "the brake is on" });
    host.tell(SEAT, { type: "holder.failed", ...failed("loggedOut", true), device: TWIN });
    expect(host.context(SEAT)).toMatchObject({ cause: "silent", isFinal: false, servingSince: null });
    host.tell(SEAT, { type: "holder.failed", ...failed("loggedOut", true) });
    expect(host.context(SEAT)).toMatchObject({ cause: "loggedOut", isFinal: true, lastEvidenceAt: 995_500 });
    host.tell(SEAT, { type: "failover.demand", to: null, by: "operator:ada" });
    expect(take(host).slice(-3)).toEqual([
      "orchestrator failover.finished",
      `audit operator:ada failover of ${ID} demanded`,
      "start failover 1",
    ]);
  });
});

describe("how long a failover waits for the old holder", () => {
  it.each([
    ["silent", false, 1000, 2500],
    ["unacknowledged", false, 1000, 2500],
    ["closed", false, 0, 7000],
    ["startup", false, 0, 0],
    ["replaced", true, 0, 0],
    ["closed", true, 0, 0],
  ])("%s, for good: %s: %i ms for a twin, %i ms for another number", (cause, isFinal, twin, number) => {
    const host = serving();
    host.advance(5000);
    host.tell(SEAT, { type: "holder.failed", ...failed(cause, isFinal) });
    host.tell(SEAT, { type: "failover.granted" });
    expect(starts(host)).toEqual([
      {
        id: `life/${ID}/1/1`,
        seat: ID,
        line: LINE,
        from: HOLDER,
        term: 1,
        cause,
        to: null,
        avertable: true,
        lastEvidenceAt: 995_500,
        detectedAt: host.now,
        twinAt: host.now + twin,
        numberAt: host.now + number,
        verifyFor: T.verify,
        retryEvery: T.rerank,
        giveUpAt: host.now + number + T.patience,
      },
    ]);
  });

  it("as for a link that was well, if it ended before anybody heard that its holder was", () => {
    const host = started();
    host.tell(SEAT, { type: "holder.failed", ...failed("closed") });
    host.tell(SEAT, { type: "failover.granted" });
    expect(starts(host)).toMatchObject([{ twinAt: host.now, numberAt: host.now + T.numberAfterClose }]);
  });

  it("not at all when it is an operator's word, and no sign of life averts that", () => {
    const host = serving();
    host.advance(5000);
    host.tell(SEAT, { type: "failover.demand", to: TWIN, by: "operator:ada" });
    expect(starts(host)).toMatchObject([
      { cause: "operator", to: TWIN, avertable: false, detectedAt: host.now, twinAt: host.now, numberAt: host.now },
    ]);
  });

  it.each([
    ["to a twin", HOLDER, TWIN, "operator"],
    ["to another number", HOLDER, "m2/a", "operator"],
    ["home, from another number", "m2/a", HOLDER, "failback"],
    ["from one stand-in to the next", "m2/a", "m3/a", "operator"],
  ])("not at all when a switchover leads %s: the holder is well and nothing is under way", (_, from, to, cause) => {
    const host = started({ holder: from });
    host.tell(SEAT, { type: "holder.well", device: from });
    host.advance(5000);
    host.tell(SEAT, { type: "switchover.request", to, by: "orchestrator" });
    host.tell(SEAT, { type: "switchover.ready", to });
    expect(starts(host).at(-1)).toMatchObject({
      cause,
      from,
      to,
      avertable: false,
      detectedAt: host.now,
      twinAt: host.now,
      numberAt: host.now,
    });
  });

  it("not at all once it was stranded: it had all the time that a re-dial gets", () => {
    const host = serving();
    host.tell(SEAT, { type: "holder.failed", ...failed("silent") });
    host.tell(SEAT, { type: "failover.granted" });
    host.advance(5500);
    host.tell(SEAT, { type: "failover.ended", outcome: "exhausted", holder: HOLDER, term: 1 });
    host.tell(SEAT, { type: "holder.failed", ...failed("unacknowledged") });
    host.advance(500);
    host.tell(SEAT, { type: "candidate.available" });
    host.tell(SEAT, { type: "failover.granted" });
    expect(starts(host).at(-1)).toMatchObject({
      id: `life/${ID}/1/2`,
      cause: "unacknowledged",
      detectedAt: host.now,
      numberAt: host.now,
    });
  });
});

// ---- helpers ----

const shown = new WeakMap<Host, number>();

function started(over: object = {}): Host {
  const host = new Host();
  host.chart(SEAT, seatMachine, { row: { ...row(HOLDER, 1), ...over }, timings: T, life: "life" });
  host.tell(SEAT, { type: "start" });
  return host;
}
function serving(): Host {
  const host = started();
  host.tell(SEAT, { type: "holder.well", device: HOLDER });
  take(host);
  return host;
}
/** What was said since the last look. */
function take(host: Host): string[] {
  const from = shown.get(host) ?? 0;
  shown.set(host, host.log.length);
  return host.log.slice(from).map(({ effect }) => words(effect));
}
function starts(host: Host): FailoverInput[] {
  return host.of("start").flatMap((effect) => (effect.kind === "failover" ? [effect.input] : []));
}
function words(effect: Effect): string {
  switch (effect.op) {
    case "connection":
      return list([effect.command.op, effect.command.device, "term" in effect.command ? effect.command.term : undefined]);
    case "event":
      if (effect.event.subject !== ID) throw new Error(`an event about ${effect.event.subject}`);
      return list(["event", effect.event.type, ...Object.values(effect.event.data as object)]);
    case "audit":
      return list(["audit", effect.entry.actor, effect.entry.text]);
    case "start":
      return list(["start", effect.kind, effect.kind === "failover" ? effect.input.term : undefined]);
    case "write":
      return effect.ask.op === "seat.settle" ? list(["write", effect.ask.op, effect.ask.term, effect.ask.phase]) : effect.ask.op;
    case "raise":
      return list(["raise", effect.key, effect.level]);
    case "resolve":
      return list(["resolve", effect.key]);
    case "tell": {
      const { type, seat: _seat, at: _at, ...rest } = effect.event as { type: string; seat?: string; at?: number };
      const said = effect.to.startsWith("failover:") ? [] : Object.values(rest);
      return list([effect.to.split(":")[0], type, ...said]);
    }
    default:
      return effect.op;
  }
}
function list(parts: readonly unknown[]): string {
  return parts
    .filter((part) => part !== undefined)
    .map(String)
    .join(" ");
}
