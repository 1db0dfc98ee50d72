/** What a seat's queue may be told to do differently. Durations in milliseconds. */
import type { AccountId, Millis, SeatId } from "../ports/ids.ts";
import type { Allowance } from "./caps.ts";
import type { Buckets, Pace } from "./pace.ts";
import type { WindowLimits } from "./window.ts";

export interface QueueConfig extends WindowLimits {
  /** Messages under way at once for this seat on its holder's device. */
  readonly perDevice: number;
  /** Accounts that must not send faster. Accounts not named are not paced. */
  readonly pacing: Readonly<Record<AccountId, Pace>>;
  /** What becomes of an unanswered message when another number speaks: wait for an operator, or send it perhaps a second time. */
  readonly whenNumberChanges: "hold" | "resend";
  /** What becomes of a message that WhatsApp does not let an account send (463): one other number tries, or it ends as failed. */
  readonly whenRefused: "reroute" | "fail";
  /**
   * A message that got no answer for this long on a link that answered later ones is given up. Above what the failure detector
   * needs (4.5 s) and the move to another number takes (7 s): a device that answers nobody is its business. Three times that
   * long in any case.
   */
  readonly ackFor: Millis;
  /** Given up so often on links that answered others, a message is held. */
  readonly muteLimit: number;
  /** A connection that says neither sent nor unsent for this long is re-dialled. */
  readonly askedFor: Millis;
  /** How long the fact is awaited once the link or the term has ended; then the message counts as unanswered. */
  readonly orphanedFor: Millis;
  /** A lost link is tried again with one message at these intervals, if nobody says that it is back. */
  readonly linkRetry: Millis;
  /** First and longest pause before something that failed is tried again; it doubles in between. */
  readonly backOff: Millis;
  readonly backOffLimit: Millis;
  /** WhatsApp left so many lookups for one message unanswered: it is held. */
  readonly lookupLimit: number;
  /** Outcomes that wait for the store before nothing more is sent; outcomes in one write. */
  readonly recordLimit: number;
  readonly recordBatch: number;
  /** Late receipts that wait to be looked up. */
  readonly lookups: number;
  /** Contacts of which it is asked at once whether an account with a cap knows them. */
  readonly inquiries: number;
  /** How long it holds that such an account does not know a contact: that may write meanwhile. */
  readonly coldFor: Millis;
  /** Contacts remembered as known to such an account, and conversations as begun. */
  readonly known: number;
}
/**
 * `buckets`, `allowance`: shared by all queues of a node, because an account that speaks for two seats has one pace and one cap.
 * Left out: nobody has a cap.
 */
export type QueueInput = {
  readonly seat: SeatId;
  readonly buckets?: Buckets;
  readonly allowance?: Allowance;
} & Partial<QueueConfig>;

export const QUEUE_DEFAULTS: QueueConfig = {
  window: 512,
  perConversation: 32,
  page: 128,
  remember: 2048,
  agingPerLevel: 30_000,
  perDevice: 20,
  pacing: {},
  whenNumberChanges: "hold",
  whenRefused: "reroute",
  ackFor: 8000,
  muteLimit: 5,
  askedFor: 30_000,
  orphanedFor: 5000,
  linkRetry: 1000,
  backOff: 250,
  backOffLimit: 10_000,
  lookupLimit: 20,
  recordLimit: 4096,
  recordBatch: 256,
  lookups: 1024,
  inquiries: 16,
  coldFor: 10_000,
  known: 4096,
};

/** What a line may say anew while its queues run. */
export const policyOf = ({
  whenNumberChanges = QUEUE_DEFAULTS.whenNumberChanges,
  whenRefused = QUEUE_DEFAULTS.whenRefused,
}: Partial<QueueConfig>): Pick<QueueConfig, "whenNumberChanges" | "whenRefused"> => ({ whenNumberChanges, whenRefused });
