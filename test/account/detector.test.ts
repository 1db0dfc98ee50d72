import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { detector, type DetectorInput, type DetectorState, type DetectorTimers } from "../../machines/account/detector.ts";
import { accountId, deviceId, type MessageId, type Millis } from "../../machines/ports/ids.ts";
import type { DetectorEvent, Effect, Watch } from "../../machines/protocol.ts";

const T: DetectorTimers = {
  probeEvery: { holder: 1000, candidate: 500, standby: 10_000, servant: 15_000 },
  quietAfter: 1500,
  probeQuiet: 500,
  late: 2000,
  overdue: 3500,
  gone: 4500,
};
const device = deviceId(accountId("sales"), "a");
const ROUND_TRIP = 1000;

describe("the failure detector of a seat holder", () => {
  it("probes a quiet link at 1.0 and 1.5 s, then each half second, and reports 2.0, 3.5 and 4.5 s", () => {
    const run = up("holder").until(6000);
    expect(run.probes).toEqual([1000, 1500, 2000, 2500, 3000, 3500, 4000, 5000, 6000]);
    expect(run.edges).toEqual(["2000 late link", "3500 overdue link", "4500 gone link"]);
  });

  it("sends no probe while stanzas come by themselves", () => {
    const run = up("holder");
    for (let at = 400; at < 20_000; at += 900) run.until(at).tell({ type: "evidence" });
    expect(run.probes).toEqual([]);
  });

  it("is fresh again at the first stanza, and may become late anew", () => {
    const run = up("holder").until(2400).tell({ type: "evidence" }).until(4400);
    expect(run.edges).toEqual(["2000 late link", "2400 fresh", "4400 late link"]);
  });
});

