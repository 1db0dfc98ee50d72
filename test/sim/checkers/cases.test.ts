/** What is a case, what belongs to it, what was owed in it, and what excuses a bound: each on the smallest history that shows it. */
import { describe, expect, it } from "vitest";
import type { SeatId } from "../../../machines/ports/ids.ts";
import { type Case, casesOf } from "../../../sim/checkers/cases.ts";
import { measure } from "../../../sim/checkers/timed.ts";
import { Timeline } from "../../../sim/checkers/timeline.ts";
import type { Fault } from "../../../sim/faults/catalogue.ts";
import type { Target } from "../../../sim/faults/rule.ts";
import { calm, HOLDER, type History, OTHER, SEAT, STRANGER, TWIN } from "./history.ts";

const on = (device: string): { target: Target } => ({ target: { device: device as never } });
const silent = { kind: "silent-path", keeps: false, ...on(HOLDER) } as const;
const halfOpen = { kind: "half-open-link", ...on(HOLDER) } as unknown as Fault;
const mute = { kind: "ack-lost", mute: true, ...on(HOLDER) } as unknown as Fault;
const closed = { kind: "close", code: 428, ...on(HOLDER) } as const;
const store = { kind: "store-slow", mean: 100, target: { all: true } } as const;
const pause = { kind: "node-pause", target: { node: "n1" as never } } as const;
const outage = { kind: "outage", manner: "silent", target: { all: true } } as const;
const order = (what: "pause" | "cordon", device: string = HOLDER): Fault =>
  ({ kind: "operator", order: what, twice: false, ...on(device) }) as unknown as Fault;

/** The holder falls silent at 100; it is detected, moved to its twin and in service at these times, and a message is acknowledged. */
const silence = ({ detected = 104.5, moved = 105.5, serving = 105.6, brought = 102, ack = 106 } = {}): History =>
  calm()
    .fault(silent, 100, null)
    .failed(detected)
    .row(moved, TWIN, 2, "moving")
    .row(serving, TWIN, 2)
    .failover({ termBefore: 1, termAfter: 2, cause: "silent", detected, chosen: detected + 0.1 })
    .message({ at: brought, gate: Math.max(serving, brought) + 0.1, device: TWIN, ack });

const cases = (history: History): Case[] => casesOf(new Timeline(history.life()));
const measured = (history: History) => measure(new Timeline(history.life()));
const broken = (history: History): string[] => measured(history).violations.map(({ property }) => property);
const excused = (history: History): readonly string[] => measured(history).excluded;
const msOf = (history: History, what: string): number | undefined =>
  measured(history).timings.find((timing) => timing.measure === what)?.ms;

