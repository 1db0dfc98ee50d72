/**
 * The wire between one dial of a device and WhatsApp: ordered in each direction like the TCP stream it stands for, so that
 * what is late holds up what follows. Faults are asked when a frame leaves, and whether the wire is cut or carries nothing again
 * when it arrives.
 */
import type { AccountId, DeviceId, Millis, NodeId } from "../../machines/ports/ids.ts";
import type { FaultBoard } from "../faults/board.ts";
import type { FrameKind, LinkView } from "../faults/rule.ts";
import type { NodeClock, WorldClock } from "./clock.ts";
import type { Random } from "./random.ts";
import type { Tuning } from "./tuning.ts";

type Direction = "up" | "down";
/** Who waits for the answer to a frame. */
export interface Echo {
  arrived(): void;
  /** It was expected back by now, and perhaps never comes. */
  strays?(): void;
}
/** A frame that waits until its way is free. */
interface Held {
  readonly direction: Direction;
  readonly kind: FrameKind;
  readonly send: (late: Millis) => void;
  readonly lost: (() => void) | undefined;
  readonly keeps: boolean;
  /** It had left before the way was barred: before all that had not. */
  readonly wasOnItsWay: boolean;
}

export class Wire implements LinkView {
  readonly id: number;
  readonly device: DeviceId;
  readonly account: AccountId;
  readonly region: string;
  readonly node: NodeId;
  readonly dial: number;
  readonly #world: WorldClock;
  readonly #clock: NodeClock;
  readonly #board: FaultBoard;
  readonly #random: Random;
  readonly #tuning: Tuning;
  // Nothing arrives before what left earlier in the same direction.
  #upAt: Millis = 0;
  #downAt: Millis = 0;
  #held: Held[] | null = null;
  #givenUp = false;
  // A frame was lost for good: nothing that follows it in this direction arrives, because a stream has no holes.
  #upTorn = false;
  #downTorn = false;
  // The next stall of the stream, drawn as time goes by.
  #stallFrom: Millis;
  #stallTo: Millis;

  constructor(view: LinkView, world: WorldClock, clock: NodeClock, board: FaultBoard, random: Random, tuning: Tuning) {
    this.id = view.id;
    this.device = view.device;
    this.account = view.account;
    this.region = view.region;
    this.node = view.node;
    this.dial = view.dial;
    this.#world = world;
    this.#clock = clock;
    this.#board = board;
    this.#random = random;
    this.#tuning = tuning;
    this.#stallFrom = world.now();
    this.#stallTo = world.now();
    this.#nextStall();
  }

  roundTrip(): Millis {
    return this.#tuning.roundTrip(this.#random);
  }

  /** To WhatsApp. `lost` is called for a frame that never gets there because a fault took it. */
  up(kind: FrameKind, arrived: () => void, lost?: () => void): void {
    const send = (late: Millis) => {
      const at = this.#through(Math.max(this.#upAt, this.#world.now() + Math.round(this.roundTrip() / 2) + late));
      this.#upAt = at;
      this.#world.setTimeout(() => {
        if (this.#isThrough("up", kind, send, lost)) arrived();
      }, at - this.#world.now());
    };
    this.#leave("up", kind, send, lost);
  }

  /** To the node: what comes while its event loop is stalled waits there. */
  down(kind: FrameKind, arrived: () => void): void {
    const send = (late: Millis) => {
      const at = this.#through(Math.max(this.#downAt, this.#world.now() + Math.round(this.roundTrip() / 2) + late));
      this.#downAt = at;
      this.#clock.arrive(() => {
        if (this.#isThrough("down", kind, send)) arrived();
      }, at - this.#world.now());
    };
    this.#leave("down", kind, send);
  }

  /** Connecting: several round trips before there is anything to say. A cut wire answers nothing. */
  connect(trips: number, connected: () => void): void {
    let after = 0;
    for (let trip = 0; trip < trips; trip++) after += this.roundTrip();
    const send = (late: Millis): void => {
      const at = this.#through(this.#world.now() + after + late);
      this.#clock.arrive(() => {
        if (this.#isThrough("up", "login", send) && this.#isThrough("down", "login", send)) connected();
      }, at - this.#world.now());
    };
    this.#leave("up", "login", (late) => this.#leave("down", "login", (later) => send(late + later)));
  }

