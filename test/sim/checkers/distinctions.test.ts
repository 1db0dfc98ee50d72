/** The distinctions that the checkers of whole runs make: what each excuses, beside the nearest thing that it does not. */
import { describe, expect, it } from "vitest";
import { detectionsAlert, recoveriesResolve } from "../../../sim/checkers/alerts.ts";
import { inboxFills, outboxDrains, seatsAreHeld } from "../../../sim/checkers/eventually.ts";
import { gateKeepsTerms } from "../../../sim/checkers/gate.ts";
import { grantsFollowTerms } from "../../../sim/checkers/grants.ts";
import type { Life } from "../../../sim/checkers/life.ts";
import { duplicatesAreMarked, nothingLost } from "../../../sim/checkers/messages.ts";
import { paceIsKept } from "../../../sim/checkers/pacing.ts";
import { restrictedBeginNothing } from "../../../sim/checkers/restricted.ts";
import { candidatesAreHeard, candidatesMaySpeak, rollbackRestores } from "../../../sim/checkers/seats.ts";
import { serviceOf } from "../../../sim/checkers/service.ts";
import { Timeline } from "../../../sim/checkers/timeline.ts";
import type { Fault } from "../../../sim/faults/catalogue.ts";
import type { WorldEvent } from "../../../sim/world/ledger.ts";
import { brokenIn } from "./doctored.ts";
import { calm, History, HOLDER, OTHER, SEAT, STRANGER, TWIN } from "./history.ts";

const silent = { kind: "silent-path", keeps: false, target: { device: HOLDER } } as const;
const halfOpen = { kind: "half-open-link", target: { device: TWIN } } as unknown as Fault;
const store = { kind: "store-slow", mean: 100, target: { all: true } } as const;
const outage = { kind: "outage", manner: "silent", target: { all: true } } as const;
const crashed = { kind: "node", node: "n1", what: "crashed", for: 1_000 } as WorldEvent;
const gate = (term: number, device = HOLDER): WorldEvent =>
  ({ kind: "gate", node: "n1", device, seat: SEAT, term, message: "m", waId: "w", attempt: 1 }) as unknown as WorldEvent;

describe("detections-alert", () => {
  const broken = (history: History): number => brokenIn(detectionsAlert, history.life()).length;

  it("takes an alert of the same turn, of the device or of its account, and none of another", () => {
    expect(broken(calm().failed(100))).toBe(1);
    expect(broken(calm().failed(100).alert(`device.failed:${HOLDER}`, 100))).toBe(0);
    expect(broken(calm().failed(100).alert("account.banned:sales-1", 90))).toBe(0);
    expect(broken(calm().failed(100).alert(`device.failed:${TWIN}`, 90))).toBe(1);
    expect(broken(calm().failed(100).alert(`device.failed:${HOLDER}`, 90, 95))).toBe(1);
    expect(broken(calm().failed(100).alert(`device.failed:${HOLDER}`, 100.001))).toBe(1);
  });

  it("owes none for a seat that nobody held, or that was started without its holder", () => {
    expect(broken(calm().failed(100, null))).toBe(0);
    expect(broken(calm().failed(100, HOLDER, "startup"))).toBe(0);
  });

  it("wants it in the store too, unless the process died soon after", () => {
    const unwritten = (): History => calm().failed(100).alert(`device.failed:${HOLDER}`, 100).unwritten();
    expect(broken(unwritten())).toBe(1);
    expect(broken(unwritten().event(150, crashed))).toBe(0);
    expect(broken(unwritten().event(99, crashed))).toBe(1);
  });
});

