/**
 * Settings from the environment: `GREENROOM__TIMERS__MOVE_TO_TWIN=6s` is `timers.moveToTwin`.
 *
 * Two underscores between levels; names in capitals, with one underscore where a capital or a sign stood (`sales-1` is `SALES_1`).
 * Accounts and lines must exist in the file: the environment changes them, it adds none.
 */
import { z } from "zod";
import { parse } from "yaml";
import type { Path } from "./document.ts";
import type { ConfigError } from "./errors.ts";
import { bare, knownKeys } from "./known.ts";
import { didYouMean, listed } from "./nearest.ts";
import { fleetSchema } from "./schema.ts";

export const PREFIX = "GREENROOM__";

export interface Override {
  readonly variable: string;
  readonly path: Path;
}
type Env = Readonly<Record<string, string | undefined>>;
interface Branch {
  [key: string]: unknown;
}

/** Changes `data` in place; says which paths came from where, and which variables name nothing. */
export const applyOverrides = (data: Branch, env: Env): { readonly applied: Override[]; readonly errors: ConfigError[] } => {
  const applied: Override[] = [];
  const errors: ConfigError[] = [];
  for (const variable of Object.keys(env)
    .filter((name) => name.startsWith(PREFIX))
    .sort()) {
    const text = env[variable];
    if (text === undefined) continue;
    const found = find(variable.slice(PREFIX.length).split("__"), data);
    if (typeof found === "string") errors.push({ source: { kind: "env", variable }, path: "", message: found });
    else {
      put(data, found.path, found.isText ? text : read(text));
      applied.push({ variable, path: found.path });
    }
  }
  return { applied, errors };
};

/** `moveToTwin` and `sales-1` as parts of a variable's name. */
export const envName = (key: string): string =>
  key
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replace(/[^A-Za-z0-9]/g, "_")
    .toUpperCase();

/** A string says why there is no such setting. */
const find = (steps: readonly string[], data: Branch): { readonly path: Path; readonly isText: boolean } | string => {
  const path: string[] = [];
  let schema = bare(fleetSchema);
  let here: unknown = data;
  for (const step of steps) {
    const names = schema instanceof z.ZodRecord ? Object.keys(isBranch(here) ? here : {}) : knownKeys(schema);
    const fits = names.filter((key) => envName(key) === step);
    const [key] = fits;
    if (key === undefined || fits.length > 1) {
      const where = path.length > 0 ? ` in ${path.join(".")}` : "";
      if (fits.length > 1) return `${step} may be ${fits.join(" or ")}${where}: change the file instead`;
      const known = names.map(envName);
      if (known.length === 0) return `${path.join(".")} has no settings of its own`;
      return `there is no setting ${step}${where}.${didYouMean(step, known)} Known: ${listed(known, 30)}`;
    }
    schema = bare(schema instanceof z.ZodRecord ? schema.def.valueType : (schema as z.ZodObject).def.shape[key]);
    here = isBranch(here) && Object.hasOwn(here, key) ? here[key] : undefined;
    path.push(key);
  }
  if (schema instanceof z.ZodObject || schema instanceof z.ZodRecord) {
    const names =
      schema instanceof z.ZodObject ? knownKeys(schema).map(envName) : Object.keys(isBranch(here) ? here : {}).map(envName);
    return `${path.join(".")} is no single setting: add one of ${listed(
      names.map((name) => `__${name}`),
      30,
    )}`;
  }
  return { path, isText: schema instanceof z.ZodString || schema instanceof z.ZodEnum };
};

/** Numbers, true and false, lists: as in the file. */
const read = (text: string): unknown => {
  try {
    return parse(text) as unknown;
  } catch {
    return text;
  }
};

const isBranch = (value: unknown): value is Branch => typeof value === "object" && value !== null && !Array.isArray(value);

const put = (data: Branch, path: Path, value: unknown): void => {
  let branch = data;
  for (const step of path.slice(0, -1)) {
    const next = Object.hasOwn(branch, step) ? branch[step] : undefined;
    if (isBranch(next)) branch = next;
    else {
      const made: Branch = {};
      branch[step] = made;
      branch = made;
    }
  }
  branch[String(path.at(-1))] = value;
};
