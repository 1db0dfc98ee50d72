/** `greenroom queue [LINE]`: what waits to be sent, seat by seat. */
import { Command } from "commander";
import { resolveName } from "../../runtime/control-protocol.ts";
import type { Cli } from "../cli.ts";
import { examples } from "../help.ts";
import { seatCells } from "../seat-cells.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";
import { table } from "../table.ts";
import { paintsFor } from "../text.ts";

export const queueCommand = (cli: Cli): Command =>
  withTarget(new Command("queue").description("what waits to be sent, seat by seat").argument("[line]", "of one line only"))
    .addHelpText("after", examples([["greenroom queue", "of all lines; greenroom held lists what waits for your word"]]))
    .action((line: string | undefined, options: TargetOptions) =>
      cli.run(options.json === true, async () => {
        const status = await ask(cli, options, "status", {});
        const lines = status.lines.map(({ id }) => id);
        const wanted = line === undefined ? null : resolveName("line", line, lines);
        const seats = status.seats.filter((seat) => wanted === null || seat.line === wanted);
        if (options.json)
          cli.json({
            now: status.now,
            seats: seats.map(({ id, holder, phase, queue }) => ({ seat: id, holder, phase, ...queue })),
          });
        else
          cli.print(
            table(["SEAT", "SPOKEN FOR BY", "STATE", "WAITING", "OLDEST", "HELD"], seats.map(seatCells), paintsFor(cli.stdout)),
          );
        return 0;
      }),
    );
