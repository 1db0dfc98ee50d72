/** Columns of text: the first to the left, the others to the right. */
export const table = (rows: readonly (readonly string[])[], indent = "  "): string[] => {
  const widths: number[] = [];
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  return rows.map(
    (row) =>
      indent +
      row
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
        .join("  ")
        .trimEnd(),
  );
};

export const whole = (value: number): string => Math.round(value).toLocaleString("en");
export const percent = (value: number, digits = 2): string => `${(100 * value).toFixed(digits)} %`;
