/** A QR code in a terminal: two modules a character, black on white by colours of its own, so that it reads on dark and on light. */
import { encode } from "uqr";

/** Modules of white around it: scanners need some, WhatsApp's is content with two. */
const BORDER = 2;
/** Exact black and white of the 256-colour palette: the sixteen basic ones are whatever the theme says. */
const ON = "\x1b[38;5;16;48;5;231m";
const OFF = "\x1b[0m";
const BLOCKS = { "00": " ", "10": "▀", "01": "▄", "11": "█" } as const;

/** The colours are the code, not decoration: NO_COLOR leaves them. */
export const qrLines = (text: string): string[] => {
  const { data } = encode(text, { ecc: "L", border: BORDER });
  const lines: string[] = [];
  for (let row = 0; row < data.length; row += 2) {
    const [upper = [], lower = []] = [data[row], data[row + 1]];
    const blocks = upper.map((dark, column) => BLOCKS[`${dark ? 1 : 0}${lower[column] ? 1 : 0}`]);
    lines.push(`${ON}${blocks.join("")}${OFF}`);
  }
  return lines;
};

/** Columns and rows that such a code takes. */
export const qrSize = (lines: readonly string[]): { readonly columns: number; readonly rows: number } => ({
  columns: (lines[0]?.length ?? 0) - ON.length - OFF.length,
  rows: lines.length,
});
