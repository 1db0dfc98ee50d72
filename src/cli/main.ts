#!/usr/bin/env node
/** The command `greenroom`. Imports nothing before it knows that this Node can run it. */
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 24 || (major === 24 && minor < 15)) {
  process.stderr.write(
    `greenroom needs Node 24.15 or newer, and this is ${process.versions.node}: get one from https://nodejs.org\n`,
  );
  process.exitCode = 2;
} else {
  const { main } = await import("./program.ts");
  await main(process.argv.slice(2));
}
