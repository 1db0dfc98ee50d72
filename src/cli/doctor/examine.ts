/** All that can be found out about a fleet from outside, with or without its supervisor running. */
import { type FleetConfig, loadFleetFile } from "../../config/index.ts";
import { controlPath } from "../../runtime/control-path.ts";
import { ControlError, type StatusAnswer } from "../../runtime/control-protocol.ts";
import { tooOld } from "../../node-version.ts";
import { version } from "../../version.ts";
import { askSupervisor } from "../control-client.ts";
import { type Env, configFault } from "../cli.ts";
import { bad, doubtful, type Finding, good } from "./finding.ts";
import { reachFindings } from "./reach-checks.ts";
import { diskFinding, keyFinding, storeFinding } from "./store-checks.ts";

export interface Where {
  readonly file: string;
  readonly socket: string | undefined;
  readonly env: Env;
}

/** Throws CliError E_CONFIG for a fleet file that is not right: then there is nothing else to look at. */
export async function* examine({ file, socket, env }: Where): AsyncGenerator<Finding> {
  yield nodeFinding();
  const loaded = loadFleetFile(file, env);
  if (!loaded.ok) throw configFault(file, loaded.errors);
  const { fleet } = loaded;
  // A file whose timers can't meet the targets is no right file.
  yield good("fleet file", `${file} is right, and its timers can meet the targets`);
  yield* aloneFindings(fleet);
  const { key, finding } = keyFinding(fleet, env);
  yield finding;
  yield diskFinding(fleet);
  const status = await statusOf(socket ?? controlPath(fleet.store.file));
  yield storeFinding(fleet, status !== null, key);
  yield* await reachFindings(fleet);
  yield* status === null ? [good("supervisor", "not running")] : fleetFindings(status);
}

const nodeFinding = (): Finding => {
  const refusal = tooOld(process.versions.node);
  return refusal === undefined
    ? good("versions", `greenroom ${version()}, Node ${process.versions.node}`)
    : bad("versions", refusal);
};

/** What no timer can make good: a seat with nobody to take it. */
const aloneFindings = ({ lines, accounts }: FleetConfig): Finding[] =>
  lines.flatMap(({ id, masters }) => {
    const devices = accounts.filter((account) => masters.includes(account.id)).flatMap((account) => account.devices);
    return devices.length > 1
      ? []
      : [doubtful("stand-ins", `line ${id} has one device: nobody can take over from it. Link a twin, or add a master`)];
  });

const statusOf = async (socket: string): Promise<StatusAnswer | null> => {
  try {
    return await askSupervisor(socket, "status", {});
  } catch (error) {
    if (error instanceof ControlError && error.code === "E_NOT_RUNNING") return null;
    throw error;
  }
};

const fleetFindings = ({ pid, mode, seats, devices, alerts }: StatusAnswer): Finding[] => {
  const away = seats.filter(({ phase }) => phase !== "serving");
  const unlinked = devices.filter(({ link }) => link !== "linked");
  return [
    good("supervisor", `process ${pid}, failover ${mode}`),
    ...(away.length > 0 ? [bad("seats", `not in service: ${away.map(({ id }) => id).join(", ")}. Ask: greenroom why SEAT`)] : []),
    ...(unlinked.length > 0
      ? [doubtful("devices", `not linked: ${unlinked.map(({ id }) => id).join(", ")}. Link: greenroom device link`)]
      : []),
    ...alerts.map(({ level, text }) => (level === "critical" ? bad("alert", text) : doubtful("alert", text))),
  ];
};
