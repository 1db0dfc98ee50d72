/** Every chart there is, where it stands, and how long its delays are with the default timers. */
import type { AnyStateMachine } from "xstate";
import { connectionMachine } from "../../machines/account/connection.ts";
import { healthMachine } from "../../machines/account/health.ts";
import { leaseMachine } from "../../machines/account/lease.ts";
import { masterMachine } from "../../machines/account/master.ts";
import { servantMachine } from "../../machines/account/servant.ts";
import { standingMachine } from "../../machines/account/standing.ts";
import { DEFAULT_TIMERS } from "../../machines/account/timers.ts";
import { timingsOf } from "../../machines/account/timings.ts";
import { outboxMachine } from "../../machines/delivery/outbox.ts";
import { senderMachine } from "../../machines/delivery/sender.ts";
import { alertMachine } from "../../machines/fleet/alert.ts";
import { failoverMachine } from "../../machines/fleet/failover.ts";
import { orchestratorMachine } from "../../machines/fleet/orchestrator.ts";
import { seatMachine } from "../../machines/fleet/seat.ts";
import { switchoverMachine } from "../../machines/fleet/switchover.ts";
import { formatDuration } from "../config/duration.ts";

export interface Chart {
  readonly name: string;
  /** One actor of it per … */
  readonly per: "device" | "account" | "seat" | "fleet" | "message" | "alert" | "failover" | "switchover";
  readonly machine: AnyStateMachine;
  /** Each delay in words: how long it is with the default timers, or what decides it. */
  readonly delays: Readonly<Record<string, string>>;
}

const timings = timingsOf(DEFAULT_TIMERS);
const { health, seat } = timings;

export const CHARTS: readonly Chart[] = [
  {
    name: "connection",
    per: "device",
    machine: connectionMachine,
    delays: {
      dialLeft: `${formatDuration(timings.connectTimeout)} and a margin`,
      replayLeft: "1m",
      backoffLeft: "0.5s doubling to 1m, with jitter",
      quarantineLeft: "30s, doubled each time",
      suspensionLeft: "until the ban ends",
      wipeRetry: "5s",
    },
  },
  {
    name: "health",
    per: "device",
    machine: healthMachine,
    delays: {
      bootLeft: formatDuration(health.bootGrace),
      repairLeft: `${formatDuration(health.gone)} since the last evidence`,
      redialLeft: `${formatDuration(health.gone)} since the link closed`,
      probationLeft: formatDuration(health.probation),
    },
  },
  {
    name: "lease",
    per: "device",
    machine: leaseMachine,
    delays: { renewLeft: "renewEvery", fenceLeft: "the lease's end less a margin", retryLeft: "0.5s" },
  },
  { name: "standing", per: "account", machine: standingMachine, delays: { termLeft: "until the restriction or ban ends" } },
  { name: "master", per: "account", machine: masterMachine, delays: {} },
  { name: "servant", per: "account", machine: servantMachine, delays: {} },
  { name: "orchestrator", per: "fleet", machine: orchestratorMachine, delays: { brakeOff: "30s" } },
  { name: "seat", per: "seat", machine: seatMachine, delays: { askAgain: formatDuration(seat.askAgain) } },
  {
    name: "failover",
    per: "failover",
    machine: failoverMachine,
    delays: {
      rerank: formatDuration(seat.rerank),
      untilCommit: `${formatDuration(DEFAULT_TIMERS.moveToTwin)} (twin) or ${formatDuration(DEFAULT_TIMERS.moveToNumber)} (number) since the last evidence`,
      commitRetry: "250ms",
      commitDeadline: "1s",
      verifyDeadline: formatDuration(seat.verify),
    },
  },
  { name: "switchover", per: "switchover", machine: switchoverMachine, delays: { checkDeadline: "2s", drainDeadline: "3s" } },
  { name: "sender", per: "seat", machine: senderMachine, delays: {} },
  { name: "outbox", per: "message", machine: outboxMachine, delays: {} },
  { name: "alert", per: "alert", machine: alertMachine, delays: {} },
];

export const chartNamed = (name: string): Chart | undefined => CHARTS.find((chart) => chart.name === name);
