/** What a watcher sees while the demo runs: on a terminal the fleet as it stands, elsewhere a line for each thing that happens. */
import type { FleetEvent } from "../../machines/ports/records.ts";
import { accountOf, type SeatId } from "../../machines/ports/ids.ts";
import { isOpen } from "../../machines/delivery/outbox-state.ts";
import type { Output } from "../demo.ts";
import { type Board, boardLines, type DeviceLine, type SeatLine } from "./board.ts";
import { MEMBERS, SEATS } from "./fleet.ts";
import type { FaultRow } from "./measure.ts";
import type { Scene } from "./plays.ts";
import type { Witness } from "./run.ts";
import { Screen } from "./screen.ts";
import type { Stage } from "./stage.ts";
import type { Traffic } from "./traffic.ts";

export interface View {
  readonly witness: Witness;
  /** The terminal is as it was. */
  close(): void;
}

const ROUTINE = new Set(["message.received", "device.linked"]);

export const openView = (out: Output, isLive: boolean): View => (isLive ? new LiveView(new Screen(out)) : new PlainView(out));

const told = ({ type, subject, data }: FleetEvent): string => {
  const said =
    data["text"] ??
    Object.entries(data)
      .map(([key, value]) => `${key} ${String(value)}`)
      .join(", ");
  return `${type} ${subject}: ${String(said)}`;
};

class PlainView implements View {
  readonly witness: Witness;
  readonly #startedAt = performance.now();

  constructor(out: Output) {
    const line = (text: string): void => {
      const seconds = ((performance.now() - this.#startedAt) / 1000).toFixed(1);
      out.write(`${seconds.padStart(6)}  ${text}\n`);
    };
    this.witness = {
      say: line,
      onStage: () => undefined,
      onEvent: (event) => {
        if (!ROUTINE.has(event.type)) line(`  ${told(event)}`);
      },
      onScene: (scene) => {
        if (scene) line(`${scene.fault.name} on ${scene.seats.map(({ seat }) => seat).join(" and ")}: ${scene.fault.says}`);
      },
      onRow: ({ fault, ladder, met, firstAckMs, missed }) => {
        const ack = firstAckMs === null ? "no message acknowledged" : `first ack after ${Math.round(firstAckMs)} ms`;
        line(`${fault}: ${ladder}, ${ack}, ${met ? "met" : `MISSED (${missed.join("; ")})`}`);
      },
    };
  }

  close(): void {
    // Every line is out as soon as it is written.
  }
}

/** Milliseconds between two looks at the fleet. */
const REFRESH = 250;
const EVENTS = 100;

class LiveView implements View {
  readonly witness: Witness;
  readonly #screen: Screen;
  readonly #startedAt = performance.now();
  readonly #events: string[] = [];
  readonly #rows: FaultRow[] = [];
  readonly #timer: NodeJS.Timeout;
  #stage: Stage | undefined;
  #traffic: Traffic | undefined;
  #scene: Scene | null = null;
  #sceneAt = 0;
  #waiting: ReadonlyMap<SeatId, { queue: number; held: number }> = new Map();

  constructor(screen: Screen) {
    this.#screen = screen;
    this.#timer = setInterval(() => void this.#refresh(), REFRESH);
    const note = (text: string): void => {
      this.#events.push(`${this.#seconds().toFixed(1).padStart(6)}  ${text}`);
      if (this.#events.length > EVENTS) this.#events.shift();
    };
    this.witness = {
      say: note,
      onStage: (stage, traffic) => {
        this.#stage = stage;
        this.#traffic = traffic;
      },
      onEvent: (event) => {
        if (!ROUTINE.has(event.type)) note(told(event));
      },
      onScene: (scene) => {
        this.#scene = scene;
        this.#sceneAt = performance.now();
        this.#draw();
      },
      onRow: (row) => {
        this.#rows.push(row);
        this.#draw();
      },
    };
  }

  close(): void {
    clearInterval(this.#timer);
    this.#screen.close();
  }

  #seconds(): number {
    return (performance.now() - this.#startedAt) / 1000;
  }

  async #refresh(): Promise<void> {
    this.#draw();
    const counts = await this.#stage?.supervisor.ask("outbox.counts", {});
    if (counts?.kind !== "counts") return;
    const waiting = new Map<SeatId, { queue: number; held: number }>();
    for (const { seat, state, count } of counts.seats) {
      const line = waiting.get(seat) ?? { queue: 0, held: 0 };
      if (state === "held") line.held += count;
      else if (isOpen(state)) line.queue += count;
      waiting.set(seat, line);
    }
    this.#waiting = waiting;
  }

  #draw(): void {
    this.#screen.show(boardLines(this.#board(), this.#screen.rows));
  }

  #board(): Board {
    return {
      seconds: this.#seconds(),
      scene: this.#scene,
      sceneSeconds: (performance.now() - this.#sceneAt) / 1000,
      accepted: this.#traffic?.accepted ?? 0,
      seats: new Map(this.#stage ? SEATS.flatMap(({ seat }) => this.#seatLine(seat)) : []),
      devices: new Map(this.#stage ? this.#deviceLines(this.#stage) : []),
      rows: this.#rows,
      events: this.#events,
    };
  }

  #seatLine(seat: SeatId): [SeatId, SeatLine][] {
    const view = this.#stage?.supervisor.node.seat(seat);
    if (!view) return [];
    const { queue = 0, held = 0 } = this.#waiting.get(seat) ?? {};
    return [[seat, { holder: view.row.holder, term: view.row.term, state: view.state, queue, held }]];
  }

  #deviceLines({ supervisor: { node }, now }: Stage): [(typeof MEMBERS)[number]["devices"][number], DeviceLine][] {
    const roster = node.roster();
    return MEMBERS.flatMap(({ devices }) => devices).map((id) => {
      const device = roster?.devices.get(id);
      const seenAt = device?.lastSeenAt ?? null;
      return [
        id,
        {
          link: stateOf(node.driver.peek(`connection:${id}`)?.value),
          health: device?.state ?? "-",
          standing: roster?.accounts.get(accountOf(id))?.standing ?? "-",
          heardMs: seenAt === null ? null : Math.max(0, now() - seenAt),
        },
      ];
    });
  }
}

const stateOf = (value: unknown): string => (typeof value === "string" ? value : "-");
