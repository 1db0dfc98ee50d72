/** One fault, from the injection at the server to the first message acknowledged again: what happened, and when. */
import type { ConnectionFact } from "../../machines/ports/connection.ts";
import { accountOf, type DeviceId, type WaId } from "../../machines/ports/ids.ts";
import type { FailoverRecord } from "../../machines/ports/records.ts";
import type { DemoFault, DemoLadder } from "./faults.ts";
import type { DemoSeat } from "./fleet.ts";
import type { Stage } from "./stage.ts";
import type { Traffic } from "./traffic.ts";

/** All times in ms since the injection (for `fromFirstAttempt`: since the first attempt after it); null: the ladder has no such step. */
export interface FaultRow {
  readonly fault: string;
  readonly seat: string;
  readonly twin: boolean;
  readonly ladder: DemoLadder;
  readonly expected: DemoLadder;
  readonly detectedMs: number | null;
  readonly chosenMs: number | null;
  readonly inServiceMs: number | null;
  readonly firstAckMs: number | null;
  readonly met: boolean;
  /** Why not, if not. */
  readonly missed: readonly string[];
}

/** DESIGN, "Targets", in ms. */
export const TARGETS = { detected: 5000, chosen: 1000, inService: 5000, firstAck: 10_000 } as const;
const WATCH_FOR = 25_000;

interface Proof {
  readonly at: number;
  readonly device: DeviceId;
  readonly sentAt: number;
}

/** Watches one seat from its creation to `finish`. */
export class Watch {
  readonly #stage: Stage;
  readonly #traffic: Traffic;
  readonly #seat: DemoSeat;
  readonly #holder: DeviceId;
  readonly #sent = new Map<WaId, { at: number; device: DeviceId }>();
  readonly #stop: () => void;
  #firstAttemptAt: number | null = null;
  #proofs: Proof[] = [];
  #reopenedAt: number | null = null;
  #closedAt: number | null = null;
  injectedAt = Number.POSITIVE_INFINITY;

  constructor(stage: Stage, traffic: Traffic, seat: DemoSeat, holder: DeviceId) {
    this.#stage = stage;
    this.#traffic = traffic;
    this.#seat = seat;
    this.#holder = holder;
    this.#stop = stage.supervisor.onFact((fact) => this.#take(fact));
  }

  #take(fact: ConnectionFact): void {
    if (fact.at < this.injectedAt) return;
    if (fact.kind === "sent") {
      const message = [...this.#traffic.accepted.values()].findLast(({ id }) => id === fact.message);
      if (message?.seat !== this.#seat.seat) return;
      this.#sent.set(message.waId, { at: fact.at, device: fact.device });
      this.#firstAttemptAt ??= fact.at;
    } else if (fact.kind === "acked" || fact.kind === "copied" || fact.kind === "receipt") {
      const sent = this.#sent.get(fact.waId);
      if (sent && sent.at >= this.injectedAt) this.#proofs.push({ at: fact.at, device: sent.device, sentAt: sent.at });
    } else if (fact.kind === "closed" && fact.device === this.#holder) this.#closedAt ??= fact.at;
    else if (fact.kind === "serving" && fact.device === this.#holder && this.#closedAt !== null) this.#reopenedAt ??= fact.at;
  }

  /** Waits for the first acknowledged message of the new order of things, or until the patience ends. */
  async finish(fault: DemoFault, expected: DemoLadder): Promise<FaultRow> {
    const end = this.injectedAt + (fault.watchFor ?? WATCH_FOR);
    let record = await this.#record();
    while (Date.now() < end && !this.#isOver(record, expected, fault)) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      record = await this.#record();
    }
    this.#stop();
    return this.#row(fault, expected, record);
  }

  #isOver(record: FailoverRecord | undefined, expected: DemoLadder, fault: DemoFault): boolean {
    if (expected === "none") return Date.now() > this.injectedAt + 8000;
    if (fault.healAfter && Date.now() < this.injectedAt + fault.healAfter) return false;
    const settled =
      expected === "reconnect" ? this.#reopenedAt !== null : record?.outcome === "inService" || record?.outcome === "averted";
    return settled && this.#firstAck(record, fault) !== null;
  }

  async #record(): Promise<FailoverRecord | undefined> {
    const list = await this.#stage.supervisor.ask("failover.list", { seat: this.#seat.seat, limit: 10 });
    if (list.kind !== "failovers") return undefined;
    const mine = list.rows.filter(({ detectedAt, cause }) => detectedAt >= this.injectedAt && cause !== "operator");
    return mine.find(({ outcome }) => outcome === "inService" || outcome === "averted") ?? mine[0];
  }

  #ladder(record: FailoverRecord | undefined): DemoLadder {
    if (record?.outcome === "inService")
      return record.to && accountOf(record.to) === accountOf(this.#holder) ? "twin" : "account";
    return this.#reopenedAt === null ? "none" : "reconnect";
  }

  /** Through the new holder, or through the holder's new link; with nothing moved, any proof of what was sent since. */
  #firstAck(record: FailoverRecord | undefined, fault: DemoFault): number | null {
    const ladder = this.#ladder(record);
    const from = fault.healAfter ? this.injectedAt + fault.healAfter : this.injectedAt;
    const counts = (proof: Proof): boolean => {
      if (proof.at < from) return false;
      if (ladder === "none") return true;
      if (ladder === "reconnect") return this.#reopenedAt !== null && proof.at >= this.#reopenedAt;
      return proof.device === record?.to && proof.sentAt >= (record?.committedAt ?? 0);
    };
    return this.#proofs.find(counts)?.at ?? null;
  }

