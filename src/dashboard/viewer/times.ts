/** Times as people read them. All are milliseconds; a film counts from its beginning. */

/** `1:02.345`, `1:02:03.4`: since the beginning. */
export const clockText = (ms: number, digits = 3): string => {
  const whole = Math.max(0, ms);
  const hours = Math.floor(whole / 3_600_000);
  const minutes = Math.floor(whole / 60_000) % 60;
  const seconds = ((whole % 60_000) / 1000).toFixed(digits);
  // What is rounded up to a whole minute is shown as 59.999.
  const shown = (Number(seconds) >= 60 ? (60 - 10 ** -digits).toFixed(digits) : seconds).padStart(
    digits > 0 ? digits + 3 : 2,
    "0",
  );
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${shown}` : `${minutes}:${shown}`;
};

/** `23 ms`, `4.52 s`, `3.2 min`. */
export const spanText = (ms: number): string => {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 120_000 ? `${Number((ms / 1000).toFixed(2))} s` : `${Number((ms / 60_000).toFixed(1))} min`;
};

const NICE = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000,
  1_800_000, 3_600_000, 7_200_000, 21_600_000, 86_400_000,
];

/** Round moments between two, at most `most` of them, counted from `origin`. */
export const ticks = (
  from: number,
  to: number,
  origin: number,
  most: number,
): { readonly every: number; readonly at: readonly number[] } => {
  const least = (to - from) / Math.max(1, most);
  const every = NICE.find((step) => step >= least) ?? Math.ceil(least / 86_400_000) * 86_400_000;
  const at: number[] = [];
  for (let next = origin + Math.ceil((from - origin) / every) * every; next <= to; next += every) at.push(next);
  return { every, at };
};
