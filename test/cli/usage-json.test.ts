/** A wrong word in the command line, for programs: a document like any other error, and the same exit code. */
import { describe, expect, it } from "vitest";
import { inside } from "./inside.ts";

const WRONG: readonly (readonly [args: readonly string[], message: RegExp])[] = [
  [["status", "--jsn"], /unknown option '--jsn'/],
  [["nosuch"], /unknown command 'nosuch'/],
  [["key", "nosuch"], /too many arguments/],
  [["why"], /missing required argument 'seat'/],
  [["status", "one", "two"], /too many arguments/],
  [["device", "link", "a/b", "--qr", "--code", "+491701234567"], /cannot be used with option/],
  [["chaos", "--seed", "1", "--seeds", "2"], /cannot be used with option/],
  [["chaos", "--minutes", "1", "--seeds", "2"], /cannot be used with option/],
  [["chaos", "--plant", "list", "--fleet", "fleet.yaml"], /cannot be used with option/],
  [["chaos", "--profile", "year", "--for", "10m"], /can't be used with --profile year/],
  [["explore", "--replay", "trace.json", "--masters", "3"], /cannot be used with option/],
  [["explore", "--plant", "fifo-broken"], /nothing that is explored/],
  [["webhook", "dead", "--limit", "none"], /--limit/],
  [["device"], /unknown option '--json'/],
];

describe("a usage error", () => {
  it.each(WRONG)("%j with --json is one document on stdout, and text on stderr", async (args, message) => {
    const text = await inside(args, {});
    expect(text).toMatchObject({ code: 2, stdout: "" });
    expect(text.stderr).not.toBe("");
    const told = await inside([...args, "--json"], {});
    expect(told.code).toBe(2);
    expect(JSON.parse(told.stdout)).toEqual({ error: { code: "E_USAGE", message: expect.stringMatching(message) } });
    expect(told.stderr).not.toBe("");
  });

  it("is text only where --json is a word and not an option, and no help is an error", async () => {
    expect(await inside(["nosuch", "--", "--json"], {})).toMatchObject({ code: 2, stdout: "" });
    expect(await inside(["why", "--json", "--help"], {})).toMatchObject({ code: 0, stdout: expect.stringContaining("Usage:") });
  });
});
