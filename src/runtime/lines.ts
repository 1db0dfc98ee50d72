/** What is answered about lines: how conversations are shared out, and how what waits could be. */
import type { LineView } from "../../machines/delivery/balance/index.ts";
import { planRebalance, type WaitingConversation } from "../../machines/delivery/balance/rebalance.ts";
import type { ControlParts } from "./control.ts";
import { ControlError, type RebalanceAnswer, resolveName } from "./control-protocol.ts";

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
      conversations.push({ ...waiting, seat, hasBegun: warm.length > 0 });
    }
  }
  const { moves, before, after } = planRebalance(seats, conversations, most);
  return { line, moves, seats: seats.map(({ seat }) => ({ seat, before: before.get(seat) ?? 0, after: after.get(seat) ?? 0 })) };
};