describe("the clock of unanswered attempts", () => {
  it("runs although stanzas come, from the oldest attempt", () => {
    const run = up("holder").tell(sent("m1")).until(1000).tell(sent("m2"));
    for (let at = 1500; at <= 5000; at += 500) run.until(at).tell({ type: "evidence" });
    expect(run.edges).toEqual(["2000 late ack", "3500 overdue ack", "4500 gone ack"]);
  });

  it("starts again from any answer, for the attempts that were sent after the answered one", () => {
    const run = up("holder").tell(sent("m1")).tell(sent("m2")).until(1000).tell(sent("m3"));
    run.alive(1800).tell(answered("m2"));
    expect(run.alive(5000).edges).toEqual(["3000 late ack", "4500 overdue ack"]);
  });

  it("starts from a later attempt itself, if that was sent within what an answer takes", () => {
    const run = up("holder").tell(sent("m1")).alive(1500).tell(sent("m2"));
    run.alive(1800).tell(answered("m1"));
    expect(run.alive(6500).edges).toEqual(["3500 late ack", "5000 overdue ack", "6000 gone ack"]);
  });

  it("does not hold an attempt against the device once a later one was answered", () => {
    const run = up("holder").tell(sent("m1")).until(500).tell(sent("m2")).until(900).tell(answered("m2"));
    expect(run.alive(9000).edges).toEqual([]);
  });

  it("takes an ack to a forgotten attempt for an answer, but not a late receipt", () => {
    const receipt = up("holder").tell(sent("m1")).alive(1500).tell(answered("old", false));
    expect(receipt.alive(2500).edges).toEqual(["2000 late ack"]);
    const ack = up("holder").tell(sent("m1")).alive(1500).tell(answered("old", true));
    expect(ack.alive(2400).edges).toEqual([]);
  });

  it("says fresh only when the link clock is well too", () => {
    const run = up("holder").tell(sent("m1")).until(2100).tell(answered("m1"));
    expect(run.edges).toEqual(["2000 late link"]);
    run.tell({ type: "evidence" });
    expect(run.edges.at(-1)).toBe("2100 fresh");
  });

  it("is not cleared by a re-dial", () => {
    const run = up("holder")
      .tell(sent("m1"))
      .alive(3600)
      .tell(closed(1))
      .until(3900)
      .tell({ type: "connection.opened", dial: 2 });
    run.alive(4600);
    expect(run.edges).toEqual(["2000 late ack", "3500 overdue ack", "4500 gone ack"]);
  });

  it("is cleared by the re-dial of a silent link: silence explains what went unanswered on it", () => {
    const run = up("holder").alive(1000).tell(sent("m1")).until(4600).tell(closed(1)).until(4900);
    expect(run.tell({ type: "connection.opened", dial: 2 }).alive(40_000).edges).toEqual([
      "3000 late link",
      "4500 overdue link",
      "4900 fresh",
    ]);
  });

  it("keeps its time when the link fell silent after the attempt: the re-dial that it asked for has no longer than any other", () => {
    const run = up("holder").alive(950).tell(sent("m1")).until(1_900).tell({ type: "evidence" });
    run.until(4_500).tell(closed(1)).until(6_000);
    expect(run.edges).toEqual(["2950 late ack", "4450 overdue ack", "5450 gone link"]);
  });

  it("is cleared when a silent link speaks again without a re-dial, and what is still awaited gets the full time anew", () => {
    const dropped = { type: "attempt.dropped", message: id("m1") } as const;
    const run = up("holder").alive(1000).tell(sent("m1")).until(2000).tell(sent("m2")).until(6000).tell(dropped);
    run.tell({ type: "evidence" });
    expect(run.edges).toEqual(["3000 late link", "4500 overdue link", "5500 gone link", "6000 fresh"]);
    expect(run.alive(10_600).edges.slice(4)).toEqual(["8000 late ack", "9500 overdue ack", "10500 gone ack"]);
  });

  it("goes on against a link that speaks again if stanzas had come since the attempt", () => {
    const run = up("holder").tell(sent("m1")).alive(1500).until(5100).tell({ type: "evidence" });
    expect(run.edges).toEqual(["2000 late ack", "3500 overdue ack", "4500 gone ack"]);
  });

  it("tells an attempt that a link had time to answer from one that it had not, by half a second", () => {
    const redialled = (before: Millis) => {
      const run = up("holder")
        .alive(1000)
        .tell(sent("m1"))
        .until(1000 + before)
        .tell({ type: "evidence" });
      return run.until(4600).tell(closed(1)).until(4900).tell({ type: "connection.opened", dial: 2 }).alive(9000).edges;
    };
    expect(redialled(499)).toEqual(["3000 late ack", "4500 overdue ack", "4900 fresh"]);
    expect(redialled(500)).toEqual(["3000 late ack", "4500 overdue ack", "5500 gone ack"]);
  });

  it("goes on against the re-dialled link if stanzas had come since the attempt", () => {
    const run = up("holder").tell(sent("m1")).alive(1500).until(3700).tell(closed(1)).until(4000);
    run.tell({ type: "connection.opened", dial: 2 }).alive(4600);
    expect(run.edges).toEqual(["2000 late ack", "3500 overdue ack", "4500 gone ack"]);
  });

  it("is cleared by the ack to the same attempt sent again after the re-dial", () => {
    const run = up("holder")
      .tell(sent("m1"))
      .alive(3600)
      .tell(closed(1))
      .tell({ type: "attempt.dropped", message: id("m1") });
    run.until(3800).tell({ type: "connection.opened", dial: 2 }).tell(sent("m1")).until(4000).tell(answered("m1"));
    expect(run.alive(9000).edges).toEqual(["2000 late ack", "3500 overdue ack", "4000 fresh"]);
  });

  it("drops the doubt half a minute after there was nothing left to wait for", () => {
    const run = up("holder")
      .tell(sent("m1"))
      .alive(6000)
      .tell({ type: "attempt.dropped", message: id("m1") });
    expect(run.alive(36_500).edges.at(-1)).toBe("36000 fresh");
  });

  it("forgets what was given up before anything was suspected", () => {
    const run = up("holder")
      .tell(sent("m1"))
      .until(1000)
      .tell(sent("m2"))
      .tell({ type: "attempt.dropped", message: id("m1") });
    expect(run.alive(3100).edges).toEqual(["3000 late ack"]);
  });
});

