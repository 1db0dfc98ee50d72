/** A drawing as one SVG: legible on light and dark paper, without fonts or scripts of its own. */
import { ANY } from "./graph.ts";
import { type Drawing, LINE_HEIGHT, PAD, type PlacedArrow, type PlacedState, type Point, TITLE_HEIGHT } from "./layout.ts";

/** How often states and arrows were taken, and which of them are to stand out. */
export interface Paint {
  /** Per state id, and per "from -> to". What is not there was never taken. */
  readonly counts?: ReadonlyMap<string, number>;
  /** Ids of states, and "from -> to". */
  readonly highlight?: ReadonlySet<string>;
}

/** Stands in every drawing. */
export const STYLE = `
  svg { --ink: #1b2733; --soft: #5b6b7a; --paper: #ffffff; --fill: #f1f5f9; --line: #8da2b5; --mark: #c2410c; --never: #b91c1c; --taken: #15803d }
  @media (prefers-color-scheme: dark) {
    svg { --ink: #e6edf3; --soft: #a9b7c4; --paper: #0d1117; --fill: #1a2330; --line: #6b8199; --mark: #fb923c; --never: #f87171; --taken: #4ade80 }
  }
  .paper { fill: var(--paper) }
  .state { fill: var(--fill); stroke: var(--line) }
  .group { fill: none; stroke: var(--line); stroke-dasharray: 5 4 }
  .arrow { fill: none; stroke: var(--line); stroke-width: 1.3 }
  .head, .dot { fill: var(--line) }
  text { font: 11px ui-sans-serif, system-ui, "Segoe UI", Arial, sans-serif; fill: var(--soft); white-space: pre }
  .name { font-size: 13px; font-weight: 600; fill: var(--ink) }
  .what { fill: var(--ink) }
  .label { fill: var(--paper) }
  .lit .state, .lit.arrow { stroke: var(--mark); stroke-width: 2.5 }
  .taken .state, .taken.arrow { stroke: var(--taken) }
  .never .state, .never.arrow { stroke: var(--never); stroke-dasharray: 3 3 }
  .count { font-weight: 600; fill: var(--mark) }
`;

/** What was never taken within a state; only painted drawings have it. */
const UNUSED = "  .unused { fill: var(--never) }\n";

export const svgOf = ({ name, width, height, states, arrows, starts }: Drawing, paint: Paint = {}): string =>
  [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${round(width)} ${round(height)}" width="${round(width)}" height="${round(height)}" role="img" aria-labelledby="title">`,
    `<title id="title">The ${name} chart: ${states.length} states, ${arrows.length} arrows</title>`,
    `<style>${STYLE}${paint.counts ? UNUSED : ""}</style>`,
    '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path class="head" d="M0 0 8 4 0 8z"/></marker></defs>',
    `<rect class="paper" width="${round(width)}" height="${round(height)}"/>`,
    ...states.filter(({ isCompound }) => isCompound).map((state) => group(state)),
    ...starts.map(
      ({ at, points }) => `<circle class="dot" cx="${round(at.x)}" cy="${round(at.y)}" r="5"/>${line(points, "arrow")}`,
    ),
    ...arrows.map((arrow) => line(arrow.points, `arrow${look(keyOf(arrow), paint)}`)),
    ...states.filter(({ isCompound }) => !isCompound).map((state) => box(state, paint)),
    ...arrows.map((arrow) => label(arrow)),
    "</svg>",
    "",
  ].join("\n");

const keyOf = ({ from, to }: PlacedArrow): string => `${from} -> ${to}`;

const look = (key: string, { counts, highlight }: Paint): string => {
  const lit = highlight?.has(key) ? " lit" : "";
  return counts && key !== ANY ? `${(counts.get(key) ?? 0) > 0 ? " taken" : " never"}${lit}` : lit;
};

const line = (points: readonly Point[], classes: string): string =>
  `<polyline class="${classes}" points="${points.map(({ x, y }) => `${round(x)},${round(y)}`).join(" ")}" marker-end="url(#head)"/>`;

const box = (state: PlacedState, paint: Paint): string => {
  const { x, y, width, height } = state.box;
  return [
    `<g class="place${look(state.id, paint)}">`,
    `<rect class="state" x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" rx="8"/>`,
    ...(state.isFinal
      ? [
          `<rect class="state" fill-opacity="0" x="${round(x + 3)}" y="${round(y + 3)}" width="${round(width - 6)}" height="${round(height - 6)}" rx="6"/>`,
        ]
      : []),
    title(state),
    ...state.lines.map((text, index) =>
      textAt(x + PAD, y + TITLE_HEIGHT + (index + 0.7) * LINE_HEIGHT, text, text.endsWith(" ×0") ? "unused" : ""),
    ),
    "</g>",
  ].join("");
};

const title = ({ box: { x, y }, label: name, count = "" }: PlacedState): string =>
  textAt(x + PAD, y + 17, `${name}${count}`, "name");

const group = (state: PlacedState): string => {
  const { x, y, width, height } = state.box;
  return `<rect class="group" x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" rx="10"/>${title(state)}`;
};

const label = ({ label: { x, y, width, height, lines }, count = "" }: PlacedArrow): string =>
  [
    `<rect class="label" x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}"/>`,
    ...lines.map((text, index) =>
      textAt(x + 2, y + (index + 0.75) * LINE_HEIGHT, text, text.startsWith("  /") ? "" : "what", index === 0 ? count : ""),
    ),
  ].join("");

const textAt = (x: number, y: number, text: string, classes: string, count = ""): string =>
  `<text${classes ? ` class="${classes}"` : ""} x="${round(x)}" y="${round(y)}">${escape(text)}${count && `<tspan class="count">${count}</tspan>`}</text>`;
const round = (value: number): number => Math.round(value * 10) / 10;
const escape = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