describe("a case", () => {
  it("is a fault of a device that speaks for a seat, with what followed", () => {
    expect(cases(silence())).toMatchObject([{ seat: SEAT, device: HOLDER, harm: "silent", rung: "twin" }]);
    expect(broken(silence())).toEqual([]);
    expect(["detection", "choice", "inService", "firstAck"].map((what) => msOf(silence(), what))).toEqual([
      4_500, 100, 100, 6_000,
    ]);
  });

  it("is none if the device was out, spoke for nobody, was not in service there, or had another fault already", () => {
    const hit = (history: History): History => history.fault(silent, 100, null);
    expect(cases(hit(calm()))).toHaveLength(1);
    expect(cases(calm().fault(silent, 100, null, [TWIN]))).toEqual([]);
    expect(cases(hit(calm().row(90, HOLDER, 1, "moving")))).toEqual([]);
    expect(cases(hit(calm().fault(silent, 99, null))).map(({ span }) => span.index)).toEqual([0]);
    expect(cases(hit(calm().fault(silent, 90, 95))).map(({ span }) => span.index)).toEqual([0, 1]);
    const down = calm()
      .row(50, "sales-2/b" as never, 2)
      .up("sales-2/b" as never, 1, 99);
    expect(cases(down.fault(silent, 100, null, ["sales-2/b" as never]))).toEqual([]);
  });

  it("is none if nothing can stand in for what failed, or the twin hears what the holder does not", () => {
    expect(cases(calm().fault({ ...silent, target: { all: true } }, 100, null))).toEqual([]);
    expect(cases(calm().fault(mute, 100, null).message({ at: 101, gate: 101 }))).toEqual([]);
    expect(cases(calm().fault(mute, 100, null, [HOLDER, TWIN]).message({ at: 101, gate: 101 }))).toHaveLength(1);
  });

  it("of sends that nobody acknowledges begins with the first of them", () => {
    const deaf = calm().fault(mute, 100, null, [HOLDER, TWIN]).message({ at: 109, gate: 110 });
    expect(cases(deaf)[0]?.from).toBe(deaf.life().from + 110_000);
    expect(cases(calm().fault(mute, 100, null, [HOLDER, TWIN]))).toEqual([]);
  });

  it("ends where a re-dial has healed it: what fails afterwards is another story (seed 602)", () => {
    const healed = calm().fault(silent, 100, 102).up(HOLDER, 103).failed(109).row(110, TWIN, 2, "moving").row(110.1, TWIN, 2);
    expect(cases(healed)).toMatchObject([{ rung: "reconnect", detectedAt: null, change: null }]);
    expect(broken(healed)).toEqual([]);
    // The same without the new link is a late detection.
    const unhealed = calm().fault(silent, 100, null).failed(109).row(110, TWIN, 2, "moving").row(110.1, TWIN, 2);
    expect(broken(unhealed)).toContain("timed-detection");
  });

  it("of a close is healed by a re-dial only if the node never heard of the end (seed 21275)", () => {
    const redialled = (history: History): History => history.fault(closed, 100, 100).up(HOLDER, 102).failed(109);
    expect(cases(redialled(calm()))).toMatchObject([{ rung: "reconnect", detectedAt: null }]);
    expect(broken(redialled(calm()))).toEqual([]);
    const end = { kind: "ended", link: 1, device: HOLDER, reason: "dropped", code: 428 } as const;
    expect(broken(redialled(calm().event(100.1, end)))).toEqual(["timed-detection"]);
  });

  it("does not own what is detected long after it was over (seed 3435)", () => {
    const over = calm().fault(silent, 100, 101).failed(107).row(108, TWIN, 2);
    expect(cases(over)).toMatchObject([{ detectedAt: null, change: null, rung: null }]);
    const under = calm().fault(silent, 100, 106).failed(107).row(108, TWIN, 2);
    expect(cases(under)[0]?.detectedAt).not.toBeNull();
  });

  it("is none if the seat was led away, or went home, before anybody could know (seed 4014)", () => {
    const led = (cause: "operator" | "failback" | "removed" | "silent"): History =>
      calm().fault(silent, 100, null).row(102, TWIN, 2).failover({ termBefore: 1, termAfter: 2, cause });
    for (const cause of ["operator", "failback", "removed"] as const) expect(cases(led(cause))).toEqual([]);
    expect(cases(led("silent"))).toHaveLength(1);
    const later = calm()
      .fault(silent, 100, null)
      .failed(104)
      .row(105, TWIN, 2)
      .failover({ termBefore: 1, termAfter: 2, cause: "operator" });
    expect(cases(later)).toMatchObject([{ change: null, rung: null }]);
  });

  it("counts the seat as served by whom it came into service with, and from when that one was chosen", () => {
    const second = silence({ serving: 106.9 }).row(106.8, OTHER, 3, "moving");
    const chosen = calm().fault(silent, 100, null).failed(104.5).row(105.5, TWIN, 2, "moving").row(106.8, OTHER, 3, "moving");
    expect(cases(chosen.row(106.9, OTHER, 3))[0]?.served).toEqual({
      at: second.life().from + 106_900,
      movedAt: second.life().from + 106_800,
    });
  });

  it("is acknowledged by an ack, or by a twin's copy, of an attempt that was accepted then; not by an older one's (seed 224)", () => {
    expect(msOf(silence().message({ at: 103, gate: 105.7, device: TWIN, copy: 105.8 }), "firstAck")).toBe(5_800);
    const stale = calm().fault(silent, 100, null).failed(104.5).row(105.5, TWIN, 2, "moving").row(105.6, TWIN, 2);
    const early = stale.message({ at: 99, gate: 99.5, ack: 107 });
    expect(cases(early)[0]?.firstAckAt).toBeNull();
  });
});

