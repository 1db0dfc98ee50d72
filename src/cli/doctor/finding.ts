/** What one look found. `bad` keeps a fleet from running as it should; `doubtful` will, one day. */
export interface Finding {
  /** What was looked at: "disk", "key", … */
  readonly about: string;
  readonly state: "good" | "doubtful" | "bad";
  /** What was found, and what to do about it if it is not good. */
  readonly text: string;
}

export const good = (about: string, text: string): Finding => ({ about, state: "good", text });
export const doubtful = (about: string, text: string): Finding => ({ about, state: "doubtful", text });
export const bad = (about: string, text: string): Finding => ({ about, state: "bad", text });
