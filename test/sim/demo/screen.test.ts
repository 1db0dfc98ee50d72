import { describe, expect, it } from "vitest";
import type { Output } from "../../../sim/demo.ts";
import { type Board, boardLines } from "../../../sim/demo/board.ts";
import { Screen } from "../../../sim/demo/screen.ts";

describe("the second screen of a terminal", () => {
  it("shows lines, then only those that changed, and gives the first screen back once", () => {
    const { out, written } = terminal();
    const screen = new Screen(out);
    screen.show(["one", "two"]);
    written.length = 0;
    screen.show(["one", "TWO"]);
    expect(written.join("")).toBe("\x1b[2;1HTWO\x1b[K");
    written.length = 0;
    screen.show(["one", "TWO"]);
    expect(written).toEqual([]);
    screen.close();
    screen.close();
    screen.show(["three"]);
    expect(written.join("")).toBe("\x1b[?25h\x1b[?1049l");
  });

  it("is drawn anew when the terminal has changed its size, and never wider than it", () => {
    const { out, written } = terminal();
    const screen = new Screen(out);
    screen.show(["a long line indeed"]);
    written.length = 0;
    out.columns = 6;
    screen.show(["a long line indeed"]);
    expect(written.join("")).toContain("\x1b[2J\x1b[1;1Ha long\x1b[K");
    screen.close();
  });

  it("leaves nobody listening for the end of the process", () => {
    const before = process.listenerCount("exit");
    new Screen(terminal().out).close();
    expect(process.listenerCount("exit")).toBe(before);
  });
});

describe("the board", () => {
  it("names every seat and device, and is never higher than the terminal", () => {
    const lines = boardLines(board(), 24);
    expect(lines.join("\n")).toMatch(/support\/support-1[^]*sales-2\/a[^]*an event/);
    expect(boardLines(board({ events: Array.from({ length: 50 }, (_, place) => `event ${place}`) }), 30)).toHaveLength(30);
  });

  it("shows the newest events when not all fit", () => {
    const events = Array.from({ length: 50 }, (_, place) => `event ${place}`);
    expect(boardLines(board({ events }), 30).at(-1)).toBe("event 49");
  });
});

function terminal() {
  const written: string[] = [];
  const out: Output & { columns: number; rows: number } = {
    write: (text: string) => written.push(text),
    columns: 80,
    rows: 2,
  };
  return { out, written };
}
function board(changes: Partial<Board> = {}): Board {
  return {
    seconds: 61,
    scene: null,
    sceneSeconds: 0,
    accepted: 7,
    seats: new Map(),
    devices: new Map(),
    rows: [],
    events: ["an event"],
    ...changes,
  };
}
