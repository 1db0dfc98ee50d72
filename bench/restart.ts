/**
 * kill -9 of `greenroom up`, and a restart: how long until every seat is in service again. Real processes, real Baileys, a server on
 * loopback. Counted from the start of the new process; the target is 5 s, no device may ask for a code, and no message may be lost.
 */
import { cpus } from "node:os";
import { DEVICES, Rig, type Up, until } from "../test/e2e/rig.ts";

export interface RestartResult {
  readonly devices: number;
  readonly seats: number;
  readonly runs: readonly {
    /** From the start of the process to its control socket. */
    readonly upMs: number;
    /** To the last seat in service. */
    readonly inServiceMs: number;
    readonly codesAsked: number;
    readonly accepted: number;
    /** Wait for an operator, because another number took over meanwhile: a restart alone holds nothing. */
    readonly held: number;
    /** Of those that have not arrived: the supervisor still has them in its queues. */
    readonly underWay: number;
    readonly lost: number;
  }[];
  readonly boundMs: number;
  readonly met: boolean;
}

const BOUND = 5000;
const RUNS = 3;
/** What is still under way so long after the restart counts as lost. */
const SETTLE_WITHIN = 30_000;
const PEOPLE = ["99910000001", "99910000002"];
const BURST = 60;

export const runRestartBench = async ({ json = false, runs = RUNS } = {}): Promise<RestartResult> => {
  const rig = await Rig.start();
  try {
    // Who is not on WhatsApp is looked up again and again: they have to be there before they are written to.
    for (const person of PEOPLE) rig.loopback.person(person);
    let up = await rig.up();
    for (const device of DEVICES) await rig.link(device);
    await rig.serving();
    await until(async () => (await rig.ask("accounts", {})).devices.every(({ health }) => health === "healthy"));
    const measured: RestartResult["runs"][number][] = [];
    for (let run = 0; run < runs; run++) {
      const accepted = await killWhileSending(rig, up, run);
      const from = performance.now();
      up = await rig.up();
      const upMs = Math.round(performance.now() - from);
      await rig.serving();
      const inServiceMs = Math.round(performance.now() - from);
      const codesAsked = (await rig.ask("links", {})).links.length;
      const end = performance.now() + SETTLE_WITHIN;
      await until(async () => performance.now() > end || (await openMessages(rig)) === 0);
      const underWay = await openMessages(rig);
      const held = (await rig.ask("held", { limit: 1000 })).messages.length;
      await Promise.all(PEOPLE.map((person) => rig.loopback.person(person).settled()));
      const got = new Set(PEOPLE.flatMap((person) => rig.loopback.person(person).received.map(({ text }) => text)));
      measured.push({
        upMs,
        inServiceMs,
        codesAsked,
        accepted: accepted.length,
        held,
        underWay,
        lost: accepted.filter((text) => !got.has(text)).length,
      });
    }
    const met = measured.every(({ inServiceMs, codesAsked, lost }) => inServiceMs < BOUND && codesAsked === 0 && lost === 0);
    const result = { devices: DEVICES.length, seats: up.started.seats.length, runs: measured, boundMs: BOUND, met };
    process.stdout.write(json ? `${JSON.stringify(result, null, 2)}\n` : text(result));
    return result;
  } finally {
    await rig.close();
  }
};

const openMessages = async (rig: Rig): Promise<number> =>
  (await rig.ask("status", {})).seats.reduce((sum, { queue }) => sum + queue.open, 0);

/** Texts that were accepted: each has to arrive. */
const killWhileSending = async (rig: Rig, up: Up, run: number): Promise<string[]> => {
  const accepted: string[] = [];
  const sends = Array.from({ length: BURST }, async (_, index) => {
    const said = `run ${run}, message ${index}`;
    await rig.ask("send", { line: index % 2 === 0 ? "sales" : "help", to: PEOPLE[index % PEOPLE.length] as string, text: said });
    accepted.push(said);
    if (accepted.length === BURST / 2) up.child.kill("SIGKILL");
  });
  await Promise.allSettled(sends);
  await up.ended;
  return accepted;
};

const text = ({ devices, seats, runs, boundMs, met }: RestartResult): string =>
  [
    `kill -9 of up and a restart: ${devices} devices, ${seats} seats, ${cpus().length} x ${cpus()[0]?.model ?? "unknown"}`,
    ...runs.map(
      ({ upMs, inServiceMs, codesAsked, accepted, held, underWay, lost }, run) =>
        `  run ${run + 1}: up after ${upMs} ms, every seat in service after ${inServiceMs} ms; ${codesAsked} codes asked; ${accepted} accepted, ${held} held, ${underWay} under way, ${lost} not arrived`,
    ),
    `${met ? "met" : "MISSED"}: every seat in service within ${boundMs} ms, no code asked, nothing lost`,
    "",
  ].join("\n");

if (import.meta.main) {
  const { met } = await runRestartBench({ json: process.argv.includes("--json") });
  process.exitCode = met ? 0 : 1;
}
