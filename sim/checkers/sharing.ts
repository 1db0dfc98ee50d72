/** Always: new conversations go to seats as the line's strategy says. */
import type { LineBalance } from "../../machines/delivery/balance/strategy.ts";
import { type AccountId, accountOf, type LineId, type Millis, seatId, type SeatId, seatOf } from "../../machines/ports/ids.ts";
import { countryOf, personOf, vipsOf } from "../world/workload.ts";
import { eventsOf, type Life, type Property, troubles } from "./life.ts";

/** After whatever was broken, and after a seat has moved, devices are on probation, and accounts find out what they may. */
const AFTER: Millis = 20_000;

/** The first message to somebody on a line, as it was accepted. */
interface Beginning {
  readonly at: Millis;
  readonly seat: SeatId;
  readonly to: string;
}
type Balance = Pick<LineBalance, "strategy" | "weights" | "adaptive" | "priority" | "geo">;

export const sharesAreFair: Property = {
  name: "shares-are-fair",
  says: "while nothing is broken, a line's new conversations go to its seats in turn by weight, to the seats of the contact's region, or past a seat that is kept for others, as its strategy says",
  *broken(life) {
    const { lines, settings } = life.plan.fleet;
    // Whose account may begin nothing takes no turn.
    if (settings.caps || eventsOf(life, "standing").length > 0) return;
    for (const { id, masters } of lines) {
      const balance = settings.lines?.[id]?.balance;
      if (!balance || balance.strategy === "least-loaded") continue;
      for (const stretch of stretches(life, id)) {
        if (balance.strategy === "round-robin" && !balance.adaptive) yield* unevenIn(stretch, id, masters, balance.weights);
        if (balance.strategy === "geo") yield* strayedIn(stretch, life, id, balance);
        if (balance.strategy === "priority") yield* intruding(stretch, life, id, masters, balance);
      }
    }
  },
};

/** Between any two that could take part all the while (machines/delivery/balance/turns.ts). */
const unevenIn = function* (
  stretch: readonly Beginning[],
  line: LineId,
  masters: readonly AccountId[],
  weights: Balance["weights"],
) {
  const heaviest = Math.max(...masters.map((id) => weights[id] ?? 1));
  const seats = masters.map((id) => ({ seat: seatId(line, id), share: (weights[id] ?? 1) / heaviest, turns: 0 }));
  for (const { at, seat } of stretch) {
    const taker = seats.find((each) => each.seat === seat);
    if (taker) taker.turns++;
    for (const one of seats) {
      for (const other of seats) {
        const apart = one.turns / one.share - other.turns / other.share;
        if (apart <= 1 + 1 / one.share + 1 / other.share + 1e-6) continue;
        return void (yield {
          at,
          text: `${one.seat} has been given ${one.turns} new conversations while ${other.seat} was given ${other.turns}, and their weights are as ${one.share} to ${other.share}`,
        });
      }
    }
  }
};

const strayedIn = function* (stretch: readonly Beginning[], life: Life, line: LineId, { geo }: Balance) {
  const { workload } = life.plan;
  const homes = new Map<string, readonly SeatId[]>();
  for (let no = 1; no <= workload.peoplePerLine; no++) {
    const country = countryOf(no, workload);
    const region = country && geo.regions.find(({ countries }) => countries.includes(country));
    if (region && region.masters.length > 0)
      homes.set(
        personOf(line, no),
        region.masters.map((id) => seatId(line, id)),
      );
  }
  for (const { at, seat, to } of stretch) {
    const near = homes.get(to);
    if (near && !near.includes(seat)) {
      return void (yield { at, text: `the conversation with ${to} went to ${seat}, and ${near.join(", ")} is nearer` });
    }
  }
};

const intruding = function* (
  stretch: readonly Beginning[],
  life: Life,
  line: LineId,
  masters: readonly AccountId[],
  { priority: { reserved } }: Balance,
) {
  const kept = new Set(masters.slice(0, reserved < masters.length ? reserved : 0).map((id) => seatId(line, id)));
  const vips = vipsOf(line, life.plan.workload);
  for (const { at, seat, to } of stretch) {
    if (kept.has(seat) && !vips.has(to))
      return void (yield { at, text: `the conversation with ${to} went to ${seat}, which is kept for others` });
  }
};

/** New conversations of the line, in stretches in which every seat of it was able all the while. */
const stretches = (life: Life, line: LineId): Beginning[][] => {
  const breaks = [
    ...troubles(life).map(({ from, until }) => ({ from, until: until + AFTER })),
    ...eventsOf(life, "seat").flatMap(({ at, seat }) => (seat.startsWith(`${line}/`) ? [{ from: at, until: at + AFTER }] : [])),
    ...gaps(life).map(({ from, until }) => ({ from, until: until + AFTER })),
    ...eventsOf(life, "said").flatMap(({ at, type }) => (type.startsWith("holder.") ? [{ from: at, until: at + AFTER }] : [])),
  ].toSorted((one, other) => one.from - other.from);
  const all: Beginning[][] = [];
  const known = new Set<string>();
  const unsure = firstUnsure(life);
  let [place, until, isNew] = [0, 0, true];
  for (const { at, seat, to, line: of } of life.accepted) {
    if (at >= unsure) break;
    if (of !== line || known.has(to)) continue;
    known.add(to);
    for (let next = breaks[place]; next && next.from <= at; next = breaks[++place]) {
      until = Math.max(until, next.until);
      isNew = true;
    }
    if (at < until || !isHome(life, line, at)) continue;
    if (isNew) all.push([]);
    isNew = false;
    // A servant takes the turn of its seat.
    all.at(-1)?.push({ at, seat: seatOf(seat), to });
  }
  return all;
};

/** Without a link: after an outage a device waits for its turn to dial. */
const gaps = (life: Life): { readonly from: Millis; readonly until: Millis }[] => {
  const served = Map.groupBy(eventsOf(life, "serving"), ({ device }) => device);
  return [...eventsOf(life, "ended"), ...eventsOf(life, "dropped")].map(({ at, device }) => ({
    from: at,
    until: served.get(device)?.find((next) => next.at > at)?.at ?? life.to,
  }));
};

/** From then on what was accepted first may have been answered "failed", so that nobody knows when a conversation began. */
const firstUnsure = (life: Life): Millis =>
  eventsOf(life, "fault").find(({ fault }) => fault.startsWith("store-") || fault === "node-crash")?.at ?? life.to;

/** A seat for which another number speaks is in no region, and a restart may forget a turn. */
const isHome = (life: Life, line: LineId, at: Millis): boolean => {
  const now = new Map<SeatId, string | null>();
  for (const row of eventsOf(life, "seat")) if (row.at <= at && row.seat.startsWith(`${line}/`)) now.set(row.seat, row.holder);
  return [...now].every(([seat, holder]) => holder !== null && seat === seatId(line, accountOf(holder as never)));
};
