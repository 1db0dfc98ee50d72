import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readFilm, writeFilm } from "../../../machines/driver/film-text.ts";
import { anySteps, filmWith } from "./films.ts";

const many = filmWith(
  Array.from({ length: 5_000 }, (_, row) => ({ after: 3, actor: row % 4, cause: -1, event: row % 3, state: row % 3 })),
);

describe("a film as text", () => {
  it("is read back as it was written, and has nothing in it that could end a page", () => {
    fc.assert(
      fc.property(anySteps, fc.string(), (steps, title) => {
        const film = filmWith(steps, { title: `${title}</script><!--` });
        const text = writeFilm(film);
        expect(text).not.toContain("<");
        expect(readFilm(`\n${text}\n`)).toEqual({ film, complaint: null });
      }),
    );
  });

  it("cut off anywhere shows what came before the cut, and says so", () => {
    const text = writeFilm(many);
    const head = text.indexOf("\n");
    fc.assert(
      fc.property(fc.integer({ min: 1, max: text.length - 2 }), (cut) => {
        const { film, complaint } = readFilm(text.slice(0, cut));
        const lines = text.slice(0, cut + 1).split("\n").length - 1;
        const whole = cut >= head ? Math.max(0, lines - 1) : -1;
        expect(complaint).toContain("cut off");
        expect(film === null).toBe(whole < 0);
        expect(film?.steps.after ?? []).toEqual(many.steps.after.slice(0, Math.max(0, whole) * 2_000));
      }),
      { examples: [[head - 1], [head], [head + 1], [text.length - 2]] },
    );
  });

  it.each([
    ["", "there is no film in this page"],
    ["nonsense", "cut off before its first step"],
    ['{"k":"life"}', "this is no film"],
    ['{"film":99}', "of version 99, this page reads version 1"],
    ['{"film":1,"title":"x"}', "first line is not whole"],
    ["null", "cut off before its first step"],
  ])("refuses %j in words", (text, words) => {
    const { film, complaint } = readFilm(text);
    expect(film).toBeNull();
    expect(complaint).toContain(words);
  });

  it("does not trust numbers that lead nowhere", () => {
    const [head = ""] = writeFilm(many).split("\n");
    for (const batch of [
      "[[1],[9],[0],[0],[0]]",
      "[[1],[0],[0],[0],[7]]",
      "[[1],[0],[0],[0]]",
      '[["1"],[0],[0],[0],[0]]',
      "[[1,1],[0],[0],[0],[0]]",
    ])
      expect(readFilm(`${head}\n${batch}`).film?.steps.after).toEqual([]);
  });
});
