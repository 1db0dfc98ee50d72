/** How a command of the simulator says that it won't: a line on stderr, and with `--json` a document on stdout. */
import type { Output } from "../demo.ts";

export interface Told {
  readonly json: boolean;
  readonly stdout?: Output;
  readonly stderr?: Output;
}

/** `fault`: a code, and behind the first space what is wrong. */
export const refuse = (fault: string, { json, stdout = process.stdout, stderr = process.stderr }: Told): void => {
  stderr.write(`${fault}\n`);
  const gap = fault.indexOf(" ");
  if (json) stdout.write(`${JSON.stringify({ error: { code: fault.slice(0, gap), message: fault.slice(gap + 1) } }, null, 2)}\n`);
};