describe("a link that ends", () => {
  it("is not silent", () => {
    expect(up("holder").until(1000).tell(closed(1)).until(60_000).edges).toEqual([]);
  });

  it("is not silent either if it was late already, and starts afresh", () => {
    const run = up("holder").until(2100).tell(closed(1)).until(9000).tell({ type: "connection.opened", dial: 2 }).until(11_000);
    expect(run.edges).toEqual(["2000 late link", "11000 late link"]);
  });

  it("goes on being judged while the re-dial that its silence asked for is under way", () => {
    expect(up("holder").until(3600).tell(closed(1)).until(60_000).edges).toEqual([
      "2000 late link",
      "3500 overdue link",
      "4500 gone link",
    ]);
    const healed = up("holder").until(3600).tell(closed(1)).until(4000).tell({ type: "connection.opened", dial: 2 });
    expect(healed.edges).toEqual(["2000 late link", "3500 overdue link", "4000 fresh"]);
  });

  it("does not live by what its old socket still says", () => {
    const run = up("holder").until(1000).tell(closed(1)).tell({ type: "evidence" }).until(9000);
    expect(run.edges).toEqual([]);
  });

  it("is not fresh before it is up again, even if its attempts were answered elsewhere", () => {
    const run = up("holder").tell(sent("m1")).alive(3600).tell(closed(1)).tell(answered("m1", false)).until(3800);
    expect(run.edges.at(-1)).toBe("3500 overdue ack");
    expect(run.tell({ type: "connection.opened", dial: 2 }).edges.at(-1)).toBe("3800 fresh");
  });

  it("says nothing through the facts of an older dial", () => {
    const run = up("holder").tell({ type: "connection.opened", dial: 2 }).tell(closed(1)).until(2000);
    expect(run.edges).toEqual(["2000 late link"]);
  });
});

describe("a device that is watched less closely", () => {
  it.each([
    ["standby", 10_000],
    ["servant", 15_000],
  ] as const)("gets the pause between probes on top of each deadline (%s)", (watch, every) => {
    const run = up(watch).until(60_000);
    const more = every - 1000;
    expect(run.probes.slice(0, 3)).toEqual([every, every + 500, every + 1000]);
    expect(run.edges).toEqual([`${2000 + more} late link`, `${3500 + more} overdue link`, `${4500 + more} gone link`]);
  });

  it("gets the full deadlines of a holder when it becomes one, and a probe at once", () => {
    const run = up("standby").until(9000).tell({ type: "watch", watch: "holder" }).until(20_000);
    expect(run.probes[0]).toBe(9000);
    expect(run.edges).toEqual(["11000 late link", "12500 overdue link", "13500 gone link"]);
  });

  it("keeps the time it has if that is within a holder's interval", () => {
    const run = up("standby").until(700).tell({ type: "watch", watch: "candidate" }).until(2000);
    expect(run.edges).toEqual(["2000 late link"]);
  });

  it("has a holder's deadlines as a candidate, though it is probed twice as often", () => {
    const run = up("candidate").until(6000);
    expect(run.probes.slice(0, 4)).toEqual([500, 1000, 1500, 2000]);
    expect(run.edges).toEqual(["2000 late link", "3500 overdue link", "4500 gone link"]);
    expect(up("holder").until(1900).tell({ type: "watch", watch: "candidate" }).until(2000).edges).toEqual(["2000 late link"]);
  });

  it("is probed at once only if it is to be probed more often than before, and there is a link", () => {
    const change = (from: Watch, to: Watch): Run => up(from).until(400).tell({ type: "watch", watch: to }).until(450);
    expect(change("standby", "holder").probes).toEqual([400]);
    expect(change("servant", "standby").probes).toEqual([400]);
    expect(change("holder", "candidate").probes).toEqual([400]);
    expect(change("holder", "standby").probes).toEqual([]);
    expect(change("holder", "holder").probes).toEqual([]);
    expect(up("standby").until(400).tell(closed(1)).tell({ type: "watch", watch: "holder" }).until(450).probes).toEqual([]);
  });

  it("starts its silence anew when it is watched more closely, if that was longer than the new watch would have allowed", () => {
    const after = (silent: number): string | undefined => {
      const run = up("standby").until(silent).tell({ type: "watch", watch: "holder" });
      return run.until(silent + 3000).edges[0];
    };
    expect(after(999)).toBe("2000 late link");
    expect(after(1000)).toBe("2000 late link");
    expect(after(1001)).toBe("3001 late link");
    const slower = (silent: number): string | undefined =>
      up("servant").until(silent).tell({ type: "watch", watch: "standby" }).until(30_000).edges[0];
    expect(slower(10_000)).toBe("11000 late link");
    expect(slower(10_001)).toBe("21001 late link");
    expect(up("holder").until(1500).tell({ type: "watch", watch: "standby" }).until(20_000).edges[0]).toBe("11000 late link");
  });

  it("goes on from its last edge when it was late already", () => {
    const run = up("standby").until(11_500).tell({ type: "watch", watch: "holder" }).until(20_000);
    expect(run.edges).toEqual(["11000 late link", "13000 overdue link", "14000 gone link"]);
  });
});

