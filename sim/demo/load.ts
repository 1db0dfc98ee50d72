/** How busy this process was: figures of a machine that could not keep up are figures of the machine. */
import { cpus, totalmem } from "node:os";
import { monitorEventLoopDelay } from "node:perf_hooks";

export interface Load {
  readonly machine: string;
  /** By how much the event loop was late, in ms. */
  readonly lagMs: { readonly p50: number; readonly p99: number; readonly max: number };
  /** Of one core. */
  readonly cpuShare: number;
}

const RESOLUTION = 10;

/** From the call to the call of what it returns. */
export const measureLoad = (): (() => Load) => {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION });
  delays.enable();
  const startedAt = performance.now();
  const before = process.cpuUsage();
  return () => {
    delays.disable();
    const { user, system } = process.cpuUsage(before);
    // What is recorded is the time between two ticks.
    const late = (nanoseconds: number): number => Math.max(0, Math.round(nanoseconds / 1e6 - RESOLUTION));
    return {
      machine: `${cpus().length} x ${cpus()[0]?.model ?? "unknown"}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`,
      lagMs: { p50: late(delays.percentile(50)), p99: late(delays.percentile(99)), max: late(delays.max) },
      cpuShare: Math.round(((user + system) / 1000 / (performance.now() - startedAt)) * 100) / 100,
    };
  };
};
