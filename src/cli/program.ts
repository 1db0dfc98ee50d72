/** All commands, their help, and how the process ends. */
import { Command, CommanderError } from "commander";
import { Cli, type Stream } from "./cli.ts";
import { accountCommand } from "./commands/account.ts";
import { accountsCommand } from "./commands/accounts.ts";
import { alertsCommand } from "./commands/alerts.ts";
import { auditCommand } from "./commands/audit.ts";
import { configCommand } from "./commands/config.ts";
import { backupCommand, restoreCommand } from "./commands/backup.ts";
import { cancelCommand } from "./commands/cancel.ts";
import { chaos } from "./commands/chaos.ts";
import { contactCommand } from "./commands/contact.ts";
import { demo } from "./commands/demo.ts";
import { deviceCommand } from "./commands/device.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { drawCommand } from "./commands/draw.ts";
import { explore } from "./commands/explore.ts";
import { drainCommand } from "./commands/drain.ts";
import { failbackCommand, failoverCommand, switchoverCommand } from "./commands/move.ts";
import { groupCommand } from "./commands/group.ts";
import { heldCommand } from "./commands/held.ts";
import { historyCommand } from "./commands/history.ts";
import { keyCommand } from "./commands/key.ts";
import { initCommand } from "./commands/init.ts";
import { lineCommand } from "./commands/line.ts";
import { loopback } from "./commands/loopback.ts";
import { mediaCommand } from "./commands/media.ts";
import { messageCommand } from "./commands/message.ts";
import { metricsCommand } from "./commands/metrics.ts";
import { queueCommand } from "./commands/queue.ts";
import { pauseCommand, resumeCommand } from "./commands/pause.ts";
import { replay } from "./commands/replay.ts";
import { sendCommand } from "./commands/send.ts";
import { servantCommand } from "./commands/servant.ts";
import { servicesCommand } from "./commands/services.ts";
import { slaCommand } from "./commands/sla.ts";
import { statusCommand } from "./commands/status.ts";
import { stopCommand } from "./commands/stop.ts";
import { tailCommand } from "./commands/tail.ts";
import { topCommand } from "./commands/top.ts";
import { upCommand } from "./commands/up.ts";
import { webhookCommand } from "./commands/webhook.ts";
import { whyCommand } from "./commands/why.ts";
import { examples } from "./help.ts";
import { simulatorCommand } from "./simulator-door.ts";
import { version } from "../version.ts";

export const main = async (args: readonly string[]): Promise<void> => {
  const cli = new Cli(process.stdout, process.stderr, process.env);
  // Whoever reads only the first lines (`| head`) has closed the pipe: no reason to cry, nor to say that all is well.
  for (const stream of [process.stdout, process.stderr])
    stream.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? cli.exitCode : 3));
  await carryOut(cli, args);
  // Ends here, whatever sockets and timers libraries have left behind.
  await Promise.all([drained(process.stdout), drained(process.stderr)]);
  process.exit(cli.exitCode);
};

/** How it ended is the cli's exit code. */
export const carryOut = async (cli: Cli, args: readonly string[]): Promise<void> => {
  try {
    const program = programFor(cli);
    if (args.length === 0) program.outputHelp();
    else await program.parseAsync(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    cli.exitCode = error.exitCode === 0 ? 0 : 2;
    // Commander has said it on stderr.
    if (cli.exitCode !== 0 && wantsJson(args))
      cli.json({ error: { code: "E_USAGE", message: error.message.replace(/^error: /, "") } });
  }
};

/** Asked of the words themselves: what could not be read has no options. */
const wantsJson = (args: readonly string[]): boolean => {
  const end = args.indexOf("--");
  return args.slice(0, end < 0 ? args.length : end).includes("--json");
};

const drained = (stream: Stream): Promise<void> => new Promise((resolve) => stream.write("", () => resolve()));

export const programFor = (cli: Cli): Command => {
  const program = new Command("greenroom")
    .description("Keeps fleets of WhatsApp accounts in service: when a master fails, its stand-in speaks in under ten seconds.")
    .version(version(), "-v, --version", "print the version")
    .helpOption("-h, --help", "help, also for each command: greenroom why --help")
    .helpCommand(false)
    .usage("COMMAND [options]")
    .configureHelp({ subcommandTerm: (command) => `${command.name()}${argumentsOf(command)}` });
  program.commandsGroup("Try it, prove it, look at the machines:");
  program.addCommand(simulatorCommand(cli, demo)).addCommand(simulatorCommand(cli, loopback));
  program
    .addCommand(simulatorCommand(cli, chaos))
    .addCommand(simulatorCommand(cli, explore))
    .addCommand(simulatorCommand(cli, replay));
  program.addCommand(drawCommand(cli));
  program.commandsGroup("Run a fleet:");
  program
    .addCommand(initCommand(cli))
    .addCommand(doctorCommand(cli))
    .addCommand(configCommand(cli))
    .addCommand(upCommand(cli))
    .addCommand(accountCommand(cli))
    .addCommand(deviceCommand(cli))
    .addCommand(servantCommand(cli))
    .addCommand(keyCommand(cli))
    .addCommand(stopCommand(cli))
    .addCommand(backupCommand(cli))
    .addCommand(restoreCommand(cli));
  program.commandsGroup("Look at a running fleet:");
  program
    .addCommand(statusCommand(cli))
    .addCommand(topCommand(cli))
    .addCommand(tailCommand(cli))
    .addCommand(whyCommand(cli))
    // As `account list`: for whoever knows it by this name.
    .addCommand(accountsCommand(cli), { hidden: true });
  program
    .addCommand(historyCommand(cli))
    .addCommand(alertsCommand(cli))
    .addCommand(auditCommand(cli))
    .addCommand(lineCommand(cli))
    .addCommand(metricsCommand(cli))
    .addCommand(servicesCommand(cli))
    .addCommand(slaCommand(cli))
    .addCommand(contactCommand(cli));
  program.commandsGroup("Act on a running fleet:");
  program
    .addCommand(sendCommand(cli))
    .addCommand(messageCommand(cli))
    .addCommand(cancelCommand(cli))
    .addCommand(mediaCommand(cli))
    .addCommand(groupCommand(cli))
    .addCommand(queueCommand(cli))
    .addCommand(heldCommand(cli))
    .addCommand(webhookCommand(cli));
  program.addCommand(switchoverCommand(cli)).addCommand(failbackCommand(cli)).addCommand(failoverCommand(cli));
  program.addCommand(drainCommand(cli)).addCommand(pauseCommand(cli)).addCommand(resumeCommand(cli));
  program.addHelpText(
    "after",
    `${examples([
      ["greenroom up fleet.yaml", "start a fleet; link its devices by QR code"],
    ])}\nExit codes: 0 fine, 1 does not hold, 2 bad usage or config, 3 out of reach.`,
  );
  const output = { writeOut: (text: string) => cli.stdout.write(text), writeErr: (text: string) => cli.stderr.write(text) };
  for (const command of withSubcommands(program))
    command
      .configureOutput(output)
      // Of what a command does half a line is enough to wrap it in.
      .configureHelp({ ...command.configureHelp(), minWidthToWrap: 20 })
      .exitOverride()
      .helpCommand(false)
      .showHelpAfterError("(greenroom --help lists the commands)");
  return program;
};

const argumentsOf = (command: Command): string =>
  command.registeredArguments
    .map((argument) => (argument.required ? ` ${argument.name().toUpperCase()}` : ` [${argument.name().toUpperCase()}]`))
    .join("");

const withSubcommands = (command: Command): Command[] => [command, ...command.commands.flatMap(withSubcommands)];
