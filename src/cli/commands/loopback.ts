/** `greenroom loopback`: the test peer as a server of its own. */
import type { ExitCode } from "../cli.ts";
import { wholeNumber } from "../help.ts";
import type { Simulator, SimulatorCommand } from "../simulator-door.ts";

interface Options {
  readonly port?: number;
  readonly tlsPort?: number;
  readonly json?: boolean;
}

const port = wholeNumber(0, 65_535);

export const loopback: SimulatorCommand<Options> = {
  name: "loopback",
  summary: "the demo's WhatsApp server by itself: a local test peer",
  examples: [
    ["greenroom loopback", "on any free port; says how to point a client at it"],
    ["greenroom loopback --port 8080 --tls-port 8443 --json", "ws:// and wss://, for scripts"],
  ],
  define: (command) =>
    command
      .option("--port <port>", "for ws:// and the admin pages (default: any free one)", port)
      .option("--tls-port <port>", "for wss:// with a self-signed certificate (default: none)", port)
      .option("--json", "one JSON document instead of text"),
  run: async (simulator: Simulator, options: Options): Promise<ExitCode> => {
    await simulator.runLoopback(options);
    return 0;
  },
};
