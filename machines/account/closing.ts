/**
 * What each end of a link means. One row a reason, and no other place decides anything by reason.
 *
 * `isFinal`: no re-dial within a failover's time can heal it, so nobody waits for one. `linkLost`: the credentials are dead, the
 * device has to be linked again. `redial`: `atOnce` (backing off only if the link had not lasted), `backoff`, `quarantine` (one
 * cautious dial after a pause that doubles), `slowly` (the fault lies outside the device and lasts), `never` (a person has to act).
 * Which codes become which reason: docs/close-codes.md.
 */
import type { CloseReason } from "../ports/connection.ts";
import type { FailoverCause } from "../ports/records.ts";
import type { Standing } from "../ports/store.ts";

export interface Closing {
  readonly isFinal: boolean;
  readonly cause: FailoverCause;
  /** What it says about the whole account; null if nothing. */
  readonly standing: Exclude<Standing, "good"> | null;
  readonly linkLost: boolean;
  readonly redial: "atOnce" | "backoff" | "quarantine" | "slowly" | "never";
}

const brief = { isFinal: false, cause: "closed", standing: null, linkLost: false } as const;
const hopeless = { isFinal: true, cause: "closed", standing: null, linkLost: false } as const;

export const CLOSINGS: { readonly [R in CloseReason]: Closing } = {
  // A connection that broke: most often the next one holds.
  dropped: { ...brief, redial: "atOnce" },
  // Dialled into silence: another dial at once would meet the same silence.
  timedOut: { ...brief, redial: "backoff" },
  // Nobody listens, or a proxy said 503: it needs time, and the herd must not come back together.
  refused: { ...brief, redial: "backoff" },
  // WhatsApp is there and can't: the same.
  unavailable: { ...brief, redial: "backoff" },
  // Our own end of the link is at fault: the next one begins afresh, and WhatsApp brings what was not confirmed.
  stuck: { ...brief, redial: "atOnce" },
  // WhatsApp asks for it, above all after linking.
  restartRequired: { ...brief, redial: "atOnce" },
  // Somebody else opened these credentials. Dialling back would throw them out, they us, and so on: WhatsApp bans for that.
  replaced: { ...hopeless, cause: "replaced", redial: "quarantine" },
  // The companion was removed from the phone: only a person can link it again.
  loggedOut: { ...hopeless, cause: "loggedOut", linkLost: true, redial: "never" },
  // Main device gone or account locked: it takes all companions of the account with it. Credentials are kept: it may be lifted.
  locked: { ...hopeless, cause: "banned", standing: "banned", redial: "never" },
  // Dials during a ban lengthen it. The chart dials again once `until` has passed, if WhatsApp named a time.
  banned: { ...hopeless, cause: "banned", standing: "banned", redial: "never" },
  // Our version is refused, on every device that dials: the dialler sends one ahead. Live links go on, so moving away at once does help.
  outdated: { ...hopeless, redial: "slowly" },
  // The phone has no multi-device: its owner has to act.
  mismatch: { ...hopeless, redial: "never" },
  // The QR code or pairing code expired: the owner has to ask for another one.
  unlinked: { ...hopeless, redial: "never" },
  // The handshake failed: a proxy in between, often for a while only (a captive portal).
  badPeer: { ...brief, redial: "backoff" },
};
