/**
 * Messages that show how a seat fares: when a fault hits the holder of a seat, applications send to people of that seat each
 * second, so that there is something to be acknowledged, and something to be lost, at the worst moment.
 */
import { harmOf, isOfDevices } from "../faults/harm.ts";
import type { DeviceId, LineId, Millis, SeatId } from "../../machines/ports/ids.ts";
import type { Fleet } from "../world/harness.ts";
import type { PersonId } from "../world/ledger.ts";
import type { Plan } from "./plan.ts";
import type { Random } from "../world/random.ts";

const EVERY: Millis = 1_000;
/** Twice as long as the target for a first acknowledgement: a fault on the chosen candidate restarts the clock. */
const FOR: Millis = 22_000;
/** Holders hit beyond these in one stroke say nothing new. */
const AT_ONCE = 3;

export const testify = (fleet: Fleet, { until }: { readonly until: Millis }): void => {
  const { board, ledger, random } = fleet.world;
  const stream = random.stream("witnesses");
  ledger.watch((event) => {
    if (event.kind !== "fault" || event.what !== "began" || fleet.now >= until) return;
    const fault = board.faults[event.index];
    if (!fault || !isOfDevices(fault) || harmOf(fault) === null) return;
    const hit = new Set<DeviceId>(event.devices);
    const seats = fleet.seats().filter(({ holder }) => holder !== null && hit.has(holder));
    for (const { id, line } of seats.slice(0, AT_ONCE)) follow(fleet, stream, { seat: id, line, until: fleet.now + FOR });
  });
};

/** From a moment before a switchover until it must be over: something is always under way, unless it is waited for. */
const BEFORE_MOVE: Millis = 1_000;
const AFTER_MOVE: Millis = 4_000;

export const crowd = (fleet: Fleet, { faults, workload: { atMoves = 0, until } }: Plan): void => {
  if (atMoves === 0) return;
  const { clock, random } = fleet.world;
  const stream = random.stream("crowd");
  for (const fault of faults) {
    if (fault.kind !== "operator" || fault.order !== "switchover" || !("seat" in fault.target)) continue;
    const { seat } = fault.target;
    const line = seat.slice(0, seat.indexOf("/")) as LineId;
    const watch = { seat, line, until: Math.min(until, fault.at + AFTER_MOVE), every: 1_000 / atMoves };
    clock.setTimeout(() => follow(fleet, stream, watch), Math.max(0, fault.at - BEFORE_MOVE - fleet.now));
  }
};

interface Watch {
  readonly seat: SeatId;
  readonly line: LineId;
  readonly until: Millis;
  readonly every?: Millis;
}

const follow = (fleet: Fleet, stream: Random, watch: Watch): void => {
  const { seat, line, until, every = EVERY } = watch;
  const to = someoneFree(fleet, stream, seat);
  if (to) fleet.bring(line, to, "are you there?");
  if (fleet.now + every < until) fleet.world.clock.setTimeout(() => follow(fleet, stream, watch), every);
};

/** A person of the seat's conversations to whom nothing is on its way. */
const someoneFree = (fleet: Fleet, stream: Random, seat: SeatId): PersonId | null => {
  const { conversations, contacts } = fleet.store.tables;
  const busy = new Set(fleet.store.unsettled(seat).map(({ conversation }) => conversation));
  const free = [...conversations.values()].filter((conversation) => conversation.seat === seat && !busy.has(conversation.id));
  if (free.length === 0) return null;
  const { contact } = stream.pick(free);
  return contacts.get(Number(contact.slice(2)))?.lid ?? null;
};
