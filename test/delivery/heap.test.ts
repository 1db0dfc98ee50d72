import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Heap, type Slotted } from "../../machines/delivery/heap.ts";

interface Item extends Slotted {
  readonly rank: number;
}

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("push" as const), rank: fc.nat(1000) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("remove" as const), at: fc.nat(1000) }) },
);

describe("a heap", () => {
  it("has its least member first and knows each one's place, whatever is put in and taken out", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const heap = new Heap<Item>((a, b) => a.rank < b.rank);
        const all: Item[] = [];
        const seen = new Set<number>();
        for (const each of steps) {
          if (each.do === "push") {
            if (seen.has(each.rank)) continue;
            seen.add(each.rank);
            const item = { rank: each.rank, slot: -1 };
            heap.push(item);
            all.push(item);
          } else {
            const item = all[each.at % Math.max(1, all.length)];
            if (!item) continue;
            heap.remove(item);
            // A second time changes nothing.
            heap.remove(item);
            all.splice(all.indexOf(item), 1);
            seen.delete(item.rank);
            if (item.slot !== -1) throw new Error(`still at ${item.slot}`);
          }
          expect(heap.size).toBe(all.length);
          expect(heap.peek()?.rank).toBe([...all].sort((a, b) => a.rank - b.rank)[0]?.rank);
          expect(all.map(({ slot }) => slot).sort((a, b) => a - b)).toEqual(all.map((_, index) => index));
        }
        const left: number[] = [];
        for (let item = heap.peek(); item; item = heap.peek()) {
          left.push(item.rank);
          heap.remove(item);
        }
        expect(left).toEqual(all.map(({ rank }) => rank).sort((a, b) => a - b));
      }),
    );
  });
});
