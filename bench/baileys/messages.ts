/** What the processes of this benchmark say to each other. */
export type Arm = "raw, keys in memory" | "raw, keys in its own files" | "greenroom, everything durable";
export const ARMS: readonly Arm[] = ["raw, keys in memory", "raw, keys in its own files", "greenroom, everything durable"];

export type ToServer = { id: number } & (
  | { op: "accounts"; numbers: string[] }
  | { op: "people"; numbers: string[]; reads: boolean }
  | { op: "scan"; number: string; qr: string }
  /** `from` writes `count` messages to each of `to`. */
  | { op: "write"; from: string; to: string[]; count: number }
);
export interface Ready {
  readonly url: string;
  readonly root: string;
}
export type ServerOp = ToServer extends infer T ? (T extends { id: number } ? Omit<T, "id"> : never) : never;

/** One measurement. CPU is of the client's process. */
export interface Rate {
  readonly messages: number;
  readonly perSecond: number;
  readonly cpuMs: number;
  /** Milliseconds from hand-over to ack; null where there is none. */
  readonly p50: number | null;
  readonly p99: number | null;
}
export interface Figures {
  readonly arm: Arm;
  readonly send: Readonly<Record<"1x1" | "1x20" | "10x10", Rate>>;
  readonly receive: Readonly<Record<"1" | "10", Rate>>;
  /** Milliseconds of CPU a liveness probe costs, and the share of a core that 100 devices probed once a second would take. */
  readonly probe: { readonly cpuMs: number; readonly coreShareAt100: number };
  readonly memory: { readonly connections: number; readonly rssPerConnectionKiB: number; readonly heapPerConnectionKiB: number };
}