describe("recoveries-resolve", () => {
  const broken = (history: History): number => brokenIn(recoveriesResolve, history.life()).length;
  const standing = (at: number, to: "good" | "banned") => (history: History) =>
    history.event(at, { kind: "standing", account: "sales-1" as never, standing: to, until: null, why: "" });

  it("of a device: it was in service on one link for so long, and nothing touched it", () => {
    const open = (): History => new History().alert(`device.failed:${HOLDER}`, 50);
    expect(broken(open().up(HOLDER))).toBe(1);
    expect(broken(open())).toBe(0);
    expect(broken(open().up(HOLDER, 1, 140).up(HOLDER, 141))).toBe(0);
    expect(broken(open().up(HOLDER).fault(silent, 130, 131))).toBe(0);
    expect(broken(open().up(HOLDER).fault(silent, 100, 101))).toBe(1);
  });

  it("of a seat: it was in service with a holder that was", () => {
    const open = (): History => calm().alert(`seat.stranded:${SEAT}`, 50);
    expect(broken(open())).toBe(1);
    expect(broken(open().row(60, HOLDER, 1, "moving"))).toBe(0);
    expect(broken(open().row(60, null, 2))).toBe(0);
  });

  it.each(["account.restricted", "account.banned"])(
    "of an account (%s): its standing was good, and a device could have said so",
    (rule) => {
      const open = (history: History): History => history.alert(`${rule}:sales-1`, 50);
      expect(broken(standing(100, "good")(open(calm())))).toBe(1);
      expect(broken(open(calm()))).toBe(1);
      expect(broken(standing(130, "good")(open(calm())))).toBe(0);
      expect(broken(standing(100, "banned")(open(calm())))).toBe(0);
      expect(broken(standing(100, "good")(open(new History().up(OTHER))))).toBe(0);
    },
  );

  it.each(["fleet.outage", "fleet.brake"])("of the whole (%s): every device was in service", (rule) => {
    const open = (history: History): History => history.alert(`${rule}:fleet`, 50);
    const everybody = [["sales-s1/a", "sales-s2/a", "support-1/b", "support-2/a", "support-s1/a", "support-s2/a"]].flat();
    const all = everybody.reduce((history, device) => history.up(device as never), calm());
    expect(broken(open(all))).toBe(1);
    expect(broken(open(calm()))).toBe(0);
  });

  it("of what no rule here is about: nothing is owed", () => {
    expect(broken(calm().alert("account.checkup:sales-1", 50))).toBe(0);
  });
});

describe("seats-are-held", () => {
  const broken = (life: Life): number => brokenIn(seatsAreHeld, life).length;

  it("allows a holder that is being dialled anew at the very end", () => {
    expect(broken(new History().up(HOLDER, 1, 190).row(1, HOLDER, 1).life())).toBe(0);
    expect(broken(new History().up(HOLDER, 1, 180).row(1, HOLDER, 1).life())).toBe(1);
  });

  it("is owed only where a core was healed", () => {
    const life = new History().row(1, null, 1).life();
    expect(broken(life)).toBe(1);
    expect(broken({ ...life, plan: { ...life.plan, liveness: null } })).toBe(0);
  });
});

describe("outbox-drains", () => {
  const broken = (history: History): number => brokenIn(outboxDrains, history.life()).length;
  const waits = (history: History, at = 100): History => history.message({ at, conversation: "c1" });

  it("allows what was accepted a moment ago, and what stands behind a held message of its conversation", () => {
    expect(broken(waits(calm()))).toBe(1);
    expect(broken(waits(calm(), 175))).toBe(0);
    expect(broken(waits(calm()).message({ at: 90, conversation: "c1", row: { state: "held" } }))).toBe(0);
    expect(broken(waits(calm()).message({ at: 90, conversation: "c2", row: { state: "held" } }))).toBe(1);
  });

  it("allows what an account has no time for that speaks at its pace to the end (seed 412)", () => {
    const paced = (sent: number): History => {
      const history = waits(calm()).settings({ pacing: { ["sales-1" as never]: { perSecond: 1, burst: 1 } } });
      for (let no = 0; no < sent; no++) history.event(171 + no, gate(1));
      return history;
    };
    expect(broken(paced(24))).toBe(0);
    expect(broken(paced(20))).toBe(1);
  });
});

describe("inbox-fills", () => {
  const wrote = { kind: "wrote", person: "p", account: "sales-1", waId: "3A9" } as unknown as WorldEvent;
  const broken = (life: Life): number => brokenIn(inboxFills, life).length;
  const core = (life: Life, ...devices: string[]): Life => ({
    ...life,
    plan: { ...life.plan, liveness: { at: 50_000, core: devices as never } },
  });

  it("asks for what a device of the core could hear: linked since before, and some time ago", () => {
    expect(broken(core(calm().event(100, wrote).life(), HOLDER))).toBe(1);
    expect(broken(core(calm().event(100, wrote).life(), OTHER))).toBe(0);
    expect(broken(core(calm().event(150, wrote).life(), HOLDER))).toBe(0);
    const relinked = (at: number): History =>
      calm().event(100, wrote).event(at, { kind: "credentials", device: HOLDER, state: "linked" });
    expect(broken(core(relinked(110).life(), HOLDER))).toBe(0);
    expect(broken(core(relinked(90).life(), HOLDER))).toBe(1);
    const out = calm().event(100, wrote).event(90, { kind: "credentials", device: HOLDER, state: "loggedOut" });
    expect(broken(core(out.life(), HOLDER))).toBe(0);
  });
});

