/** What a failover asks, says and writes down, step by step: each story is the whole of it. */
import { describe, expect, it } from "vitest";
import { failoverMachine } from "../../machines/fleet/failover.ts";
import { accountId, lineId, seatId } from "../../machines/ports/ids.ts";
import type { Effect, FailoverInput } from "../../machines/protocol.ts";
import { Host } from "../account/host.ts";

const SEAT = seatId(lineId("sales"), accountId("m1"));
const FAILOVER = `failover:${SEAT}` as const;
const DETECTED = 1_000_000;
const HOLDER = "m1/a";
const TWIN = { device: "m1/b", ladder: "twin", lastSeenAt: DETECTED - 100, why: "same number" };
const FREE = { device: "m3/a", ladder: "account", lastSeenAt: DETECTED - 100, why: "priority 3" };
const LAST = { device: "m4/a", ladder: "account", lastSeenAt: DETECTED - 100, why: "priority 4" };

describe("a failover that finds a second candidate", () => {
  const tell = (): Story => {
    const story = new Story().after(100).ranked([TWIN, FREE], { rejected: [{ device: "m2/a", why: "cordoned" }] });
    story.after(900).ranked([TWIN, FREE]).after(20).tell("store.failed").after(280).changed("m1/b", 2);
    return story.after(1200).ranked([FREE]).after(10).changed("m3/a", 3).after(40).tell("probe.seen", { device: "m3/a" });
  };

  it("asks, commits, probes and says so in this order", () => {
    expect(tell().said).toEqual([
      "+0 write running failover.began: m1/a no longer speaks for sales/m1: silent",
      "+0 ask for candidates but m1/a",
      "+1000 ask for candidates but m1/a",
      "+1000 change from term 1 to m1/b, moving, seat.moved: sales/m1 moves from m1/a to m1/b under term 2: same number",
      "+1270 change from term 1 to m1/b, moving, seat.moved: sales/m1 moves from m1/a to m1/b under term 2: same number",
      "+1300 seat changed to m1/b 2",
      "+1300 probe m1/b within 1200",
      "+2500 ask for candidates but m1/b, m1/a",
      "+2500 change from term 2 to m3/a, moving, seat.moved: sales/m1 moves from m1/a to m3/a under term 3: priority 3",
      "+2510 seat changed to m3/a 3",
      "+2510 probe m3/a within 1200",
      "+2550 write inService seat.inService: m3/a is in service under term 3",
      "+2550 ended inService m3/a 3",
    ]);
  });

  it("writes its record with each commit, as it will be if that succeeds", () => {
    const story = tell();
    expect(story.changes.map(({ failover }) => failover)).toMatchObject([
      { to: "m1/b", termAfter: 2, ladder: "twin", outcome: "running", endedAt: null },
      { to: "m1/b", termAfter: 2, ladder: "twin", outcome: "running", endedAt: null },
      { to: "m3/a", termAfter: 3, ladder: "account", outcome: "running", endedAt: null },
    ]);
    expect(story.changes.at(-1)?.audit).toEqual({
      at: DETECTED + 2500,
      actor: "orchestrator",
      action: "seat.moved",
      subject: SEAT,
      text: "sales/m1 moves from m1/a to m3/a under term 3: priority 3",
      evidence: { cause: "silent", from: HOLDER, to: "m3/a", term: 3, ladder: "account" },
    });
  });

  it("keeps every step and time in its record", () => {
    const story = tell();
    expect(story.writes[0]).toMatchObject({
      failover: { to: null, termBefore: 1, termAfter: null, ladder: null, endedAt: null },
      audit: { at: DETECTED, evidence: { cause: "silent", lastEvidenceAt: DETECTED - 4500, detectedAt: DETECTED } },
    });
    expect(story.record).toEqual({
      id: "life/1",
      seat: SEAT,
      cause: "silent",
      from: HOLDER,
      to: "m3/a",
      termBefore: 1,
      termAfter: 3,
      outcome: "inService",
      ladder: "account",
      lastEvidenceAt: DETECTED - 4500,
      detectedAt: DETECTED,
      chosenAt: DETECTED + 100,
      committedAt: DETECTED + 2510,
      inServiceAt: DETECTED + 2550,
      endedAt: DETECTED + 2550,
      steps: [
        { at: DETECTED, text: "m1/a gave out: silent" },
        { at: DETECTED + 100, text: "chose m1/b (twin: same number); not: m2/a: cordoned" },
        { at: DETECTED + 1020, text: "the store could not do it: asking again" },
        { at: DETECTED + 1300, text: "committed term 2 for m1/b" },
        { at: DETECTED + 2500, text: "m1/b showed no sign of service, 1200 ms after the commit" },
        { at: DETECTED + 2500, text: "chose m3/a (account: priority 3)" },
        { at: DETECTED + 2510, text: "committed term 3 for m3/a" },
        { at: DETECTED + 2550, text: "m3/a answered: in service" },
        { at: DETECTED + 2550, text: "m3/a is in service under term 3" },
      ],
    });
    expect(story.writes.at(-1)?.audit).toMatchObject({
      at: DETECTED + 2550,
      actor: "orchestrator",
      evidence: { cause: "silent", commits: 2, term: 3, detectedMs: 4500, inServiceMs: 2550 },
    });
  });
});

