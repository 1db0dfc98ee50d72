/** Tables fit the terminal, or 80 columns. */
import { assert, array, constantFrom, integer, property, string, tuple } from "fast-check";
import { describe, expect, it } from "vitest";
import { table } from "../../src/cli/table.ts";

const plain = { bold: (text: string) => text };
const HEAD = ["NAME", { text: "ROLE", drop: 2 }, { text: "HEARD", drop: 1 }, "WHY"];

describe("a table", () => {
  it("that fits is left as it is", () => {
    expect(table(HEAD, [["sales-1", "master", "1 s", "-"]], plain)).toBe(
      "NAME     ROLE    HEARD  WHY\nsales-1  master  1 s    -",
    );
  });
  it("that does not cuts its last column first, to as much as one can read", () => {
    const why = "another number would be cold to them";
    const row = ["sales-1", "master", "1 s", why];
    expect(table(HEAD, [row], { ...plain, columns: 50 })).toBe(
      "NAME     ROLE    HEARD  WHY\nsales-1  master  1 s    another number would be c…",
    );
    expect(table(HEAD, [row], { ...plain, columns: 41 })).toBe("NAME     ROLE    WHY\nsales-1  master  another number would be…");
    expect(table(HEAD, [row], { ...plain, columns: 33 })).toBe("NAME     WHY\nsales-1  another number would be…");
  });
  it("of names that are too long cuts them, the longest first", () => {
    const row = ["the-branch-of-the-north", "master", "1 s", "-"];
    expect(table(HEAD, [row], { ...plain, columns: 20 })).toBe("NAME             WHY\nthe-branch-of-…  -");
  });
  it("shows what strangers wrote on one line, and their commands to the terminal not at all", () => {
    expect(table(["GROUP"], [["Friends\u001b[2J\nof ours\u0007"]], plain)).toBe("GROUP\nFriends [2J of ours");
  });
  it("is never wider than 80 columns", () => {
    const column = tuple(string({ minLength: 1, maxLength: 12 }), integer({ min: 1, max: 5 }), constantFrom(true, false));
    const cell = string({ maxLength: 129, size: "max" });
    assert(
      property(
        array(column, { minLength: 1, maxLength: 9 }),
        array(array(cell, { minLength: 9, maxLength: 9 }), { maxLength: 4 }),
        (columns, rows) => {
          const head = columns.map(([text, drop, isDropped]) => (isDropped ? { text, drop } : text));
          const text = table(head, rows, plain);
          expect(Math.max(...text.split("\n").map(({ length }) => length))).toBeLessThanOrEqual(80);
        },
      ),
    );
  });
});