describe("grants-follow-terms", () => {
  const broken = (grants: readonly [string, number][], history = calm()): string[] =>
    brokenIn(grantsFollowTerms, {
      ...history.life(),
      grants: grants.map(([device, term]) => ({ device, seat: SEAT, term }) as never),
    });

  it("wants the holder, allows the line's servants, and no other device and no other term", () => {
    expect(
      broken([
        [HOLDER, 1],
        ["sales-s1/a", 1],
      ]),
    ).toEqual([]);
    expect(broken([["sales-s1/a", 1]])).toEqual([`${HOLDER} holds ${SEAT} and may not send for it`]);
    expect(
      broken([
        [HOLDER, 1],
        ["sales-s1/a", 2],
      ]),
    ).toHaveLength(1);
    expect(
      broken([
        [HOLDER, 1],
        ["support-s1/a", 1],
      ]),
    ).toEqual([`support-s1/a may still send for ${SEAT}, which is ${HOLDER}'s`]);
    expect(
      broken([
        [HOLDER, 1],
        [TWIN, 1],
      ]),
    ).toHaveLength(1);
  });

  it("leaves a moment for a row that has just changed, and asks nothing while no node runs", () => {
    expect(broken([[HOLDER, 1]], calm().row(190, TWIN, 2))).toEqual([]);
    expect(broken([[HOLDER, 1]], calm().row(180, TWIN, 2)).length).toBeGreaterThan(0);
    expect(broken([])).toEqual([]);
  });
});

describe("gate-keeps-terms", () => {
  const broken = (history: History): number => brokenIn(gateKeepsTerms, history.life()).length;
  const told: WorldEvent = { kind: "seatTold", node: "n1", seat: SEAT, term: 2 } as unknown as WorldEvent;

  it("lets the old holder send until its node has heard of the commit, or the new one has sent", () => {
    const moved = (): History => calm().row(100, TWIN, 2);
    expect(broken(moved().event(100.01, gate(1)))).toBe(0);
    expect(broken(moved().event(100.02, told).event(100.03, gate(1)))).toBe(1);
    expect(broken(moved().event(100.02, gate(2, TWIN)).event(100.03, gate(1)))).toBe(1);
  });
});

describe("nothing-lost and duplicates-are-marked", () => {
  const shown = (message: string): WorldEvent =>
    ({ kind: "shown", person: "p", account: "sales-1", device: HOLDER, message, waId: "w" }) as unknown as WorldEvent;
  const attempts = (...outcomes: string[]) =>
    outcomes.map((outcome, i) => ({
      number: i + 1,
      device: HOLDER,
      seat: SEAT,
      seatTerm: 1,
      at: 0,
      outcome,
      detail: null,
    })) as never;

  it("what counts as proved was shown, unless WhatsApp took it a moment ago; what failed has a reason", () => {
    const lost = (row: object): number => brokenIn(nothingLost, calm().message({ at: 100, row }).life()).length;
    const now = calm().life().to;
    const attempt = (at: number) => [{ number: 1, device: HOLDER, at, outcome: "acknowledged" }];
    expect(lost({ state: "acknowledged", attempts: attempt(now - 60_000) })).toBe(1);
    expect(lost({ state: "acknowledged", attempts: attempt(now - 10_000) })).toBe(0);
    expect(lost({ state: "held" })).toBe(0);
    expect(lost({ state: "failed", reason: null })).toBe(1);
    expect(lost({ state: "failed", reason: "it had expired" })).toBe(0);
  });

  it("twice on a phone is allowed after two attempts, one of them unanswered", () => {
    const twice = (row: object): number =>
      brokenIn(duplicatesAreMarked, calm().message({ at: 100, row }).event(101, shown("m1")).event(102, shown("m1")).life())
        .length;
    expect(twice({ attempts: attempts("unanswered", "acknowledged") })).toBe(0);
    expect(twice({ attempts: attempts("acknowledged", "acknowledged") })).toBe(1);
    expect(twice({ attempts: attempts("unanswered") })).toBe(1);
  });
});

