/** A plan in plain words, a line each. */
import { describeFault } from "../faults/catalogue.ts";
import { seconds } from "../faults/target.ts";
import type { Plan } from "./plan.ts";

export const inPlainWords = ({ seed, fleet, workload, faults, liveness, for: length }: Plan): string[] => [
  `seed ${seed}; ${fleet.accounts.length} accounts on ${fleet.lines.length} lines; ${workload.sends} messages a second from ${seconds(workload.from)} to ${seconds(workload.until)}; ${seconds(length)} in all`,
  ...rushes(workload),
  ...faults.map((fault) => `at ${seconds(fault.at)}: ${describeFault(fault)}`),
  ...(liveness ? [`at ${seconds(liveness.at)}: ${liveness.core.join(", ")} are healed, what else is broken stays so`] : []),
];

const rushes = ({ bursts, bulk, vips = 0, cancels = 0 }: Plan["workload"]): string[] => [
  ...(bursts ? [`${bursts.size} messages at once about each ${seconds(bursts.every)}`] : []),
  ...(bulk ? [`${bulk.size} that are not urgent about each ${seconds(bulk.every)}`] : []),
  ...(vips > 0 ? [`${vips} people of each line are of its first tier`] : []),
  ...(cancels > 0 ? [`${cancels} messages a second are called back`] : []),
];