describe("a failover that ends otherwise", () => {
  it("changes nothing and is over at once when its holder is back before the commit", () => {
    const story = new Story().after(100).ranked([TWIN]).after(200).tell("holder.well", { device: "m1/b" });
    expect(story.host.value(FAILOVER)).toBe("preparing");
    story.tell("holder.well", { device: HOLDER });
    expect(story.said.slice(2)).toEqual([
      "+300 write averted failover.averted: m1/a is back: nothing moves",
      "+300 ended averted m1/a 1",
    ]);
    expect(story.record).toMatchObject({
      to: null,
      termAfter: null,
      ladder: "reconnect",
      committedAt: null,
      inServiceAt: DETECTED + 300,
      endedAt: DETECTED + 300,
    });
  });

  it("goes back under a higher term when the candidate is silent and the old holder well, however the store answers", () => {
    const story = committed().tell("probe.missing", { device: "m3/a" }).tell("probe.missing", { device: "m1/b" });
    story
      .ranked([FREE], { isFormerWell: true })
      .tell("store.failed")
      .after(250)
      .after(1000)
      .changed("m1/b", 2)
      .changed(HOLDER, 3);
    const back =
      "change from term 2 to m1/a, serving, seat.rolledBack: sales/m1 goes back to m1/a under term 3: m1/b did not come into service";
    expect(story.said.slice(-7)).toEqual([
      "+1010 ask for candidates but m1/b, m1/a",
      `+1010 ${back}`,
      `+1260 ${back}`,
      `+2260 ${back}`,
      "+2260 seat changed to m1/a 3",
      "+2260 write rolledBack failover.rolledBack: rolled back to m1/a",
      "+2260 ended rolledBack m1/a 3",
    ]);
    expect(story.record).toMatchObject({ to: "m1/b", termBefore: 1, termAfter: 3, inServiceAt: null });
    expect(story.changes.at(-1)).toMatchObject({ failover: { termAfter: 3 }, audit: { evidence: { to: HOLDER, term: 3 } } });
    expect(story.record?.steps.map(({ text }) => text)).toEqual([
      "m1/a gave out: silent",
      "chose m1/b (twin: same number)",
      "committed term 2 for m1/b",
      "m1/b showed no sign of service, 0 ms after the commit",
      "the store could not do it: asking again",
      "the store did not answer within 1000 ms: asking again",
      "rolled back to m1/a",
    ]);
  });

  it("gives up when nobody is found in time, and has asked four times a second until then", () => {
    const story = new Story({ giveUpAt: DETECTED + 1000 }).after(5000);
    expect(story.said.slice(1)).toEqual([
      "+0 ask for candidates but m1/a",
      "+250 ask for candidates but m1/a",
      "+500 ask for candidates but m1/a",
      "+750 ask for candidates but m1/a",
      "+1000 write exhausted failover.exhausted: no candidate could take the seat",
      "+1000 ended exhausted m1/a 1",
    ]);
    expect(story.record).toMatchObject({ to: null, termAfter: null, ladder: null, chosenAt: null });
  });

  it.each(["store.failed", "nothing"])("asks the store five times when that answers %s, and then gives up", (type) => {
    const story = new Story().after(1000).ranked([TWIN]);
    for (let time = 0; time < 5; time++) {
      if (type === "nothing") story.after(1000);
      else story.tell(type).after(250);
    }
    expect(story.changes).toHaveLength(5);
    expect(story.host.value(FAILOVER)).toBe("exhausted");
    expect(story.record).toMatchObject({ outcome: "exhausted", to: null, termAfter: null });
  });

  it("takes its own commit from a conflict, and from a late answer, and gives up before somebody else's", () => {
    const row = (holder: string, term: number) => ({ answer: { row: { id: SEAT, holder, term } } });
    const own = new Story().after(1000).ranked([TWIN]).tell("store.conflict", row("m1/b", 2));
    expect(own.host.value(FAILOVER)).toBe("verifying");
    for (const type of ["store.changed", "store.conflict"]) {
      const late = new Story().after(1000).ranked([TWIN]).tell("store.failed").tell(type, row("m1/b", 2));
      expect(late.host.value(FAILOVER)).toBe("verifying");
      const stranger = new Story().after(1000).ranked([TWIN]).tell("store.failed").tell(type, row("m4/a", 2));
      expect(stranger.host.value(FAILOVER)).toBe("retrying");
    }
    const old = new Story().after(1000).ranked([TWIN]).tell("store.conflict", row("m4/a", 1));
    expect(old.host.value(FAILOVER)).toBe("committing");
    old.tell("store.conflict", row("m4/a", 2));
    expect(old.said.slice(-3)).toEqual([
      "+1000 seat changed to m4/a 2",
      "+1000 write aborted failover.aborted: the seat was changed by somebody else",
      "+1000 ended aborted m1/a 1",
    ]);
  });

  it("tries two candidates and no third", () => {
    const story = committed().tell("probe.missing", { device: "m1/b" }).after(2500).ranked([FREE]).changed("m3/a", 3).after(1200);
    expect(story.host.value(FAILOVER)).toBe("selecting");
    story.ranked([LAST]);
    expect(story.said.at(-1)).toBe("+4710 ended exhausted m3/a 3");
    expect(story.changes).toHaveLength(2);
  });
});

