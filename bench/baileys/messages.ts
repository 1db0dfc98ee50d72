/** What the processes of this benchmark say to each other. */
import type { Ready } from "../peer/messages.ts";

export type Arm = "raw, keys in memory" | "raw, keys in its own files" | "greenroom, everything durable" | typeof WHOLE;
/** The connection alone is what `bench baileys` compares; this is a message's whole way through a supervisor. */
export const WHOLE = "greenroom, from acceptance to proof";
export const ARMS: readonly Arm[] = ["raw, keys in memory", "raw, keys in its own files", "greenroom, everything durable"];

/** Connections × sends in flight on each. */
export const SHAPES = { "1x1": [1, 1], "1x20": [1, 20], "10x10": [10, 10] } as const;
export type Shape = keyof typeof SHAPES;

/** `base` keeps the numbers of the arms apart: they share one server. */
export interface Start {
  readonly arm: Arm;
  readonly ready: Ready;
  readonly base: number;
}
export type Measure =
  | { measure: "connect"; count: number }
  | { measure: "warm"; receives: boolean }
  | { measure: "send"; shape: Shape; ms: number }
  | { measure: "receive"; connections: number; count: number }
  | { measure: "memory" };

/** One slice. CPU is of the client's process. */
export interface Rate {
  readonly messages: number;
  readonly perSecond: number;
  readonly cpuMs: number;
  /** Milliseconds from hand-over to ack; null where there is none. */
  readonly p50: number | null;
}
export interface Memory {
  readonly rss: number;
  readonly heapUsed: number;
}