  /**
   * There and back with nothing decided on the other side, as one event: probes are most of the traffic. Says when it will be back; null:
   * perhaps never.
   */
  echo(up: FrameKind, down: FrameKind, echo: Echo): Millis | null {
    if (this.#isCut("up") || this.#isCut("down")) return null;
    // Two ways instead of one: each may wait.
    if (this.#held !== null || this.#isStopped()) {
      this.up(up, () => this.down(down, () => echo.arrived()));
      return null;
    }
    const there = this.#board.frame(this, "up", up);
    if (there?.kind === "drop") return null;
    const back = this.#board.frame(this, "down", down);
    if (back?.kind === "drop") return null;
    const late = (there?.kind === "late" ? there.by : 0) + (back?.kind === "late" ? back.by : 0);
    const now = this.#world.now();
    const trip = this.roundTrip();
    this.#upAt = Math.max(this.#upAt, now + Math.floor(trip / 2));
    const at = this.#through(Math.max(this.#downAt, this.#upAt, now + trip + late));
    this.#downAt = at;
    this.#clock.arrive(() => {
      if (this.#isCut("up") || this.#isCut("down")) return echo.strays?.();
      if (!this.#isStopped()) return echo.arrived();
      echo.strays?.();
      this.down(down, () => echo.arrived());
    }, at - now);
    return at - now;
  }

  /** The node gives the connection up. `goodbye`: WhatsApp hears of it, behind what was written before; null: nobody is left to say so. */
  giveUp(goodbye: (() => void) | null): void {
    this.#givenUp = true;
    const held = this.#held;
    if (held !== null) {
      const kept = goodbye === null ? [] : held.filter(({ direction, keeps }) => direction === "up" && keeps);
      for (const frame of held) if (!kept.includes(frame)) frame.lost?.();
      this.#held = kept.length > 0 ? kept : null;
    }
    if (goodbye) this.up("goodbye", goodbye);
  }

  /** Asked only when there is a frame to lose. */
  #isCut(direction: Direction): boolean {
    if (direction === "up") return (this.#upTorn ||= this.#board.cuts(this, direction));
    return (this.#downTorn ||= this.#board.cuts(this, direction));
  }

  #isStopped(): boolean {
    return this.#board.stops(this, "up") !== null || this.#board.stops(this, "down") !== null;
  }

  /** A frame has come to the other end: not if the wire is cut or carries nothing by now. */
  #isThrough(direction: Direction, kind: FrameKind, send: (late: Millis) => void, lost?: () => void): boolean {
    if (this.#isCut(direction)) return false;
    const stop = this.#board.stops(this, direction);
    if (stop) this.#hold({ direction, kind, send, lost, keeps: stop.keeps, wasOnItsWay: true });
    return stop === null;
  }

  #leave(direction: Direction, kind: FrameKind, send: (late: Millis) => void, lost?: () => void): void {
    if (this.#isCut(direction)) return lost?.();
    const ahead = this.#held?.find((frame) => frame.direction === direction) ?? this.#board.stops(this, direction);
    if (ahead) return this.#hold({ direction, kind, send, lost, keeps: ahead.keeps, wasOnItsWay: false });
    const fate = this.#board.frame(this, direction, kind);
    switch (fate?.kind) {
      case "drop":
        return lost?.();
      case "late":
        return send(fate.by);
      case "again":
        send(0);
        this.#world.setTimeout(() => send(0), fate.after);
        return;
      default:
        return send(0);
    }
  }

  #hold(frame: Held): void {
    if (this.#givenUp && !(frame.keeps && frame.direction === "up")) return frame.lost?.();
    if (this.#held === null) {
      this.#held = [];
      this.#board.whenEased(() => this.#release());
    }
    const place = frame.wasOnItsWay ? this.#held.findIndex((other) => !other.wasOnItsWay) : -1;
    this.#held.splice(place < 0 ? this.#held.length : place, 0, frame);
  }

  /** A fault is over: what waited leaves, in order, unless another one holds it. */
  #release(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const { direction, kind, send, lost } of held) this.#leave(direction, kind, send, lost);
  }

  /** When a frame that would arrive at `at` really does: at the end of a stall it falls into. */
  #through(at: Millis): Millis {
    while (at >= this.#stallTo) this.#nextStall();
    return at >= this.#stallFrom ? this.#stallTo : at;
  }

  #nextStall(): void {
    const { stallsPerHour, stallMean, stallCap } = this.#tuning;
    if (stallsPerHour <= 0) {
      this.#stallFrom = Number.POSITIVE_INFINITY;
      this.#stallTo = Number.POSITIVE_INFINITY;
      return;
    }
    this.#stallFrom = this.#stallTo + Math.round(this.#random.exponential(3_600_000 / stallsPerHour));
    this.#stallTo = this.#stallFrom + 1 + Math.round(Math.min(this.#random.exponential(stallMean), stallCap));
  }
}
