/** The order of the demo: link the fleet, let people talk, break one thing after another, repair it, count at the end. */
import type { DeviceId } from "../../machines/ports/ids.ts";
import { accountOf } from "../../machines/ports/ids.ts";
import type { FleetEvent } from "../../machines/ports/records.ts";
import { DEMO_FAULTS, type DemoFault, type DemoLadder } from "./faults.ts";
import { type DemoSeat, MEMBERS, PEOPLE, SEATS } from "./fleet.ts";
import { type FaultRow, Watch } from "./measure.ts";
import { type Stage, setStage, waitUntil } from "./stage.ts";
import { type Account, Traffic } from "./traffic.ts";

export interface DemoOptions {
  readonly faults: readonly DemoFault[];
  readonly repeat: number;
  /** No new fault begins after so many seconds; those left are named in `skipped`. */
  readonly seconds: number;
  readonly onEvent: (event: FleetEvent) => void;
  readonly onRow: (row: FaultRow) => void;
  readonly say: (line: string) => void;
  /** Given the stage as soon as it stands: for a live view. */
  readonly onStage?: (stage: Stage) => void;
}
export interface DemoResult {
  readonly fleet: {
    readonly lines: number;
    readonly masters: number;
    readonly twins: number;
    readonly servants: number;
    readonly devices: number;
  };
  readonly faults: readonly FaultRow[];
  /** Faults for which the time did not suffice: "close-440 on a seat with a twin". */
  readonly skipped: readonly string[];
  readonly messages: Account;
  readonly met: boolean;
}

const WARM_UP = 2000;
/** After a fault: until holders, links and standing are as before. */
const RESTORE_WITHIN = 90_000;
/** New contacts written to on a line whose account may not begin chats. */
const STRANGERS = 6;

export const runFaults = async (options: DemoOptions): Promise<DemoResult> => {
  const { say } = options;
  const stage = await setStage(say);
  try {
    options.onStage?.(stage);
    stage.supervisor.onEvent(options.onEvent);
    for (const { devices } of MEMBERS) for (const device of devices) await stage.link(device);
    await stage.ready();
    await goHome(stage);
    const traffic = new Traffic(stage);
    for (const { number, master } of PEOPLE) traffic.write(number, master);
    traffic.start();
    await pause(WARM_UP);
    const { rows, skipped } = await playAll(stage, traffic, options);
    traffic.stop();
    say("healed; counting what the people's phones got");
    stage.loopback.faults.healAll();
    await releaseHeld(stage);
    const messages = await traffic.settle();
    const intact = messages.lost === 0 && messages.outOfOrder === 0 && messages.duplicatesUnmarked === 0;
    return { fleet: FLEET, faults: rows, skipped, messages, met: intact && rows.length > 0 && rows.every(({ met }) => met) };
  } finally {
    await stage.close();
  }
};

const FLEET: DemoResult["fleet"] = {
  lines: new Set(MEMBERS.map(({ line }) => line)).size,
  masters: SEATS.length,
  twins: SEATS.filter(({ twin }) => twin).length,
  servants: MEMBERS.filter(({ role }) => role === "servant").length,
  devices: MEMBERS.flatMap(({ devices }) => devices).length,
};

const playAll = async (
  stage: Stage,
  traffic: Traffic,
  options: DemoOptions,
): Promise<{ rows: FaultRow[]; skipped: string[] }> => {
  const rows: FaultRow[] = [];
  const skipped: string[] = [];
  const startedAt = Date.now();
  for (let round = 0; round < options.repeat; round++) {
    for (const fault of options.faults) {
      for (const variant of ["twin", "alone"] as const) {
        const expected = fault.expected[variant];
        if (!expected || (fault.also && variant === "alone")) continue;
        if (Date.now() - startedAt > options.seconds * 1000) {
          skipped.push(`${fault.name} on a seat ${variant === "twin" ? "with" : "without"} a twin`);
          continue;
        }
        const seat = pick(variant, round);
        options.say(`${fault.name}: ${fault.says} (${seat.seat}, ${variant === "twin" ? "with" : "without"} a twin)`);
        for (const row of await play(stage, traffic, fault, seat)) {
          rows.push(row);
          options.onRow(row);
        }
        await restore(stage, fault, seat);
      }
    }
  }
  return { rows, skipped };
};

