/** What a node gets: the demo's defaults, and what a fleet file says. The figures behind the timers: docs/timers.md. */
import { DEFAULT_TIMERS } from "../../machines/account/timers.ts";
import { timingsOf } from "../../machines/account/timings.ts";
import type { Strategy } from "../../machines/delivery/balance/strategy.ts";
import type { NodeConfig } from "../../machines/driver/boot.ts";
import type { Caps } from "../../machines/delivery/caps.ts";
import type { Pace } from "../../machines/delivery/pace.ts";
import type { AccountId, LineId } from "../../machines/ports/ids.ts";
import type { FleetDeclaration } from "../../machines/ports/store.ts";
import { type FleetConfig, type LineConfig, toDeclaration } from "../config/index.ts";
import { lineBalanceOf } from "./line-balance.ts";

export const defaultNodeConfig = (declaration: FleetDeclaration): NodeConfig => ({
  declaration,
  timings: timingsOf(DEFAULT_TIMERS),
  // The embedded store's file lock is the lease: nobody can take it while this process lives.
  lease: { ttl: 3_600_000, renewEvery: null },
  reconnectPerSecond: 25,
  brake: { seats: 2, share: 0.1, within: 30_000 },
  queue: () => ({ whenNumberChanges: "hold" }),
  failback: () => "manual",
  outboxLimit: () => 100_000,
});

/** `own`: a user's strategies, by line, in place of those that the fleet names. Throws if it names a line that is not there. */
export const nodeConfigOf = (fleet: FleetConfig, own: Readonly<Record<string, Strategy>> = {}): NodeConfig => {
  const lines = new Map(fleet.lines.map((line) => [line.id, line]));
  const balances = new Map(
    fleet.lines.map((line) => [line.id, lineBalanceOf({ ...line, strategy: own[line.id]?.name ?? line.strategy })]),
  );
  const lineOf = (id: LineId): LineConfig => {
    const line = lines.get(id);
    if (!line) throw new RangeError(`there is no line ${id}. There are ${[...lines.keys()].join(", ")}`);
    return line;
  };
  for (const line of Object.keys(own)) lineOf(line as LineId);
  const pacing: Record<AccountId, Pace> = Object.fromEntries(
    fleet.accounts.flatMap(({ id, pacing: pace }) => (pace ? [[id, pace]] : [])),
  );
  const caps: Record<AccountId, Caps> = Object.fromEntries(
    fleet.accounts.flatMap(({ id, caps: each }) => (each ? [[id, each]] : [])),
  );
  return {
    ...defaultNodeConfig(toDeclaration(fleet)),
    timings: timingsOf(fleet.timers),
    reconnectPerSecond: fleet.reconnect.perSecond,
    brake: fleet.brake,
    queue: (line) => {
      const { whenNumberChanges, whenRefused } = lineOf(line);
      return { whenNumberChanges, whenRefused, pacing };
    },
    failback: (line) => lineOf(line).failback,
    rebalance: (line) => lineOf(line).rebalance,
    work: (line) => lineOf(line).work,
    outboxLimit: (line) => lineOf(line).outboxLimit,
    balance: (line) => balances.get(line),
    caps,
    strategies: [...new Set(Object.values(own))],
  };
};
