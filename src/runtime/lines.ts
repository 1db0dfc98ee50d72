/** What is answered about lines: how conversations are shared out, and how what waits could be. */
import type { LineView } from "../../machines/delivery/balance/index.ts";
import { planRebalance, type WaitingConversation } from "../../machines/delivery/balance/rebalance.ts";
import { type AccountId, accountOf, type LineId, type Millis, type SeatId, servantOf } from "../../machines/ports/ids.ts";
import { saneRows } from "../metrics/sane-rows.ts";
import type { ControlParts } from "./control.ts";
import { ControlError, type RebalanceAnswer, resolveName } from "./control-protocol.ts";
import { groupsOf, imbalanceOf, type PerformanceAnswer } from "./performance.ts";
import type { LineNow } from "./performance-log.ts";
import type { Supervisor } from "./supervisor.ts";

type Parts = Pick<ControlParts, "supervisor" | "views">;

export const lineNamed = ({ supervisor, views }: Parts, name: string): LineView => {
  const line = resolveName("line", name, [...views.roster().lines.keys()]);
  const view = supervisor.node.line(line);
  if (!view) throw new ControlError("E_REFUSED", `${line} is not in service yet: ask again in a moment`);
  return view;
};

/** A contact who has heard from a number stays with it: the store knows who has. */
export const rebalanceOf = async (
  { supervisor, views }: Parts,
  { line, seats }: LineView,
  most: number,
): Promise<RebalanceAnswer> => {
  const conversations: WaitingConversation[] = [];
  for (const { seat } of seats) {
    for (const waiting of supervisor.node.backlog(seat)) {
      const { warm } = await views.ask("conversation.get", { conversation: waiting.conversation });
      conversations.push({ ...waiting, seat, hasBegun: waiting.hasBegun || warm.length > 0 });
    }
  }
  const { moves, before, after } = planRebalance(seats, conversations, most, supervisor.node.mayGo(line));
  return { line, moves, seats: seats.map(({ seat }) => ({ seat, before: before.get(seat) ?? 0, after: after.get(seat) ?? 0 })) };
};

/** What the store remembers of the last while, and the minute at hand. */
export const performanceOf = async (
  { supervisor, views, performance }: Parts & Pick<ControlParts, "performance">,
  name: string,
  span: Millis,
): Promise<PerformanceAnswer> => {
  const { line, seats } = lineNamed({ supervisor, views }, name);
  const { accounts } = views.roster();
  const until = views.now();
  const since = until - span;
  const { rows: stored, damaged } = saneRows((await views.ask("performance.read", { line, since })).rows, until);
  const minutes = [...stored, ...(performance?.rows() ?? []).filter((row) => row.line === line)];
  const groups = groupsOf(minutes, (account) => accounts.get(account)?.role ?? "master");
  return { line, since, until, groups, imbalance: imbalanceOf(minutes, seats), minutes, damaged };
};

/** For the log of performance; undefined: not in service yet. */
export const lineNow = (supervisor: Supervisor, line: LineId): LineNow | undefined => {
  const view = supervisor.node.line(line);
  if (!view) return undefined;
  const accountOfSeat = (seat: SeatId): AccountId => {
    const servant = servantOf(seat);
    if (servant !== null) return servant;
    const holder = supervisor.node.seat(seat)?.row.holder;
    return holder ? accountOf(holder) : (seat.slice(seat.indexOf("/") + 1) as AccountId);
  };
  return {
    strategy: view.strategy,
    seats: [...view.seats, ...view.posts].map(({ seat, begun }) => ({ seat, begun, account: accountOfSeat(seat) })),
  };
};
