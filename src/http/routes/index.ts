/** Every endpoint that a key opens. */
import type { Route } from "../route.ts";
import { accountRoutes } from "./accounts.ts";
import { actorRoutes } from "./actors.ts";
import { alertRoutes } from "./alerts.ts";
import { changeRoutes } from "./changes.ts";
import { contactRoutes } from "./contacts.ts";
import { conversationRoutes } from "./conversations.ts";
import { deviceRoutes } from "./devices.ts";
import { eventRoutes } from "./events.ts";
import { fleetRoutes } from "./fleet.ts";
import { healthRoutes } from "./health.ts";
import { groupRoutes } from "./groups.ts";
import { inboxRoutes } from "./inbox.ts";
import { keyRoutes } from "./keys.ts";
import { lineRoutes } from "./lines.ts";
import { mediaRoutes } from "./media.ts";
import { messageRoutes } from "./messages.ts";
import { metricsRoutes } from "./metrics.ts";
import { recordRoutes } from "./records.ts";
import { seatRoutes } from "./seats.ts";
import { serviceRoutes } from "./services.ts";
import { slaRoutes } from "./sla.ts";
import { terminalRoutes } from "./terminal.ts";
import { webhookRoutes } from "./webhooks.ts";

export const ROUTES: readonly Route[] = [
  ...fleetRoutes,
  ...lineRoutes,
  ...seatRoutes,
  ...accountRoutes,
  ...deviceRoutes,
  ...messageRoutes,
  ...inboxRoutes,
  ...mediaRoutes,
  ...conversationRoutes,
  ...recordRoutes,
  ...alertRoutes,
  ...actorRoutes,
  ...healthRoutes,
  ...eventRoutes,
  ...keyRoutes,
  ...metricsRoutes,
  ...slaRoutes,
  ...webhookRoutes,
  ...serviceRoutes,
  ...groupRoutes,
  ...contactRoutes,
  ...changeRoutes,
  ...terminalRoutes,
];
