/** What of a fleet file the simulator is told. */
import type { FleetConfig } from "../config/index.ts";
import type { LoadedPlugins } from "../plugins/load.ts";
import { lineBalanceOf } from "../runtime/line-balance.ts";
import type { Simulator } from "./simulator-door.ts";

export type PlannedFleet = NonNullable<Parameters<Simulator["runChaos"]>[0]["fleet"]>;

/** Of plugins only strategies are simulated: what handlers, channels and sinks do is nobody's fault. */
export const plannedOf = (
  { accounts, lines, timers, brake, reconnect }: FleetConfig,
  plugins: LoadedPlugins | null,
): PlannedFleet => ({
  accounts: accounts.map(({ id, role, devices }) => ({ id, role, devices })),
  lines: lines.map(({ id, masters, servants, strategy }) => ({ id, masters, servants, strategy })),
  settings: {
    timers,
    brake,
    reconnectPerSecond: reconnect.perSecond,
    pacing: Object.fromEntries(accounts.flatMap(({ id, pacing }) => (pacing ? [[id, pacing]] : []))),
    caps: Object.fromEntries(accounts.flatMap(({ id, caps }) => (caps ? [[id, caps]] : []))),
    ...(plugins && plugins.strategies.length > 0 ? { strategiesFrom: plugins.file } : {}),
    lines: Object.fromEntries(
      lines.map((line) => {
        const { whenNumberChanges, whenRefused, outboxLimit, failback, rebalance, work } = line;
        const { strategy, weights, adaptive, priority, geo } = lineBalanceOf(line);
        return [
          line.id,
          {
            whenNumberChanges,
            whenRefused,
            outboxLimit,
            failback,
            rebalance,
            work,
            balance: { strategy, weights, adaptive, priority, geo },
          },
        ];
      }),
    ),
  },
});
