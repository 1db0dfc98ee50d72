/** What must hold in every world; each answer says what broke it. Some are judged in the act, by `world.ts`: those are in `broken`. */
import type { SeatId } from "../../machines/ports/ids.ts";
import type { Action } from "./actions.ts";
import type { World } from "./world.ts";

/** What is promised, in the words that violations begin with. */
export const PROPERTIES = [
  "one holder per seat and term",
  "terms grow",
  "at most one commit under way",
  "no grant for a term that is not the row's",
  "the failed holder is never asked",
  "a candidate is fresh",
  "no link without a lease",
  "no actor in error",
  "no deadlock",
  "every seat can be served again",
] as const;

export const violations = (before: World, after: World): readonly string[] => [
  ...after.broken,
  ...terms(before, after),
  ...holders(after),
  ...leases(after),
];

const terms = (before: World, after: World): string[] =>
  [...after.seats].flatMap(([id, row]) => {
    const old = before.seats.get(id)?.term ?? 0;
    const known = rowOf(after, id)?.term ?? 0;
    const knew = rowOf(before, id)?.term ?? 0;
    const isReset = !before.isUp || !after.isUp;
    if (row.term < old) return [`terms grow: the row of ${id} went from ${old} to ${row.term}`];
    return known < knew && !isReset ? [`terms grow: ${id} followed its row from ${knew} to ${known}`] : [];
  });

const rowOf = (world: World, seat: SeatId): { term: number; holder: string | null } | undefined =>
  (world.charts.get(`seat:${seat}`)?.context as { row: { term: number; holder: string | null } } | undefined)?.row;

const holders = ({ grants, seats, flights, isUp, undecided }: World): string[] =>
  [...seats].flatMap(([id, row]) => {
    const granted = grants.get(id) ?? [];
    if (granted.length > 1)
      return [`one holder per seat and term: ${granted.map(({ device }) => device).join(" and ")} are both granted ${id}`];
    const [grant] = granted;
    if (grant && (grant.term > row.term || (grant.term === row.term && grant.device !== row.holder)))
      return [`one holder per seat and term: ${grant.device} is granted ${id} under ${grant.term}, the row says ${row.holder}`];
    // Between the commit and its answer the node can't know; the store's fence holds meanwhile.
    const isUnsure =
      undecided.has(id) ||
      flights.some(({ cargo }) =>
        cargo.kind === "ask" ? cargo.ask.seat === id : cargo.kind === "answer" && cargo.to === `failover:${id}`,
      );
    if (isUp && row.holder !== null && !isUnsure && grant?.term !== row.term)
      return [`no grant for a term that is not the row's: ${id} is at ${row.term}, granted ${grant ? grant.term : "nothing"}`];
    return [];
  });

const leases = ({ links, leases: rows, now }: World): string[] =>
  [...links].flatMap(([device, { state }]) =>
    state !== "down" && now > (rows.get(device)?.until ?? 0)
      ? [`no link without a lease: ${device} kept its link past the end`]
      : [],
  );

export const isServed = (world: World): boolean =>
  world.isUp && [...world.seats.keys()].every((seat) => world.charts.get(`seat:${seat}`)?.value === "serving");

/** No device of the line is left that could speak. */
export const isHopeless = ({ links }: World): boolean => [...links.values()].every(({ isDead }) => isDead);

/** `moves`: what may happen next. */
export const deadlock = (world: World, moves: readonly Action[]): string[] =>
  !isServed(world) && moves.every(({ fault, isIdle }) => fault !== null || isIdle)
    ? ["no deadlock: nothing is armed or on its way, and a seat is not served"]
    : [];