describe("who is chosen, and when", () => {
  it("is nobody of another number for 700 ms while a twin may still turn up", () => {
    const story = new Story({ numberAt: DETECTED }).after(699).ranked([FREE], { twinPending: true });
    expect(story.changes).toEqual([]);
    story.after(1).ranked([FREE], { twinPending: true });
    expect(story.changes.map(({ holder }) => holder)).toEqual(["m3/a"]);
    const certain = new Story({ numberAt: DETECTED }).ranked([FREE]);
    expect(certain.changes).toHaveLength(1);
    const twin = new Story({ twinAt: DETECTED }).ranked([TWIN], { twinPending: true });
    expect(twin.changes).toHaveLength(1);
  });

  it("is who an operator named, and nobody else, until that one has had its turn", () => {
    const story = new Story({ to: "m4/a" as never, avertable: false, twinAt: DETECTED, numberAt: DETECTED }).ranked([TWIN, FREE]);
    expect(story.changes).toEqual([]);
    story.tell("holder.well", { device: HOLDER });
    expect(story.host.value(FAILOVER)).toBe("selecting");
    story.ranked([TWIN, LAST]).changed("m4/a", 2).tell("probe.missing", { device: "m4/a" }).ranked([TWIN, LAST]);
    expect(story.changes.map(({ holder }) => holder)).toEqual(["m4/a", "m1/b"]);
    expect(story.host.told("roster").map(({ named }) => named)).toEqual(["m4/a", "m4/a"]);
  });

  it("is chosen at once when the holder turns out to be gone for good, and only then", () => {
    const story = new Story().after(100).ranked([FREE]);
    const failed = { device: HOLDER, cause: "loggedOut", isFinal: true, lastEvidenceAt: null };
    story.tell("holder.failed", { ...failed, isFinal: false }).tell("holder.failed", { ...failed, device: "m2/a" });
    expect(story.host.value(FAILOVER)).toBe("preparing");
    story.tell("holder.failed", failed).ranked([FREE]);
    expect(story.changes.map(({ holder }) => holder)).toEqual(["m3/a"]);
    expect(story.changes[0]?.failover?.steps.at(-1)).toEqual({
      at: DETECTED + 100,
      text: "m1/a will not come back by itself: loggedOut",
    });
    const late = committed().tell("holder.failed", failed).tell("holder.well", { device: HOLDER });
    expect(late.host.value(FAILOVER)).toBe("verifying");
  });

  it("waits for its own time: a twin's comes before another number's", () => {
    const story = new Story().after(100).ranked([FREE]).after(2399);
    expect(story.said.at(-1)).toBe("+0 ask for candidates but m1/a");
    story.after(1);
    expect(story.said.at(-1)).toBe("+2500 ask for candidates but m1/a");
    story.ranked([TWIN]);
    expect(story.changes.map(({ holder }) => holder)).toEqual(["m1/b"]);
    const sooner = new Story().after(999).ranked([FREE]).after(1).ranked([TWIN]);
    expect(sooner.changes.map(({ holder, failover }) => [holder, failover?.chosenAt])).toEqual([["m1/b", DETECTED + 999]]);
  });

  it("is asked for of nobody's seat too, which has no way back", () => {
    const story = new Story({ from: null, avertable: false, cause: "startup", lastEvidenceAt: null, twinAt: DETECTED });
    story.ranked([TWIN]).changed("m1/b", 2).tell("probe.seen", { device: "m1/b" });
    expect(story.said).toEqual([
      "+0 write running failover.began: nobody speaks for sales/m1: startup",
      "+0 ask for candidates but ",
      "+0 change from term 1 to m1/b, moving, seat.moved: sales/m1 moves from nobody to m1/b under term 2: same number",
      "+0 seat changed to m1/b 2",
      "+0 probe m1/b within 1200",
      "+0 write inService seat.inService: m1/b is in service under term 2",
      "+0 ended inService m1/b 2",
    ]);
    expect(story.writes.at(-1)?.audit).toMatchObject({ evidence: { detectedMs: null, inServiceMs: 0 } });
    expect(story.record?.steps[0]).toMatchObject({ text: "nobody spoke for it: startup" });
  });

  it.each(["operator", "failback", "removed"] as const)(
    "says that the holder is to go, and not that it gave out: %s",
    (cause) => {
      const story = new Story({ cause, avertable: false });
      story.ranked([TWIN]).changed("m1/b", 2).tell("probe.seen", { device: "m1/b" });
      expect(story.record?.steps[0]).toMatchObject({ text: `m1/a is to go: ${cause}` });
    },
  );
});

