/**
 * Tables of the terminal. Columns are as wide as their widest cell; widths are counted before painting. What does not fit the
 * terminal, or 80 columns where there is none: first the last column, which is text, is cut; then columns are left out; then the
 * widest are cut.
 */
import type { Paint, Paints } from "./text.ts";

export interface Cell {
  readonly text: string;
  readonly paint?: Paint;
}
type Cells = readonly (string | Cell)[];
/** `drop`: left out where not all columns fit, 1 first. */
export interface Column {
  readonly text: string;
  readonly drop: number;
}

const GAP = 2;
/** What is cut keeps as much. */
const TEXT_KEEPS = 24;
const NAME_KEEPS = 6;

export const table = (
  head: readonly (string | Column)[],
  rows: readonly Cells[],
  { bold, columns = 80 }: Pick<Paints, "bold" | "columns">,
): string => {
  const all: Cells[] = [head.map((column) => ({ text: textOf(column), paint: bold })), ...rows];
  const natural = head.map((_, column) => Math.max(...all.map((row) => textOf(row[column]).length)));
  const places = fitted(head, natural, columns);
  const line = (row: Cells): string =>
    places
      .map(({ column, width }, place) => {
        const cell = row[column];
        const text = cutTo(textOf(cell), width);
        const padded = place === places.length - 1 ? text : text.padEnd(width);
        return typeof cell === "object" && cell.paint ? cell.paint(padded) : padded;
      })
      .join(" ".repeat(GAP))
      .trimEnd();
  return all.map(line).join("\n");
};

/** On one line, whatever strangers wrote. */
const textOf = (cell: string | Cell | Column | undefined): string =>
  (typeof cell === "object" ? cell.text : (cell ?? "")).replaceAll(/\p{Cc}+/gu, " ");

export const cutTo = (text: string, columns: number): string =>
  text.length <= columns ? text : `${text.slice(0, Math.max(0, columns - 1))}…`;

interface Place {
  readonly column: number;
  readonly width: number;
}
/** Which columns are shown, and how wide. */
const fitted = (head: readonly (string | Column)[], natural: readonly number[], columns: number): readonly Place[] => {
  const places = natural.map((width, column) => ({ column, width }));
  const tooWide = (shown: readonly Place[]): number => shown.reduce((sum, { width }) => sum + width + GAP, -GAP) - columns;
  const textCut = (shown: readonly Place[]): readonly Place[] =>
    shown.map((place, index) =>
      index < shown.length - 1
        ? place
        : { ...place, width: Math.min(place.width, Math.max(TEXT_KEEPS, place.width - Math.max(0, tooWide(shown)))) },
    );
  const dropOf = ({ column }: Place): number => {
    const title = head[column];
    return typeof title === "object" ? title.drop : Infinity;
  };
  let shown: readonly Place[] = places;
  while (tooWide(textCut(shown)) > 0) {
    const first = Math.min(...shown.map(dropOf));
    if (first === Infinity) return narrowed(textCut(shown), tooWide);
    shown = shown.filter((place) => dropOf(place) !== first);
  }
  return textCut(shown);
};

const narrowed = (places: readonly Place[], tooWide: (shown: readonly Place[]) => number): readonly Place[] => {
  let shown = places;
  while (tooWide(shown) > 0) {
    const widest = Math.max(...shown.map(({ width }) => width));
    if (widest <= NAME_KEEPS) return shown;
    const at = shown.findIndex(({ width }) => width === widest);
    shown = shown.map((place, index) => (index === at ? { ...place, width: widest - 1 } : place));
  }
  return shown;
};
