import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { orchestratorMachine } from "../../machines/fleet/orchestrator.ts";
import { accountId, lineId, type Millis, type SeatId, seatId } from "../../machines/ports/ids.ts";
import { Host } from "../account/host.ts";

const LIMIT = 2;
const WITHIN: Millis = 30_000;
const SEATS = Array.from({ length: 7 }, (_, i) => seatId(lineId("sales"), accountId(`m${i + 1}`)));
const runs = process.env["GREENROOM_FULL"] ? 20_000 : 500;

describe("the brake", () => {
  it("lets as many seats move as the limit allows, holds back the next one, and calls a person", () => {
    const host = started();
    for (const seat of SEATS.slice(0, 3)) ask(host, seat);
    expect(granted(host)).toEqual(SEATS.slice(0, 2));
    expect(denials(host)).toEqual([SEATS[2]]);
    expect(host.of("raise").map(({ rule, level }) => [rule, level])).toEqual([["fleet.brake", "critical"]]);
  });

  it("counts a seat once, however often it asks", () => {
    const host = started();
    for (let time = 0; time < 5; time++) ask(host, SEATS[0] as SeatId);
    ask(host, SEATS[1] as SeatId);
    expect(host.value("orchestrator")).toBe("automatic");
  });

  it("lets the limit go in each further period, in the order in which they asked, and then resolves", () => {
    const host = started();
    for (const seat of SEATS) ask(host, seat);
    host.advance(WITHIN);
    expect(granted(host)).toEqual(SEATS.slice(0, 4));
    ask(host, SEATS[5] as SeatId);
    host.advance(WITHIN);
    expect(granted(host)).toEqual(SEATS.slice(0, 6));
    expect(host.of("resolve")).toEqual([]);
    host.advance(WITHIN);
    expect(granted(host)).toEqual(SEATS);
    expect(host.of("resolve").map(({ key }) => key)).toEqual(["fleet.brake"]);
  });

  it("counts those that it let go after a period like those that went by themselves", () => {
    const host = started();
    for (const seat of SEATS.slice(0, 4)) ask(host, seat);
    host.advance(WITHIN);
    expect(host.value("orchestrator")).toBe("automatic");
    ask(host, SEATS[4] as SeatId);
    expect(granted(host)).toEqual(SEATS.slice(0, 4));
    host.advance(WITHIN);
    expect(granted(host)).toEqual(SEATS.slice(0, 5));
  });

  it("forgets a seat whose holder is back", () => {
    const host = started();
    for (const seat of SEATS.slice(0, 4)) ask(host, seat);
    host.tell("orchestrator", { type: "failover.finished", seat: SEATS[2] });
    host.advance(WITHIN);
    expect(granted(host)).toEqual([SEATS[0], SEATS[1], SEATS[3]]);
  });

  it("gives the turn of a seat that could not move to another one", () => {
    const host = started();
    ask(host, SEATS[0] as SeatId);
    ask(host, SEATS[1] as SeatId);
    host.tell("orchestrator", { type: "failover.gaveUp", seat: SEATS[0] });
    ask(host, SEATS[2] as SeatId);
    expect(granted(host)).toEqual(SEATS.slice(0, 3));
    expect(host.value("orchestrator")).toBe("automatic");
  });

  it("does not count seats that nobody holds: they take nothing from anybody", () => {
    const host = started();
    for (const seat of SEATS) ask(host, seat, true);
    expect(granted(host)).toEqual(SEATS);
    for (const seat of SEATS.slice(0, 3)) ask(host, seat);
    ask(host, SEATS[6] as SeatId, true);
    expect(granted(host).at(-1)).toBe(SEATS[6]);
  });

  it("is taken off by a person: all who wait may move", () => {
    const host = started();
    for (const seat of SEATS) ask(host, seat);
    host.tell("orchestrator", { type: "resume.request", by: "operator:ada" });
    expect(granted(host)).toEqual(SEATS);
    expect(host.of("audit").map(({ entry }) => entry.action)).toEqual(["fleet.resumed"]);
    expect(host.value("orchestrator")).toBe("automatic");
  });
});

describe("a pause", () => {
  it("denies everybody until a person resumes, also those that the brake would let through", () => {
    const host = started();
    host.tell("orchestrator", { type: "pause.request", by: "operator:ada" });
    ask(host, SEATS[0] as SeatId);
    ask(host, SEATS[1] as SeatId, true);
    host.advance(10 * WITHIN);
    expect(granted(host)).toEqual([]);
    host.tell("orchestrator", { type: "resume.request", by: "operator:ada" });
    expect(granted(host)).toEqual(SEATS.slice(0, 2));
    expect(host.of("audit").map(({ entry }) => entry.action)).toEqual(["fleet.paused", "fleet.resumed"]);
  });

  it("does not make the fleet forget an outage that lasts", () => {
    const host = started();
    host.tell("orchestrator", { type: "pause.request", by: "operator:ada" });
    host.tell("orchestrator", { type: "outage.suspected", quiet: 5, of: 6 });
    host.tell("orchestrator", { type: "resume.request", by: "operator:ada" });
    ask(host, SEATS[0] as SeatId);
    expect(granted(host)).toEqual([]);
    host.tell("orchestrator", { type: "outage.over" });
    expect(granted(host)).toEqual([SEATS[0]]);
  });
});

