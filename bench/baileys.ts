/**
 * What durability costs: our connection port on SQLite against raw Baileys, on the same server, in one run, one after the other.
 * Client and server are separate processes; sends are paced by their acks.
 */
import { type ChildProcess, fork } from "node:child_process";
import { ARMS, type Arm, type Figures, type Ready } from "./baileys/messages.ts";

const start = (file: string, args: string[] = []): ChildProcess =>
  fork(new URL(file, import.meta.url), {
    execArgv: ["--disable-warning=ExperimentalWarning", ...args],
    stdio: ["ignore", 2, 2, "ipc"],
  });

const said = <T extends object>(child: ChildProcess, key: string): Promise<T> =>
  new Promise((resolve, reject) => {
    child.on("message", (message: Record<string, unknown>) => {
      if (key in message) resolve(message[key] as T);
    });
    child.once("exit", (code) => reject(new Error(`a process of the benchmark ended early (${code})`)));
  });

const runArm = async (arm: Arm, base: number, seconds: number): Promise<Figures> => {
  const server = start("./baileys/server.ts");
  const ready = await said<Ready>(server, "ready");
  const client = start("./baileys/client.ts", ["--expose-gc"]);
  client.on("message", (message: { call?: object }) => {
    if (message.call) server.send(message.call);
  });
  server.on("message", (message: { re?: number }) => {
    if (message.re !== undefined && client.connected) client.send(message);
  });
  client.send({ start: { arm, ready, seconds, base } });
  try {
    return await said<Figures>(client, "figures");
  } finally {
    client.disconnect();
    server.disconnect();
  }
};

export const runBaileysBench = async ({
  json,
  seconds,
  arms = ARMS,
}: {
  json: boolean;
  /** Per measurement. */
  seconds: number;
  arms?: readonly Arm[];
}): Promise<{ figures: readonly Figures[] }> => {
  const figures: Figures[] = [];
  for (const [index, arm] of arms.entries()) figures.push(await runArm(arm, index + 1, seconds));
  if (!json) print(figures);
  return { figures };
};

const print = (figures: readonly Figures[]): void => {
  const base = figures[0];
  for (const { arm, send, receive, probe, memory } of figures) {
    process.stdout.write(`${arm}\n`);
    for (const [kind, rates, raw] of [
      ["send", send, base?.send],
      ["receive", receive, base?.receive],
    ] as const) {
      for (const [shape, rate] of Object.entries(rates)) {
        const against = (raw as Record<string, { perSecond: number }> | undefined)?.[shape]?.perSecond ?? rate.perSecond;
        const latency = rate.p50 === null ? "" : `, p50 ${rate.p50} ms, p99 ${rate.p99} ms`;
        process.stdout.write(
          `  ${kind} ${shape}: ${rate.perSecond}/s (${(rate.perSecond / against).toFixed(2)} of the first arm), ${rate.cpuMs} ms CPU each${latency}\n`,
        );
      }
    }
    process.stdout.write(
      `  probe: ${probe.cpuMs} ms CPU, ${(probe.coreShareAt100 * 100).toFixed(1)} % of a core for 100 at 1 Hz\n`,
    );
    process.stdout.write(`  idle connection: ${memory.rssPerConnectionKiB} KiB RSS, ${memory.heapPerConnectionKiB} KiB heap\n`);
  }
};

if (import.meta.main) {
  const json = process.argv.includes("--json");
  const seconds = Number(process.argv.find((arg) => arg.startsWith("--seconds="))?.slice(10) ?? 3);
  const only = process.argv.find((arg) => arg.startsWith("--arm="))?.slice(6);
  const arms = only === undefined ? ARMS : ARMS.filter((arm) => arm.startsWith(only));
  const result = await runBaileysBench({ json, seconds, arms });
  if (json) process.stdout.write(`${JSON.stringify(result)}\n`);
}