describe("what others want to know", () => {
  const request: Told = { type: "probe.request", replyTo: "failover:support/sales" as never, deadline: 1200 };

  it("is asked at once and answered at the next stanza", () => {
    const run = up("standby").until(3000).tell(request).until(3150).tell({ type: "evidence" }).until(9000);
    expect(run.probes).toEqual([3000]);
    expect(run.replies).toEqual(["3150 seen"]);
  });

  it("is answered with missing after the deadline, or at once without a link", () => {
    expect(up("standby").until(3000).tell(request).until(9000).replies).toEqual(["4200 missing"]);
    expect(up("standby").until(3000).tell(closed(1)).tell(request).until(9000).replies).toEqual(["3000 missing"]);
  });

  it("needs no second probe if the answer to the first one comes", () => {
    const run = up("holder").until(1050).tell(request).until(1100).tell({ type: "evidence" }).until(2000);
    expect(run.replies).toEqual(["1100 seen"]);
    expect(run.probes).toEqual([1000]);
  });

  it("is answered once, and asked about anew by each who wants to know", () => {
    const run = up("holder").until(100).tell(request).until(150).tell({ type: "evidence" }).until(200).tell({ type: "evidence" });
    expect(run.replies).toEqual(["150 seen"]);
    const twice = up("standby").until(3000).tell(request).until(3500).tell(request).until(9000);
    expect(twice.replies).toEqual(["4700 missing"]);
  });

  it("has the time that our own loop lost added to the deadline", () => {
    expect(up("holder").until(100).tell(request).stall(1000).until(9000).replies).toEqual(["2300 missing"]);
  });

  it.each(["candidate", "holder"] as const)("is told to the roster of a %s's stanzas, five times a second at most", (watch) => {
    const run = up(watch);
    for (let at = 10; at <= 1000; at += 10) run.until(at).tell({ type: "evidence" });
    expect(run.seen.length).toBeGreaterThanOrEqual(4);
    expect(run.seen.length).toBeLessThanOrEqual(6);
  });

  it("is no news of a standby or a servant", () => {
    for (const watch of ["standby", "servant"] as const)
      expect(up(watch).until(100).tell({ type: "evidence" }).until(900).tell({ type: "evidence" }).seen).toEqual([]);
  });

  it.each(["candidate", "holder"] as const)("tells of the last stanza before it became a %s, if its probe is slow", (watch) => {
    const asked = (): Run => up("standby").until(100).tell({ type: "evidence" }).until(900).tell({ type: "watch", watch });
    expect(asked().until(1399).seen).toEqual([]);
    expect(asked().until(3000)).toMatchObject({ seen: [1400], seenFrom: [100] });
    expect(asked().until(1000).tell({ type: "evidence" }).until(3000)).toMatchObject({ seen: [1000], seenFrom: [1000] });
  });

  it("tells of none if its link has ended, or it is needed no more, and begins once", () => {
    const asked = (): Run => up("standby").until(900).tell({ type: "watch", watch: "candidate" }).until(1000);
    expect(asked().tell(closed(1)).until(3000).seen).toEqual([]);
    expect(asked().tell({ type: "watch", watch: "standby" }).until(3000).seen).toEqual([]);
    expect(asked().tell({ type: "watch", watch: "holder" }).until(3000)).toMatchObject({ seen: [1400], seenFrom: [0] });
  });
});

