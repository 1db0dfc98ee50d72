/** What `greenroom top` takes of a core beside a supervisor of 500 devices in which something happens all the time. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ControlHandlers, StatusAnswer } from "../src/runtime/control-protocol.ts";
import { serveControl } from "../src/runtime/control-server.ts";
import { startChild } from "./peer/index.ts";
import { type BenchOptions, type Figure, type Report, report } from "./report.ts";
import type { TopCost } from "./top.child.ts";

const [DEVICES, SEATS] = [500, 100];
const MS = 30_000;
const QUICK_MS = 5000;
const EVENTS_A_LOOK = 10;
/** Per cent of a core. */
const BOUND = 1;

/** Queues and evidence differ at each look: no screen is as the one before. */
const status = (look: number): StatusAnswer =>
  ({
    fleet: "bench",
    pid: 1,
    now: Date.now(),
    startedAt: 0,
    mode: "automatic",
    lines: [],
    accounts: [],
    alerts: [],
    seats: Array.from({ length: SEATS }, (_, n) => ({
      id: `line-${n % 10}/account-${n}`,
      line: `line-${n % 10}`,
      holder: `account-${n}/a`,
      term: 7,
      phase: "serving",
      queue: { open: (n + look) % 9, oldestMs: 40 * ((n + look) % 9), held: 0 },
      last: { at: 0, text: `account-${n}/a speaks for line-${n % 10}/account-${n}: account-${n}/b was silent` },
    })),
    devices: Array.from({ length: DEVICES }, (_, n) => ({
      id: `account-${n >> 1}/${n % 2 === 0 ? "a" : "b"}`,
      name: null,
      labels: [],
      link: "linked",
      state: "serving",
      health: "healthy",
      lastEvidenceMs: (97 * (n + look)) % 1000,
      holds: n < 2 * SEATS && n % 2 === 0 ? [`line-${(n >> 1) % 10}/account-${n >> 1}`] : [],
    })),
  }) as unknown as StatusAnswer;

export const runTopBench = async (options: BenchOptions): Promise<Report> => {
  const folder = mkdtempSync(join(tmpdir(), "greenroom-top-"));
  let looks = 0;
  const handlers: Pick<ControlHandlers, "status" | "events"> = {
    status: () => status(++looks),
    events: async ({ after }) => {
      const last = (after ?? 0) + EVENTS_A_LOOK;
      const rows = Array.from({ length: EVENTS_A_LOOK }, (_, n) => last - n);
      const about = { at: Date.now(), type: "device.linked", data: {} };
      return { last, events: rows.map((seq) => ({ ...about, seq, subject: `account-${seq % 250}/a` })) };
    },
  };
  const server = await serveControl({ path: join(folder, "control.sock"), handlers: handlers as ControlHandlers });
  try {
    const child = startChild(new URL("./top.child.ts", import.meta.url));
    const cost = await new Promise<TopCost>((resolve, reject) => {
      child.once("message", (message: TopCost) => resolve(message));
      child.once("exit", (code) => reject(new Error(`the screen ended with ${code} before it was measured`)));
      child.send({ socket: server.path, ms: options.quick ? QUICK_MS : MS });
    });
    const figures: Figure[] = [
      { what: "devices", value: DEVICES, unit: "" },
      { what: "a status", value: JSON.stringify(status(0)).length / 1024, unit: "KiB" },
      { what: "screens drawn", value: cost.screens, unit: "" },
      { what: "of a core", value: 100 * cost.share, unit: "%", bound: { is: "<", than: BOUND } },
    ];
    return report("top", figures, options);
  } finally {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  }
};
