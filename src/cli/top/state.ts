/** What `top` knows and what a key does to it: pure, so that it can be tested without a terminal. */
import type { FleetEventRow } from "../../../machines/ports/records.ts";
import type { ControlOp, StatusAnswer } from "../../runtime/control-protocol.ts";

export interface TopState {
  readonly status: StatusAnswer | null;
  /** Newest last. */
  readonly events: readonly FleetEventRow[];
  readonly selected: number;
  /** In place of the events: a text to read, or a question to answer. */
  readonly pane: Pane | null;
  /** One line: what came of the last order, or why nothing is heard. */
  readonly note: string;
}
export type Pane =
  | { readonly kind: "text"; readonly title: string; readonly lines: readonly string[]; readonly from: number }
  | { readonly kind: "question"; readonly text: string; readonly order: Order };
/** What a confirmed key asks of the supervisor. */
export type Order =
  | { readonly op: Extract<ControlOp, "switchover">; readonly request: { readonly seat: string } }
  | { readonly op: Extract<ControlOp, "pause" | "resume">; readonly request: object };
/** What the loop has to do about a key. */
export type Wish =
  | { readonly kind: "quit" }
  | { readonly kind: "why"; readonly seat: string }
  | { readonly kind: "order"; readonly order: Order };

export const EMPTY: TopState = { status: null, events: [], selected: 0, pane: null, note: "asking the supervisor…" };

/** Events that are kept for the screen. */
const KEPT = 200;

export const heard = (state: TopState, status: StatusAnswer, fresh: readonly FleetEventRow[]): TopState => ({
  ...state,
  status,
  events: fresh.length === 0 ? state.events : [...state.events, ...fresh].slice(-KEPT),
  selected: Math.min(state.selected, Math.max(0, status.seats.length - 1)),
  note: state.status === null ? "" : state.note,
});

export const pressed = (state: TopState, key: string): readonly [TopState, Wish | null] => {
  const { pane } = state;
  if (key === "ctrl-c" || key === "q") return pane && key === "q" ? [{ ...state, pane: null }, null] : [state, { kind: "quit" }];
  if (pane?.kind === "question") {
    const closed = { ...state, pane: null };
    return key === "y"
      ? [
          { ...closed, note: "under way…" },
          { kind: "order", order: pane.order },
        ]
      : [{ ...closed, note: "called off" }, null];
  }
  if (key === "escape") return [{ ...state, pane: null }, null];
  if (pane?.kind === "text" && isMove(key)) {
    const from = Math.max(0, Math.min(pane.lines.length - 1, pane.from + MOVES[key]));
    return [{ ...state, pane: { ...pane, from } }, null];
  }
  return acted(state, key);
};

const acted = (state: TopState, key: string): readonly [TopState, Wish | null] => {
  const { status } = state;
  if (!status) return [state, null];
  const seat = status.seats[state.selected];
  if (isMove(key)) {
    const selected = Math.max(0, Math.min(status.seats.length - 1, state.selected + MOVES[key]));
    return [{ ...state, selected, note: "" }, null];
  }
  if ((key === "w" || key === "enter") && seat) return [state, { kind: "why", seat: seat.id }];
  if (key === "s" && seat) {
    const text = `Switch ${seat.id} over, from ${seat.holder ?? "nobody"} to whom the roster ranks first?`;
    return [{ ...state, pane: { kind: "question", text, order: { op: "switchover", request: { seat: seat.id } } } }, null];
  }
  if (key === "p") {
    const isPaused = status.mode === "paused";
    const text = isPaused
      ? "Let seats move by themselves again?"
      : "Pause automatic failover? Seats stay where they are until it is resumed.";
    return [{ ...state, pane: { kind: "question", text, order: { op: isPaused ? "resume" : "pause", request: {} } } }, null];
  }
  return [state, null];
};

const MOVES = { up: -1, k: -1, down: 1, j: 1, pageup: -10, pagedown: 10 } as const;
const isMove = (key: string): key is keyof typeof MOVES => key in MOVES;
