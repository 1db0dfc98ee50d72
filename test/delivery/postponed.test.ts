/** Messages to new contacts that wait until their account may begin another conversation. */
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { Postponed } from "../../machines/delivery/postponed.ts";
import { emptyConversation, rankOf, rowFrom } from "../../machines/delivery/window-row.ts";
import { row } from "./pump.ts";

const AGING = 100;

it("leave once each, the most urgent first, among equals the first accepted, and without those that wait no more", () => {
  const drawn = fc.array(
    fc.record({ acceptedAt: fc.constantFrom(0, 100, 150, 300), priority: fc.nat(9), waits: fc.boolean(), place: fc.nat() }),
  );
  fc.assert(
    fc.property(drawn, (messages) => {
      const rows = messages.map(({ acceptedAt, priority, waits, place }, index) => {
        const stored = { ...row(index + 1), acceptedAt, priority };
        return { row: rowFrom(stored, emptyConversation(stored.conversation), 0), waits, place };
      });
      const waiting = new Set(rows.flatMap((each) => (each.waits ? [each.row] : [])));
      const postponed = new Postponed(AGING, (each) => waiting.has(each));
      for (const each of rows.toSorted((one, other) => one.place - other.place)) {
        postponed.add(each.row);
        postponed.add(each.row);
      }
      const wanted = [...waiting].toSorted((one, other) => rankOf(one, AGING) - rankOf(other, AGING) || one.seq - other.seq);
      expect(postponed.all()).toEqual(wanted);
      expect(postponed.size).toBe(0);
    }),
  );
});
