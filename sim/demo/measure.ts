/** One fault, from the injection at the server to the first message acknowledged again: what happened, and when. */
import type { ConnectionFact } from "../../machines/ports/connection.ts";
import { accountOf, type DeviceId, type WaId } from "../../machines/ports/ids.ts";
import type { FailoverRecord, FleetEvent } from "../../machines/ports/records.ts";
import type { Told } from "./alerts.ts";
import type { DemoFault, DemoLadder } from "./faults.ts";
import type { DemoSeat } from "./fleet.ts";
import { hasMoved, judge } from "./judge.ts";
import type { Stage } from "./stage.ts";
import type { Traffic } from "./traffic.ts";
import { pause } from "./waiting.ts";

/**
 * Times in ms since the injection (for `fromFirstAttempt`: since the first attempt after it; of service and first ack, for a fault
 * with `healAfter`: since its end). Null: the ladder has no such step, or it did not happen, and then `missed` says so.
 */
export interface FaultRow {
  readonly fault: string;
  readonly seat: string;
  readonly twin: boolean;
  readonly ladder: DemoLadder;
  readonly expected: DemoLadder;
  readonly detectedMs: number | null;
  /** It counts as a failure, so people are owed a word. */
  readonly owesAlert: boolean;
  /** The first notice that names the device, its account or the seat has arrived on the fleet's channel. */
  readonly toldMs: number | null;
  readonly chosenMs: number | null;
  readonly inServiceMs: number | null;
  readonly firstAckMs: number | null;
  /** From detection to the choice, from the commit to service: what two of the targets are about. */
  readonly selectionMs: number | null;
  readonly serviceMs: number | null;
  readonly met: boolean;
  /** Why not, if not. */
  readonly missed: readonly string[];
}

const WATCH_FOR = 25_000;
/** Where nothing has to happen: longer than the detector takes to accuse and a seat takes to move to a twin. */
const NOTHING_FOR = 6500;
const LOOK_EVERY = 25;

interface Proof {
  readonly at: number;
  /** Through which the message was sent last. */
  readonly device: DeviceId;
  readonly sentAt: number;
  readonly waId: WaId;
}

/** Watches one seat from `begin` to `finish`. */
export class Watch {
  readonly #stage: Stage;
  readonly #traffic: Traffic;
  readonly #fault: DemoFault;
  readonly #seat: DemoSeat;
  readonly #expected: DemoLadder;
  readonly #isDetected: boolean;
  readonly #sent = new Map<WaId, { at: number; device: DeviceId }>();
  readonly #refused = new Map<WaId, number>();
  readonly #proofs: Proof[] = [];
  readonly #stops: (() => void)[];
  #injectedAt = Number.POSITIVE_INFINITY;
  #firstAttemptAt: number | null = null;
  #closedAt: number | null = null;
  #reopenedAt: number | null = null;
  #toldAt: number | null = null;
  #wasAlarmed = false;

