/** The library: `import { createSupervisor, defineFleet } from "greenroom"`. Loads nothing before it knows that this Node can run it. */
import { tooOld } from "./node-version.ts";

const refusal = tooOld(process.versions.node);
if (refusal !== undefined) throw new Error(refusal);
const library = await import("./library.ts");

export type ControlError = InstanceType<typeof library.ControlError>;
export type FleetError = InstanceType<typeof library.FleetError>;
export const { createSupervisor, defineFleet, definePlugins, ControlError, FleetError } = library;
export type * from "./library.ts";
