/** The link to a moment: what stands after `#` in the address. Seconds count from the film's beginning. */
export interface Moment {
  readonly seconds: number | null;
  readonly actor: string | null;
  /** Id of a change of holder that is to be shown. */
  readonly failover: string | null;
}

export const readLink = (hash: string): Moment => {
  const words = new URLSearchParams(hash.replace(/^#/, ""));
  const text = words.get("t");
  const seconds = text === null || text.trim() === "" ? Number.NaN : Number(text);
  return {
    seconds: Number.isFinite(seconds) && seconds >= 0 ? seconds : null,
    actor: words.get("actor"),
    failover: words.get("failover"),
  };
};

export const writeLink = (milliseconds: number, actor: string | null): string => {
  const at = `t=${Math.round(milliseconds) / 1000}`;
  // Colons and slashes need no escape after `#`, and are better read without.
  return actor === null ? `#${at}` : `#${at}&actor=${encodeURIComponent(actor).replaceAll("%3A", ":").replaceAll("%2F", "/")}`;
};
