import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Film, GONE, NO_STATE } from "../../../machines/driver/film.ts";
import { bandsOf, nextMoment, ownRowAt, ownRowsUpTo, reelOf, rowAt, standAt } from "../../../src/dashboard/viewer/reel.ts";
import { anySteps, filmWith } from "./films.ts";

/** The same questions, answered by reading everything. */
const plainly = (film: Film) => {
  let at = film.from;
  const rows = film.steps.after.map((after, row) => {
    at += after;
    return { row, at, actor: film.steps.actor[row] ?? -1, state: film.steps.state[row] ?? NO_STATE };
  });
  const stateAt = (actor: number, time: number): number | undefined =>
    rows.findLast((each) => each.actor === actor && each.at <= time && each.state !== NO_STATE)?.state;
  return { rows, stateAt };
};
const asked = fc.tuple(anySteps, fc.integer({ min: -5, max: 1_500 }), fc.nat(3));

describe("a reel answers as reading everything would", () => {
  it("which steps there are up to a moment, of all and of one actor", () => {
    fc.assert(
      fc.property(asked, ([steps, since, actor]) => {
        const film = filmWith(steps);
        const [reel, time] = [reelOf(film), film.from + since];
        const { rows } = plainly(film);
        const own = rows.filter((each) => each.actor === actor && each.at <= time).map(({ row }) => row);
        expect(rowAt(reel, time)).toBe(rows.findLast(({ at }) => at <= time)?.row ?? -1);
        expect(ownRowAt(reel, actor, time)).toBe(own.at(-1) ?? -1);
        expect(ownRowsUpTo(reel, actor, time, 4)).toEqual(own.slice(-4).toReversed());
      }),
    );
  });

  it("how an actor stood at a moment", () => {
    fc.assert(
      fc.property(asked, ([steps, since, actor]) => {
        const film = filmWith(steps);
        const state = plainly(film).stateAt(actor, film.from + since);
        const stand = standAt(reelOf(film), actor, film.from + since);
        // Before it began and after it went it is not there, and who never began can't go.
        expect(stand?.state ?? null).toBe(state === undefined || state === GONE ? null : film.states[state]);
      }),
    );
  });

  it("its bands: in order, one after the other, each in the state that holds through it", () => {
    fc.assert(
      fc.property(asked, fc.integer({ min: 0, max: 800 }), ([steps, since, actor], length) => {
        const film = filmWith(steps);
        const [from, to] = [film.from + since, film.from + since + length];
        const { stateAt } = plainly(film);
        const bands = [...bandsOf(reelOf(film), actor, from, to)];
        for (const [place, band] of bands.entries()) {
          expect(band.from).toBeLessThanOrEqual(band.to);
          expect(band.from).toBeGreaterThanOrEqual(bands[place - 1]?.to ?? 0);
          const middle = Math.floor((band.from + band.to) / 2);
          expect(band.to > band.from ? stateAt(actor, middle) : band.state).toBe(band.state);
        }
        for (let time = Math.max(from, film.from); time < Math.min(to, film.to); time += 7) {
          const covering = bands.find((band) => band.from <= time && time < band.to);
          const state = stateAt(actor, time);
          expect(covering?.state).toBe(state === GONE ? undefined : state);
        }
      }),
    );
  });

  it("where the next and the former step are", () => {
    fc.assert(
      fc.property(asked, fc.boolean(), ([steps, since, actor], ofAll) => {
        const film = filmWith(steps);
        const [reel, time] = [reelOf(film), film.from + since];
        const rows = plainly(film).rows.filter((each) => ofAll || each.actor === actor);
        expect(nextMoment(reel, time, 1, ofAll ? null : actor)).toBe(rows.find(({ at }) => at > time)?.at);
        expect(nextMoment(reel, time, -1, ofAll ? null : actor)).toBe(rows.findLast(({ at }) => at < time)?.at);
      }),
    );
  });
});