/** Rounds take turns over the seats, so that no line is special. */
const pick = (variant: "twin" | "alone", round: number): DemoSeat => {
  const fitting = SEATS.filter(({ twin }) => twin === (variant === "twin"));
  return fitting[round % fitting.length] as DemoSeat;
};

const play = async (stage: Stage, traffic: Traffic, fault: DemoFault, seat: DemoSeat): Promise<FaultRow[]> => {
  const seats = [seat, fault.also?.(seat)].filter((one) => one !== undefined);
  const watches = seats.map((one) => ({ one, watch: new Watch(stage, traffic, one, one.home) }));
  const injected = seats.flatMap((one) => fault.inject(stage.loopback.faults, stage.target(one.home), stage.target, one));
  const at = Math.min(...injected.map((each) => each.at));
  for (const { watch } of watches) watch.injectedAt = at;
  const strangers = fault.name === "restricted" ? writeToStrangers(stage, traffic, seat) : undefined;
  const healing = fault.healAfter ? setTimeout(() => injected.forEach((each) => each.heal()), fault.healAfter) : undefined;
  const rows = await Promise.all(
    watches.map(({ one, watch }) => watch.finish(fault, fault.expected[one.twin ? "twin" : "alone"] as DemoLadder)),
  );
  clearTimeout(healing);
  for (const each of injected) each.heal();
  await strangers;
  return rows;
};

let stranger = 0;
/** Chats that the account would have to begin: some of them fall to the restricted seat, and have to leave it. */
const writeToStrangers = async (stage: Stage, traffic: Traffic, seat: DemoSeat): Promise<void> => {
  for (let index = 0; index < STRANGERS; index++) {
    const number = `9992000${String(++stranger).padStart(5, "0")}`;
    (stage.people as Map<string, ReturnType<Stage["loopback"]["person"]>>).set(number, stage.loopback.person(number));
    await traffic.send(number, seat.line);
  }
};

// ---- between two faults ----

const restore = async (stage: Stage, fault: DemoFault, seat: DemoSeat): Promise<void> => {
  stage.loopback.faults.healAll();
  if (fault.relink) await stage.link(seat.home);
  else
    for (const device of MEMBERS.flatMap(({ devices }) => devices))
      if (!isHealthy(stage, device)) stage.supervisor.node.redial(device);
  await waitUntil(
    () => MEMBERS.flatMap(({ devices }) => devices).every((device) => isHealthy(stage, device)),
    RESTORE_WITHIN,
    () => `not healthy again after ${fault.name}: ${sick(stage).join(", ")}`,
  );
  await goHome(stage);
  await releaseHeld(stage);
  await pause(500);
};

const healthOf = (stage: Stage, device: DeviceId): string | undefined =>
  stage.supervisor.node.roster()?.devices.get(device)?.state;
const isHealthy = (stage: Stage, device: DeviceId): boolean =>
  healthOf(stage, device) === "healthy" && stage.supervisor.node.roster()?.accounts.get(accountOf(device))?.standing === "good";
const sick = (stage: Stage): string[] =>
  MEMBERS.flatMap(({ devices }) => devices)
    .filter((device) => !isHealthy(stage, device))
    .map(
      (device) =>
        `${device} (${healthOf(stage, device)}, ${JSON.stringify(stage.supervisor.node.driver.peek(`connection:${device}`)?.value)})`,
    );

/** The operator's part: each seat goes back to its preferred holder. */
const goHome = async (stage: Stage): Promise<void> => {
  await stage.ready();
  for (const { seat, home } of SEATS) {
    if (stage.supervisor.node.seat(seat)?.row.holder === home) continue;
    stage.supervisor.node.demandFailover(seat, home, "demo");
    await waitUntil(
      () => stage.supervisor.node.seat(seat)?.row.holder === home && stage.supervisor.node.seat(seat)?.state === "serving",
      15_000,
      () => `${seat} did not go home to ${home}: ${JSON.stringify(stage.supervisor.node.seat(seat))}`,
    );
  }
  await stage.ready();
};

/** The operator's part, too: the number is back, so what was held for fear of a second copy from another number may go. */
const releaseHeld = async (stage: Stage): Promise<void> => {
  const held = await stage.supervisor.ask("outbox.list", { seat: null, states: ["held"], limit: 10_000 });
  if (held.kind !== "rows") return;
  for (const { id, seat } of held.rows) stage.supervisor.node.releaseHeld(seat, id, true);
};

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
export { DEMO_FAULTS };