describe("our own lateness", () => {
  it("accuses nobody of the time that we lost, and leaves time for a probe's answer", () => {
    const run = up("holder").until(300).stall(10_000);
    expect(run.edges).toEqual([]);
    expect(run.probes).toEqual([10_300]);
    expect(run.until(20_000).edges).toEqual(["12000 late link", "13500 overdue link", "14500 gone link"]);
  });

  it("postpones an edge that is due by a round trip", () => {
    expect(up("holder").until(1900).stall(400).until(4000).edges).toEqual([`${2300 + ROUND_TRIP} late link`]);
  });

  it("counts one stall once, whoever reports it", () => {
    const run = up("holder").until(300).stall(4000);
    for (const by of [300, 900, 3000, 4000]) run.tell({ type: "loop.late", by });
    expect(run.until(20_000).edges).toEqual(["6000 late link", "7500 overdue link", "8500 gone link"]);
  });

  it("does not hide a silent link behind a loop that is late for ever", () => {
    const run = up("holder");
    for (let at = 1000; at <= 30_000; at += 1000) run.until(at).stall(300);
    // A third of a second of each is lost; three round trips are given.
    expect(Number(run.edges.find((edge) => edge.includes("gone"))?.split(" ")[0])).toBeLessThan((4500 + 3 * ROUND_TRIP) / 0.7);
  });

  it("is noticed without a report, by a wake that comes too late", () => {
    const run = up("holder").until(300).stall(10_000, false);
    expect(run.edges).toEqual([]);
  });
});

// ---- laws ------------------------------------------------------------------------------------------------------------

type Step = { after: Millis; event: Told } | { after: Millis; stall: Millis };
const name = fc.constantFrom("m1", "m2", "m3", "m4");
const eventArb: fc.Arbitrary<Told> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Told>({ type: "evidence" }) },
  { weight: 2, arbitrary: name.map(sent) },
  { weight: 2, arbitrary: fc.tuple(name, fc.boolean()).map(([message, byAck]) => answered(message, byAck)) },
  { weight: 1, arbitrary: name.map((message): Told => ({ type: "attempt.dropped", message: id(message) })) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom<Watch>("holder", "candidate", "standby", "servant")
      .map((watch): Told => ({ type: "watch", watch })),
  },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 4 }).map(closed) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 4 }).map((dial): Told => ({ type: "connection.opened", dial })) },
  {
    weight: 1,
    arbitrary: fc
      .integer({ min: 1, max: 4000 })
      .map((deadline): Told => ({ type: "probe.request", replyTo: "failover:support/sales" as never, deadline })),
  },
  { weight: 1, arbitrary: fc.integer({ min: 251, max: 6000 }).map((by): Told => ({ type: "loop.late", by })) },
);
const scriptArb: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 9, arbitrary: fc.record({ after: fc.integer({ min: 0, max: 3000 }), event: eventArb }) },
    { weight: 1, arbitrary: fc.record({ after: fc.integer({ min: 0, max: 3000 }), stall: fc.integer({ min: 1, max: 8000 }) }) },
  ),
  { maxLength: 40 },
);
const play = (watch: Watch, script: readonly Step[]): Run => {
  const run = up(watch);
  for (const step of script) {
    run.until(run.now + step.after);
    if ("event" in step) run.tell(step.event);
    else run.stall(step.stall);
  }
  return run.until(run.now + 20_000);
};

