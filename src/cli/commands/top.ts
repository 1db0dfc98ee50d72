/** `greenroom top`: the fleet as it is now, on one screen that keeps itself up to date. */
import { Command } from "commander";
import { type Cli, CliError } from "../cli.ts";
import { examples } from "../help.ts";
import { moveOf } from "../sentences.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";
import { paintsFor } from "../text.ts";
import { frameOf } from "../top/frame.ts";
import { runTop, type Supervision } from "../top/loop.ts";
import { EMPTY, heard } from "../top/state.ts";
import { whyText } from "./why.ts";

export const topCommand = (cli: Cli): Command =>
  withTarget(new Command("top").description("seats, queues and what happens, live; switch over and pause by key"))
    .option("--once", "one screen, and no keys")
    .addHelpText(
      "after",
      examples([
        ["greenroom top", "arrows choose a seat, w says why, s switches it over"],
        ["greenroom top --once", "one screen, also where there is no terminal"],
      ]),
    )
    .action((options: TargetOptions & { readonly once?: boolean }) =>
      cli.run(options.json === true, async () => {
        if (options.json) {
          cli.json(await ask(cli, options, "status", {}));
          return 0;
        }
        const supervision = supervisionOf(cli, options);
        if (options.once) {
          const [status, { events }] = await Promise.all([supervision.status(), supervision.events(null)]);
          const size = { columns: cli.stdout.columns ?? 80, rows: cli.stdout.rows ?? 24 };
          cli.print(
            frameOf(heard(EMPTY, status, events), size, paintsFor(cli.stdout))
              .slice(0, -1)
              .join("\n")
              .trimEnd(),
          );
          return 0;
        }
        if (!cli.stdout.isTTY || !process.stdin.isTTY)
          throw new CliError("E_NO_TERMINAL", "there is no terminal to draw on: use --once, or greenroom tail", 2);
        await runTop(cli.stdout, process.stdin, supervision);
        return 0;
      }),
    );

const supervisionOf = (cli: Cli, target: TargetOptions): Supervision => ({
  status: () => ask(cli, target, "status", {}),
  events: (after) => ask(cli, target, "events", { after, limit: 200 }),
  why: async (seat) => {
    const answer = await ask(cli, target, "why", { seat });
    return { answer, text: whyText(answer, paintsFor(cli.stdout)) };
  },
  carryOut: async (order) => {
    if (order.op !== "switchover") return `failover is ${(await ask(cli, target, order.op, {})).mode}`;
    const moved = await ask(cli, target, "switchover", order.request);
    return moved.inTime ? `${order.request.seat}: ${moveOf(moved.record)}` : `${order.request.seat} is still being moved`;
  },
});