describe("an outage", () => {
  it("moves nobody, is one alert, and lets those go afterwards that still need it, braked", () => {
    const host = started();
    host.tell("orchestrator", { type: "outage.suspected", quiet: 5, of: 6 });
    for (const seat of SEATS.slice(0, 4)) ask(host, seat);
    host.tell("orchestrator", { type: "failover.finished", seat: SEATS[0] });
    host.advance(10 * WITHIN);
    expect(granted(host)).toEqual([]);
    expect(host.of("raise").map(({ rule, text }) => [rule, text.slice(0, 6)])).toEqual([["fleet.outage", "5 of 6"]]);
    host.tell("orchestrator", { type: "outage.over" });
    expect(granted(host)).toEqual(SEATS.slice(1, 3));
    expect(host.value("orchestrator")).toBe("braked");
    host.advance(WITHIN);
    expect(granted(host)).toEqual(SEATS.slice(1, 4));
  });

  it("does not reset the brake: what moved just before counts", () => {
    const host = started();
    ask(host, SEATS[0] as SeatId);
    ask(host, SEATS[1] as SeatId);
    host.tell("orchestrator", { type: "outage.suspected", quiet: 5, of: 6 });
    ask(host, SEATS[2] as SeatId);
    host.advance(5000);
    host.tell("orchestrator", { type: "outage.over" });
    expect(granted(host)).toEqual(SEATS.slice(0, 2));
    host.advance(WITHIN);
    expect(granted(host)).toEqual(SEATS.slice(0, 3));
  });

  it("lets as many go afterwards as the limit leaves, however often those had asked that moved before", () => {
    const host = started();
    for (let time = 0; time < 3; time++) {
      ask(host, SEATS[0] as SeatId);
      host.advance(1000);
    }
    host.tell("orchestrator", { type: "outage.suspected", quiet: 5, of: 6 });
    for (const seat of SEATS.slice(1, 4)) ask(host, seat);
    host.tell("orchestrator", { type: "outage.over" });
    expect(new Set(granted(host))).toEqual(new Set(SEATS.slice(0, LIMIT)));
  });

  it("sends no seat home", () => {
    const host = started();
    host.tell("orchestrator", { type: "outage.suspected", quiet: 5, of: 6 });
    host.tell("orchestrator", { type: "home.recovered", seat: SEATS[0], device: "m1/a" });
    expect(host.told(`seat:${SEATS[0] as SeatId}`)).toEqual([]);
  });
});

