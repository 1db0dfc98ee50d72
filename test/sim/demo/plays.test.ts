import { describe, expect, it } from "vitest";
import type { DeviceId, SeatId } from "../../../machines/ports/ids.ts";
import { DEMO_FAULTS, faultsNamed } from "../../../sim/demo/faults.ts";
import { type DemoSeat, SEATS } from "../../../sim/demo/fleet.ts";
import { nextScene, playsOf } from "../../../sim/demo/plays.ts";

describe("what is played", () => {
  it("is every fault with and without a twin, those that take long to put back first", () => {
    const plays = playsOf(DEMO_FAULTS, 1).map(({ fault, variant }) => `${fault.name} ${variant}`);
    expect(plays).toHaveLength(14 * 2 - 2);
    expect(plays.slice(0, 5)).toEqual([
      "no-candidate alone",
      "ack-lost twin",
      "ack-lost alone",
      "send-swallowed twin",
      "send-swallowed alone",
    ]);
    expect(plays.filter((play) => play.startsWith("two-masters"))).toEqual(["two-masters twin"]);
    expect(plays.filter((play) => play.startsWith("no-candidate"))).toEqual(["no-candidate alone"]);
    expect(playsOf(DEMO_FAULTS, 3)).toHaveLength(3 * plays.length);
  });

  it("knows the names that it does not know", () => {
    expect(faultsNamed(["close-428", "earthquake"]).unknown).toEqual(["earthquake"]);
  });
});

describe("the next scene", () => {
  it("is the first that has a seat, on the seat that had the fewest turns", () => {
    const left = playsOf(faultsNamed(["close-428", "logged-out"]).faults, 1);
    const turns = new Map<DemoSeat, number>();
    const played = Array.from({ length: 4 }, () => nextScene(left, turns, fleet()));
    expect(played.map((scene) => scene?.fault.name)).toEqual(["close-428", "close-428", "logged-out", "logged-out"]);
    expect(new Set(played.flatMap((scene) => scene?.seats ?? [])).size).toBe(4);
    expect(left).toEqual([]);
    expect(nextScene(left, turns, fleet())).toBeUndefined();
  });

  it("takes both seats of two masters, of two lines", () => {
    const scene = nextScene(playsOf(faultsNamed(["two-masters"]).faults, 1), new Map(), fleet());
    expect(scene?.seats.map(({ twin }) => twin)).toEqual([true, false]);
    expect(scene?.lines).toHaveLength(2);
  });

  it.each<[string, string, Partial<Fleet>]>([
    ["its holder is away", "close-428", { isHome: () => false }],
    ["its holder is sick", "close-428", { isWell: (device) => !device.endsWith("/a") }],
    ["its twin is sick", "close-428", { isWell: (device) => !device.endsWith("/b") }],
    ["nobody else of the line is well", "banned", { isWell: (device) => device.includes("-1/") }],
    ["its account speaks for another seat, too", "banned", { seatsOf: () => ["x/x" as SeatId] }],
    ["it was repaired lately, and a repair is what is played", "half-open-link", { mayBeRepaired: () => false }],
    ["its link ended so often that it would not be dialled soon", "half-open-link", { isDialledSoon: () => false }],
  ])("waits while %s", (_, name, state) => {
    const left = playsOf(faultsNamed([name]).faults, 1).filter(({ variant }) => variant === "twin");
    expect(nextScene(left, new Map(), fleet(state))).toBeUndefined();
    expect(left).toHaveLength(1);
    expect(nextScene(left, new Map(), fleet())).toBeDefined();
  });

  it("passes over what can't be played yet", () => {
    const left = playsOf(faultsNamed(["half-open-link", "close-503"]).faults, 1);
    expect(nextScene(left, new Map(), fleet({ mayBeRepaired: () => false }))?.fault.name).toBe("close-503");
  });
});

type Fleet = Parameters<typeof nextScene>[2];
/** Everybody is well and speaks for the seat of his own. */
function fleet(state: Partial<Fleet> = {}): Fleet {
  return {
    isWell: () => true,
    isHome: () => true,
    mayBeRepaired: () => true,
    isDialledSoon: () => true,
    seatsOf: (device: DeviceId) => SEATS.filter(({ home }) => home === device).map(({ seat }) => seat),
    ...state,
  };
}
