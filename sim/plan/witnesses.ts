/**
 * Messages that show how a seat fares: when a fault hits the holder of a seat, applications send to people of that seat each
 * second, so that there is something to be acknowledged, and something to be lost, at the worst moment.
 */
import { harmOf, isOfDevices } from "../faults/harm.ts";
import type { DeviceId, LineId, Millis, SeatId } from "../../machines/ports/ids.ts";
import type { Fleet } from "../world/harness.ts";
import type { PersonId } from "../world/ledger.ts";
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
    for (const { id, line } of seats.slice(0, AT_ONCE)) follow(fleet, stream, id, line, fleet.now + FOR);
  });
};

const follow = (fleet: Fleet, stream: Random, seat: SeatId, line: LineId, until: Millis): void => {
  const to = someoneFree(fleet, stream, seat);
  if (to) fleet.bring(line, to, "are you there?");
  if (fleet.now + EVERY < until) fleet.world.clock.setTimeout(() => follow(fleet, stream, seat, line, until), EVERY);
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
