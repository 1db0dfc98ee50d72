/** Durations as people write them: `250ms`, `1.5s`, `30s`, `2m`, `1h`. */
import { z } from "zod";
import type { Millis } from "../../machines/ports/ids.ts";

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
type Unit = keyof typeof UNITS;
const PATTERN = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)$/;
/** Timers of the platform take no longer spans than 24 days. */
export const LONGEST: Millis = 86_400_000;

/** undefined: no duration, longer than a day, or shorter than a millisecond. */
export const parseDuration = (text: string): Millis | undefined => {
  const match = PATTERN.exec(text);
  if (!match) return undefined;
  const millis = Math.round(Number(match[1]) * UNITS[match[2] as Unit]);
  return millis >= 1 && millis <= LONGEST ? millis : undefined;
};

/** The shortest way to write it that `parseDuration` reads back as the same. */
export const formatDuration = (millis: Millis): string => {
  if (millis % UNITS.h === 0) return `${millis / UNITS.h}h`;
  if (millis % UNITS.m === 0) return `${millis / UNITS.m}m`;
  return millis >= 1000 ? `${millis / 1000}s` : `${millis}ms`;
};

const EXPECTED = "expected a duration from 1ms to 24h, such as 250ms, 1.5s or 2m";

/** In a fleet file. A bare number is refused: nobody could tell seconds from milliseconds. */
export const duration = z
  .string({ error: EXPECTED })
  .regex(PATTERN, { error: EXPECTED })
  .transform((text, context) => {
    const millis = parseDuration(text);
    if (millis !== undefined) return millis;
    context.issues.push({ code: "custom", message: EXPECTED, input: text });
    return z.NEVER;
  });
