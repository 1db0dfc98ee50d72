/** A plan to share out again what waits on a line, carried out: from the order to the end of every move. */
import type { FleetEvent } from "../../machines/ports/records.ts";
import type { MoveEnd, RebalanceAnswer } from "./control-protocol.ts";
import type { Supervisor } from "./supervisor.ts";

/** What has not ended by then is still under way; whoever asked is told so. */
const WITHIN = 25_000;

export const carriedOut = async (
  supervisor: Pick<Supervisor, "onEvent"> & { readonly node: Pick<Supervisor["node"], "moveConversations"> },
  plan: RebalanceAnswer,
  by: string,
  within = WITHIN,
): Promise<RebalanceAnswer> => {
  const ends = new Map<string, MoveEnd>(plan.moves.map(({ conversation }) => [conversation, { conversation, kind: "underWay" }]));
  let left = ends.size;
  if (left === 0) return { ...plan, ends: [] };
  await new Promise<void>((resolve) => {
    const stop = (): void => {
      clearTimeout(late);
      stopListening();
      resolve();
    };
    const late = setTimeout(stop, within);
    const stopListening = supervisor.onEvent((event) => {
      const end = endOf(event);
      if (!end || ends.get(end.conversation)?.kind !== "underWay") return;
      ends.set(end.conversation, end);
      if (--left === 0) stop();
    });
    supervisor.node.moveConversations(plan.moves, by);
  });
  return { ...plan, ends: [...ends.values()] };
};

const endOf = ({ type, subject, data }: FleetEvent): MoveEnd | undefined => {
  if (type === "conversation.moved") return { conversation: subject, kind: "moved" };
  if (type === "conversation.stayed") return { conversation: subject, kind: "stayed", why: String(data["why"]) };
  return undefined;
};