  #row(fault: DemoFault, expected: DemoLadder, record: FailoverRecord | undefined): FaultRow {
    const zero = fault.fromFirstAttempt ? (this.#firstAttemptAt ?? this.injectedAt) : this.injectedAt;
    const since = (at: number | null | undefined, base = zero): number | null =>
      typeof at === "number" ? Math.max(0, at - base) : null;
    const ladder = this.#ladder(record);
    const moved = ladder === "twin" || ladder === "account";
    const healedAt = fault.healAfter ? this.injectedAt + fault.healAfter : zero;
    const times = {
      detectedMs: since(record?.detectedAt),
      chosenMs: moved ? since(record?.chosenAt) : null,
      inServiceMs: moved ? since(record?.inServiceAt) : since(this.#reopenedAt),
      firstAckMs: since(this.#firstAck(record, fault), healedAt),
    };
    const missed = judge(ladder, expected, times, record);
    return {
      fault: fault.name,
      seat: this.#seat.seat,
      twin: this.#seat.twin,
      ladder,
      expected,
      ...times,
      met: missed.length === 0,
      missed,
    };
  }
}

type Times = Pick<FaultRow, "detectedMs" | "chosenMs" | "inServiceMs" | "firstAckMs">;

/** What misses its target; steps that the ladder has and that did not happen miss it, too. */
export const judge = (ladder: DemoLadder, expected: DemoLadder, times: Times, record: FailoverRecord | undefined): string[] => {
  const missed: string[] = [];
  const owe = (name: string, value: number | null | undefined, bound: number): void => {
    if (value === null || value === undefined) missed.push(`${name} never happened`);
    else if (value >= bound) missed.push(`${name} took ${Math.round(value)} ms, ${bound} allowed`);
  };
  if (ladder !== expected) missed.push(`ladder ${ladder}, expected ${expected}`);
  if (ladder === "twin" || ladder === "account") {
    owe("detection", times.detectedMs, TARGETS.detected);
    owe("choice", between(record?.detectedAt, record?.chosenAt), TARGETS.chosen);
    owe("service after commit", between(record?.committedAt, record?.inServiceAt), TARGETS.inService);
  }
  if (ladder === "reconnect") owe("reconnection", times.inServiceMs, Number.POSITIVE_INFINITY);
  owe("first acknowledged message", times.firstAckMs, TARGETS.firstAck);
  return missed;
};

const between = (from: number | null | undefined, to: number | null | undefined): number | null =>
  typeof from === "number" && typeof to === "number" ? to - from : null;
