/** From a fleet that has lived through its plan to what checkers look at. */
import type { Life } from "../checkers/life.ts";
import type { Fleet } from "../world/harness.ts";
import type { Plan } from "./plan.ts";

export const lifeOf = (plan: Plan, fleet: Fleet): Life => {
  const { ledger, clock, board } = fleet.world;
  return {
    plan,
    from: clock.now() - fleet.now,
    to: clock.now(),
    events: ledger.events,
    accepted: fleet.accepted,
    tables: fleet.store.tables,
    faults: board.faults,
    grants: fleet.grants(),
    dead: (fleet.node?.driver.addresses() ?? []).filter((address) => address.startsWith("alert:actor.died:")),
  };
};
