/** What must not be printed by accident. In a fleet file it stands as a reference, and only there is it looked up. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { inspect } from "node:util";

const HIDDEN = "***";

/** A value that logs, JSON and error messages show as `***`. */
export class Secret {
  readonly #value: string;
  /** Where it came from, as the fleet file says it: `${env:NAME}` or `${file:PATH}`. */
  readonly reference: string;

  constructor(value: string, reference: string) {
    this.#value = value;
    this.reference = reference;
  }
  reveal(): string {
    return this.#value;
  }
  /** null: from the environment. Relative paths count from `folder`. */
  fileIn(folder: string): string | null {
    const [, kind, name = ""] = REFERENCE.exec(this.reference) ?? [];
    return kind === "file" ? resolve(folder, name.trim()) : null;
  }
  toJSON(): string {
    return HIDDEN;
  }
  toString(): string {
    return HIDDEN;
  }
  [inspect.custom](): string {
    return HIDDEN;
  }
}

/** Files that they come from. Relative paths count from `folder`. */
export const filesOfSecrets = (secrets: readonly Secret[], folder: string): string[] =>
  secrets.flatMap((secret) => secret.fileIn(folder) ?? []);

export const REFERENCE = /^\$\{(env|file):([^{}]+)\}$/;
/** Anywhere in a text: to tell people who expect references to work in every setting. */
export const looksLikeReference = (text: string): boolean => /\$\{(env|file):/.test(text);

const MAX_FILE = 65_536;

/** Looks a reference up; a string says why that failed. Relative paths count from `folder`. */
export const resolveSecret = (
  reference: string,
  folder: string,
  env: Readonly<Record<string, string | undefined>>,
): Secret | string => {
  const match = REFERENCE.exec(reference);
  const [kind, name] = [match?.[1], match?.[2]?.trim() ?? ""];
  if (kind === undefined || name === "") return "expected a reference: ${env:NAME} or ${file:PATH}";
  if (kind === "env") {
    const value = env[name]?.trim();
    return value ? new Secret(value, reference) : `the environment variable ${name} is not set`;
  }
  const path = resolve(folder, name);
  try {
    const bytes = readFileSync(path);
    if (bytes.length > MAX_FILE) return `the file ${path} is too long for a secret: ${bytes.length} bytes`;
    const value = bytes.toString("utf8").trim();
    return value ? new Secret(value, reference) : `the file ${path} is empty`;
  } catch (error) {
    return `the file ${path} can't be read: ${error instanceof Error ? error.message : String(error)}`;
  }
};
