/** Always: no actor dies. */
import type { Property } from "./life.ts";

export const nobodyDies: Property = {
  name: "no-actor-dies",
  says: "no actor ends in an error",
  *broken({ tables, dead }) {
    for (const { rule, text, raisedAt } of tables.alerts) if (rule === "actor.died") yield { at: raisedAt, text };
    for (const address of dead) yield { at: null, text: `${address} has died` };
  },
};
