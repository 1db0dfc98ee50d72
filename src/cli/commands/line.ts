/** `greenroom line`: how a line shares out its conversations. */
import { Command } from "commander";
import type { LineView, SeatPerformance } from "../../../machines/delivery/balance/index.ts";
import { seatOf } from "../../../machines/ports/ids.ts";
import type { MoveEnd, RebalanceAnswer } from "../../runtime/control-protocol.ts";
import type { PerformanceAnswer } from "../../runtime/performance.ts";
import type { Cli } from "../cli.ts";
import { examples, wholeNumber } from "../help.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";
import { table } from "../table.ts";
import { counted, paintsFor } from "../text.ts";
import { lineChanges } from "./line-changes.ts";

export const lineCommand = (cli: Cli): Command => {
  const command = new Command("line").description("how lines share out conversations; change lines");
  command.addCommand(show(cli));
  command.addCommand(rebalance(cli));
  for (const each of lineChanges(cli)) command.addCommand(each);
  return command.addHelpText(
    "after",
    examples([
      ["greenroom line show support", "shares, acks and waits of its seats"],
      ["greenroom line rebalance support --dry-run", "what could go to other seats"],
      ["greenroom line rebalance support", "moves it"],
    ]),
  );
};

const show = (cli: Cli): Command =>
  withTarget(
    new Command("show")
      .description("shares, acks and waits of its seats")
      .argument("<line>", "its name in the fleet file")
      .addHelpText("after", examples([["greenroom line show support", "all seats of the line"]])),
  ).action((line: string, options: TargetOptions) =>
    cli.run(options.json === true, async () => {
      const lastHour = await ask(cli, options, "performance", { line });
      const answer = await ask(cli, options, "line", { line });
      if (options.json) cli.json({ ...answer, lastHour });
      else cli.print(`${lineText(cli, answer)}\n\n${hourText(cli, lastHour)}`);
      return 0;
    }),
  );

const HEAD = [
  "SEAT",
  "ABLE",
  { text: "WEIGHT", drop: 3 },
  { text: "BEGUN", drop: 4 },
  "SHARE",
  "WAITING",
  { text: "SENT", drop: 1 },
  "ACKED",
  "FAILED",
  { text: "P50", drop: 2 },
  "P99",
  "NEXT WAITS",
];

const lineText = (cli: Cli, { line, strategy, ...view }: LineView): string => {
  const seats = view.seats.flatMap((seat) => [seat, ...view.posts.filter((post) => seatOf(post.seat) === seat.seat)]);
  const begun = seats.reduce((sum, seat) => sum + seat.begun, 0);
  const rows = table(
    HEAD,
    seats.map((seat) => cells(seat, begun)),
    paintsFor(cli.stdout),
  );
  return `${line}: ${strategy}, ${counted(begun, "conversation")} begun since the start\n${rows}`;
};

const cells = (seat: SeatPerformance, begun: number): string[] => [
  seat.seat,
  seat.isEligible ? "yes" : "no",
  seat.weight.toFixed(2),
  String(seat.begun),
  begun === 0 ? "-" : `${((100 * seat.begun) / begun).toFixed(1)} %`,
  String(seat.waiting),
  String(seat.handedOver),
  String(seat.answered),
  String(seat.failed),
  millis(seat.p50),
  millis(seat.p99),
  millis(seat.expectedWait),
];
const hourText = (cli: Cli, { groups, imbalance }: PerformanceAnswer): string => {
  if (groups.length === 0) return "Nothing was sent in the last hour.";
  const rows = table(
    [
      "LAST HOUR",
      "SPOKEN BY",
      { text: "ROLE", drop: 2 },
      { text: "STRATEGY", drop: 1 },
      { text: "BEGUN", drop: 3 },
      "SENT",
      "ACKED",
      "FAILED",
      { text: "P50", drop: 4 },
      "P99",
      "SHARE",
    ],
    groups.map(({ seat, account, role, strategy, begun, sent, acked, failed, p50, p99, share }) => [
      seat,
      account,
      role,
      strategy,
      ...[begun, sent, acked, failed].map(String),
      millis(p50),
      millis(p99),
      `${(100 * share).toFixed(1)} %`,
    ]),
    paintsFor(cli.stdout),
  );
  if (imbalance === null) return rows;
  return `${rows}\nThe busiest seat sent ${imbalance.toFixed(2)} times what its weight gives it (1 is even).`;
};

const millis = (value: number | null): string => (value === null ? "-" : `${Math.round(value)} ms`);

const rebalance = (cli: Cli): Command =>
  withTarget(
    new Command("rebalance")
      .description("shares out again what waits: conversations that nobody has begun go to seats with less to do")
      .argument("<line>", "its name in the fleet file")
      .option("--dry-run", "show the plan; nothing is moved")
      .option("-n, --most <count>", "conversations, at most", wholeNumber(1, 1000), 20)
      .addHelpText(
        "after",
        examples([
          ["greenroom line rebalance support --dry-run", "what could go to other seats"],
          ["greenroom line rebalance support -n 50", "moves at most 50 conversations"],
        ]),
      ),
  ).action((line: string, options: TargetOptions & { readonly most: number; readonly dryRun?: boolean }) =>
    cli.run(options.json === true, async () => {
      const move = options.dryRun === true ? {} : { move: true };
      const answer = await ask(cli, options, "rebalance", { line, most: options.most, ...move });
      if (options.json) cli.json(answer);
      else cli.print(planText(cli, answer));
      return 0;
    }),
  );

const endText = (end: MoveEnd | undefined): string =>
  end === undefined || end.kind === "underWay" ? "under way" : end.kind === "moved" ? "moved" : `stayed: ${end.why}`;

const planText = (cli: Cli, { line, moves, seats, ends }: RebalanceAnswer): string => {
  const paints = paintsFor(cli.stdout);
  const loads = table(
    ["SEAT", "WAITING", "AFTERWARDS"],
    seats.map(({ seat, before, after }) => [seat, before.toFixed(1), after.toFixed(1)]),
    paints,
  );
  if (moves.length === 0) return `${line}: no conversation would go to another seat.\n${loads}`;
  const endOf = new Map((ends ?? []).map((end) => [end.conversation, end]));
  const list = table(
    ["CONVERSATION", "MESSAGES", "FROM", "TO", ...(ends ? ["OUTCOME"] : [])],
    moves.map(({ conversation, waiting, from, to }) => [
      conversation,
      String(waiting),
      from,
      to,
      ...(ends ? [endText(endOf.get(conversation))] : []),
    ]),
    paints,
  );
  const done = (ends ?? []).filter(({ kind }) => kind === "moved").length;
  const first = ends
    ? `${counted(done, "conversation")} of ${ends.length} went to another seat.`
    : `${counted(moves.length, "conversation")} could go to another seat. Nothing was moved.`;
  return `${line}: ${first}\n${list}\n\nMessages that wait, for each unit of weight:\n${loads}`;
};
