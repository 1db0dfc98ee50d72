/** What a watcher sees while the demo runs: on a terminal the fleet as it stands, elsewhere a line for each thing that happens. */
import type { DemoOptions } from "./run.ts";

export interface View {
  readonly hooks: Pick<DemoOptions, "onEvent" | "onRow" | "say" | "onStage">;
  close(): void;
}

const ROUTINE = new Set(["message.received", "device.linked"]);

/** With `json`, progress goes to stderr: stdout carries one document. */
export const openView = (json: boolean): View => {
  const startedAt = Date.now();
  const line = (text: string): void => {
    const stamp = ((Date.now() - startedAt) / 1000).toFixed(1).padStart(6);
    (json ? process.stderr : process.stdout).write(`${stamp}  ${text}\n`);
  };
  return {
    hooks: {
      say: line,
      onEvent: ({ type, subject, data }) => {
        if (ROUTINE.has(type)) return;
        const said =
          data["text"] ??
          Object.entries(data)
            .map(([key, value]) => `${key} ${String(value)}`)
            .join(", ");
        line(`  ${type} ${subject}: ${String(said)}`);
      },
      onRow: ({ fault, ladder, met, firstAckMs }) =>
        line(`${fault}: ${ladder}, first ack after ${firstAckMs ?? "-"} ms, ${met ? "met" : "MISSED"}`),
    },
    close: () => undefined,
  };
};
