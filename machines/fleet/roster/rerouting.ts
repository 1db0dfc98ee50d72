/** Conversations that go to another seat: because the present account may not write to them, or because less waits there. */
import {
  type AccountId,
  accountOf,
  type ConversationId,
  type MessageId,
  type Millis,
  type SeatId,
  seatOf,
} from "../../ports/ids.ts";
import type { AuditDraft } from "../../ports/records.ts";
import { type Effect, type RosterEvent, type StoreEvent, tell } from "../../protocol.ts";
import { keptHere, mayTakeOver, nextMoves, over } from "../moves.ts";
import { heirOf } from "../posts.ts";
import { chooseReroute } from "../reroute.ts";
import { isRestricted, type RosterState } from "./state.ts";

export type RerouteAnswer = StoreEvent<"conversation.assign"> | StoreEvent<"conversation.get">;

export const reroute = (
  state: RosterState,
  from: SeatId,
  conversation: ConversationId,
  message: MessageId,
  at: Millis,
  mustHaveRoom = false,
): Effect[] => {
  const to = rerouteTo(state, from, at, mustHaveRoom);
  if (!to) return [tell(`queue:${from}`, { type: "notRerouted", message, why: "nobody" })];
  return inquire(state, { conversation, message, from, to, account: null, as: null });
};

/** From a servant to another of its seat, to the seat's holder, or wherever that one's would go. */
const rerouteTo = (state: RosterState, from: SeatId, at: Millis, mustHaveRoom: boolean): SeatId | undefined => {
  const seat = state.seats.get(seatOf(from));
  const post = state.posts.get(from);
  if (!seat || !post) return seat && chooseReroute(state, seat, at, mustHaveRoom)?.id;
  const heir = heirOf(state, post, at, mustHaveRoom);
  if (heir) return heir;
  const home = seat.holder && accountOf(seat.holder);
  const mayGoHome = home !== null && !isRestricted(state, home) && !mustHaveRoom;
  return mayGoHome ? seat.id : (chooseReroute(state, seat, at, mustHaveRoom)?.id ?? (mustHaveRoom ? undefined : seat.id));
};

export const inquire = (
  state: RosterState,
  reroute: Omit<RosterState["reroutes"][number], "tag">,
  audit: { readonly audit?: AuditDraft } = {},
): Effect[] => {
  const { conversation, to } = reroute;
  const tag = ++state.asked;
  state.reroutes.push({ ...reroute, tag });
  if (to === null) return [{ op: "store", ask: { op: "conversation.get", conversation }, tag }];
  return [
    tell(`queue:${to}`, { type: "conversation.coming", conversation }),
    { op: "store", ask: { op: "conversation.assign", conversation, seat: to, ...audit }, tag },
  ];
};

export const onYielded = (
  state: RosterState,
  { seat, conversation, message, seq, at }: Extract<RosterEvent, { type: "conversation.yielded" }>,
): Effect[] => {
  const move = state.moves.underWay.get(conversation);
  if (move && mayTakeOver(state, move, at)) {
    return inquire(state, { conversation, message, from: seat, to: null, account: null, as: "rebalance", seq });
  }
  const stays = tell(`queue:${seat}`, { type: "notRerouted", message, why: "nobody" });
  return [stays, ...keptHere(state, conversation, "the other seat may not take it at present"), ...nextMoves(state, at)];
};

/** The store has said whom the contact knows, or that the conversation is another seat's now, or nothing. */
const onMoveAnswer = (state: RosterState, asked: RosterState["reroutes"][number], event: RerouteAnswer): Effect[] => {
  const { from, to, conversation, message, seq = 1 } = asked;
  const { at } = event;
  const move = state.moves.underWay.get(conversation);
  const queue = `queue:${from}` as const;
  const stays = (why: "known" | "nobody" | "store", text: string): Effect[] => [
    tell(queue, { type: "notRerouted", message, why }),
    ...keptHere(state, conversation, text),
    ...nextMoves(state, at),
  ];
  if (event.type === "store.failed") {
    const text = "the store could not be asked";
    // It may have moved all the same: then its messages are found over there.
    return to === null
      ? stays("store", text)
      : [tell(`queue:${to}`, { type: "queue.reload", from: seq, conversation }), ...stays("store", text)];
  }
  if (event.type === "store.assigned") {
    if (to === null) return [];
    return [
      tell(queue, { type: "rerouted", conversation, message, to }),
      tell(`queue:${to}`, { type: "queue.reload", from: seq, conversation }),
      ...over(state, conversation, event.answer.moved),
      ...nextMoves(state, at),
    ];
  }
  if (knowsLine(state, from, event.answer.warm)) return stays("known", "its contact knows a number of the line");
  if (!move || !mayTakeOver(state, move, at)) return stays("nobody", "the other seat may not take it at present");
  const audit: AuditDraft = {
    at,
    actor: move.by,
    action: "conversation.moved",
    subject: from,
    text: `${conversation} goes from ${from} to ${move.to}, where less waits`,
    evidence: { conversation, to: move.to, waiting: move.waiting },
  };
  return inquire(state, { ...asked, to: move.to }, { audit });
};

export const onRerouteAnswer = (state: RosterState, event: RerouteAnswer): Effect[] => {
  const place = state.reroutes.findIndex(({ tag }) => tag === event.tag);
  const [asked] = place < 0 ? [] : state.reroutes.splice(place, 1);
  if (!asked) return [];
  if (asked.as === "rebalance") return onMoveAnswer(state, asked, event);
  const { from, to, account, as, conversation, message } = asked;
  // It may have moved all the same: then its messages are found over there.
  const reloads = to === null ? [] : [tell(`queue:${to}`, { type: "queue.reload", conversation })];
  if (event.type === "store.failed") return [tell(`queue:${from}`, { type: "notRerouted", message, why: "store" }), ...reloads];
  if (event.type === "store.assigned")
    return to === null ? [] : [tell(`queue:${from}`, { type: "rerouted", conversation, message, to }), ...reloads];
  const isWarm = account !== null && event.answer.warm.includes(account);
  if (isWarm) return [tell(`queue:${from}`, { type: "notRerouted", message, why: "warm" })];
  if (as === "new") return [tell(`queue:${from}`, { type: "notRerouted", message, why: "cold" })];
  // Who knows another number of the line waits for the one that the conversation has.
  if (as === "full" && knowsLine(state, from, event.answer.warm))
    return [tell(`queue:${from}`, { type: "notRerouted", message, why: "nobody" })];
  return reroute(state, from, conversation, message, event.at, as === "full");
};

const knowsLine = (state: RosterState, seat: SeatId, warm: readonly AccountId[]): boolean => {
  const line = state.seats.get(seatOf(seat))?.line;
  const masters = (line && state.lines.get(line)?.masters) ?? [];
  return warm.some((account) => masters.includes(account));
};
