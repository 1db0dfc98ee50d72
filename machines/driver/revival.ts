/**
 * What an actor that was started again has to be told before it is of use: it was rebuilt from its rows, and the rows say nothing
 * of what is under way. Pure: looks at the others, and says who is told what.
 */
import type { StandingContext } from "../account/standing.ts";
import type { RosterState } from "../fleet/roster.ts";
import { dutiesOf } from "../fleet/roster/duties.ts";
import { crowd } from "../fleet/roster/outage.ts";
import { restrictionsOf } from "../fleet/roster/restrictions.ts";
import { watch } from "../fleet/roster/watching.ts";
import { openingOf } from "../fleet/posts.ts";
import { accountOf, type AccountId, type DeviceId, type Millis, type SeatId, servantOf } from "../ports/ids.ts";
import type { FailoverCause } from "../ports/records.ts";
import type { SeatRow } from "../ports/store.ts";
import { type Address, type HealthReport, type HealthState, type Tell, tell } from "../protocol.ts";
import type { Loaded } from "./boot.ts";

export interface Around {
  readonly at: Millis;
  readonly loaded: Loaded;
  readonly peek: (address: Address) => { value: unknown; context: unknown } | undefined;
}

export const retold = (address: Address, around: Around): readonly Tell[] => {
  const [kind, id] = [address.split(":", 1)[0] as string, address.slice(address.indexOf(":") + 1)];
  switch (kind) {
    case "connection":
      return [tell(`connection:${id as DeviceId}`, { type: "start" })];
    case "lease":
      // Nobody renewed it meanwhile: it is asked for again before the link is trusted.
      return [tell(`connection:${id as DeviceId}`, { type: "lease.lost" })];
    case "health":
    case "detector":
      return toDevice(kind, id as DeviceId, around);
    case "checkup":
    case "standing":
      return toCheckup(id as AccountId, around);
    case "dialler":
      return toDialler(around);
    case "roster":
      return toRoster(around);
    case "master":
    case "servant":
      return dutiesIn(around, (state) => dutiesOf(state, id as AccountId));
    case "orchestrator":
      return toOrchestrator(around);
    case "seat":
      return [tell(`seat:${id as SeatId}`, { type: "start" })];
    case "sender":
      return toSpeaker(id as SeatId, around);
    case "queue":
      return [...dutiesIn(around, (state) => restrictionsOf(state, id as SeatId)), ...toSpeaker(id as SeatId, around)];
    case "failover":
      return toSeat(id as SeatId, around);
    case "switchover":
      return [tell(`seat:${id as SeatId}`, { type: "switchover.refused", why: "it was cut short" })];
    default:
      return [];
  }
};

const rosterState = ({ peek }: Around): RosterState | undefined => peek("roster")?.context as RosterState | undefined;
const dutiesIn = (around: Around, duties: (state: RosterState) => readonly Tell[]): readonly Tell[] => {
  const state = rosterState(around);
  return state ? duties(state) : [];
};
const devicesOf = (account: AccountId, { loaded }: Around): readonly DeviceId[] =>
  loaded.devices.flatMap((device) => (device.account === account ? [device.id] : []));

const servingDial = (device: DeviceId, { peek }: Around): number | null => {
  const link = peek(`connection:${device}`);
  return link?.value === "serving" ? (link.context as { dial: number }).dial : null;
};

/** What the chart of the standing holds to be so, and through which devices it can be looked at. */
const toCheckup = (account: AccountId, around: Around): readonly Tell[] => {
  const to = `checkup:${account}` as const;
  const chart = around.peek(`standing:${account}`)?.context as StandingContext | undefined;
  return [
    ...(chart ? [tell(to, { type: "standing.noted", standing: chart.standing, until: chart.until })] : []),
    ...devicesOf(account, around)
      .filter((device) => servingDial(device, around) !== null)
      .map((device) => tell(to, { type: "device.serving", device, serving: true })),
  ];
};

const toDevice = (kind: "health" | "detector", device: DeviceId, around: Around): readonly Tell[] => {
  const address = `${kind}:${device}` as const;
  const dial = servingDial(device, around);
  return [
    ...dutiesIn(around, (state) => watch(state, device).filter(({ to }) => to === address)),
    ...(dial === null ? [] : [tell(address, { type: "connection.serving", dial })]),
  ];
};

