/** From the start of a process to its first connection in service, a relogin: the supervisor on its store, and raw Baileys on its files. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { useMultiFileAuthState } from "@whiskeysockets/baileys";
import { adopt } from "./adopt.ts";
import { seedFleet, shaped } from "./fleet.ts";
import { startChild, startPeer } from "./peer/index.ts";
import { type BenchOptions, type Figure, median, quantile, report, type Report } from "./report.ts";

export interface Start {
  readonly kind: "greenroom" | "raw";
  readonly url: string;
  readonly root: string;
  readonly directory: string;
}
const BEYOND = 2000;
const PATIENCE = 60_000;

interface Took {
  /** Milliseconds from before the fork until the child says that it serves. */
  readonly ms: number;
  readonly cpuMs: number;
}
const start = (task: Start): Promise<Took> =>
  new Promise((resolve, reject) => {
    const from = performance.now();
    const child = startChild(new URL("./coldstart.child.ts", import.meta.url));
    let took: Took | undefined;
    child.once("message", ({ cpuMs }: { cpuMs: number }) => {
      took = { ms: performance.now() - from, cpuMs };
      child.disconnect();
    });
    const timer = setTimeout(() => child.kill(), PATIENCE);
    child.once("exit", (code) => {
      clearTimeout(timer);
      if (took === undefined)
        reject(new Error(`${task.kind}: the process did not serve within ${PATIENCE / 1000} s (exit ${code})`));
      else resolve(took);
    });
    child.send(task);
  });

export const runColdstartBench = async (options: BenchOptions): Promise<Report> => {
  const peer = await startPeer();
  const directory = mkdtempSync(join(tmpdir(), "greenroom-coldstart-"));
  try {
    await seedFleet(peer, directory, shaped({ lines: 1, mastersPerLine: 1, devicesPerMaster: 1, servantsPerLine: 0 }));
    const { state, saveCreds } = await useMultiFileAuthState(join(directory, "raw"));
    const { creds, preKeys } = await adopt(peer, "4916000000");
    Object.assign(state.creds, creds);
    await state.keys.set({ "pre-key": Object.fromEntries(preKeys.map(({ id, pair }) => [id, pair])) });
    await saveCreds();
    const times: Record<Start["kind"], Took[]> = { raw: [], greenroom: [] };
    for (let round = 0; round < (options.quick ? 3 : 11); round += 1) {
      for (const kind of ["raw", "greenroom"] as const) {
        times[kind].push(await start({ kind, url: peer.url, root: peer.root, directory }));
      }
    }
    const beyond = times.greenroom.map((time, round) => time.ms - (times.raw[round]?.ms ?? Number.NaN));
    const figures: Figure[] = [
      ...(["raw", "greenroom"] as const).flatMap((kind) => [
        { what: `${kind}, median`, value: median(times[kind].map(({ ms }) => ms)), unit: "ms" },
        { what: `${kind}: CPU`, value: median(times[kind].map(({ cpuMs }) => cpuMs)), unit: "ms" },
      ]),
      { what: "beyond raw, median", value: median(beyond), unit: "ms", bound: { is: "<=", than: BEYOND } },
      { what: "beyond raw, slowest", value: quantile(beyond, 1), unit: "ms" },
    ];
    return report("coldstart", figures, options);
  } finally {
    peer.stop();
    rmSync(directory, { recursive: true, force: true });
  }
};
