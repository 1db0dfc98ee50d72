/**
 * Why a link ended, in our words. Decided on the code **and** the stanza that carried it, never on a message text: Baileys gives
 * "Stream Errored (conflict)" for an unlinked companion (401) and for credentials opened elsewhere (440) alike, and 408 for four
 * different things. The same table for people: docs/close-codes.md (a test holds the two together).
 */
import type { CloseReason } from "../../../machines/ports/connection.ts";
import type { Millis } from "../../../machines/ports/ids.ts";

/** What was observed at the end of a link. */
export type CloseSignal =
  /** `<stream:error>`: its code, and the tag of its first child ("conflict", …) with that child's type. */
  | { readonly kind: "streamError"; readonly code: number | null; readonly child: string | null; readonly type: string | null }
  /** `<failure>` instead of `<success>`. `expire`: seconds that a temporary ban still lasts, or the second it ends. */
  | { readonly kind: "failure"; readonly code: number; readonly expire: number | null }
  /** `<xmlstreamend/>`: the server ends the stream politely. */
  | { readonly kind: "streamEnd" }
  /** `<ib><downgrade_webclient/></ib>`: the phone is not multi-device. */
  | { readonly kind: "downgrade" }
  /** The upgrade to a websocket was answered with an HTTP status other than 101. */
  | { readonly kind: "http"; readonly status: number }
  /** The socket failed before the websocket was open. `errno`: "ECONNREFUSED", … */
  | { readonly kind: "dialError"; readonly errno: string | null }
  /** The socket of an open websocket closed or failed. */
  | { readonly kind: "socket" }
  /** Our own connect deadline passed. */
  | { readonly kind: "deadline" }
  /** We ended it: terminate(), a new dial, or keys that could not be stored. */
  | { readonly kind: "ours" }
  /** Messages came in, and Baileys handled none any more. */
  | { readonly kind: "stuck" }
  /** Nothing to log in with. */
  | { readonly kind: "noCredentials" }
  /** Every QR reference was shown and none was scanned (the code was not entered). */
  | { readonly kind: "offersEnded" }
  /** Baileys gave up by itself: the noise handshake, or the pairing signature, did not verify. */
  | { readonly kind: "handshake"; readonly code: number | null };

export interface Closing {
  readonly reason: CloseReason;
  readonly code: number | null;
  readonly until: Millis | null;
}

/** Reasons by the number in `<failure reason>` or `<stream:error code>`. */
export const REASON_BY_CODE: ReadonlyMap<number, CloseReason> = new Map([
  [400, "badPeer"],
  [401, "loggedOut"],
  [402, "banned"],
  [403, "locked"],
  [405, "outdated"],
  [406, "banned"],
  [408, "timedOut"],
  [409, "outdated"],
  [411, "mismatch"],
  [419, "loggedOut"],
  [428, "dropped"],
  [440, "replaced"],
  [500, "unavailable"],
  [501, "unavailable"],
  [503, "unavailable"],
  [515, "restartRequired"],
]);

/** A code that nobody has documented is taken for trouble on the other side: transient, retried with backoff, code shown. */
const byCode = (code: number): CloseReason => REASON_BY_CODE.get(code) ?? "unavailable";

const REFUSED = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"]);
/** How Node names certificates that TLS does not accept: CERT_HAS_EXPIRED, DEPTH_ZERO_SELF_SIGNED_CERT, UNABLE_TO_VERIFY_LEAF_SIGNATURE, … */
const CERTIFICATE = /CERT|LEAF_SIGNATURE/;
const byErrno = (errno: string): Closing => {
  if (REFUSED.has(errno)) return { reason: "refused", code: null, until: null };
  if (CERTIFICATE.test(errno)) return { reason: "badPeer", code: null, until: null };
  if (errno === "ETIMEDOUT") return { reason: "timedOut", code: 408, until: null };
  return { reason: "dropped", code: 428, until: null };
};
/** Larger than any duration in seconds that makes sense, smaller than any date since 2001. */
const LOOKS_LIKE_A_DATE = 1_000_000_000;

export const closingOf = (signal: CloseSignal, now: Millis): Closing => {
  switch (signal.kind) {
    case "streamError": {
      // A conflict child says which conflict; the code alone can't be trusted to be present.
      if (signal.child === "conflict" && signal.type !== "device_removed" && signal.code !== 401) {
        return { reason: "replaced", code: 440, until: null };
      }
      const code = signal.code ?? (signal.child === "conflict" ? 401 : 500);
      return { reason: byCode(code), code, until: null };
    }
    case "failure": {
      const { expire } = signal;
      const until =
        signal.code !== 402 || expire === null ? null : expire >= LOOKS_LIKE_A_DATE ? expire * 1000 : now + expire * 1000;
      return { reason: byCode(signal.code), code: signal.code, until };
    }
    case "downgrade":
      return { reason: "mismatch", code: 411, until: null };
    case "http":
      return { reason: "refused", code: signal.status, until: null };
    case "dialError":
      return byErrno(signal.errno ?? "");
    case "streamEnd":
    case "socket":
      return { reason: "dropped", code: 428, until: null };
    case "ours":
      return { reason: "dropped", code: null, until: null };
    case "stuck":
      return { reason: "stuck", code: null, until: null };
    case "deadline":
      return { reason: "timedOut", code: 408, until: null };
    case "noCredentials":
      return { reason: "unlinked", code: null, until: null };
    case "offersEnded":
      return { reason: "unlinked", code: 408, until: null };
    case "handshake":
      return signal.code === null || signal.code === 400
        ? { reason: "badPeer", code: signal.code, until: null }
        : { reason: byCode(signal.code), code: signal.code, until: null };
    default:
      return signal satisfies never;
  }
};
