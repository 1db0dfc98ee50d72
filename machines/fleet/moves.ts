/**
 * Conversations on their way to other seats, so that what waits on a line is shared out again: a few at a time, each with its end.
 *
 * 1. The queue that has it is asked to let it go. It does if nothing of it is under way, unanswered or held, and nobody knows that
 *    the contact has heard from the line; from then on it stands still.
 * 2. The store is asked whom the contact knows. 3. The store gives it to the other seat, with the audit entry, in one transaction.
 * 4. The one queue forgets it, the other reads it.
 */
import { accountOf, type ConversationId, type Millis } from "../ports/ids.ts";
import type { Move } from "../delivery/balance/rebalance.ts";
import { type Effect, tell } from "../protocol.ts";
import type { RosterState } from "./roster/state.ts";

interface Ordered extends Move {
  /** `operator:NAME`, or the supervisor by itself. */
  readonly by: string;
}
export interface Moves {
  readonly waiting: Ordered[];
  readonly underWay: Map<ConversationId, Ordered & { readonly since: Millis }>;
}

const AT_ONCE = 4;
/** A queue that died in the meantime says nothing any more. */
const GIVEN_UP: Millis = 60_000;

export const noMoves = (): Moves => ({ waiting: [], underWay: new Map() });

/** What is on its way already is not ordered again: plans that are made while the store is slow name it each time. */
export const orderMoves = ({ moves: { waiting, underWay } }: RosterState, moves: readonly Move[], by: string): void => {
  const known = new Set([...waiting.map(({ conversation }) => conversation), ...underWay.keys()]);
  for (const move of moves) if (!known.has(move.conversation)) waiting.push({ ...move, by });
};

/** Asks for the next ones, as far as there is room. */
export const nextMoves = ({ moves: { waiting, underWay } }: RosterState, at: Millis): Effect[] => {
  const effects: Effect[] = [];
  for (const [conversation, { since }] of underWay) if (at - since > GIVEN_UP) underWay.delete(conversation);
  while (underWay.size < AT_ONCE) {
    const move = waiting.shift();
    if (!move) break;
    underWay.set(move.conversation, { ...move, since: at });
    effects.push(tell(`queue:${move.from}`, { type: "conversation.yield", conversation: move.conversation }));
  }
  return effects;
};

/** Its seat is of the same line, and spoken for by a device that is well, of an account that may begin a conversation now. */
export const mayTakeOver = (state: RosterState, { from, to }: Move, at: Millis): boolean => {
  const { seats, devices, accounts, config } = state;
  const target = seats.get(to);
  if (!target?.holder || target.line !== seats.get(from)?.line) return false;
  const health = devices.get(target.holder)?.state;
  const account = accountOf(target.holder);
  const isWell = (health === "healthy" || health === "recovering") && accounts.get(account)?.standing === "good";
  return isWell && (config.allowance?.nextAt(account, true, at) ?? at) <= at;
};

export const keptHere = (state: RosterState, conversation: ConversationId, why: string): Effect[] =>
  ended(state, conversation, "conversation.stayed", { why });

export const over = (state: RosterState, conversation: ConversationId, messages: number): Effect[] =>
  ended(state, conversation, "conversation.moved", { messages });

const ended = (
  { moves: { underWay } }: RosterState,
  conversation: ConversationId,
  type: "conversation.moved" | "conversation.stayed",
  data: Readonly<Record<string, string | number>>,
): Effect[] => {
  const move = underWay.get(conversation);
  if (!move) return [];
  underWay.delete(conversation);
  const { from, to, by } = move;
  return [{ op: "event", event: { type, subject: conversation, data: { from, to, by, ...data } } }];
};
