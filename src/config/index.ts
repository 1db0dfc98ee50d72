/** The fleet file: how operators say what they want. */
export { type ConfigError, configErrorText } from "./errors.ts";
export { type FleetConfig, type LineConfig, toDeclaration } from "./fleet.ts";
export { loadFleetFile } from "./load.ts";
export { didYouMean, listed } from "./nearest.ts";
export { fleetAsData, renderFleet } from "./render.ts";
