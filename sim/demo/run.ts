/** The order of the demo: link the fleet, let people talk, break one thing after another, repair it, count at the end. */
import type { ConnectionFact } from "../../machines/ports/connection.ts";
import type { FleetEvent } from "../../machines/ports/records.ts";
import type { LoopbackOptions } from "../loopback/index.ts";
import { Caretaker } from "./caretaker.ts";
import { type AcceptedMessage, isIntact } from "./count.ts";
import { DEMO_FAULTS, type DemoFault } from "./faults.ts";
import { MEMBERS, SEATS } from "./fleet.ts";
import { type Load, measureLoad } from "./load.ts";
import { type AlertTimes, alertTimes } from "./judge.ts";
import { type FaultRow, Watch } from "./measure.ts";
import { nextScene, type Play, playsOf, type Scene } from "./plays.ts";
import { type Stage, setStage } from "./stage.ts";
import { type Account, Traffic } from "./traffic.ts";
import { pause, waitUntil } from "./waiting.ts";

export interface Witness {
  say(line: string): void;
  onEvent(event: FleetEvent): void;
  onRow(row: FaultRow): void;
  /** A fault begins; null: it is over. */
  onScene(scene: Scene | null): void;
  /** The stage stands, and people are about to talk. */
  onStage(stage: Stage, traffic: Traffic): void;
  onFact?(fact: ConnectionFact): void;
}
export interface DemoOptions {
  readonly faults: readonly DemoFault[];
  readonly repeat: number;
  /** After so many seconds for each round no new fault begins; those left are named in `skipped`. */
  readonly seconds: number;
  readonly journal?: string | null | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly latencyMs?: LoopbackOptions["latencyMs"];
  readonly witness: Witness;
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
  /** From the fault to the first notice that names it, of all faults that people are owed a word of. */
  readonly alerts: AlertTimes;
  /** Faults for which the time did not suffice: "close-440 on a seat with a twin". */
  readonly skipped: readonly string[];
  readonly messages: Account;
  /** Cut short by whoever watches: what was seen so far. */
  readonly interrupted: boolean;
  readonly seconds: number;
  readonly load: Load;
  readonly met: boolean;
}

/** Every chat begins within a few seconds, and each beginning costs lookups: no more than so many messages may still wait. */
const CAUGHT_UP = 5;
const CATCH_UP_WITHIN = 30_000;
/** A fault's traces are gone after this long, or something is wrong: sends that got no answer are doubted for 30 s. */
const RESTORE_WITHIN = 120_000;
/** New contacts written to on a line whose account may not begin chats. */
const STRANGERS = 6;
const STRANGERS_WITHIN = 10_000;

export const runFaults = async (options: DemoOptions): Promise<DemoResult> => {
  const startedAt = performance.now();
  const loadSoFar = measureLoad();
  const { signal, witness, journal, latencyMs } = options;
  const stage = await setStage({
    say: (line) => witness.say(line),
    signal,
    onFact: (fact) => witness.onFact?.(fact),
    ...(latencyMs && { latencyMs }),
  });
  const show = new Show(stage, options);
  try {
    await show.play();
    const messages = await show.count();
    const rows = show.rows.toSorted(byFault);
    const isComplete = rows.length > 0 && rows.every(({ met }) => met) && !show.wasInterrupted;
    return {
      fleet: FLEET,
      faults: rows,
      alerts: alertTimes(rows),
      skipped: show.skipped,
      messages,
      interrupted: show.wasInterrupted,
      seconds: Math.round((performance.now() - startedAt) / 1000),
      load: loadSoFar(),
      met: isComplete && isIntact(messages, messages.inbound) && messages.refused === 0,
    };
  } finally {
    show.end();
    await stage.close(journal);
  }
};

const FLEET: DemoResult["fleet"] = {
  lines: new Set(MEMBERS.map(({ line }) => line)).size,
  masters: SEATS.length,
  twins: SEATS.filter(({ twin }) => twin).length,
  servants: MEMBERS.filter(({ role }) => role === "servant").length,
  devices: MEMBERS.flatMap(({ devices }) => devices).length,
};

/** As the faults are listed, whatever the order in which they were played. */
const byFault = (one: FaultRow, other: FaultRow): number =>
  placeOf(one) - placeOf(other) || Number(other.twin) - Number(one.twin);
const placeOf = ({ fault }: FaultRow): number => DEMO_FAULTS.findIndex(({ name }) => name === fault);

let strangers = 0;

/** One performance on one stage. */
class Show {
  readonly rows: FaultRow[] = [];
  readonly skipped: string[] = [];
  wasInterrupted = false;
  readonly #stage: Stage;
  readonly #options: DemoOptions;
  readonly #traffic: Traffic;
  readonly #caretaker: Caretaker;

