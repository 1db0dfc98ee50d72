/** One open message as the queue holds it in memory, and the conversation whose order it keeps. */
import type { AccountId, ContactId, ConversationId, DeviceId, MessageId, Millis, SeatTerm, WaId } from "../ports/ids.ts";
import { accountOf } from "../ports/ids.ts";
import type { MessageContent, OutboxRow, OutboxState } from "../ports/store.ts";
import { isOpen } from "./outbox-state.ts";
import { stepOutbox } from "./outbox.ts";
import type { Slotted } from "./heap.ts";

/**
 * Where a row stands here, which is finer than its state in the store.
 *
 * | phase      | means                                                       | state there          |
 * | ready      | may be handed over when it is its conversation's first      | accepted, unanswered |
 * | delayed    | could not be prepared; tried again at `wakeAt`              | accepted, unanswered |
 * | asked      | a connection was asked, and has said neither sent nor unsent | dispatched          |
 * | orphaned   | asked, but its link or term has ended meanwhile             | dispatched           |
 * | sent       | passed the gate; proof is awaited                           | dispatched           |
 * | unanswered | given up; proof is still welcome until it is decided about  | unanswered           |
 * | held       | waits for a word, a proof or its expiry                     | held                 |
 * | releasing  | released; ready as soon as the store knows                  | accepted             |
 * | rerouting  | the roster looks for another seat, or whether the contact is new | accepted, unanswered |
 * | capped     | the contact is new to the account, which may begin no more chats for now | accepted, unanswered |
 * | settled    | nothing left to do; remembered for late facts               | proved, failed       |
 */
export type Phase =
  | "ready"
  | "delayed"
  | "asked"
  | "orphaned"
  | "sent"
  | "unanswered"
  | "held"
  | "releasing"
  | "rerouting"
  | "capped"
  | "settled";

export interface Proof {
  readonly by: "ack" | "copy" | "receipt";
  readonly receipt: "delivered" | "read" | null;
}

export interface Row extends Slotted {
  readonly id: MessageId;
  readonly waId: WaId;
  readonly seq: number;
  readonly contact: ContactId;
  /** Null once settled. */
  content: MessageContent | null;
  readonly priority: number;
  readonly acceptedAt: Millis;
  readonly expiresAt: Millis | null;
  conversation: Conversation;
  phase: Phase;
  state: OutboxState;
  /** Why it is held or failed; null otherwise. */
  reason: string | null;
  /** Number of the last attempt, 0 before the first. */
  attempt: number;
  device: DeviceId | null;
  term: SeatTerm | null;
  /** The opening of the queue under which it was asked. */
  opening: number;
  /** The opening under which it was refused as stale. */
  staleIn: number;
  /** When the phase began, or, for asked and orphaned rows, from when the wait is counted. */
  since: Millis;
  /** Unanswered attempts, the latest last: each may have reached the phone. */
  readonly doubts: { readonly account: AccountId; readonly number: number }[];
  /** Accounts that were told that they may not write to this contact. */
  readonly refusedBy: AccountId[];
  /** The account for which another seat was last looked for. */
  askedFor: AccountId | null;
  /**
   * And why, if not because the account may not write: it has used up its new contacts (`full`), it has to be known whether this is
   * one (`new`), or another seat has less to do (`rebalance`).
   */
  askedAs: "full" | "new" | "rebalance" | null;
  /** The account for which no other seat had room for a new contact. */
  cappedOn: AccountId | null;
  /** When and as what the attempt under way was counted; null if it was not. */
  counted: { readonly account: AccountId; readonly opens: boolean; readonly at: Millis } | null;
  /** Its conversation went to another seat while it was under way. */
  isLeaving: boolean;
  /** It was called back, and must not be sent. */
  isCancelled: boolean;
  /** An operator let it go although it may be a duplicate. */
  approved: boolean;
  /** Preparations that failed in a row. */
  tries: number;
  /** Attempts that got no answer on a link that answered others. */
  mute: number;
  /** Came while an attempt was being prepared. */
  proof: Proof | null;
  /** Changes that the store has not confirmed. */
  unrecorded: number;
  /** When to look at it again (delayed, unanswered rows). */
  wakeAt: Millis;
  /** `wakeAt` or its expiry: its place among what is due. */
  dueAt: Millis;
}

