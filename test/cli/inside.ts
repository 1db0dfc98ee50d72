/** A command in this process: all of it but the process itself, and a tenth of the time. */
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { Cli, type Env, type Stream } from "../../src/cli/cli.ts";
import { carryOut } from "../../src/cli/program.ts";
import type { Ended } from "./process.ts";

export const inside = async (args: readonly string[], env: Env, cwd = process.cwd()): Promise<Ended> => {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const told = Promise.all([text(stdout), text(stderr)]);
  const cli = new Cli(stdout as unknown as Stream, stderr as unknown as Stream, env);
  const before = process.cwd();
  process.chdir(cwd);
  try {
    await carryOut(cli, args);
  } finally {
    process.chdir(before);
  }
  stdout.end();
  stderr.end();
  const [out, err] = await told;
  return { code: cli.exitCode, stdout: out, stderr: err };
};