describe("pace-is-kept", () => {
  it("allows two bursts and one at once, then its rate; of an account without a pace, anything", () => {
    const sent = (times: readonly number[], device = HOLDER): number => {
      const history = calm().settings({ pacing: { ["sales-1" as never]: { perSecond: 1, burst: 2 } } });
      for (const at of times) history.event(at, gate(1, device));
      return brokenIn(paceIsKept, history.life()).length;
    };
    expect(sent([100, 100, 100, 100, 100])).toBe(0);
    expect(sent([100, 100, 100, 100, 100, 100])).toBe(1);
    expect(sent([100, 100, 100, 100, 100, 101])).toBe(0);
    expect(sent(Array<number>(20).fill(100), OTHER)).toBe(0);
  });
});

describe("restricted-begin-nothing", () => {
  const refused: WorldEvent = {
    kind: "refused",
    account: "sales-1",
    device: HOLDER,
    message: "m",
    waId: "w",
    code: 463,
  } as unknown as WorldEvent;
  const broken = (sent: number, known: readonly [number, number | null] | null): number => {
    const history = calm()
      .event(sent, gate(1))
      .event(sent + 0.1, refused);
    if (known) history.alert("account.restricted:sales-1", known[0], known[1]);
    return brokenIn(restrictedBeginNothing, history.life()).length;
  };

  it("owes nothing before the restriction is known, for what was under way then, and after it is over", () => {
    expect(broken(100, [90, null])).toBe(1);
    expect(broken(100, null)).toBe(0);
    expect(broken(100, [98.5, null])).toBe(0);
    expect(broken(100, [80, 90])).toBe(0);
  });
});

describe("candidates-are-heard", () => {
  const broken = (history: History): number => brokenIn(candidatesAreHeard, history.life()).length;
  const silentTwin = (): History => calm().fault({ ...silent, target: { device: TWIN } }, 90, null, [TWIN]);

  it("notices one that had been silent for seconds, not one that fell silent just now or spoke again", () => {
    expect(broken(silentTwin().row(100, TWIN, 2))).toBe(1);
    expect(broken(silentTwin().row(94, TWIN, 2))).toBe(0);
    expect(broken(calm().fault(silent, 90, 99, [TWIN]).row(100, TWIN, 2))).toBe(0);
    expect(broken(silentTwin().row(100, OTHER, 2))).toBe(0);
    expect(broken(calm().fault(store, 90, null, [TWIN]).row(100, TWIN, 2))).toBe(0);
  });

  it("asks no stanza for the way back, none where the store was slow, and none on a new link of one that was half open", () => {
    const back = calm().row(95, TWIN, 2).fault(silent, 90, null).row(100, HOLDER, 3);
    expect(broken(back)).toBe(1);
    expect(broken(back.failover({ termBefore: 1, termAfter: 3, outcome: "rolledBack" }))).toBe(0);
    expect(broken(silentTwin().fault(store, 92, 95, []).row(100, TWIN, 2))).toBe(0);
    expect(broken(silentTwin().fault(store, 80, 85, []).row(100, TWIN, 2))).toBe(1);
    expect(broken(calm().fault(halfOpen, 90, null, [TWIN]).row(100, TWIN, 2))).toBe(1);
    expect(broken(calm().fault(halfOpen, 90, null, [TWIN]).up(TWIN, 96).row(100, TWIN, 2))).toBe(0);
  });
});

describe("candidates-may-speak", () => {
  const broken = (history: History): number => brokenIn(candidatesMaySpeak, history.life()).length;
  const known = (rule: string, account: string, at = 90, to: number | null = null): History =>
    calm().alert(`account.${rule}:${account}`, at, to);

  it("notices a banned account, and another number that is restricted; a twin shares the restriction", () => {
    expect(broken(known("banned", "sales-2").row(100, OTHER, 2))).toBe(1);
    expect(broken(known("restricted", "sales-2").row(100, OTHER, 2))).toBe(1);
    expect(broken(known("restricted", "sales-1").row(100, TWIN, 2))).toBe(0);
    expect(broken(known("banned", "sales-1").row(100, TWIN, 2))).toBe(1);
  });

  it("owes nothing for what was heard in that moment, or while the store kept the commit, is over, is somebody else's, or is the way back", () => {
    expect(broken(known("banned", "sales-2", 99).row(100, OTHER, 2))).toBe(0);
    expect(broken(known("banned", "sales-2", 92).row(100, OTHER, 2))).toBe(1);
    expect(broken(known("banned", "sales-2", 92).fault(store, 85, 99.9, []).row(100, OTHER, 2))).toBe(0);
    expect(broken(known("banned", "sales-2", 89).fault(store, 85, 99.9, []).row(100, OTHER, 2))).toBe(1);
    expect(broken(known("banned", "sales-2", 92).fault(store, 80, 89, []).row(100, OTHER, 2))).toBe(1);
    expect(broken(known("banned", "sales-2", 80, 90).row(100, OTHER, 2))).toBe(0);
    expect(broken(known("banned", "support-1").row(100, OTHER, 2))).toBe(0);
    const back = known("restricted", "sales-1").row(100, OTHER, 2).row(101, HOLDER, 3);
    expect(broken(back)).toBe(1);
    expect(broken(back.failover({ termBefore: 1, termAfter: 3, outcome: "rolledBack" }))).toBe(0);
  });
});

