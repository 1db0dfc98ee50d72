/**
 * When an account's phone, its primary device, was last on the network, as far as its companions can know.
 *
 * WhatsApp copies what a companion sends to the phone as well, keeps it for one that is away, and the phone confirms what it gets.
 * So a phone that confirms nothing was not there. But of the phone of an account that sends nothing, nothing can be said.
 * Laws: `unseenSince` is the oldest of our messages that WhatsApp took after the phone's last sign; null: there is none. A sign
 * that is heard of late leaves the newest of them instead if it does not cover them all: later than the truth, never earlier.
 */
import type { Millis } from "../ports/ids.ts";

export interface PhoneSeen {
  /** The last sign; null: there was none since we look. */
  readonly seenAt: Millis | null;
  readonly unseenSince: Millis | null;
}
export interface Phone extends PhoneSeen {
  /** When the newest message left that WhatsApp took. */
  readonly takenAt: Millis | null;
}

/** WhatsApp unlinks the companions of a phone that was away for so long (faq.whatsapp.com/378279804439436). */
export const UNLINKED_AFTER: Millis = 14 * 86_400_000;
/** WhatsApp's clock, which tells whole seconds, may differ so much from ours. */
const SKEW: Millis = 60_000;

export const neverSeen: Phone = { seenAt: null, unseenSince: null, takenAt: null };

/** WhatsApp took a message that left at `sentAt`: then, and not at its ack, because the phone may be faster than the ack. */
export const taken = (phone: Phone, sentAt: Millis): Phone => {
  const { seenAt, unseenSince, takenAt } = phone;
  if (seenAt !== null && sentAt <= seenAt) return phone;
  return { seenAt, unseenSince: Math.min(unseenSince ?? sentAt, sentAt), takenAt: Math.max(takenAt ?? sentAt, sentAt) };
};

/** The phone was on the network at `at`, which may be long ago: signs wait for a companion that is away. */
export const seen = ({ seenAt, unseenSince, takenAt }: Phone, at: Millis): Phone => {
  const covered = at + SKEW;
  const left = takenAt !== null && takenAt > covered ? takenAt : null;
  const isCovered = unseenSince !== null && unseenSince <= covered;
  return { seenAt: Math.max(seenAt ?? at, at), unseenSince: isCovered ? left : unseenSince, takenAt };
};
