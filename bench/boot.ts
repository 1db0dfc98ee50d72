/**
 * A cold start with 200 linked devices: from the start of the process until every seat is in service, and until every device is. Beside it
 * raw Baileys with as many files of credentials, the masters' first, with so many dials at a time as suit it best: it knows no seats, probes
 * nobody and promises nothing, so its time is what the machine and the library take by themselves.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { useMultiFileAuthState } from "@whiskeysockets/baileys";
import { adopt } from "./adopt.ts";
import { type FleetShape, seedFleet, shaped } from "./fleet.ts";
import { type Peer, startChild, startPeer } from "./peer/index.ts";
import { type BenchOptions, type Figure, median, quantile, report, type Report } from "./report.ts";

export interface Boot {
  readonly kind: "greenroom" | "raw";
  readonly url: string;
  readonly root: string;
  readonly directory: string;
  readonly shape: FleetShape;
}
/** What the child says: milliseconds come from who started it. */
export type Booted =
  | { readonly what: "masters" | "all" }
  | { readonly what: "end"; readonly accused: number; readonly faults: number; readonly cpuMs: number };

/** 25 masters with two devices each, and 150 servants. */
const FULL: FleetShape = { lines: 5, mastersPerLine: 5, devicesPerMaster: 2, servantsPerLine: 30 };
const QUICK: FleetShape = { lines: 2, mastersPerLine: 5, devicesPerMaster: 2, servantsPerLine: 10 };
const BEYOND = 5000;
const PATIENCE = 120_000;
const ROUNDS = 3;

interface Took {
  readonly masters: number;
  readonly all: number;
  readonly accused: number;
  readonly faults: number;
  readonly cpuMs: number;
}
const boot = (task: Boot): Promise<Took> =>
  new Promise((resolve, reject) => {
    const from = performance.now();
    const child = startChild(new URL("./boot.child.ts", import.meta.url));
    const at = { masters: Number.NaN, all: Number.NaN };
    let took: Took | undefined;
    child.on("message", (told: Booted) => {
      if (told.what !== "end") at[told.what] = performance.now() - from;
      else {
        took = { ...at, accused: told.accused, faults: told.faults, cpuMs: told.cpuMs };
        child.disconnect();
      }
    });
    const timer = setTimeout(() => child.kill(), PATIENCE);
    child.once("exit", (code) => {
      clearTimeout(timer);
      if (took && code === 0) resolve(took);
      else reject(new Error(`${task.kind}: not every device was in service within ${PATIENCE / 1000} s (exit ${code})`));
    });
    child.send(task);
  });

export const devicesOf = ({ lines, mastersPerLine, devicesPerMaster, servantsPerLine }: FleetShape) => {
  const masters = lines * mastersPerLine * devicesPerMaster;
  return { masters, all: masters + lines * servantsPerLine };
};

/** As many devices as the fleet has, each with the files that raw Baileys keeps. */
const seedRaw = async (peer: Pick<Peer, "call">, directory: string, count: number): Promise<void> => {
  for (let index = 0; index < count; index++) {
    const { state, saveCreds } = await useMultiFileAuthState(join(directory, `raw-${index}`));
    const { creds, preKeys } = await adopt(peer, `4916${String(index).padStart(8, "0")}`);
    Object.assign(state.creds, creds);
    await state.keys.set({ "pre-key": Object.fromEntries(preKeys.map(({ id, pair }) => [id, pair])) });
    await saveCreds();
  }
};

export const runBootBench = async (options: BenchOptions): Promise<Report> => {
  const shape = options.quick ? QUICK : FULL;
  const { masters, all } = devicesOf(shape);
  const peer = await startPeer();
  const directory = mkdtempSync(join(process.env["GREENROOM_BENCH_DIR"] ?? tmpdir(), "greenroom-boot-"));
  try {
    await seedFleet(peer, directory, shaped(shape));
    await seedRaw(peer, directory, all);
    const times: Record<Boot["kind"], Took[]> = { raw: [], greenroom: [] };
    for (let round = 0; round < (options.quick ? 1 : ROUNDS); round += 1) {
      for (const kind of ["raw", "greenroom"] as const)
        times[kind].push(await boot({ kind, url: peer.url, root: peer.root, directory, shape }));
    }
    const beyond = times.greenroom.map((time, round) => time.masters - (times.raw[round]?.masters ?? Number.NaN));
    const none = { is: "<=", than: 0 } as const;
    const figures: Figure[] = [
      { what: "devices", value: all, unit: "" },
      { what: "of masters", value: masters, unit: "" },
      ...(["raw", "greenroom"] as const).flatMap((kind) => [
        { what: `${kind}: masters in service`, value: median(times[kind].map((time) => time.masters)), unit: "ms" },
        { what: `${kind}: every device in service`, value: median(times[kind].map((time) => time.all)), unit: "ms" },
        { what: `${kind}: CPU`, value: median(times[kind].map(({ cpuMs }) => cpuMs)), unit: "ms" },
      ]),
      { what: "masters in service beyond raw, median", value: median(beyond), unit: "ms" },
      {
        what: "masters in service beyond raw, slowest",
        value: quantile(beyond, 1),
        unit: "ms",
        bound: { is: "<", than: BEYOND },
      },
      { what: "holders accused", value: sum(times.greenroom.map(({ accused }) => accused)), unit: "", bound: none },
      { what: "errors that nobody caught", value: sum(times.greenroom.map(({ faults }) => faults)), unit: "", bound: none },
    ];
    return report("boot", figures, options);
  } finally {
    peer.stop();
    rmSync(directory, { recursive: true, force: true });
  }
};

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