describe("what is said of it", () => {
  it("names the reason to each seat that is denied", () => {
    const reasons = [
      [[], "the brake is on: too many seats at once"],
      [["outage.suspected"], "many links are quiet at once: an outage"],
      [["pause.request"], "paused by an operator"],
      [["outage.suspected", "pause.request"], "paused by an operator"],
      [["pause.request", "outage.suspected", "resume.request"], "many links are quiet at once: an outage"],
    ] as const;
    for (const [events, why] of reasons) {
      const host = started();
      for (const type of events) host.tell("orchestrator", { type, by: "ada", quiet: 5, of: 6 });
      for (const seat of SEATS.slice(0, 4)) ask(host, seat);
      const whys = host
        .of("tell")
        .flatMap(({ event }) => (event.type === "failover.denied" ? [(event as { why?: string }).why] : []));
      expect(new Set(whys)).toEqual(new Set([why]));
    }
  });

  it("is an audit entry for each word of an operator, and an alert for each state that holds seats back", () => {
    for (const [reach, rule] of [
      [(host: Host) => SEATS.forEach((seat) => ask(host, seat)), "fleet.brake"],
      [(host: Host) => host.tell("orchestrator", { type: "outage.suspected", quiet: 5, of: 6 }), "fleet.outage"],
    ] as const) {
      const host = started();
      reach(host);
      host.tell("orchestrator", { type: "pause.request", by: "ada" });
      host.tell("orchestrator", { type: "outage.over" });
      host.tell("orchestrator", { type: "resume.request", by: "ada" });
      expect(host.of("raise").map(({ key, level, subject }) => [key, level, subject])).toEqual([[rule, "critical", "fleet"]]);
      expect(host.of("resolve").map(({ key }) => key)).toEqual([rule]);
      expect(host.of("audit").map(({ entry }) => entry)).toEqual(
        ["paused", "resumed"].map((word) => ({
          actor: "operator:ada",
          action: `fleet.${word}`,
          subject: "fleet",
          text: `automatic failover ${word}`,
          evidence: {},
        })),
      );
    }
    const outage = started();
    for (const seat of SEATS) ask(outage, seat);
    outage.tell("orchestrator", { type: "outage.suspected", quiet: 5, of: 6 });
    outage.tell("orchestrator", { type: "resume.request", by: "ada" });
    expect(outage.of("resolve").map(({ key }) => key)).toEqual(["fleet.brake", "fleet.outage"]);
    expect(granted(outage)).toEqual(SEATS);
  });

  it("asks for a switchover of a seat that may go home, unless seats are held back", () => {
    const home = (host: Host): unknown[] => {
      host.tell("orchestrator", { type: "home.recovered", seat: SEATS[0], device: "m1/a" });
      return host.told(`seat:${SEATS[0] as SeatId}`).filter(({ type }) => type === "switchover.request");
    };
    expect(home(started())).toMatchObject([{ to: "m1/a", by: "orchestrator" }]);
    const paused = started();
    paused.tell("orchestrator", { type: "pause.request", by: "ada" });
    expect(home(paused)).toEqual([]);
  });
});

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("ask" as const), seat: fc.nat(6), isVacant: fc.constant(false) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("ask" as const), seat: fc.nat(6), isVacant: fc.constant(true) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("finish" as const), seat: fc.nat(6) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("wait" as const), span: fc.integer({ min: 1, max: 20_000 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("pause.request" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("resume.request" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("outage.suspected" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("outage.over" as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Grants by the machine's own decision: not to seats that nobody holds, and not by a person's word. */
const lived = (steps: readonly Step[]): { host: Host; own: { seat: SeatId; at: Millis }[]; needy: Set<SeatId> } => {
  const host = started();
  let own: { seat: SeatId; at: Millis }[] = [];
  const needy = new Set<SeatId>();
  let seen = 0;
  for (const taken of steps) {
    const seat = SEATS["seat" in taken ? taken.seat : 0] as SeatId;
    if (taken.do === "ask") {
      needy.add(seat);
      ask(host, seat, taken.isVacant);
    } else if (taken.do === "finish") {
      needy.delete(seat);
      host.tell("orchestrator", { type: "failover.finished", seat });
    } else if (taken.do === "wait") host.advance(taken.span);
    else host.tell("orchestrator", { type: taken.do, by: "operator:ada", quiet: 5, of: 6 });
    const grants = all(host).slice(seen);
    seen += grants.length;
    for (const grant of grants) needy.delete(grant.seat);
    if (taken.do === "resume.request") own = [];
    else if (taken.do !== "ask" || !taken.isVacant) own.push(...grants);
  }
  return { host, own, needy };
};

describe("whatever is asked, in whatever order", () => {
  it("never do more seats than the limit move by themselves within any period", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { own } = lived(steps);
        const most = own.map(
          ({ at }) => new Set(own.filter((other) => other.at > at - WITHIN && other.at <= at).map(({ seat }) => seat)).size,
        );
        expect(Math.max(0, ...most)).toBeLessThanOrEqual(LIMIT);
      }),
      { numRuns: runs },
    );
  });

  it("everyone who asked and still needs it may move in the end", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { host, needy } = lived([...steps, { do: "resume.request" }, { do: "outage.over" }]);
        host.advance(SEATS.length * WITHIN);
        const last = new Set(granted(host));
        expect([...needy].filter((seat) => !last.has(seat))).toEqual([]);
        expect((host.context("orchestrator") as { waiting: SeatId[] }).waiting).toEqual([]);
      }),
      { numRuns: runs },
    );
  });

  it("every alert that it raises it resolves, one at a time", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { host } = lived([...steps, { do: "resume.request" }, { do: "outage.over" }]);
        host.advance(SEATS.length * WITHIN);
        for (const key of ["fleet.brake", "fleet.outage"]) {
          const said = host.log.flatMap(({ effect }) => ("key" in effect && effect.key === key ? [effect.op] : []));
          const open = said.reduce((count, op) => (op === "raise" ? 1 : Math.min(count, 0)), 0);
          expect(open).toBe(0);
        }
      }),
      { numRuns: runs },
    );
  });
});

function started(): Host {
  const host = new Host();
  host.chart("orchestrator", orchestratorMachine, { limit: LIMIT, within: WITHIN });
  return host;
}
function ask(host: Host, seat: SeatId, isVacant = false): void {
  host.tell("orchestrator", { type: "failover.request", seat, cause: "closed", isVacant });
}
function all(host: Host): readonly { seat: SeatId; at: Millis }[] {
  return host
    .of("tell")
    .flatMap(({ to, event, at }) =>
      event.type === "failover.granted" ? [{ seat: to.slice("seat:".length) as SeatId, at }] : [],
    );
}
function granted(host: Host): readonly SeatId[] {
  return all(host).map(({ seat }) => seat);
}
function denials(host: Host): readonly SeatId[] {
  return host
    .of("tell")
    .flatMap(({ to, event }) => (event.type === "failover.denied" ? [to.slice("seat:".length) as SeatId] : []));
}
