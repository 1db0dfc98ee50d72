import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CHARTS } from "../../src/drawing/catalogue.ts";
import { ANY, graphOf } from "../../src/drawing/graph.ts";
import { type Box, type Drawing, layOut, type Point } from "../../src/drawing/layout.ts";
import { mermaidOf } from "../../src/drawing/mermaid.ts";
import { svgOf } from "../../src/drawing/svg.ts";
import { machineFiles } from "../house/machine-tables.ts";

const docs = (file: string): string => readFileSync(new URL(`../../docs/machines/${file}`, import.meta.url), "utf8");

describe("the catalogue of charts", () => {
  it("has every machine there is, once", async () => {
    const files = await machineFiles(new URL("../../", import.meta.url));
    expect(CHARTS.map(({ machine }) => machine.id).toSorted()).toEqual(files.map(({ machine }) => machine.id).toSorted());
  });

  it.each(CHARTS)("says of $name how long each of its delays is, and of no others", ({ machine, delays }) => {
    expect(Object.keys(delays).toSorted()).toEqual(Object.keys(machine.implementations.delays).toSorted());
  });
});

describe.each(CHARTS)("the drawing of $name", ({ name, machine, delays }) => {
  const graph = graphOf(name, machine, delays);
  const drawing = layOut(graph);

  it("is the one in docs/ (else: npm run draw)", async () => {
    expect(svgOf(await drawing) === docs(`${name}.svg`)).toBe(true);
    expect(mermaidOf(graph)).toBe(docs(`${name}.mmd`));
  });

  it("has no arrow through a foreign state and no label over a state or another label", async () => {
    const placed = await drawing;
    expect(crossings(placed)).toEqual([]);
    expect(covered(placed)).toEqual([]);
  });

  it("has room for counts, and says of what was never taken that it was not", async () => {
    const counts = new Map(graph.states.slice(1).map(({ id }) => [id, 123_456]));
    const placed = await layOut(graph, counts);
    expect(crossings(placed)).toEqual([]);
    expect(covered(placed)).toEqual([]);
    const svg = svgOf(placed, { counts });
    expect(svg.match(/×123456</g) ?? []).toHaveLength(graph.states.slice(1).filter(({ id }) => id !== ANY).length);
    expect(svg.match(/class="arrow never"/g) ?? []).toHaveLength(graph.arrows.length);
  });

  it("names everything: nothing is a function in place", () => {
    expect(JSON.stringify(graph)).not.toContain("(in place)");
  });
});

describe("the geometric check", () => {
  const state = (id: string, box: Box) =>
    ({
      id,
      label: id,
      parent: null,
      isInitial: false,
      isFinal: false,
      entry: [],
      exit: [],
      inner: [],
      lines: [],
      isCompound: false,
      box,
    }) as const;
  const arrow = (points: readonly Point[], label: Box) =>
    ({ from: "a", to: "b", triggers: [], points, label: { ...label, lines: ["go"] } }) as const;
  const paper = (points: readonly Point[], label: Box): Drawing => ({
    name: "test",
    width: 300,
    height: 300,
    states: [
      state("a", { x: 0, y: 0, width: 50, height: 20 }),
      state("b", { x: 0, y: 200, width: 50, height: 20 }),
      state("c", { x: 0, y: 100, width: 50, height: 20 }),
    ],
    arrows: [arrow(points, label)],
    starts: [],
  });
  const away = { x: 100, y: 50, width: 30, height: 14 };

  it("sees an arrow that runs through a state", () => {
    expect(
      crossings(
        paper(
          [
            { x: 25, y: 20 },
            { x: 25, y: 200 },
          ],
          away,
        ),
      ),
    ).toEqual(["a -> b runs through c"]);
  });
  it("sees a label that lies over a state", () => {
    expect(covered(paper([], { x: 40, y: 110, width: 30, height: 14 }))).toEqual(["the label of a -> b lies over c"]);
  });
});

const meets = (one: Box, other: Box): boolean =>
  one.x < other.x + other.width && other.x < one.x + one.width && one.y < other.y + other.height && other.y < one.y + one.height;

/** A hair less, so that touching is not meeting. */
const inner = ({ x, y, width, height }: Box): Box => ({ x: x + 1, y: y + 1, width: width - 2, height: height - 2 });
const around = (from: Point, to: Point): Box => ({
  x: Math.min(from.x, to.x) - 0.1,
  y: Math.min(from.y, to.y) - 0.1,
  width: Math.abs(from.x - to.x) + 0.2,
  height: Math.abs(from.y - to.y) + 0.2,
});

/** Arrows are orthogonal: a piece of one is a thin box. */
const crossings = ({ states, arrows }: Drawing): string[] =>
  arrows.flatMap(({ from, to, points }) =>
    states
      .filter(({ id, isCompound }) => !isCompound && id !== from && id !== to)
      .filter(({ box }) => points.slice(1).some((point, index) => meets(around(points[index] ?? point, point), inner(box))))
      .map(({ id }) => `${from} -> ${to} runs through ${id}`),
  );

const covered = ({ states, arrows }: Drawing): string[] =>
  arrows.flatMap(({ from, to, label }, index) => [
    ...states
      .filter(({ isCompound, box }) => !isCompound && meets(inner(label), box))
      .map(({ id }) => `the label of ${from} -> ${to} lies over ${id}`),
    ...arrows
      .slice(index + 1)
      .filter((other) => meets(inner(label), inner(other.label)))
      .map((other) => `the labels of ${from} -> ${to} and ${other.from} -> ${other.to} overlap`),
  ]);
