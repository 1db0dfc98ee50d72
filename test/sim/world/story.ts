/** A fault on a seat of the demo's fleet, and what the ground truth says about it: times from the injection, and what people saw. */
import type { DeviceId, MessageId, Millis, SeatId } from "../../../machines/ports/ids.ts";
import { accountOf } from "../../../machines/ports/ids.ts";
import type { FailoverRecord } from "../../../machines/ports/records.ts";
import { isOpen } from "../../../machines/delivery/outbox-state.ts";
import type { Fault } from "../../../sim/faults/catalogue.ts";
import type { Target } from "../../../sim/faults/rule.ts";
import { Fleet } from "../../../sim/world/harness.ts";
import type { Recorded } from "../../../sim/world/ledger.ts";
import { demoFleet } from "../../../sim/world/reference.ts";

export const withTwin = "support/support-1" as SeatId;
export const withoutTwin = "sales/sales-2" as SeatId;

export type Injection = Fault extends infer F ? (F extends Fault ? Omit<F, "at" | "target"> : never) : never;
export interface Told {
  readonly fleet: Fleet;
  readonly before: DeviceId | null;
  readonly after: DeviceId | null;
  readonly ladder: "twin" | "account" | "reconnect" | "none";
  readonly failovers: readonly FailoverRecord[];
  readonly detected: Millis | null;
  readonly inService: Millis | null;
  /** First ack, after the fault, of a message that passed the gate after detection. */
  readonly firstAck: Millis | null;
  readonly lost: readonly MessageId[];
  readonly unmarked: readonly MessageId[];
  readonly outOfOrder: readonly MessageId[];
}

export const settled = (seed: number | string, sends = 16): Fleet => {
  const fleet = new Fleet({ seed, declaration: demoFleet(), workload: { sends, writes: 1, peoplePerLine: 200 } });
  if (!fleet.until(() => fleet.allServing, 120_000)) throw new Error(`seed ${seed}: not all seats came into service`);
  // Everyone on his own place, whoever was there first.
  for (const { id, account, holder } of fleet.seats()) {
    if (holder !== null && accountOf(holder) === account) continue;
    fleet.node?.demandFailover(id, `${account}/a` as DeviceId, "test");
    fleet.run(5_000);
  }
  fleet.run(60_000);
  return fleet.startWorkload().run(20_000);
};

/** Injects, waits for the dust to settle, and looks. */
export const tell = (fleet: Fleet, seat: SeatId, faults: readonly Injection[], target: Target = { seat }): Told => {
  const { clock, ledger } = fleet.world;
  const before = fleet.seat(seat)?.holder ?? null;
  const earlier = fleet.failovers(seat).length;
  const from = clock.now();
  const firstEvent = ledger.events.length;
  for (const fault of faults) fleet.inject({ ...fault, target });
  fleet.run(40_000).stopWorkload().run(120_000);
  const failovers = fleet.failovers(seat).slice(earlier);
  const decisive = failovers.find(({ outcome }) => outcome === "inService" || outcome === "averted");
  const events = ledger.events.slice(firstEvent);
  const after = decisive?.to ?? before;
  const detectedAt = decisive?.detectedAt ?? null;
  const since = (at: Millis | null | undefined): Millis | null => (at === null || at === undefined ? null : at - from);
  return {
    fleet,
    before,
    after: fleet.seat(seat)?.holder ?? null,
    ladder:
      decisive?.ladder ?? (events.some((event) => event.kind === "dialled" && event.device === before) ? "reconnect" : "none"),
    failovers,
    detected: since(detectedAt),
    inService: since(decisive?.inServiceAt),
    firstAck: since(firstAckOn(events, seat, after, detectedAt ?? from)),
    ...seenByPeople(fleet),
  };
};

const firstAckOn = (events: readonly Recorded[], seat: SeatId, device: DeviceId | null, from: Millis): Millis | undefined => {
  const passed = new Set<string>();
  for (const event of events) {
    if (event.kind === "gate" && event.seat === seat && event.device === device && event.at >= from) passed.add(event.waId);
    if (event.kind === "ackTold" && event.device === device && passed.has(event.waId)) return event.at;
  }
  return undefined;
};

/** What the phones of people say: lost (and nobody holds it), shown twice without a reason, shown in the wrong order. */
const seenByPeople = (fleet: Fleet): Pick<Told, "lost" | "unmarked" | "outOfOrder"> => {
  const { events } = fleet.world.ledger;
  const rows = new Map(fleet.store.tables.outbox.map((row) => [row.id, row]));
  const shown = new Set<MessageId>();
  const unmarked: MessageId[] = [];
  const outOfOrder: MessageId[] = [];
  const last = new Map<string, number>();
  for (const event of events) {
    if (event.kind !== "shown") continue;
    const row = rows.get(event.message);
    if (shown.has(event.message)) {
      const attempts = row?.attempts ?? [];
      if (attempts.length < 2 || !attempts.some(({ outcome }) => outcome === "unanswered")) unmarked.push(event.message);
      continue;
    }
    shown.add(event.message);
    const chat = `${event.person} ${row?.line}`;
    if ((row?.seq ?? 0) < (last.get(chat) ?? 0)) outOfOrder.push(event.message);
    last.set(chat, row?.seq ?? 0);
  }
  const heldChats = new Set([...rows.values()].flatMap((row) => (row.state === "held" ? [row.conversation] : [])));
  const lost = fleet.missing().flatMap(({ id }) => {
    const row = rows.get(id);
    const waits = row !== undefined && heldChats.has(row.conversation) && (row.state === "held" || isOpen(row.state));
    return waits ? [] : [id];
  });
  return { lost, unmarked, outOfOrder };
};
