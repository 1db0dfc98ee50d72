/**
 * Cases: each time a fault took the holder of a seat that was in service, and what followed. From them come the timed checks and
 * the distributions. A fault of the node, the store or the whole service is no case: nothing can stand in for those.
 */
import { type AccountId, accountOf, type DeviceId, type MessageId, type Millis, type SeatId } from "../../machines/ports/ids.ts";
import { TARGETS } from "../../machines/account/timers.ts";
import { type Harm, harmOf, isOfDevices } from "../faults/harm.ts";
import { type Event, eventsOf, type Life } from "./life.ts";
import type { FaultSpan, Timeline } from "./timeline.ts";

export type Rung = "twin" | "account" | "reconnect";
export interface Case {
  readonly seat: SeatId;
  readonly device: DeviceId;
  readonly span: FaultSpan;
  readonly harm: Harm;
  /** From when on the holder was of no use: the fault's beginning, or the first message that met it and was not proved after all. */
  readonly from: Millis;
  readonly rung: Rung | null;
  readonly detectedAt: Millis | null;
  /** The row that first moved the seat. */
  readonly change: Event<"seat"> | null;
  /** The row that brought it back into service, and that which had moved it there: another candidate may have been tried before. */
  readonly served: { readonly at: Millis; readonly movedAt: Millis } | null;
  /** The first acknowledgement of a message that passed the gate once something had been done. */
  readonly firstAckAt: Millis | null;
}

/** What follows later than this is another story. */
export const HORIZON: Millis = 30_000;

export const casesOf = (timeline: Timeline): Case[] => {
  const acks = new Acks(timeline.life);
  const failed = eventsOf(timeline.life, "said").filter(({ type }) => type === "holder.failed");
  const serving = eventsOf(timeline.life, "said").filter(({ type }) => type === "seat.serving");
  const dials = eventsOf(timeline.life, "loggedIn");
  const ends = eventsOf(timeline.life, "ended");
  return timeline.faults.flatMap((span) => {
    const harm = harmOf(span.fault);
    if (harm === null || !isOfDevices(span.fault)) return [];
    return [...timeline.seats.keys()].flatMap((seat): Case[] => {
      const row = timeline.rowAt(seat, span.from);
      const device = row?.holder;
      if (!row || !device || row.phase !== "serving" || !span.devices.includes(device)) return [];
      // One that was out already has not failed now.
      if (!timeline.servedThrough(device, span.from - 1, span.from) || wasHarmed(timeline, span, device)) return [];
      // Nor has one that its seat was about to leave.
      const lastOf = (said: typeof failed): Millis =>
        said.findLast((event) => event.subject === seat && event.at < span.from)?.at ?? Number.NEGATIVE_INFINITY;
      if (lastOf(failed) > lastOf(serving)) return [];
      if (span.fault.kind === "ack-lost" && hasTwinBeside(timeline.life, span, device)) return [];
      const noticedAt = Math.min(
        ...[
          dials.find((event) => event.device === device && event.at > span.from),
          failed.find(({ at, subject }) => subject === seat && at >= span.from),
        ].map((event) => event?.at ?? Number.POSITIVE_INFINITY),
      );
      const from = harm === "unacknowledged" ? acks.firstMute(seat, device, span.from, noticedAt) : span.from;
      if (from === null || from > Math.min(span.to, span.from + HORIZON)) return [];
      const until = from + HORIZON;
      const within = (at: Millis): boolean => at >= span.from && at <= until;
      const moved = timeline.seats.get(seat)?.find((next) => within(next.at) && next.term > row.term) ?? null;
      const saidAt = failed.find(({ at, subject }) => subject === seat && within(at))?.at ?? null;
      // Its fault was over, and what it had sent meanwhile or since was answered: the next one to fall silent has a story of its own.
      const isOutlived = harm === "unacknowledged" && acks.isAnswered(seat, device, from, span.to, saidAt ?? until);
      const dialledAt = dials.find((event) => event.device === device && within(event.at) && event.at > span.from)?.at ?? null;
      const backAt = isOutlived ? null : dialledAt;
      // A link that was dialled anew is healed, unless nothing was wrong with it or its end was heard of, and so is one that
      // outlived its fault: what fails afterwards, and moves then, is another story, as is what moves without a failure.
      const isUnheard = harm === "silent" || (harm === "closed" && !ends.some((end) => end.device === device && within(end.at)));
      const isHealed = isUnheard && backAt !== null && (saidAt ?? Number.POSITIVE_INFINITY) > backAt;
      const isOver = (at: Millis): boolean => harm !== "closed" && at > span.to + TARGETS.detected;
      const detectedAt = isHealed || isOutlived || (saidAt !== null && isOver(saidAt)) ? null : saidAt;
      const failedLast =
        failed.findLast(({ at, subject }) => subject === seat && moved !== null && at <= moved.at && within(at))?.at ?? null;
      const isLed = isOrdered(timeline.life, moved);
      // The seat was led away before anybody could know.
      if (isLed && moved !== null && (saidAt === null || moved.at <= saidAt)) return [];
      // What its new link sent was proved, though the fault went on: it spoke again. That it fell mute once more is another story.
      const provedAt = harm === "unacknowledged" && backAt !== null ? acks.first(seat, backAt) : null;
      const isAnother =
        isLed ||
        isOutlived ||
        (failedLast !== null && provedAt !== null && failedLast > provedAt) ||
        (failedLast !== null && (isOver(failedLast) || (harm !== "unacknowledged" && backAt !== null && failedLast > backAt)));
      const change = isAnother ? null : moved;
      const served = change ? servedAfter(timeline.seats.get(seat) ?? [], change) : null;
      const actedAt = change?.at ?? backAt;
      const rung = change?.holder
        ? accountOf(change.holder) === accountOf(device)
          ? "twin"
          : "account"
        : backAt === null
          ? null
          : "reconnect";
      const firstAckAt = acks.first(seat, actedAt ?? from);
      return [{ seat, device, span, harm, from, rung, detectedAt, change, served, firstAckAt }];
    });
  });
};