describe("a bound", () => {
  it("that is missed is a violation, and one that is met is counted", () => {
    expect(broken(silence({ detected: 105.2 }))).toEqual(["timed-detection"]);
    expect(broken(silence({ serving: 111 }).message({ at: 102, gate: 105.7, device: TWIN, ack: 106 }))).toEqual([
      "timed-inService",
    ]);
    expect(broken(silence({ ack: 112 }))).toEqual(["timed-firstAck"]);
    const late = calm()
      .fault(closed, 100, 100)
      .failed(100.1)
      .row(103, TWIN, 2)
      .message({ at: 102, gate: 104, device: TWIN, ack: 105 });
    const slow = late.failover({ termBefore: 1, termAfter: 2, cause: "closed", detected: 100.1, chosen: 101.3 });
    expect(broken(slow)).toEqual(["timed-choice"]);
  });

  it("is not owed by a silence that was over before it could be told from a stall, nor when the run was over", () => {
    expect(broken(calm().fault(silent, 100, 104.9))).toEqual([]);
    expect(broken(calm().fault(silent, 100, 105.1))).toEqual(["timed-detection"]);
    expect(broken(calm().fault(silent, 100, null).until(129))).toEqual([]);
    expect(broken(calm().fault(silent, 100, null).until(131))).toEqual(["timed-detection"]);
  });

  it("of a link that ended is owed however short the fault was", () => {
    expect(broken(calm().fault(closed, 100, 100))).toEqual(["timed-detection"]);
  });

  const unseen = (): History => calm().fault(silent, 100, null);
  it.each<[string, (history: History) => History, readonly string[]]>([
    ["a slow store", (history) => history.fault(store, 99, 101, []), ["the store was out of reach"]],
    ["a store that was slow before", (history) => history.fault(store, 90, 97, []), []],
    ["a stopped loop", (history) => history.fault(pause, 95, null, []), ["our own event loop was late"]],
    ["a fault of somebody else", (history) => history.fault({ ...silent, ...on(STRANGER) }, 99, 120, [STRANGER]), []],
    ["a pause by an operator", (history) => history.fault(order("pause"), 99, 120, []), ["an operator held"]],
    ["an order about a device of the line", (history) => history.fault(order("cordon"), 99, 120, [OTHER]), ["an operator held"]],
    [
      "an order about devices of both lines",
      (history) => history.fault(order("cordon"), 99, 120, [STRANGER, OTHER]),
      ["an operator held"],
    ],
    ["an order about another line", (history) => history.fault(order("cordon"), 99, 120, [STRANGER]), []],
    ["the brake", (history) => history.alert("fleet.brake:fleet", 99, 120), []],
    ["a suspected outage that was none", (history) => history.alert("fleet.outage:fleet", 99, 120), []],
    ["an outage of which nobody was aware", (history) => history.fault(outage, 99, 120, []), []],
  ])("is excused by what explains it: %s", (_, change, reasons) => {
    const history = change(unseen());
    expect(excused(history)).toEqual(reasons);
    expect(broken(history)).toEqual(reasons.length > 0 ? [] : ["timed-detection"]);
  });

  it("is excused by the brake and by a suspected outage, by the keys that their alerts have", () => {
    const said = (key: string): History => unseen().said(99, "alert.raised", "fleet", { key });
    expect(excused(said("fleet.brake"))).toEqual(["the brake held"]);
    expect(excused(said("fleet.brake").said(99.5, "alert.resolved", "fleet", { key: "fleet.brake" }))).toEqual([]);
    expect(excused(said("fleet.outage"))).toEqual([]);
    expect(excused(said("fleet.outage").fault(outage, 99, 120, []))).toEqual(["WhatsApp was out of reach"]);
  });

  it("is excused if nobody of the line stayed well, was left alone, and may be gone back to", () => {
    const alone = (change: (history: History) => History): readonly string[] => excused(change(unseen()));
    const both = (history: History): History => history.fault(silent, 99, null, [TWIN, OTHER]);
    expect(alone(both)).toEqual(["no eligible candidate stayed healthy"]);
    expect(alone((history) => both(history).fault(outage, 99, 120, []))).toEqual(["WhatsApp was out of reach"]);
    expect(alone((history) => history.fault(silent, 99, null, [TWIN]))).toEqual([]);
    const left = calm().row(60, TWIN, 2).row(80, HOLDER, 3).fault(silent, 100, null).fault(silent, 99, null, [OTHER]);
    expect(excused(left)).toEqual(["no eligible candidate stayed healthy"]);
  });
});

