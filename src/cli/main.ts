#!/usr/bin/env node
/** The command `greenroom`. Loads nothing before it knows that this Node can run it. */
import module from "node:module";
import { homedir } from "node:os";
import { tooOld } from "../node-version.ts";

const refusal = tooOld(process.versions.node);
if (refusal !== undefined) {
  process.stderr.write(`${refusal}\n`);
  process.exitCode = 2;
} else {
  // Halves the time to start. In a folder of our own: what lies in a shared one may be anybody's code.
  module.enableCompileCache(`${process.env["XDG_CACHE_HOME"] || `${homedir()}/.cache`}/greenroom`);
  const { main } = await import("./program.ts");
  await main(process.argv.slice(2));
}
