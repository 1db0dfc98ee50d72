/**
 * A terminal's second screen: lines in, and only those that changed are written. The first screen is back after `close`, whatever
 * ends the process.
 */
import type { Output } from "../demo.ts";

const ENTER = "\x1b[?1049h\x1b[?25l\x1b[H\x1b[2J";
const LEAVE = "\x1b[?25h\x1b[?1049l";
const COLUMNS = 80;
const ROWS = 24;

export class Screen {
  readonly #out: Output;
  readonly #onExit = (): void => this.close();
  #shown: string[] = [];
  #size = "";
  #isOpen = true;

  constructor(out: Output) {
    this.#out = out;
    out.write(ENTER);
    process.once("exit", this.#onExit);
  }

  get rows(): number {
    return this.#out.rows ?? ROWS;
  }

  /** What does not fit is not shown. */
  show(lines: readonly string[]): void {
    if (!this.#isOpen) return;
    const columns = this.#out.columns ?? COLUMNS;
    const size = `${columns}x${this.rows}`;
    const isResized = size !== this.#size;
    const next = Array.from({ length: this.rows }, (_, row) => (lines[row] ?? "").slice(0, columns));
    const changes = next.flatMap((line, row) =>
      isResized || line !== this.#shown[row] ? [`\x1b[${row + 1};1H${line}\x1b[K`] : [],
    );
    if (isResized) changes.unshift("\x1b[2J");
    if (changes.length > 0) this.#out.write(changes.join(""));
    this.#shown = next;
    this.#size = size;
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    process.removeListener("exit", this.#onExit);
    this.#out.write(LEAVE);
  }
}
