/** What WhatsApp's error acks mean, and whether another number may try. Sources: WHATSAPP notes on error acks, whatsmeow, Baileys. */

interface Refusal {
  /** The account may not write to this contact; another one may. Never tried again on the same account. */
  readonly isAboutAccount: boolean;
  readonly text: string;
}

const RESTRICTED = "restricted: this account may not begin conversations at present";
/** Why a message was not even tried. */
export const UNTRIED: string = untaken(RESTRICTED);

const REFUSALS: ReadonlyMap<number, Refusal> = new Map([
  [400, { isAboutAccount: false, text: "bad request: WhatsApp could not read the message" }],
  [401, { isAboutAccount: false, text: "not authorised: this account may not write to that chat" }],
  [403, { isAboutAccount: false, text: "forbidden: this account may not write to that chat" }],
  [404, { isAboutAccount: false, text: "unknown: that chat does not exist" }],
  [405, { isAboutAccount: false, text: "not allowed: WhatsApp does not take this kind of message there" }],
  [408, { isAboutAccount: false, text: "too old: WhatsApp no longer takes this message" }],
  [421, { isAboutAccount: false, text: "misdirected: WhatsApp expected another kind of address for that contact" }],
  [429, { isAboutAccount: false, text: "too many: WhatsApp limits how often this account may send" }],
  [463, { isAboutAccount: true, text: RESTRICTED }],
  [475, { isAboutAccount: false, text: "not acceptable: WhatsApp refused the message as it was addressed" }],
  [479, { isAboutAccount: false, text: "stale addressing: the list of the contact's devices was out of date" }],
  [500, { isAboutAccount: false, text: "internal error at WhatsApp" }],
]);

export const mayAnotherAccountTry = (code: number): boolean => REFUSALS.get(code)?.isAboutAccount ?? false;

/** Another number was looked for as well. */
export function untaken(reason: string): string {
  return `${reason}; no other number could take it`;
}

/** The reason written on the row: `refused:463 restricted: …`. `text`: of a code that does not mean here what it means in an ack. */
export const refusalReason = (code: number, text = REFUSALS.get(code)?.text): string =>
  `refused:${code} ${text ?? "WhatsApp refused the message and did not say why"}`;