const WAITS_TO_DIAL: ReadonlySet<unknown> = new Set(["waiting", "outdated"]);
const toDialler = (around: Around): readonly Tell[] => [
  ...dutiesIn(around, (state) =>
    around.loaded.devices.flatMap(({ id }) => watch(state, id).filter(({ to }) => to === "dialler")),
  ),
  ...around.loaded.devices
    .filter(({ id }) => WAITS_TO_DIAL.has(around.peek(`connection:${id}`)?.value))
    .map(({ id }) => tell("dialler", { type: "dial.request", device: id })),
];

const toRoster = (around: Around): readonly Tell[] => [...toPosts(around), ...toRosterItself(around)];

/** What was given to others meanwhile has come without a word. */
const toPosts = (around: Around): readonly Tell[] =>
  dutiesIn(around, (state) =>
    [...state.posts.values()]
      .filter(({ isKept }) => isKept)
      .flatMap(({ id, seat }) => [
        tell(`queue:${id}`, { type: "queue.reload", isAnew: true, isAll: true }),
        tell(`queue:${seat}`, { type: "queue.reload", isAll: true }),
      ]),
  );

const toRosterItself = ({ loaded, peek }: Around): readonly Tell[] => [
  ...loaded.seats.map(({ id }) => tell(`queue:${id}`, { type: "queue.reload", isAnew: true })),
  ...loaded.seats.flatMap(({ id }) => {
    const row = rowOf(id, peek);
    return row ? [tell("roster", { type: "seat.stands", seat: id, holder: row.holder, term: row.term })] : [];
  }),
  ...loaded.devices.flatMap(({ id }) => {
    const health = peek(`health:${id}`);
    if (!health || health.value === "unknown") return [];
    const { cause, isFinal, lastEvidenceAt } = health.context as Pick<HealthReport, "cause" | "isFinal" | "lastEvidenceAt">;
    const state = health.value as HealthState;
    return [tell("roster", { type: "device.health", device: id, state, cause, isFinal, lastEvidenceAt })];
  }),
];

const toOrchestrator = (around: Around): readonly Tell[] => [
  ...toPaused(around.loaded.orders.pausedBy),
  ...dutiesIn(around, (state) => {
    const { quiet, of } = crowd(state, around.at);
    return state.outage ? [tell("orchestrator", { type: "outage.suspected", quiet, of })] : [];
  }),
  // They wait for an answer that its predecessor owed them.
  ...around.loaded.seats.flatMap(({ id }) => {
    const seat = around.peek(`seat:${id}`);
    if (seat?.value !== "denied") return [];
    const { cause, row } = seat.context as { cause: FailoverCause; row: SeatRow };
    return [tell("orchestrator", { type: "failover.request", seat: id, cause, isVacant: row.holder === null })];
  }),
];

const toPaused = (by: string | null): readonly Tell[] =>
  by === null ? [] : [tell("orchestrator", { type: "pause.request", by })];

const rowOf = (seat: SeatId, peek: Around["peek"]): SeatRow | undefined =>
  (peek(`seat:${seat}`)?.context as { row: SeatRow } | undefined)?.row;

const toSpeaker = (place: SeatId, around: Around): readonly Tell[] =>
  servantOf(place) === null ? toSender(place, around) : dutiesIn(around, (state) => openingOf(state, place));

const toSender = (seat: SeatId, { peek }: Around): readonly Tell[] => {
  const state = peek(`seat:${seat}`)?.value;
  const row = rowOf(seat, peek);
  if (!row?.holder || (state !== "serving" && state !== "threatened")) return [];
  const { holder, term } = row;
  return [tell(`sender:${seat}`, { type: "sender.open", device: holder, account: accountOf(holder), term })];
};

/** The row says how far the failover came. */
const toSeat = (seat: SeatId, { loaded }: Around): readonly Tell[] => {
  const row = loaded.seats.find(({ id }) => id === seat);
  if (!row) return [];
  return [
    tell(`seat:${seat}`, { type: "seat.changed", row }),
    tell(`seat:${seat}`, { type: "failover.ended", outcome: "aborted", holder: row.holder, term: row.term }),
  ];
};
