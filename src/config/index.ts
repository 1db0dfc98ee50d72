/** The fleet file: how operators say what they want. */
export { type ConfigError, configErrorText } from "./errors.ts";
export { type AccountConfig, type FleetConfig, type LineConfig, toDeclaration } from "./fleet.ts";
export { type LoadedFleet, loadFleetFile } from "./load.ts";
export { didYouMean, listed } from "./nearest.ts";
export { fleetAsData, renderFleet } from "./render.ts";
export { Secret } from "./secret.ts";
