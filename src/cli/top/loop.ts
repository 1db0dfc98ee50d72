/** Asks, draws, listens to keys: until it is told to quit. */
import { emitKeypressEvents } from "node:readline";
import type { ReadStream } from "node:tty";
import type { FleetEventRow } from "../../../machines/ports/records.ts";
import type { StatusAnswer, WhyAnswer } from "../../runtime/control-protocol.ts";
import type { Stream } from "../cli.ts";
import { paintsFor } from "../text.ts";
import { frameOf } from "./frame.ts";
import { EMPTY, heard, type Order, pressed, type TopState, type Wish } from "./state.ts";

export interface Supervision {
  status(): Promise<StatusAnswer>;
  /** Events after `after`, or the newest ones. */
  events(after: number | null): Promise<{ readonly last: number; readonly events: readonly FleetEventRow[] }>;
  why(seat: string): Promise<{ readonly answer: WhyAnswer; readonly text: string }>;
  carryOut(order: Order): Promise<string>;
}

/** A status costs the supervisor some milliseconds. */
const EVERY = 1000;
const ENTER_SCREEN = "\x1b[?1049h\x1b[?25l";
const LEAVE_SCREEN = "\x1b[?25h\x1b[?1049l";

export const runTop = async (out: Stream, input: ReadStream, supervision: Supervision): Promise<void> => {
  const paints = paintsFor(out);
  const done = Promise.withResolvers<void>();
  let state: TopState = EMPTY;
  let last: number | null = null;
  let isAsking = false;
  let drawn = "";

  const draw = (): void => {
    const lines = frameOf(state, { columns: out.columns ?? 80, rows: out.rows ?? 24 }, paints);
    const text = lines.map((line) => `${line}\x1b[K`).join("\r\n");
    if (text === drawn) return;
    drawn = text;
    out.write(`\x1b[H${text}`);
  };
  const change = (next: TopState): void => {
    state = next;
    draw();
  };
  const refresh = async (): Promise<void> => {
    if (isAsking) return;
    isAsking = true;
    try {
      const [status, fresh] = await Promise.all([supervision.status(), supervision.events(last)]);
      last = fresh.last;
      change(heard(state, status, fresh.events));
    } catch (error) {
      change({ ...state, note: `${wordsOf(error)} (asking again)` });
    } finally {
      isAsking = false;
    }
  };
  const grant = async (wish: Wish): Promise<void> => {
    if (wish.kind === "quit") return done.resolve();
    try {
      if (wish.kind === "why") {
        const { text } = await supervision.why(wish.seat);
        const [title = "", ...lines] = text.split("\n");
        change({ ...state, pane: { kind: "text", title, lines, from: 0 } });
      } else change({ ...state, note: await supervision.carryOut(wish.order) });
    } catch (error) {
      change({ ...state, note: wordsOf(error) });
    }
    await refresh();
  };
  const onKey = (_: string | undefined, key: { name?: string; ctrl?: boolean } | undefined): void => {
    const name = key?.ctrl ? `ctrl-${key.name}` : key?.name === "return" ? "enter" : (key?.name ?? "");
    const [next, wish] = pressed(state, name);
    change(next);
    if (wish) void grant(wish);
  };

  out.write(ENTER_SCREEN);
  emitKeypressEvents(input);
  input.setRawMode(true);
  input.on("keypress", onKey);
  input.resume();
  const redraw = (): void => {
    drawn = "";
    out.write("\x1b[2J");
    draw();
  };
  out.on("resize", redraw);
  const stop = (): void => done.resolve();
  for (const signal of SIGNALS) process.on(signal, stop);
  draw();
  await refresh();
  const timer = setInterval(() => void refresh(), EVERY);
  await done.promise;
  clearInterval(timer);
  for (const signal of SIGNALS) process.off(signal, stop);
  out.off("resize", redraw);
  input.off("keypress", onKey);
  input.setRawMode(false);
  input.pause();
  out.write(LEAVE_SCREEN);
};

const SIGNALS = ["SIGTERM", "SIGHUP"] as const;
const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
