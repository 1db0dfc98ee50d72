/** What the fields of a fault may hold, so that a plan from a file is refused before anything runs. */
import type { FaultBase } from "./rule.ts";

export interface Field {
  /** Completes "must be …". */
  readonly wants: string;
  fits(value: unknown): boolean;
}

/** One for each field that the kind adds to those of every fault. */
export type Fields<F extends FaultBase> = { readonly [K in Exclude<keyof F, keyof FaultBase>]: Field };

export const oneOf = (...values: readonly (string | number)[]): Field => ({
  wants: `one of ${values.map((value) => JSON.stringify(value)).join(", ")}`,
  fits: (value) => values.some((known) => known === value),
});
export const flag: Field = { wants: "true or false", fits: (value) => typeof value === "boolean" };
export const millis: Field = {
  wants: "a number of milliseconds, 0 or more",
  fits: (value) => typeof value === "number" && Number.isFinite(value) && value >= 0,
};
/** A clock may be set back, so a difference may be negative. */
export const difference: Field = {
  wants: "a number of milliseconds",
  fits: (value) => typeof value === "number" && Number.isFinite(value),
};
export const share: Field = {
  wants: "a number from 0 to 1",
  fits: (value) => typeof value === "number" && value >= 0 && value <= 1,
};
export const count: Field = {
  wants: "a whole number, 0 or more",
  fits: (value) => Number.isInteger(value) && (value as number) >= 0,
};
export const rate: Field = {
  wants: "a number above 0 and at most 10",
  fits: (value) => typeof value === "number" && value > 0 && value <= 10,
};
export const orNull = (field: Field): Field => ({
  wants: `null or ${field.wants}`,
  fits: (value) => value === null || field.fits(value),
});
