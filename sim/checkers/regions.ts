/** Always: what waits is shared out again only among seats that the line's strategy means for it. */
import { type LineId, lineOf, type SeatId, seatId, seatOf } from "../../machines/ports/ids.ts";
import { eventsOf, type Life, type Property } from "./life.ts";

export const movesKeepToTheirs: Property = {
  name: "moves-keep-to-theirs",
  says: "evening out takes no conversation to a seat of another region, nor one of an ordinary seat to one that is kept for contacts of a tier",
  *broken(life) {
    for (const { at, type, subject, data } of eventsOf(life, "said")) {
      if (type !== "conversation.moved") continue;
      const [from, to] = [seatOf(data["from"] as SeatId), seatOf(data["to"] as SeatId)];
      const [here, there] = [regionOf(life, from), regionOf(life, to)];
      if (here !== there) yield { at, text: `${subject} went from ${from} to ${to}, which is in ${there ?? "no region"}` };
      if (isKept(life, to) && !isKept(life, from))
        yield { at, text: `${subject} went from ${from} to ${to}, which is kept for others` };
    }
  },
};

const balanceOn = ({ plan }: Life, line: LineId) => plan.fleet.settings.lines?.[line]?.balance;

const regionOf = (life: Life, seat: SeatId): string | undefined => {
  const line = lineOf(seat);
  const balance = balanceOn(life, line);
  if (balance?.strategy !== "geo") return undefined;
  return balance.geo.regions.find(({ masters }) => masters.some((id) => seatId(line, id) === seat))?.name;
};

const isKept = (life: Life, seat: SeatId): boolean => {
  const line = lineOf(seat);
  const balance = balanceOn(life, line);
  if (balance?.strategy !== "priority") return false;
  const masters = life.plan.fleet.lines.find(({ id }) => id === line)?.masters ?? [];
  return masters.slice(0, balance.priority.reserved).some((id) => seatId(line, id) === seat);
};
