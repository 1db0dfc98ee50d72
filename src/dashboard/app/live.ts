/**
 * The model, kept up to date: a status to begin with, then events as they happen. The first is painted in the next
 * frame; however many follow, they are painted together, and two thirds of the time at least are left for keys and clicks.
 */
import type { EventType } from "../../runtime/fleet-events.ts";
import { get } from "./api.ts";
import { Model } from "./model.ts";
import type { Failover, FleetEvent, Status } from "./types.ts";

/** Queues and ages change without an event. */
const LOOK_EVERY = 5000;
/** After an event: what it leaves open is looked up. */
const LOOK_AFTER = 2000;
const PAGES_OF_MOVES = 5;
/** Between two questions about seats that have not moved for long. */
const REST_OF_MOVES = 50;
/** Between two repaints, at least: nobody reads faster, and keys and clicks are answered meanwhile. */
const REST = 100;

type Listener = () => void;
interface Moves {
  readonly failovers: readonly Failover[];
  readonly next: string | null;
}

export class Live {
  readonly model = new Model();
  isConnected = false;
  hasStatus = false;
  complaint: string | null = null;
  readonly #listeners = new Set<Listener>();
  #source: EventSource | undefined;
  #reopen: ReturnType<typeof setTimeout> | undefined;
  #look: ReturnType<typeof setTimeout> | undefined;
  #lookAt = Number.POSITIVE_INFINITY;
  #isLooking = false;
  /** Events since the status was asked for: it may be older than they are. */
  #meanwhile: FleetEvent[] = [];
  #wantsMoves = true;
  /** Seats whose own moves were asked for. */
  readonly #asked = new Set<string>();
  #isWaiting = false;
  #isStale = false;
  #stopped = false;

  /** From the next repaint on. Returns how to stop. */
  onChange(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  start(): void {
    this.#open();
    this.lookSoon(0);
  }
  #open(): void {
    const source = new EventSource("/v1/events");
    this.#source = source;
    source.addEventListener("open", () => {
      this.isConnected = true;
      // What happened before it was open.
      this.lookSoon(0);
      this.repaint();
    });
    source.addEventListener("error", () => {
      this.isConnected = false;
      this.lookSoon(LOOK_AFTER);
      this.repaint();
      // Refused by the supervisor, or by what stands before it: a browser does not try that again by itself.
      if (source.readyState === EventSource.CLOSED) this.#reopen = setTimeout(() => this.#open(), LOOK_EVERY);
    });
    for (const type of TYPES) source.addEventListener(type, (message) => this.#take(message));
  }
  stop(): void {
    this.#stopped = true;
    this.#source?.close();
    clearTimeout(this.#reopen);
    clearTimeout(this.#look);
  }

  /** Somebody looks after an alert, which its event says as well, a little later. */
  noteAcknowledged(): void {
    this.model.acknowledged++;
    this.repaint();
  }

  /** A status within so many milliseconds, unless one comes earlier. */
  lookSoon(within: number): void {
    if (this.#stopped) return;
    const at = performance.now() + within;
    if (at >= this.#lookAt) return;
    this.#lookAt = at;
    clearTimeout(this.#look);
    this.#look = setTimeout(() => void this.#lookNow(), within);
  }

  repaint(): void {
    this.#isStale = true;
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    requestAnimationFrame(() => {
      this.#isStale = false;
      const began = performance.now();
      for (const listener of this.#listeners) listener();
      // Preact draws when this turn has ended.
      setTimeout(() => {
        const took = performance.now() - began;
        setTimeout(() => this.#rested(), Math.max(2 * took, REST));
      }, 0);
    });
  }
  #rested(): void {
    this.#isWaiting = false;
    if (this.#isStale) this.repaint();
  }

  #take({ data }: MessageEvent<string>): void {
    const event = JSON.parse(data) as FleetEvent;
    this.model.apply(event);
    if (this.#isLooking) this.#meanwhile.push(event);
    if (event.type === "failover.ended" || event.type === "seat.serving") this.#wantsMoves = true;
    this.lookSoon(LOOK_AFTER);
    this.repaint();
  }

  async #lookNow(): Promise<void> {
    this.#lookAt = Number.POSITIVE_INFINITY;
    if (this.#isLooking) return this.lookSoon(LOOK_AFTER);
    this.#isLooking = true;
    this.#meanwhile = [];
    try {
      this.model.replace(await get<Status>("/v1/status"), Date.now());
      for (const event of this.#meanwhile) this.model.change(event);
      this.hasStatus = true;
      if (this.#wantsMoves) await this.#learnMoves();
      this.complaint = null;
    } catch (error) {
      this.complaint = error instanceof Error ? error.message : String(error);
    } finally {
      this.#isLooking = false;
      this.lookSoon(LOOK_EVERY);
      this.repaint();
    }
  }

  /** Since when, and why: from what moved last of all; and once of each seat that is not among that, from its own. */
  async #learnMoves(): Promise<void> {
    this.#wantsMoves = false;
    const { failovers } = await get<Moves>("/v1/failovers?limit=200");
    this.model.learn(failovers);
    const calm = [...this.model.seats.keys()].filter((seat) => !this.model.lastMoves.has(seat) && !this.#asked.has(seat));
    for (const seat of calm) this.#asked.add(seat);
    void this.#learnOf(calm).catch(() => undefined);
  }
  async #learnOf(seats: readonly string[]): Promise<void> {
    for (const seat of seats) {
      let cursor = "";
      // What was called off is no move, and there may be much of it.
      for (let page = 0; page < PAGES_OF_MOVES && !this.model.lastMoves.has(seat) && !this.#stopped; page++) {
        const { failovers, next } = await get<Moves>(`/v1/failovers?limit=200&seat=${encodeURIComponent(seat)}${cursor}`);
        this.model.learn(failovers);
        if (next === null) break;
        cursor = `&cursor=${next}`;
      }
      this.repaint();
      await new Promise((resolve) => setTimeout(resolve, REST_OF_MOVES));
    }
  }
}

/** A browser has to be told each name. */
const TYPES: readonly EventType[] = [
  "seat.serving",
  "holder.suspect",
  "holder.failed",
  "failover.ended",
  "failover.refused",
  "switchover.refused",
  "servant.relieved",
  "conversation.moved",
  "conversation.stayed",
  "sender.drained",
  "fleet.changed",
  "device.linked",
  "device.linkEnded",
  "alert.raised",
  "alert.escalated",
  "alert.resolved",
  "alert.acknowledged",
  "actor.died",
  "webhook.dead",
  "message.failed",
  "message.passedOver",
];
