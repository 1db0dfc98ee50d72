/** `greenroom status`: the whole fleet on one screen. */
import { Command } from "commander";
import type { Millis } from "../../../machines/ports/ids.ts";
import type { SeatStatus, StatusAnswer } from "../../runtime/control-protocol.ts";
import type { Cli } from "../cli.ts";
import { examples } from "../help.ts";
import { ask, type TargetOptions, withTarget } from "../target.ts";
import { table } from "../table.ts";
import { counted, moment, type Paints, paintsFor, span } from "../text.ts";
import { worstFirst } from "../worst-first.ts";

interface Options extends TargetOptions {
  readonly check?: boolean;
}

export const statusCommand = (cli: Cli): Command =>
  withTarget(new Command("status").description("who speaks for which seat, how well, and what waits"))
    .option("--check", "exit with 1 unless every seat is in service and no critical alert is open")
    .addHelpText(
      "after",
      examples([
        ["greenroom status", "of the fleet in ./fleet.yaml"],
        ["greenroom status --json | jq '.seats[].holder'", "for scripts"],
        ["greenroom status --check || page-someone", "for cron"],
      ]),
    )
    .action((options: Options) =>
      cli.run(options.json === true, async () => {
        const status = await ask(cli, options, "status", {});
        if (options.json) cli.json(status);
        else cli.print(statusText(status, paintsFor(cli.stdout)));
        return options.check && !isWell(status) ? 1 : 0;
      }),
    );

/** More are counted. */
const ALERTS = 20;

const isWell = ({ seats, alerts }: StatusAnswer): boolean =>
  seats.every(({ phase }) => phase === "serving") && !alerts.some(({ level }) => level === "critical");

const statusText = (status: StatusAnswer, paints: Paints): string => {
  const { fleet, pid, now, startedAt, mode, seats, devices, alerts } = status;
  const { good, bad, warn, dim, bold } = paints;
  const serving = seats.filter(({ phase }) => phase === "serving").length;
  const unwell = devices.filter(({ health, link }) => link !== "linked" || health !== "healthy");
  const cordoned = devices.filter((device) => device.cordoned).map(({ id }) => id);
  const parts = [
    `${bold(fleet)}  process ${pid}, up ${span(now - startedAt)}, failover ${mode === "automatic" ? good(mode) : warn(mode)}, ${serving} of ${counted(seats.length, "seat")} in service`,
    table(
      ["SEAT", "HOLDER", { text: "TERM", drop: 1 }, "STATE", "WAITING", "LAST DECISION"],
      seats.map((seat) => seatCells(seat, now, paints)),
      paints,
    ),
  ];
  if (unwell.length > 0)
    parts.push(
      table(
        ["DEVICES TO LOOK AT", "LINK", "CONNECTION", "HEALTH", "HEARD"],
        unwell.map(({ id, link, state, health, lastEvidenceMs }) => [
          id,
          { text: link, paint: link === "linked" ? good : bad },
          state,
          { text: health, paint: health === "healthy" ? good : warn },
          lastEvidenceMs === null ? "never" : `${span(lastEvidenceMs)} ago`,
        ]),
        paints,
      ),
    );
  const label = (level: string): string => (level === "critical" ? bad("CRITICAL") : warn("WARNING "));
  const { told, untold } = worstFirst(alerts, ALERTS);
  const lines = told.map(({ level, raisedAt, text }) => `${label(level)}  since ${moment(raisedAt, now)}  ${text}`);
  if (untold > 0) lines.push(`and ${counted(untold, "alert")} more: greenroom alerts`);
  if (lines.length > 0) parts.push(lines.join("\n"));
  const drifted = driftText(status);
  if (drifted) parts.push(warn(drifted));
  if (cordoned.length > 0) parts.push(warn(`Cordoned, so they take no seat: ${cordoned.join(", ")}`));
  if (unwell.length === 0 && alerts.length === 0) parts.push(dim(`All ${counted(devices.length, "device")} linked and well.`));
  return parts.join("\n\n");
};

const driftText = ({ drift: { changes, restart, isWrong } }: StatusAnswer): string | undefined => {
  if (isWrong) return "The fleet file is wrong, and what ran before goes on: greenroom config check";
  if (changes === 0) return undefined;
  const rest = restart === 0 ? "" : ` (${restart === changes ? "needing" : `${restart} of them needing`} a restart)`;
  return `The fleet file differs from what runs in ${counted(changes, "place")}${rest}: greenroom config diff`;
};

const seatCells = ({ id, holder, term, phase, queue, last }: SeatStatus, now: Millis, { good, bad }: Paints) => [
  id,
  holder ?? "nobody",
  String(term),
  { text: phase, paint: phase === "serving" ? good : bad },
  `${queue.open}${queue.oldestMs === null ? "" : ` (${span(queue.oldestMs)})`}${queue.held > 0 ? `, ${queue.held} held` : ""}`,
  last ? `${moment(last.at, now)} ${last.text}` : "-",
];
