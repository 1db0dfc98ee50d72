/** A terminal that scrolls, with a block at its end that stays and changes in place: a QR code, for now. */
import { stripVTControlCharacters } from "node:util";
import type { Stream } from "./cli.ts";

export class Screen {
  readonly #out: Stream;
  #block: readonly string[] = [];

  constructor(out: Stream) {
    this.#out = out;
  }

  /** A line that stays. */
  say(line: string): void {
    this.#draw([line], this.#block);
  }

  /** What stands at the end from now on; none: nothing. */
  show(block: readonly string[]): void {
    if (block.length === this.#block.length && block.every((line, index) => line === this.#block[index])) return;
    this.#draw([], block);
  }

  #draw(said: readonly string[], block: readonly string[]): void {
    const rows = this.#block.reduce((sum, line) => sum + this.#rowsOf(line), 0);
    const up = rows > 0 ? `\x1b[${rows}A\r\x1b[J` : "";
    this.#block = block;
    this.#out.write(`${up}${[...said, ...block].map((each) => `${each}\n`).join("")}`);
  }

  /** Long lines are broken by the terminal. */
  #rowsOf(line: string): number {
    const columns = this.#out.columns ?? 80;
    return Math.max(1, Math.ceil(stripVTControlCharacters(line).length / columns));
  }
}