// ---- helpers ----

type Asked = Extract<Effect, { op: "store" }>["ask"];
type Change = Extract<Asked, { op: "seat.change" }>;
type Written = Extract<Extract<Effect, { op: "write" }>["ask"], { op: "failover.record" }>;

/** The silent holder's twin is committed under term 2, a second after the detection, and answers to nothing yet. */
function committed(): Story {
  return new Story().after(1000).ranked([TWIN]).after(10).changed("m1/b", 2);
}

class Story {
  readonly host = new Host();

  constructor(over: Partial<FailoverInput> = {}) {
    this.host.chart(FAILOVER, failoverMachine, {
      id: "life/1",
      seat: SEAT,
      line: "sales",
      from: HOLDER,
      term: 1,
      cause: "silent",
      to: null,
      avertable: true,
      lastEvidenceAt: DETECTED - 4500,
      detectedAt: DETECTED,
      twinAt: DETECTED + 1000,
      numberAt: DETECTED + 2500,
      verifyFor: 1200,
      retryEvery: 250,
      giveUpAt: DETECTED + 5500,
      ...over,
    });
  }
  after(span: number): this {
    this.host.advance(span);
    return this;
  }
  tell(type: string, more: object = {}): this {
    this.host.tell(FAILOVER, { type, ...more });
    return this;
  }
  ranked(ranked: readonly object[], over: object = {}): this {
    return this.tell("candidates.ranked", { ranked, rejected: [], twinPending: false, isFormerWell: false, ...over });
  }
  changed(holder: string, term: number): this {
    return this.tell("store.changed", { answer: { row: { id: SEAT, holder, term } } });
  }
  get changes(): Change[] {
    return this.host.of("store").flatMap(({ ask }) => (ask.op === "seat.change" ? [ask] : []));
  }
  get writes(): Written[] {
    return this.host.of("write").flatMap(({ ask }) => (ask.op === "failover.record" ? [ask] : []));
  }
  get record() {
    return this.writes.at(-1)?.failover;
  }
  get said(): string[] {
    return this.host.log.map(({ at, effect }) => `+${at - DETECTED} ${words(effect)}`);
  }
}

function words(effect: Effect): string {
  if (effect.op === "write" && effect.ask.op === "failover.record")
    return `write ${effect.ask.failover.outcome} ${effect.ask.audit?.action}: ${effect.ask.audit?.text}`;
  if (effect.op === "store" && effect.ask.op === "seat.change") {
    const { expect: term, holder, phase, audit } = effect.ask;
    return `change from term ${term} to ${holder}, ${phase}, ${audit?.action}: ${audit?.text}`;
  }
  if (effect.op !== "tell") return effect.op;
  const event = effect.event as unknown as Readonly<Record<string, never>>;
  switch (`${effect.to} ${effect.event.type}`) {
    case "roster candidates.request":
      return `ask for candidates but ${(event["exclude"] as unknown as string[]).join(", ")}`;
    case `seat:${SEAT} seat.changed`:
      return `seat changed to ${event["row"]?.["holder"]} ${event["row"]?.["term"]}`;
    case `seat:${SEAT} failover.ended`:
      return `ended ${event["outcome"]} ${event["holder"]} ${event["term"]}`;
    default:
      return `probe ${effect.to.slice("detector:".length)} within ${event["deadline"]}`;
  }
}
