/** The demo itself, on real connections: what it says, not how fast it is. The machine may be busy. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DemoArguments, type DemoOutcome, type Output, runDemo } from "../../../sim/demo.ts";
import { runReplay } from "../../../sim/replay.ts";

const PATIENCE = 280_000;
let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "greenroom-demo-test-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the demo", () => {
  it(
    "plays a fault on both kinds of seat, loses nothing, and says so in one document",
    async () => {
      const journal = join(folder, "journal.jsonl");
      const { outcome, stdout } = await perform({ faults: ["logged-out"], journal });
      const document = JSON.parse(stdout) as NonNullable<DemoOutcome["document"]>;
      expect(document).toEqual(outcome.document);
      expect(document.fleet).toEqual({ lines: 2, masters: 4, twins: 2, servants: 4, devices: 10 });
      expect(document.faults.map(({ fault, twin, ladder, expected }) => ({ fault, twin, ladder, expected }))).toEqual([
        { fault: "logged-out", twin: true, ladder: "twin", expected: "twin" },
        { fault: "logged-out", twin: false, ladder: "account", expected: "account" },
      ]);
      for (const row of document.faults) {
        const times = [0, row.detectedMs, row.chosenMs, row.inServiceMs, row.firstAckMs];
        expect(times).toEqual(times.toSorted((one, other) => (one ?? -1) - (other ?? -1)));
      }
      expect(document.alerts).toMatchObject({ owed: 2, told: 2 });
      for (const { toldMs, detectedMs } of document.faults) expect(toldMs).toBeGreaterThanOrEqual(detectedMs ?? Infinity);
      const { troubles, duplicatesUnmarked, held, accepted, acknowledged, inbound } = document.messages;
      expect([...troubles, ...inbound.troubles]).toEqual([]);
      expect({ duplicatesUnmarked, held, acknowledged }).toEqual({ duplicatesUnmarked: 0, held: 0, acknowledged: accepted });
      expect(inbound).toMatchObject({ lost: 0, repeated: 0, stored: inbound.written });
      expect(outcome.exitCode).toBe(document.met ? 0 : 1);
      const records = readFileSync(journal, "utf8").trimEnd().split("\n");
      expect(JSON.parse(records[0] ?? "")).toMatchObject({ k: "life", node: "demo" });
      expect(records.length).toBeGreaterThan(100);
      const sink = { write: () => true };
      const replayed = runReplay({ file: journal, json: true, stdout: sink, stderr: sink });
      expect(replayed).toMatchObject({ exitCode: 0, document: { outcome: "identical", divergence: null } });
    },
    PATIENCE,
  );

  it(
    "stops cleanly when it is told to, tells what it has seen, and exits with 130",
    async () => {
      const stop = new AbortController();
      const { outcome, stdout } = await perform(
        { faults: ["close-428", "upgrade-503"], json: false, signal: stop.signal },
        (said) => {
          if (/^ *[\d.]+ {2}close-428: /m.test(said)) stop.abort();
        },
      );
      expect(outcome.exitCode).toBe(130);
      expect(outcome.document).toMatchObject({ interrupted: true, met: false, messages: { troubles: [] } });
      expect(outcome.document?.faults.map(({ fault }) => fault)).toContain("close-428");
      expect(stdout).toContain("Interrupted: this is what was seen so far.");
    },
    PATIENCE,
  );

  it(
    "can be stopped while it links, too",
    async () => {
      const stop = new AbortController();
      const { outcome } = await perform({ faults: "all", json: false, signal: stop.signal }, (said) => {
        if (said.includes("linked ")) stop.abort();
      });
      expect(outcome).toMatchObject({ exitCode: 130, document: { faults: [], interrupted: true } });
    },
    PATIENCE,
  );

  it("refuses a fault that it does not know, and names those that it does", async () => {
    const { outcome, stdout, stderr } = await perform({ faults: ["earthquake"] });
    expect(outcome).toEqual({ document: null, exitCode: 2 });
    expect(stdout).toBe("");
    expect(stderr).toMatch(/earthquake.*half-open-path/);
  });
});

async function perform(
  args: Partial<DemoArguments>,
  onText: (said: string) => void = () => undefined,
): Promise<{ outcome: DemoOutcome; stdout: string; stderr: string }> {
  const said = { stdout: "", stderr: "" };
  const into = (where: keyof typeof said): Output => ({
    write: (text) => {
      said[where] += text;
      onText(said[where]);
    },
  });
  const outcome = await runDemo({
    faults: "all",
    repeat: 1,
    seconds: 120,
    json: true,
    stdout: into("stdout"),
    stderr: into("stderr"),
    ...args,
  });
  return { outcome, ...said };
}