describe("rollback-restores", () => {
  it("wants the former holder back under a term above the commit's, and asks it of rollbacks only", () => {
    const broken = (outcome: "rolledBack" | "inService", history: History): number =>
      brokenIn(rollbackRestores, history.failover({ termBefore: 1, termAfter: 3, outcome }).life()).length;
    const away = (): History => calm().row(100, TWIN, 2);
    expect(broken("rolledBack", away().row(101, HOLDER, 3))).toBe(0);
    expect(broken("rolledBack", away().row(101, OTHER, 3))).toBe(1);
    expect(broken("rolledBack", calm().row(100, HOLDER, 2))).toBe(1);
    expect(broken("inService", away())).toBe(0);
  });
});

describe("service", () => {
  const counts = (history: History) => {
    const { falseNumberChanges, falseTwinHandovers } = serviceOf(new Timeline(history.life()));
    return [falseNumberChanges, falseTwinHandovers];
  };
  const moved = (to = OTHER): History => calm().row(100, to, 2);

  it("counts changes of number and handovers to a twin that nothing explains", () => {
    expect(counts(moved())).toEqual([1, 0]);
    expect(counts(moved(TWIN))).toEqual([0, 1]);
    for (const cause of ["operator", "failback", "removed", "startup"] as const) {
      expect(counts(moved().failover({ termBefore: 1, termAfter: 2, cause }))).toEqual([0, 0]);
    }
    expect(counts(moved().failover({ termBefore: 1, termAfter: 2, cause: "silent" }))).toEqual([1, 0]);
  });

  it("is explained by a fault of whom it left, of all, or by a device that was not well; not by anybody else's", () => {
    expect(counts(moved().fault(silent, 60, 70))).toEqual([0, 0]);
    expect(counts(moved().fault(silent, 20, 30))).toEqual([1, 0]);
    expect(counts(moved().fault(silent, 60, 70, [STRANGER]))).toEqual([1, 0]);
    expect(counts(moved().fault(outage, 60, 70, []))).toEqual([0, 0]);
    expect(counts(new History().up(HOLDER, 1, 50).row(1, HOLDER, 1).row(100, OTHER, 2))).toEqual([0, 0]);
  });

  it("explains a second candidate, and the way back, by what explains the first (seed 312)", () => {
    const three = (): History => calm().fault(silent, 60, 70).row(100, TWIN, 2).row(135, OTHER, 3);
    expect(counts(three())).toEqual([1, 0]);
    expect(counts(three().failover({ termBefore: 1, termAfter: 3, cause: "silent", from: HOLDER }))).toEqual([1, 0]);
    const soon = calm().fault(silent, 99, 99.5).row(100, TWIN, 2).row(101.2, OTHER, 3);
    expect(counts(soon.failover({ termBefore: 1, termAfter: 3, cause: "silent", from: HOLDER }))).toEqual([0, 0]);
  });

  it("a seat is down while a message waits for more than ten seconds; held, failed and paced ones, and outages, apart", () => {
    const down = (history: History): number => serviceOf(new Timeline(history.life())).downMs;
    expect(down(calm().message({ at: 100, gate: 105, ack: 106 }))).toBe(0);
    expect(down(calm().message({ at: 100, gate: 115, ack: 116 }))).toBe(5_010);
    expect(down(calm().message({ at: 100 }))).toBe(90_000);
    expect(down(calm().message({ at: 100 }).message({ at: 101 }))).toBe(90_000);
    expect(down(calm().message({ at: 100, row: { state: "held" } }))).toBe(0);
    expect(down(calm().message({ at: 100 }).fault(outage, 120, 150, []))).toBe(60_000);
    const paced = { pacing: { ["sales-1" as never]: { perSecond: 1, burst: 1 } } };
    const attempts = [{ number: 1, device: HOLDER, at: 0, outcome: "unanswered" }] as never;
    expect(down(calm().message({ at: 100, row: { attempts } }).settings(paced))).toBe(0);
  });
});
