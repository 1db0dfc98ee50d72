/** What zod found, in the words of whoever writes a fleet file. */
import type { z } from "zod";
import type { Path } from "./document.ts";
import { fleetSchema } from "./schema.ts";
import { knownKeys, schemaAt } from "./known.ts";
import { didYouMean, listed } from "./nearest.ts";

/** `about`: whether the error is at the name or at the value of `path`. */
export interface Fault {
  readonly path: Path;
  readonly about: "key" | "value";
  readonly message: string;
  /** The file is well-formed, but with these settings the targets can't be met. */
  readonly missesTargets?: true;
}

type Issue = z.core.$ZodIssue;

export const faultsOf = (issue: Issue, prefix: Path): Fault[] => {
  const path = [...prefix, ...issue.path.map((step) => (typeof step === "number" ? step : String(step)))];
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => ({ path: [...path, key], about: "key", message: unknownKey(path, key) }));
  if (issue.code === "invalid_key") {
    const inner = issue.issues[0];
    return [{ path, about: "key", message: inner?.message ?? "this can't be a name" }];
  }
  return [{ path, about: "value", message: messageOf(issue) }];
};

export const unknownKey = (path: Path, key: string): string => {
  const known = knownKeys(schemaAt(fleetSchema, path));
  return `unknown name.${didYouMean(key, known)}${known.length > 0 ? ` Known here: ${listed(known, 30)}` : ""}`;
};

const KINDS: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a map",
  record: "a map",
};

const messageOf = (issue: Issue): string => {
  switch (issue.code) {
    case "invalid_type": {
      if (issue.message.startsWith("expected")) return found(issue);
      const expected = KINDS[issue.expected] ?? issue.expected;
      if (issue.input === undefined) return `missing: expected ${expected}`;
      const hint = issue.expected === "string" && isScalar(issue.input) ? `; put it in quotes: "${String(issue.input)}"` : "";
      return `expected ${expected}, found ${described(issue.input)}${hint}`;
    }
    case "invalid_value": {
      const allowed = issue.values.map(String);
      const wrong = typeof issue.input === "string" ? issue.input : "";
      if (issue.input === undefined) return `missing: expected ${allowed.join(" or ")}`;
      return `expected ${allowed.join(" or ")}, found ${described(issue.input)}.${didYouMean(wrong, allowed)}`.replace(/\.$/, "");
    }
    case "too_small":
      return issue.origin === "array"
        ? `expected at least ${entries(issue.minimum)}`
        : `expected ${issue.inclusive ? "at least" : "more than"} ${issue.minimum}, found ${described(issue.input)}`;
    case "too_big":
      return issue.origin === "array"
        ? `expected at most ${entries(issue.maximum)}`
        : `expected ${issue.inclusive ? "at most" : "less than"} ${issue.maximum}, found ${described(issue.input)}`;
    default:
      return found(issue);
  }
};

/** Our own "expected …", and what stands there. Messages about secrets begin otherwise, and show nothing. */
const found = ({ message, input }: Issue): string =>
  !message.startsWith("expected") || isCollection(input) ? message : `${message}; found ${described(input)}`;
const isCollection = (value: unknown): boolean => typeof value === "object" && value !== null;

const entries = (count: number | bigint): string => (Number(count) === 1 ? "1 entry" : `${count} entries`);
const isScalar = (value: unknown): value is number | boolean => typeof value === "number" || typeof value === "boolean";

/** For messages. */
const described = (value: unknown): string => {
  if (value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "string") return `"${value.length > 60 ? `${value.slice(0, 60)}…` : value}"`;
  return isScalar(value) ? `the ${typeof value} ${value}` : "a map";
};