  constructor(stage: Stage, traffic: Traffic, fault: DemoFault, seat: DemoSeat) {
    this.#stage = stage;
    this.#traffic = traffic;
    this.#fault = fault;
    this.#seat = seat;
    this.#expected = fault.expected[seat.twin ? "twin" : "alone"] ?? "none";
    this.#isDetected = !fault.averted && this.#expected !== "none";
    const { supervisor } = stage;
    this.#stops = [
      supervisor.onFact((fact) => this.#take(fact)),
      supervisor.onEvent((event) => this.#hear(event)),
      stage.onTold((told) => this.#read(told)),
    ];
  }

  /** The fault is injected in this turn, on the clock of the supervisor. */
  begin(at: number): void {
    this.#injectedAt = at;
  }

  /** Waits for the first acknowledged message of the new order of things, and the first notice, or until the patience ends. */
  async finish(signal?: AbortSignal): Promise<FaultRow> {
    const end = this.#injectedAt + (this.#fault.watchFor ?? WATCH_FOR);
    try {
      let records = await this.#records();
      while (this.#stage.now() < end && !this.#isOver(records)) {
        await pause(LOOK_EVERY, signal);
        records = await this.#records();
      }
      return this.#row(records);
    } finally {
      for (const stop of this.#stops) stop();
    }
  }

  // ---- what happens ----

  #take(fact: ConnectionFact): void {
    if (fact.at < this.#injectedAt) return;
    switch (fact.kind) {
      case "sent": {
        const message = this.#traffic.find(fact.message);
        if (!message || (message.seat !== this.#seat.seat && !this.#fault.toStrangers)) return;
        this.#sent.set(message.waId, { at: fact.at, device: fact.device });
        if (message.seat === this.#seat.seat) this.#firstAttemptAt ??= fact.at;
        return;
      }
      case "refused":
        if (accountOf(fact.device) === this.#seat.account) this.#refused.set(fact.waId, fact.at);
        return;
      case "acked":
      case "copied":
      case "receipt": {
        const sent = this.#sent.get(fact.waId);
        if (sent) this.#proofs.push({ at: fact.at, device: sent.device, sentAt: sent.at, waId: fact.waId });
        return;
      }
      case "closed":
        if (fact.device === this.#seat.home) this.#closedAt ??= fact.at;
        return;
      case "serving":
        if (fact.device === this.#seat.home && this.#closedAt !== null) this.#reopenedAt ??= fact.at;
        return;
      default:
    }
  }

  #hear({ type, subject, at, data }: FleetEvent): void {
    if (at < this.#injectedAt || (type !== "alert.raised" && type !== "alert.escalated")) return;
    if (data["level"] === "critical" && (subject === this.#seat.seat || subject === "fleet")) this.#wasAlarmed = true;
  }

  #read({ at, subject, raisedAt }: Told): void {
    const { home, account, seat } = this.#seat;
    if (raisedAt >= this.#injectedAt && (subject === home || subject === account || subject === seat)) this.#toldAt ??= at;
  }

  /** Failovers that began after the fault, the oldest first. */
  async #records(): Promise<readonly FailoverRecord[]> {
    const list = await this.#stage.supervisor.ask("failover.list", { seat: this.#seat.seat, limit: 50 });
    if (list.kind !== "failovers") return [];
    return list.rows.filter(({ detectedAt, cause }) => detectedAt >= this.#injectedAt && cause !== "operator").toReversed();
  }

  // ---- what it amounts to ----

  #isOver(records: readonly FailoverRecord[]): boolean {
    if (this.#expected === "none") return this.#stage.now() > this.#zero() + NOTHING_FOR;
    if (this.#stage.now() < this.#healedAt() || (this.#isDetected && this.#toldAt === null)) return false;
    const ladder = this.#ladder(records);
    const isSettled = ladder !== "reconnect" || records.at(-1)?.outcome !== "running";
    return ladder !== "none" && isSettled && this.#firstAck(records) !== null;
  }

  #ladder(records: readonly FailoverRecord[]): DemoLadder {
    const move = moveIn(records);
    if (move?.to) return accountOf(move.to) === this.#seat.account ? "twin" : "account";
    if (this.#reopenedAt !== null) return "reconnect";
    return this.#rerouted() ? "rerouted" : "none";
  }

  /** A message that this account may not send, acknowledged through another one. */
  #rerouted(): Proof | undefined {
    return this.#proofs.find(
      ({ waId, device, sentAt }) => accountOf(device) !== this.#seat.account && sentAt >= (this.#refused.get(waId) ?? Infinity),
    );
  }

  /** Through the new holder, or through the holder's new link; with nothing moved, any proof of what was sent since. */
  #firstAck(records: readonly FailoverRecord[]): number | null {
    const ladder = this.#ladder(records);
    if (ladder === "rerouted") return this.#rerouted()?.at ?? null;
    const move = moveIn(records);
    const proof = this.#proofs.find(({ at, device, sentAt }) => {
      if (at < this.#healedAt()) return false;
      // Whoever speaks by then: the one that was chosen may have had to pass the seat on.
      if (move) return device !== this.#seat.home && sentAt >= (move.committedAt ?? 0);
      if (ladder === "reconnect") return device === this.#seat.home && at >= (this.#reopenedAt ?? Infinity);
      return true;
    });
    return proof?.at ?? null;
  }

  #zero(): number {
    return this.#fault.fromFirstAttempt ? (this.#firstAttemptAt ?? this.#injectedAt) : this.#injectedAt;
  }
  #healedAt(): number {
    return this.#injectedAt + (this.#fault.healAfter ?? 0);
  }

  #row(records: readonly FailoverRecord[]): FaultRow {
    const { name: fault, healAfter, alarms = false } = this.#fault;
    const ladder = this.#ladder(records);
    const move = moveIn(records);
    const from = healAfter ? this.#healedAt() : this.#zero();
    const detectedAt = ladder === "rerouted" ? Math.min(...this.#refused.values()) : records[0]?.detectedAt;
    const steps = {
      ladder,
      detectedMs: between(this.#zero(), detectedAt),
      toldMs: between(this.#zero(), this.#toldAt),
      chosenMs: between(this.#zero(), move?.chosenAt),
      inServiceMs: between(from, move ? move.inServiceAt : this.#reopenedAt),
      firstAckMs: between(from, this.#firstAck(records)),
      selectionMs: between(move?.detectedAt, move?.chosenAt),
      serviceMs: move ? between(move.committedAt, move.inServiceAt) : between(from, this.#reopenedAt),
    };
    const missed = judge(
      { ...steps, wasAlarmed: this.#wasAlarmed },
      { ladder: this.#expected, isDetected: this.#isDetected, isAlarming: alarms },
    );
    const { seat, twin } = this.#seat;
    return {
      fault,
      seat,
      twin,
      expected: this.#expected,
      owesAlert: this.#isDetected,
      ...steps,
      met: missed.length === 0,
      missed,
    };
  }
}

const moveIn = (records: readonly FailoverRecord[]): FailoverRecord | undefined =>
  records.find(({ outcome, ladder }) => outcome === "inService" && ladder !== null && hasMoved(ladder));

const between = (from: number | null | undefined, to: number | null | undefined): number | null =>
  typeof from === "number" && typeof to === "number" ? Math.max(0, to - from) : null;
