import { describe, expect, it } from "vitest";
import { type Beginning, isServantsWork, type Work } from "../../machines/delivery/work.ts";

const ordinary: Beginning = { priority: 5, isGroup: false, kind: "text" };
const is = (works: readonly Work[], over: Partial<Beginning>, wait = 0): boolean =>
  isServantsWork(works, { ...ordinary, ...over }, () => wait);

describe("what servants get", () => {
  it("is nothing, unless the line says so", () => {
    expect(is([], { priority: 0, isGroup: true, kind: "image" }, 60_000)).toBe(false);
    expect(is(["bulk", "groups", "media", "overflow"], {})).toBe(false);
  });

  it("is what begins with the least urgent messages, with media, or where it would wait for long", () => {
    expect([0, 1, 2].map((priority) => is(["bulk"], { priority }))).toEqual([true, true, false]);
    expect((["image", "document", "text", "location"] as const).map((kind) => is(["media"], { kind }))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect([5_000, 5_001].map((wait) => is(["overflow"], {}, wait))).toEqual([false, true]);
  });

  it("is a group only where it is said that they are members, however urgent it is", () => {
    expect(is(["bulk", "media", "overflow"], { isGroup: true, priority: 0, kind: "image" }, 60_000)).toBe(false);
    expect(is(["groups"], { isGroup: true })).toBe(true);
  });
});
