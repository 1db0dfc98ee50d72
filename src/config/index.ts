/** The fleet file: how operators say what they want. */
export { type About, NOT_NAMED } from "./about.ts";
export { changesOfAlerts, isSameChannel } from "./alert-changes.ts";
export { type AlertsConfig, type ChannelConfig, secretsOfChannels } from "./alerts.ts";
export { diffFleet, type FleetDifference, liveFleet } from "./diff.ts";
export { EditFault, editFleet, EDITS, fleetEdit, type FleetEdit, type FleetEditInput } from "./edit.ts";
export { type ConfigError, configErrorText, FleetError } from "./errors.ts";
export { type ApiConfig, type FleetConfig, type LineConfig, toDeclaration } from "./fleet.ts";
export { type FleetStore, loadFleetFile, loadFleetStore, type LoadedFleet, parseFleet, parseFleetData } from "./load.ts";
export { didYouMean, listed } from "./nearest.ts";
export { fleetAsData, renderFleet } from "./render.ts";
export type { FleetInput } from "./schema.ts";
export { changesOfWebhooks } from "./webhook-changes.ts";
export { filesOfSecrets } from "./secret.ts";
export { revealedWebhooks, secretsOfWebhooks, type WebhookSetting } from "./webhooks.ts";
