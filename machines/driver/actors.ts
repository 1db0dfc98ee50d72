/** Every kind of actor that a node has, as one plain record: who composes a node may put others in their places. */
import type { AnyStateMachine } from "xstate";
import { checkup } from "../account/checkup.ts";
import { connectionMachine } from "../account/connection.ts";
import { detector } from "../account/detector.ts";
import { dialler } from "../account/dialler.ts";
import { healthMachine } from "../account/health.ts";
import { leaseMachine } from "../account/lease.ts";
import { masterMachine } from "../account/master.ts";
import { servantMachine } from "../account/servant.ts";
import { standingMachine } from "../account/standing.ts";
import { queue } from "../delivery/queue.ts";
import { senderMachine } from "../delivery/sender.ts";
import { alertMachine } from "../fleet/alert.ts";
import { failoverMachine } from "../fleet/failover.ts";
import { orchestratorMachine } from "../fleet/orchestrator.ts";
import { roster } from "../fleet/roster.ts";
import { seatMachine } from "../fleet/seat.ts";
import { switchoverMachine } from "../fleet/switchover.ts";

const REDUCERS = { checkup, detector, dialler, queue, roster } as const;
export const CHARTS = {
  alert: alertMachine,
  connection: connectionMachine,
  failover: failoverMachine,
  health: healthMachine,
  lease: leaseMachine,
  master: masterMachine,
  orchestrator: orchestratorMachine,
  seat: seatMachine,
  sender: senderMachine,
  servant: servantMachine,
  standing: standingMachine,
  switchover: switchoverMachine,
} as const;

export type Actors = { readonly [K in keyof typeof CHARTS]: AnyStateMachine } & {
  readonly [K in keyof typeof REDUCERS]: (typeof REDUCERS)[K];
};
export const ACTORS: Actors = { ...CHARTS, ...REDUCERS };
