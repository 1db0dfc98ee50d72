/** `greenroom demo`: a fleet of real Baileys connections on a WhatsApp of its own, broken in front of you and timed. */
import { runFaults, type DemoResult } from "./demo/run.ts";
import { DEMO_FAULTS, faultsNamed } from "./demo/faults.ts";
import { openView } from "./demo/view.ts";
import { summary } from "./demo/summary.ts";

export interface DemoArguments {
  readonly json: boolean;
  /** Names of faults, "all", or null for the selection that fits three minutes. */
  readonly faults: readonly string[] | "all" | null;
  readonly repeat: number;
  /** No new fault begins after so many seconds. */
  readonly seconds: number;
}

/** Each rung of the ladder and each kind of fault once, within three minutes. */
const SELECTION = [
  "close-428",
  "half-open-link",
  "half-open-path",
  "send-swallowed",
  "logged-out",
  "restricted",
  "two-masters",
  "no-candidate",
];

/** Exit code: 0 all targets met, 1 something missed, 2 unknown fault. */
export const runDemo = async ({ json, faults, repeat, seconds }: DemoArguments): Promise<number> => {
  const { faults: chosen, unknown } = faultsNamed(faults ?? SELECTION);
  if (unknown.length > 0) {
    process.stderr.write(
      `E_UNKNOWN_FAULT ${unknown.join(", ")}: choose from ${DEMO_FAULTS.map(({ name }) => name).join(", ")}, or "all"\n`,
    );
    return 2;
  }
  const view = openView(json);
  let result: DemoResult;
  try {
    result = await runFaults({ faults: chosen, repeat, seconds, ...view.hooks });
  } finally {
    view.close();
  }
  process.stdout.write(json ? `${JSON.stringify(result, null, 2)}\n` : summary(result));
  return result.met ? 0 : 1;
};
