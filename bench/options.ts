/** Options of a benchmark that is run by itself. */
import { parseArgs } from "node:util";

/** `defaults` names the options. Ends the process after `--help` (exit 0) and when an option is wrong (exit 2). */
export const readOptions = <Name extends string>(
  usage: string,
  defaults: Readonly<Record<Name, string>>,
): Record<Name, string> & { readonly json: boolean } => {
  const texts = Object.fromEntries(
    Object.entries<string>(defaults).map(([name, value]) => [name, { type: "string" as const, default: value }]),
  );
  try {
    const { values } = parseArgs({
      options: { json: { type: "boolean", default: false }, help: { type: "boolean", short: "h", default: false }, ...texts },
    });
    const { help, ...rest } = values as Record<string, string | boolean>;
    if (help !== true) return rest as Record<Name, string> & { readonly json: boolean };
    process.stdout.write(`${usage}\n`);
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error), usage);
  }
  return process.exit(0);
};

/** A whole number of at least 1. Ends the process (exit 2) if it is not one. */
export const atLeastOne = (name: string, text: string): number => {
  const value = Number(text);
  return Number.isInteger(value) && value >= 1 ? value : fail(`--${name} is ${text}: a whole number of at least 1 is needed`);
};

const fail = (what: string, usage?: string): never => {
  process.stderr.write(`${what}\n${usage === undefined ? "" : `${usage}\n`}`);
  return process.exit(2);
};