describe("laws", () => {
  it("wishes to be woken in the future or never", () => {
    fc.assert(
      fc.property(scriptArb, (script) => {
        expect(play("holder", script).badWishes).toEqual([]);
      }),
    );
  });

  it("reports late, overdue and gone in this order, once each, and fresh only after one of them", () => {
    fc.assert(
      fc.property(scriptArb, (script) => {
        expect(disorder(play("holder", script).edges)).toEqual([]);
      }),
    );
  });

  it("sends no two probes within 200 ms of each other, and none without a link", () => {
    fc.assert(
      fc.property(scriptArb, (script) => {
        const { probes, strayProbes } = play("holder", script);
        expect(strayProbes).toEqual([]);
        for (let index = 1; index < probes.length; index++)
          expect((probes[index] as number) - (probes[index - 1] as number)).toBeGreaterThanOrEqual(200);
      }),
    );
  });

  it("without requests probes only after half a second in which nothing was heard or asked", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 7000 }), { maxLength: 30 }), (gaps) => {
        const run = up("holder");
        const heard = [0];
        for (const gap of gaps) {
          run.until(run.now + gap).tell({ type: "evidence" });
          heard.push(run.now);
        }
        for (const at of run.probes) {
          const last = heard.filter((other) => other < at).at(-1) as number;
          expect(at - last).toBeGreaterThanOrEqual(1000);
          expect(run.probes.filter((other) => other < at && at - other < 500)).toEqual([]);
        }
      }),
    );
  });

  it("detects a silent holder exactly when it should, and never one that is heard of within 2 s", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9000 }), { maxLength: 30 }), (gaps) => {
        const run = up("holder");
        const expected: string[] = [];
        let last = 0;
        for (const gap of gaps) {
          for (const [word, after] of [
            ["late", 2000],
            ["overdue", 3500],
            ["gone", 4500],
          ] as const)
            if (gap >= after) expected.push(`${last + after} ${word} link`);
          run.until(last + gap).tell({ type: "evidence" });
          last += gap;
          if (gap >= 2000) expected.push(`${last} fresh`);
        }
        expect(run.edges).toEqual(expected);
      }),
    );
  });

  it("reports no new edge within a round trip of a stall", () => {
    fc.assert(
      fc.property(scriptArb, fc.integer({ min: 251, max: 9000 }), fc.integer({ min: 0, max: 1900 }), (script, stall, rest) => {
        const run = play("holder", script).tell({ type: "connection.opened", dial: 9 }).tell({ type: "evidence" });
        run.until(run.now + rest);
        const before = run.edges.length;
        run.stall(stall).until(run.now + ROUND_TRIP - 1);
        expect(run.edges.slice(before).filter((edge) => !edge.includes("fresh"))).toEqual([]);
      }),
    );
  });

  it("still detects in bounded time whatever stalls: lost time and three round trips later", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 1500 }), fc.integer({ min: 1, max: 3000 })), { maxLength: 12 }),
        (stalls) => {
          const run = up("holder");
          let lost = 0;
          for (const [after, stall] of stalls) {
            run.until(run.now + after).stall(stall);
            lost += stall;
          }
          run.until(lost + 4500 + 3 * ROUND_TRIP + 20_000);
          const gone = Number(run.edges.find((edge) => edge.includes("gone"))?.split(" ")[0]);
          expect(gone).toBeLessThanOrEqual(4500 + lost + 3 * ROUND_TRIP);
        },
      ),
    );
  });

  it("never accuses a device within a second of watching it more closely", () => {
    fc.assert(
      fc.property(fc.constantFrom<Watch>("standby", "servant"), fc.integer({ min: 0, max: 10_900 }), (watch, silence) => {
        const run = up(watch).until(silence).tell({ type: "watch", watch: "holder" });
        expect(run.until(silence + 999).edges).toEqual([]);
        expect(run.until(silence + 4500).edges.at(-1)).toContain("gone");
      }),
    );
  });

  it("after an answer goes on, from then on, by what was sent later and not given up", () => {
    const later = fc.array(fc.boolean(), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(later, fc.integer({ min: 0, max: 6000 }), (isGivenUp, wait) => {
        const run = up("holder").tell(sent("first"));
        for (const no of isGivenUp.keys()) run.tell(sent(`m${no}`));
        run.alive(wait);
        for (const [no, is] of isGivenUp.entries()) if (is) run.tell({ type: "attempt.dropped", message: id(`m${no}`) });
        run.tell(answered("first")).alive(wait + 5000);
        const after = run.edges.filter((edge) => Number(edge.split(" ")[0]) > wait);
        const since = Math.max(0, wait - 1000);
        const anew = [`${since + 2000} late ack`, `${since + 3500} overdue ack`, `${since + 4500} gone ack`];
        expect(after).toEqual(isGivenUp.includes(false) ? anew : []);
      }),
    );
  });

  it("is fresh after a stanza if nothing is awaited", () => {
    fc.assert(
      fc.property(scriptArb, (script) => {
        const run = play("holder", script).tell({ type: "connection.opened", dial: 9 });
        for (const message of ["m1", "m2", "m3", "m4"]) run.tell(sent(message)).tell(answered(message));
        run.tell({ type: "evidence" });
        expect(run.state.reported).toBe(0);
      }),
    );
  });
});