export interface Conversation extends Slotted {
  readonly id: ConversationId;
  /** By seq; only the first may be under way. */
  readonly rows: Row[];
  /** The first row blocks for long: those behind it are left in the store. */
  isShut: boolean;
  /** Rows from this seq on are not in memory; null if all are that were seen. */
  parkedFrom: number | null;
  /** Place among the ready: acceptance less a bonus for priority. */
  rank: Millis;
  rankSeq: number;
  /** The account that is known to have spoken to the contact. */
  warmOn: AccountId | null;
  /** The account that had not, when it was asked. */
  cold: { readonly on: AccountId; readonly at: Millis } | null;
  /** The account that may have written, though nothing is proved: that is counted once. */
  openedOn: AccountId | null;
  /** The contact knows a number of the line: it goes to no other seat to even out what waits. */
  hasBegun: boolean;
  /** It stands still: on behalf of this row it is asked whether all of it goes to another seat. */
  yielded: Row | null;
}

/** When its turn comes: each level of priority is worth a wait. */
export const rankOf = ({ acceptedAt, priority }: Pick<OutboxRow, "acceptedAt" | "priority">, agingPerLevel: Millis): Millis =>
  acceptedAt - priority * agingPerLevel;

export const emptyConversation = (id: ConversationId): Conversation => ({
  id,
  rows: [],
  isShut: false,
  parkedFrom: null,
  rank: 0,
  rankSeq: 0,
  warmOn: null,
  cold: null,
  openedOn: null,
  hasBegun: false,
  yielded: null,
  slot: -1,
});

export const isUnderWay = (row: Row): boolean => row.phase === "asked" || row.phase === "orphaned" || row.phase === "sent";

export const isPreparing = (row: Row): boolean => row.phase === "asked" || row.phase === "orphaned";

export const isExpired = (row: Row, at: Millis): boolean => row.expiresAt !== null && row.expiresAt <= at;

/** Whoever writes to a group is in it already. */
export const isGroup = ({ contact }: Row): boolean => contact.startsWith("g:");

/** Number of the latest unanswered attempt, 0 if there is none. */
export const lastDoubt = (row: Row): number => row.doubts.at(-1)?.number ?? 0;

/** A row read from the store. What was under way there is unanswered: whoever was to hear the answer is gone. */
export const rowFrom = (stored: OutboxRow, conversation: Conversation, at: Millis): Row => {
  const doubts: Row["doubts"] = [];
  const refusedBy: AccountId[] = [];
  let attempt = 0;
  let device: DeviceId | null = null;
  let isInterrupted = stored.state === "dispatched";
  for (const each of stored.attempts) {
    attempt = Math.max(attempt, each.number);
    // The row may say something older: what became of the attempt before is written in its own time.
    if (each.outcome === "pending" && isOpen(stored.state)) isInterrupted = true;
    device = each.device;
    if (each.outcome === "pending" || each.outcome === "unanswered") {
      doubts.push({ account: accountOf(each.device), number: each.number });
    } else if (each.outcome === "refused") refusedBy.push(accountOf(each.device));
  }
  const state = isInterrupted ? stepOutbox("dispatched", { type: "attempt.lost" }) : stored.state;
  return {
    id: stored.id,
    waId: stored.waId,
    seq: stored.seq,
    contact: stored.contact,
    content: stored.content,
    priority: stored.priority,
    acceptedAt: stored.acceptedAt,
    expiresAt: stored.expiresAt,
    conversation,
    phase: state === "unanswered" ? "unanswered" : state === "held" ? "held" : "ready",
    state,
    reason: stored.reason,
    attempt,
    device,
    term: null,
    opening: 0,
    staleIn: -1,
    since: at,
    doubts,
    refusedBy,
    askedFor: null,
    askedAs: null,
    cappedOn: null,
    counted: null,
    isLeaving: false,
    isCancelled: false,
    // An accepted row with a doubt was released by an operator: it would be unanswered otherwise.
    approved: state === "accepted" && doubts.length > 0,
    tries: 0,
    mute: 0,
    proof: null,
    unrecorded: 0,
    wakeAt: Number.POSITIVE_INFINITY,
    dueAt: Number.POSITIVE_INFINITY,
    slot: -1,
  };
};
