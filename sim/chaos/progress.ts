/** A line that is written over itself, on a terminal only. */
import type { Output } from "../demo.ts";
import { whole } from "../report/table.ts";
import type { Totals } from "./totals.ts";

export interface Progress {
  show(totals: Totals): void;
  close(): void;
}

const EVERY_MS = 100;
const WIDTH = 30;

/** `of` null: nobody knows how many there will be. */
export const openProgress = (output: Output, of: number | null): Progress => {
  if (output.isTTY !== true) return { show() {}, close() {} };
  let shownAt = 0;
  let isOpen = false;
  const from = performance.now();
  return {
    show({ runs, broken }) {
      const now = performance.now();
      if (now - shownAt < EVERY_MS && runs !== of) return;
      shownAt = now;
      isOpen = true;
      const done = of === null ? "" : `${"█".repeat(Math.round((WIDTH * runs) / of)).padEnd(WIDTH, "░")} `;
      const rate = runs / ((now - from) / 1_000);
      output.write(
        `\r\u001B[K${done}${whole(runs)}${of === null ? "" : ` of ${whole(of)}`} runs, ${rate.toFixed(1)} a second${broken.size > 0 ? `, ${broken.size} properties broken` : ""}`,
      );
    },
    close() {
      if (isOpen) output.write("\r\u001B[K");
      isOpen = false;
    },
  };
};