/** Edges that come out of turn. A link that ended before it was overdue begins a new episode without a word. */
function disorder(edges: readonly string[]): readonly string[] {
  let level = 0;
  return edges.filter((edge) => {
    const word = edge.split(" ")[1];
    const before = level;
    level = ["fresh", "late", "overdue", "gone"].indexOf(word as string);
    if (level === 0) return before === 0;
    return level !== before + 1 && !(level === 1 && before === 1);
  });
}

// ---- a detector and its time -----------------------------------------------------------------------------------------

type Told = DetectorEvent extends infer E ? (E extends unknown ? Omit<E, "at"> : never) : never;

function id(message: string): MessageId {
  return message as MessageId;
}
function sent(message: string): Told {
  return { type: "attempt.sent", message: id(message) };
}
function answered(message: string, byAck = true): Told {
  return { type: "attempt.answered", message: id(message), byAck };
}
function closed(dial: number): Told {
  return { type: "connection.closed", dial, reason: "dropped", code: 428, until: null };
}
/** Opened at 0. */
function up(watch: Watch): Run {
  return new Run({ device, watch, timers: T }).tell({ type: "connection.opened", dial: 1 });
}

class Run {
  now: Millis = 0;
  state: DetectorState;
  readonly edges: string[] = [];
  readonly probes: Millis[] = [];
  readonly strayProbes: Millis[] = [];
  readonly replies: string[] = [];
  readonly seen: Millis[] = [];
  readonly seenFrom: Millis[] = [];
  readonly badWishes: string[] = [];
  #wakeAt: Millis | null;

  constructor(input: DetectorInput) {
    const { state, wakeAt } = detector.start(input, 0);
    this.state = state;
    this.#wakeAt = wakeAt;
  }
  tell(event: Told): this {
    const { state, effects = [], wakeAt } = detector.receive(this.state, { ...event, at: this.now });
    if (wakeAt !== null && wakeAt <= this.now) this.badWishes.push(`${wakeAt} at ${this.now} after ${event.type}`);
    this.state = state;
    this.#wakeAt = wakeAt;
    for (const effect of effects) this.#note(effect);
    return this;
  }
  until(end: Millis): this {
    while (this.#wakeAt !== null && this.#wakeAt <= end) {
      this.now = Math.max(this.now, this.#wakeAt);
      if (this.badWishes.length > 0) break;
      this.tell({ type: "wake" });
    }
    this.now = end;
    return this;
  }
  /** A stanza each half second. */
  alive(end: Millis): this {
    while (this.now + 500 <= end) this.until(this.now + 500).tell({ type: "evidence" });
    return this.until(end);
  }
  /** The event loop stands still; afterwards the driver says so, before anything else. */
  stall(length: Millis, isReported = true): this {
    this.now += length;
    if (isReported) this.tell({ type: "loop.late", by: length });
    return this.until(this.now);
  }
  #note(effect: Effect): void {
    if (effect.op === "connection" && effect.command.op === "probe") {
      this.probes.push(this.now);
      if (!this.state.isUp) this.strayProbes.push(this.now);
    }
    if (effect.op !== "tell") return;
    const { type, clock, lastEvidenceAt } = effect.event as { type: string; clock?: string; lastEvidenceAt?: Millis };
    if (type.startsWith("evidence.")) this.edges.push(`${this.now} ${type.slice(9)}${clock ? ` ${clock}` : ""}`);
    if (type.startsWith("probe.")) this.replies.push(`${this.now} ${type.slice(6)}`);
    if (type !== "device.seen") return;
    this.seen.push(this.now);
    this.seenFrom.push(lastEvidenceAt as Millis);
  }
}
