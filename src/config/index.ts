/** The fleet file: how operators say what they want. */
export { type ConfigError, configErrorText, FleetError } from "./errors.ts";
export { type ApiConfig, type FleetConfig, type LineConfig, toDeclaration } from "./fleet.ts";
export { loadFleetFile, parseFleet, parseFleetData } from "./load.ts";
export { didYouMean, listed } from "./nearest.ts";
export { fleetAsData, renderFleet } from "./render.ts";
export type { FleetInput } from "./schema.ts";
export { revealedWebhooks } from "./webhooks.ts";