  constructor(stage: Stage, options: DemoOptions) {
    this.#stage = stage;
    this.#options = options;
    this.#traffic = new Traffic(stage);
    this.#caretaker = new Caretaker(stage);
  }

  /** Returns early when it is interrupted. */
  async play(): Promise<void> {
    const { witness, signal } = this.#options;
    const { supervisor } = this.#stage;
    try {
      witness.onStage(this.#stage, this.#traffic);
      supervisor.onEvent((event) => witness.onEvent(event));
      await this.#stage.linkAll();
      this.#caretaker.start();
      await this.#traffic.start(signal);
      await this.#caughtUp();
      await this.#playAll();
    } catch (error) {
      if (!signal?.aborted) throw error;
      this.wasInterrupted = true;
    }
  }

  async #caughtUp(): Promise<void> {
    const end = performance.now() + CATCH_UP_WITHIN;
    while ((await this.#traffic.open()) > CAUGHT_UP && performance.now() < end) await pause(100, this.#options.signal);
  }

  async count(): Promise<Account> {
    const { witness } = this.#options;
    this.#traffic.stop();
    witness.say(
      this.wasInterrupted ? "interrupted; counting what there is" : "all is healed; counting what the people's phones got",
    );
    return this.#traffic.settle({ wasCutShort: this.wasInterrupted });
  }

  end(): void {
    this.#traffic.stop();
    this.#caretaker.stop();
  }

  async #playAll(): Promise<void> {
    const { faults, repeat, seconds, witness } = this.#options;
    const left = playsOf(faults, repeat);
    const turns = new Map<(typeof SEATS)[number], number>();
    const until = performance.now() + seconds * repeat * 1000;
    while (left.length > 0) {
      let scene: Scene | undefined;
      await this.#restored(() => performance.now() > until || (scene = nextScene(left, turns, this.#caretaker)) !== undefined);
      if (!scene) break;
      witness.onScene(scene);
      for (const row of await this.#playOne(scene)) {
        this.rows.push(row);
        witness.onRow(row);
      }
      witness.onScene(null);
    }
    this.skipped.push(...left.map(nameOf));
    await this.#restored(() => this.#caretaker.isAllWell);
  }

  #restored(test: () => boolean): Promise<void> {
    return waitUntil(test, {
      within: RESTORE_WITHIN,
      otherwise: () => `not as before after ${RESTORE_WITHIN / 1000} s: ${this.#caretaker.describe()}`,
      signal: this.#options.signal,
    });
  }

  async #playOne(scene: Scene): Promise<FaultRow[]> {
    const { loopback, target, supervisor } = this.#stage;
    const { fault, seats, lines } = scene;
    this.#caretaker.leave(lines);
    // Each fault is a drill of its own: without a word, the brake would count the one before.
    supervisor.node.pause("demo");
    supervisor.node.resume("demo");
    const watches = seats.map((seat) => new Watch(this.#stage, this.#traffic, fault, seat));
    const at = this.#stage.now();
    const injected = seats.flatMap((seat) => fault.inject(loopback.faults, target(seat.home), target, seat));
    const heal = (): void => injected.forEach((each) => each.heal());
    for (const watch of watches) watch.begin(at);
    const healing = fault.healAfter ? setTimeout(heal, fault.healAfter) : undefined;
    try {
      const strangers = fault.toStrangers ? await this.#writeToStrangers(seats) : [];
      const rows = await Promise.all(watches.map((watch) => watch.finish(this.#options.signal)));
      // Each of them has found a seat that may write to it, before that one is restricted in its turn.
      await this.#arePastStrangers(strangers);
      return rows;
    } finally {
      clearTimeout(healing);
      heal();
      this.#caretaker.comeBack(lines);
    }
  }

  /** Chats that the account would have to begin: some of them fall to the restricted seat, and have to leave it. */
  async #writeToStrangers(seats: Scene["seats"]): Promise<AcceptedMessage[]> {
    const messages: AcceptedMessage[] = [];
    for (const { line } of seats) {
      for (let index = 0; index < STRANGERS; index++) {
        const { number } = this.#stage.person(`9992${String(++strangers).padStart(8, "0")}`);
        const message = await this.#traffic.send(number, line);
        if (message) messages.push(message);
      }
    }
    return messages;
  }

  async #arePastStrangers(messages: readonly AcceptedMessage[]): Promise<void> {
    const end = performance.now() + STRANGERS_WITHIN;
    for (const message of messages) {
      while (!(await this.#traffic.isProved(message)) && performance.now() < end) await pause(50, this.#options.signal);
    }
  }
}

const nameOf = ({ fault, variant }: Play): string => `${fault.name} on a seat ${variant === "twin" ? "with" : "without"} a twin`;