describe("the clock", () => {
  const failing = (ack: number, second: Fault | typeof silent, at: number, device: string): History =>
    silence({ brought: 107, ack }).fault({ ...second, ...on(device) }, at, null, [device as never]);

  it("is restarted by a fault on the chosen candidate, once, and by none on anybody else", () => {
    expect(msOf(failing(113, silent, 104, TWIN), "firstAck")).toBe(9_000);
    expect(broken(failing(115, silent, 104, TWIN))).toEqual(["timed-firstAck"]);
    expect(broken(failing(113, silent, 104, STRANGER))).toEqual(["timed-firstAck"]);
  });

  it("is restarted by a fault that shows in sends only when the candidate has begun to send (seed 4647)", () => {
    expect(msOf(failing(114, mute, 101, TWIN), "firstAck")).toBe(8_500);
  });

  it("is restarted by a second fault on the link that was dialled anew (seed 4947)", () => {
    const again = (second: boolean): History => {
      const history = calm().fault(halfOpen, 100, null).up(HOLDER, 104.4);
      if (second) history.fault(halfOpen, 106, null);
      return history.message({ at: 107.5, gate: 107.6, ack: 115 });
    };
    expect(msOf(again(true), "firstAck")).toBe(9_000);
    expect(broken(again(false))).toEqual(["timed-firstAck"]);
  });

  it("begins with the change if the fault had the candidate in its grip already", () => {
    const shared = calm()
      .fault(silent, 100, null, [HOLDER, TWIN])
      .failed(104.5)
      .row(105.5, TWIN, 2)
      .message({ at: 107, gate: 107, device: TWIN, ack: 115 });
    expect(msOf(shared, "firstAck")).toBe(9_500);
  });
});

describe("a first acknowledgement", () => {
  const moved = (to = OTHER): History =>
    calm().fault(silent, 100, null).failed(104.5).row(105.5, to, 2, "moving").row(105.6, to, 2);
  const waiting = (history: History, row: object = {}, conversation = "c9"): History =>
    history.message({ at: 103, conversation, row });

  it("is owed for a message that was there in time, and for none that came too early or too late", () => {
    expect(broken(waiting(moved()))).toEqual(["timed-firstAck"]);
    expect(broken(moved())).toEqual([]);
    expect(broken(moved().message({ at: 100.5 }))).toEqual([]);
    expect(broken(moved().message({ at: 109 }))).toEqual([]);
    expect(broken(waiting(moved(), { seat: "sales/sales-2" as SeatId }))).toEqual([]);
  });

  it("is not owed for what stands behind a held message (seed 2455)", () => {
    expect(broken(waiting(moved()).message({ at: 90, conversation: "c9", row: { state: "held" } }))).toEqual([]);
    expect(broken(waiting(moved()).message({ at: 90, conversation: "c8", row: { state: "held" } }))).toEqual(["timed-firstAck"]);
  });

  it("is not owed for what the old number had sent without an answer, and what follows it, once the number has changed (seed 4255)", () => {
    const doubtful = (to: typeof OTHER): History => waiting(moved(to)).message({ at: 98, conversation: "c9", gate: 99 });
    expect(broken(doubtful(OTHER))).toEqual([]);
    expect(broken(doubtful(TWIN))).toEqual(["timed-firstAck"]);
  });

  it("is not owed for those either if the number changed for what came next, after a re-dial had healed the first", () => {
    const next = (to: typeof OTHER): History =>
      calm()
        .fault(halfOpen, 100, null)
        .up(HOLDER, 103)
        .fault(silent, 103.1, null)
        .failed(107.6)
        .row(109, to, 2)
        .message({ at: 104, conversation: "c9", gate: 105 })
        .message({ at: 106, conversation: "c9" });
    expect(broken(next(OTHER))).toEqual([]);
    expect(broken(next(TWIN))).toContain("timed-firstAck");
  });

  it("is excused, and nothing else is, for an account that is paced", () => {
    const paced = waiting(moved()).settings({ pacing: { ["sales-2" as never]: { perSecond: 1, burst: 1 } } });
    expect(excused(paced)).toEqual(["the account is paced"]);
    const late = silence({ detected: 105.2 }).settings({ pacing: { ["sales-1" as never]: { perSecond: 1, burst: 1 } } });
    expect(broken(late)).toEqual(["timed-detection"]);
  });
});
