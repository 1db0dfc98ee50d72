/**
 * What durability costs: our connection port on SQLite against raw Baileys with keys in memory and with keys in its own files, on the
 * same server, in one run. Each arm is a process of its own, and the server another; sends are paced by their acks.
 *
 * The arms take turns in short slices, in an order that changes, and a ratio is the median over the rounds: what disturbs the machine
 * disturbs neighbours alike.
 */
import { type ArmProcess, startArm, takeTurns } from "./baileys/arms.ts";
import { ARMS, type Arm, type Memory, type Rate, type Shape } from "./baileys/messages.ts";
import { startPeer } from "./peer/index.ts";
import { type BenchOptions, type Figure, median, report, type Report } from "./report.ts";

const [MEMORY, FILES, OURS] = ARMS as [Arm, Arm, Arm];
const SENDS: readonly Shape[] = ["1x1", "1x20", "10x10"];
const RECEIVERS = [1, 10] as const;

interface Size {
  /** Of which the memory is measured. */
  readonly idle: number;
  readonly rounds: number;
  readonly sliceMs: number;
  readonly receive: number;
}
const FULL: Size = { idle: 50, rounds: 9, sliceMs: 700, receive: 400 };
const QUICK: Size = { idle: 15, rounds: 3, sliceMs: 400, receive: 200 };

const ratio = (slices: ReadonlyMap<Arm, readonly Rate[]>, over: Arm): number => {
  const theirs = slices.get(over) ?? [];
  return median((slices.get(OURS) ?? []).map((rate, round) => rate.perSecond / (theirs[round]?.perSecond ?? Number.NaN)));
};

const compared = (what: string, slices: ReadonlyMap<Arm, readonly Rate[]>): Figure[] => [
  ...[...slices].flatMap(([arm, rates]): Figure[] => {
    const of = (pick: (rate: Rate) => number): number => median(rates.map(pick));
    const name = `${what}, ${arm}`;
    const latency = rates[0]?.p50 === null ? [] : [{ what: `${name}: p50`, value: of(({ p50 }) => p50 ?? 0), unit: "ms" }];
    return [
      { what: name, value: of(({ perSecond }) => perSecond), unit: "/s" },
      { what: `${name}: CPU`, value: of(({ cpuMs }) => cpuMs), unit: "ms" },
      ...latency,
    ];
  }),
  { what: `${what}: ours over raw in memory`, value: ratio(slices, MEMORY), unit: "", bound: { is: ">=", than: 0.8 } },
  { what: `${what}: ours over raw on files`, value: ratio(slices, FILES), unit: "", bound: { is: ">", than: 1 } },
];

/** What one more connection takes, from the second on: the first pays for code and caches that all share. */
const memoryOf = async (arm: ArmProcess, idle: number): Promise<Memory> => {
  await arm.measure({ measure: "connect", count: 2 });
  const few = await arm.measure<Memory>({ measure: "memory" });
  await arm.measure({ measure: "connect", count: idle + 2 });
  const many = await arm.measure<Memory>({ measure: "memory" });
  const each = (key: keyof Memory): number => (many[key] - few[key]) / idle / 1024;
  return { rss: each("rss"), heapUsed: each("heapUsed") };
};

const remembered = (memories: ReadonlyMap<Arm, Memory>): Figure[] => {
  const shown = [...memories].flatMap(([arm, { rss, heapUsed }]) => [
    { what: `idle connection, ${arm}`, value: rss, unit: "KiB RSS" },
    { what: `idle connection, ${arm}: heap`, value: heapUsed, unit: "KiB" },
  ]);
  const than = (memories.get(OURS)?.rss ?? Number.NaN) / (memories.get(MEMORY)?.rss ?? Number.NaN);
  return [...shown, { what: "idle connection: ours over raw in memory", value: than, unit: "", bound: { is: "<=", than: 1.25 } }];
};

export const runBaileysBench = async (options: BenchOptions): Promise<Report> => {
  const size = options.quick ? QUICK : FULL;
  const peer = await startPeer();
  const arms = ARMS.map((arm, index) => startArm(arm, index + 1, peer));
  try {
    const memories = new Map<Arm, Memory>();
    for (const arm of arms) memories.set(arm.arm, await memoryOf(arm, size.idle));
    for (const arm of arms) await arm.measure({ measure: "warm", receives: true });
    const figures: Figure[] = [];
    for (const shape of SENDS) {
      const slices = await takeTurns(arms, size.rounds, { measure: "send", shape, ms: size.sliceMs });
      figures.push(...compared(`send ${shape}`, slices));
    }
    for (const connections of RECEIVERS) {
      const slices = await takeTurns(arms, size.rounds, { measure: "receive", connections, count: size.receive });
      figures.push(...compared(`receive on ${connections}`, slices));
    }
    return report("baileys", [...figures, ...remembered(memories)], options);
  } finally {
    for (const arm of arms) arm.stop();
    peer.stop();
  }
};
