import * as fc from "fast-check";
import { expect, test } from "vitest";
import { eventsAmong } from "../../../sim/checkers/life.ts";
import { honest } from "./doctored.ts";

const life = honest();
const kinds = [...new Set(life.events.map(({ kind }) => kind)), "calledBack" as const];

test("events of several kinds come as they happened, none left out and none twice, in whatever order they are asked for", () => {
  fc.assert(
    fc.property(fc.shuffledSubarray(kinds), (wanted) => {
      expect(eventsAmong(life, ...wanted)).toEqual(life.events.filter(({ kind }) => wanted.includes(kind)));
    }),
  );
});
