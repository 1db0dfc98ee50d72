/** Always: to even out what waits moves a few conversations at a time, as often as somebody asks. */
import type { LineId, Millis } from "../../machines/ports/ids.ts";
import { eventsOf, type Life, type Property } from "./life.ts";

/** Conversations that go at most each time: by the supervisor itself, and by the order that seeds give (docs/balancing.md). */
const MOST = 20;
/** It looks so often. What is asked for may take as long again. */
const EVERY: Millis = 5_000;

export const movesAreFew: Property = {
  name: "moves-are-few",
  says: "evening out moves at most twenty conversations of a line for each order, and by itself for each look at the line",
  *broken(life) {
    for (const { id } of life.plan.fleet.lines) {
      const orders = ordersFor(life, id);
      const moves = eventsOf(life, "said").filter(
        ({ type, data }) => type === "conversation.moved" && String(data["from"]).startsWith(`${id}/`),
      );
      const byOrder = moves.filter(({ data }) => data["by"] !== "supervisor");
      const last = byOrder[MOST * orders];
      if (last) yield { at: last.at, text: `${byOrder.length} conversations of ${id} went elsewhere by ${orders} orders` };
      const byItself = moves.filter(({ data }) => data["by"] === "supervisor");
      for (const [place, { at }] of byItself.entries()) {
        const first = byItself[place - 2 * MOST];
        if (!first || at - first.at > EVERY) continue;
        yield { at, text: `more than ${2 * MOST} conversations of ${id} went elsewhere within ${at - first.at} ms` };
        break;
      }
    }
  },
};

const ordersFor = ({ faults }: Life, line: LineId): number =>
  faults.reduce((sum, fault) => {
    if (fault.kind !== "operator" || fault.order !== "rebalance" || !("seat" in fault.target)) return sum;
    return fault.target.seat.startsWith(`${line}/`) ? sum + (fault.twice ? 2 : 1) : sum;
  }, 0);
