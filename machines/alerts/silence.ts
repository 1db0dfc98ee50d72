/** A span in which certain alerts are told to nobody. They are recorded as always, and told when it ends if they still hold. */
import type { Millis } from "../ports/ids.ts";

export interface Silence {
  readonly id: string;
  /** null: every rule. `device.*`: every rule that begins so. */
  readonly rule: string | null;
  /** null: everybody. An account means its devices as well, a line its seats. */
  readonly subject: string | null;
  readonly from: Millis;
  readonly until: Millis;
  readonly by: string;
  readonly why: string;
}

const fitsRule = (wanted: string | null, rule: string): boolean =>
  wanted === null || (wanted.endsWith(".*") ? rule.startsWith(wanted.slice(0, -1)) : rule === wanted);
const fitsSubject = (wanted: string | null, subject: string): boolean =>
  wanted === null || subject === wanted || subject.startsWith(`${wanted}/`);

interface About {
  readonly rule: string;
  readonly subject: string;
}
/** Also how a history is searched. */
export const fits = (wanted: Pick<Silence, "rule" | "subject">, { rule, subject }: About): boolean =>
  fitsRule(wanted.rule, rule) && fitsSubject(wanted.subject, subject);

export const isSilenced = (silences: readonly Silence[], about: About, at: Millis): boolean =>
  silences.some((silence) => silence.from <= at && at < silence.until && fits(silence, about));
