/** Rounds of the demo's faults on a stage of its own; each row as it comes, the whole at the end. */
import { faultsNamed } from "../sim/demo/faults.ts";
import { type DemoResult, runFaults } from "../sim/demo/run.ts";

export interface FailoverOrder {
  readonly faults: readonly string[] | "all";
  readonly repeat: number;
}
export type FailoverWord = { readonly row: DemoResult["faults"][number] } | { readonly result: DemoResult };

const say = (word: FailoverWord): void => void process.send?.(word);

process.once("message", (order: FailoverOrder) => {
  runFaults({
    faults: faultsNamed(order.faults).faults,
    repeat: order.repeat,
    seconds: Number.POSITIVE_INFINITY,
    witness: {
      say: () => undefined,
      onEvent: () => undefined,
      onScene: () => undefined,
      onStage: () => undefined,
      onRow: (row) => say({ row }),
    },
  })
    .then((result) => process.send?.({ result } satisfies FailoverWord, () => process.exit(0)))
    .catch((error: unknown) => {
      process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
      process.exit(1);
    });
});