/** A person wanted it, or it went home. */
const isOrdered = ({ tables }: Life, row: Event<"seat"> | null): boolean =>
  row !== null &&
  [...tables.failovers.values()].some(
    ({ seat, cause, termBefore, termAfter }) =>
      seat === row.seat &&
      termBefore < row.term &&
      row.term <= (termAfter ?? 0) &&
      (cause === "operator" || cause === "failback" || cause === "removed"),
  );

const servedAfter = (rows: readonly Event<"seat">[], change: Event<"seat">): Case["served"] => {
  const row = rows.find(({ at, phase, term }) => at >= change.at && term >= change.term && phase === "serving");
  const moved = row && rows.find(({ term }) => term === row.term);
  return row && moved ? { at: row.at, movedAt: moved.at } : null;
};

/** A twin hears the copies of what it sends: the lost acks are made up for. */
const hasTwinBeside = ({ plan }: Life, { devices }: FaultSpan, device: DeviceId): boolean =>
  plan.fleet.accounts.some(
    (account) => account.devices.includes(device) && account.devices.some((twin) => !devices.includes(twin)),
  );

/** Another fault has it in its grip already. */
const wasHarmed = (timeline: Timeline, { index, from }: FaultSpan, device: DeviceId): boolean =>
  timeline.faults.some(
    (other) =>
      other.index !== index &&
      other.from <= from &&
      other.to > from &&
      other.devices.includes(device) &&
      harmOf(other.fault) !== null,
  );

/**
 * When messages of seats passed the gate, and when we were told that WhatsApp has taken them: by the ack, or by what DESIGN.md
 * (idea 5) takes for the same, a twin's own copy or a receipt.
 */
class Acks {
  readonly #gates: readonly Event<"gate">[];
  /** By the number of the attempt. */
  readonly #accepted: ReadonlyMap<number, ReadonlyMap<MessageId, Millis>>;
  readonly #acks: ReadonlyMap<DeviceId, readonly Event<"ackTold">[]>;
  /** What each device of an account was told. */
  readonly #proofs = new Map<AccountId, (readonly Event<"proofTold">[])[]>();

  constructor(life: Life) {
    this.#gates = eventsOf(life, "gate");
    const attempts = Map.groupBy(eventsOf(life, "accepted"), ({ attempt }) => attempt);
    this.#accepted = new Map(
      [...attempts].map(([attempt, taken]) => [attempt, new Map(taken.map(({ message, at }) => [message, at]))]),
    );
    this.#acks = Map.groupBy(eventsOf(life, "ackTold"), ({ device }) => device);
    for (const [device, proofs] of Map.groupBy(eventsOf(life, "proofTold"), (event) => event.device)) {
      const account = accountOf(device);
      this.#proofs.set(account, [...(this.#proofs.get(account) ?? []), proofs]);
    }
  }

  /** The first message since `from` of which nobody had told us anything when the holder was dialled anew or given up: a twin that logs in brings copies. */
  firstMute(seat: SeatId, device: DeviceId, from: Millis, noticedAt: Millis): Millis | null {
    const isMute = (gate: Event<"gate">): boolean => (this.#toldAt(gate) ?? Number.POSITIVE_INFINITY) >= noticedAt;
    return (
      this.#gates.find((gate) => gate.at >= from && gate.seat === seat && gate.device === device && isMute(gate))?.at ?? null
    );
  }

  /** Was an attempt of the device since `from` proved after `over`, and before `until`? */
  isAnswered(seat: SeatId, device: DeviceId, from: Millis, over: Millis, until: Millis): boolean {
    return this.#gates.some((gate) => {
      if (gate.at < from || gate.at >= until || gate.seat !== seat || gate.device !== device) return false;
      const told = this.#toldAt(gate);
      return told !== undefined && told >= over && told < until;
    });
  }

  first(seat: SeatId, from: Millis): Millis | null {
    let best: Millis | null = null;
    for (const gate of this.#gates) {
      if (gate.at < from || gate.seat !== seat) continue;
      if (gate.at > from + HORIZON || (best !== null && gate.at > best)) break;
      const told = this.#toldAt(gate);
      if (told !== undefined && (best === null || told < best)) best = told;
    }
    return best;
  }

  /** Of this very attempt: what proves an earlier one says nothing about who speaks now. */
  #toldAt({ device, waId, message, attempt }: Event<"gate">): Millis | undefined {
    const accepted = this.#accepted.get(attempt)?.get(message);
    if (accepted === undefined) return undefined;
    let first: Millis | undefined;
    for (const told of [this.#acks.get(device) ?? [], ...(this.#proofs.get(accountOf(device)) ?? [])]) {
      const at = told.find((each) => each.waId === waId && each.at >= accepted)?.at;
      if (at !== undefined && at < (first ?? Infinity)) first = at;
    }
    return first;
  }
}
