/**
 * How the state of an outbox row may move, whatever the store: a row never unlearns a proof.
 *
 * | from                             | to                                   |                                                |
 * | accepted, dispatched, unanswered | any                                  | still to be sent: attempts come and go         |
 * | acknowledged, delivered          | only forward: delivered, read        | late facts about earlier attempts are ignored  |
 * | held                             | accepted, failed                     | an operator's word, or its expiry              |
 * | held                             | acknowledged, delivered, read        | proof came after all: releasing it would be a duplicate |
 * | read, failed                     | nothing                              |                                                |
 */
import type { AttemptOutcome, OutboxDraft, OutboxRow, OutboxState } from "../ports/store.ts";

/** Rows still to be sent: they count against a line's limit, and `outbox.open` gives them. */
export const OPEN_STATES = ["accepted", "dispatched", "unanswered"] as const satisfies readonly OutboxState[];
const PROVED_STATES = ["acknowledged", "delivered", "read"] as const satisfies readonly OutboxState[];
export const OUTBOX_STATES = [...OPEN_STATES, ...PROVED_STATES, "held", "failed"] as const satisfies readonly OutboxState[];

const RANK: Readonly<Record<OutboxState, number>> = {
  accepted: 0,
  dispatched: 1,
  unanswered: 2,
  acknowledged: 3,
  delivered: 4,
  read: 5,
  held: 6,
  failed: 7,
};

export const isOpen = (state: OutboxState): boolean => RANK[state] < RANK.acknowledged;
/** WhatsApp is known to have taken the message. */
export const isProved = (state: OutboxState): boolean => RANK[state] >= RANK.acknowledged && RANK[state] <= RANK.read;

/**
 * Whether a row in `from` may be told to be in `to`. Telling it again what it already is changes nothing but the reason; why a message
 * failed stays as it was said first: one that was called back while it was being prepared is told so once more, without a reason.
 */
export const mayBecome = (from: OutboxState, to: OutboxState): boolean => {
  if (isOpen(from) || (from === to && from !== "failed")) return true;
  if (from === "held") return to === "accepted" || to === "failed" || isProved(to);
  return isProved(from) && isProved(to) && RANK[to] > RANK[from];
};

/** Whether it may be called back: nothing that passed the gate may have reached anybody, unless an operator is asked about it anyway. */
export const mayCancel = ({ state, attempts }: Pick<OutboxRow, "state" | "attempts">): boolean =>
  state === "held" || (state === "accepted" && attempts.every(({ outcome }) => outcome === "unsent" || outcome === "refused"));

const CERTAINTY: Readonly<Record<AttemptOutcome, number>> = { pending: 0, unanswered: 1, unsent: 2, refused: 2, acknowledged: 3 };

/** Whether an attempt's outcome may be replaced: only by something more certain, so that a late guess never hides a proof. */
export const isMoreCertain = (from: AttemptOutcome, to: AttemptOutcome): boolean => CERTAINTY[to] > CERTAINTY[from];

/**
 * Whether an attempt with a number already taken may be written over the one that has it: only where that one can't have been
 * sent (its commit was answered `failed`, and the asker began again under the same number).
 */
export const mayRetryAttempt = (outcome: AttemptOutcome): boolean => outcome === "pending" || outcome === "unsent";

/** Those of `messages` that would be rows of their own: not known, and not named before in the same request by id or key. */
export const freshDrafts = (messages: readonly OutboxDraft[], isKnown: (draft: OutboxDraft) => boolean): OutboxDraft[] => {
  const [only] = messages;
  if (only && messages.length === 1) return isKnown(only) ? [] : [only];
  const ids = new Set<string>();
  const keys = new Set<string>();
  return messages.filter((draft) => {
    const key = draft.idempotencyKey === null ? null : JSON.stringify([draft.line, draft.idempotencyKey]);
    if (ids.has(draft.id) || (key !== null && keys.has(key)) || isKnown(draft)) return false;
    ids.add(draft.id);
    if (key !== null) keys.add(key);
    return true;
  });
};
