/** What a running supervisor does about each request of `requests.ts`. */
import { type ControlHandlers, resolveName } from "../runtime/control-protocol.ts";
import type { WebhookDesk } from "./desk.ts";
import type { WEBHOOK_REQUESTS } from "./requests.ts";

export const webhookHandlers = (desk: WebhookDesk): Pick<ControlHandlers, keyof typeof WEBHOOK_REQUESTS> => {
  const named = (name: string): string => resolveName("webhook", name, desk.names);
  return {
    webhooks: async () => ({ webhooks: await desk.views() }),
    webhookTest: async ({ webhook }) => {
      const name = named(webhook);
      return { webhook: name, failure: await desk.test(name) };
    },
    webhookDead: async ({ webhook, limit, after }) => {
      const letters = await desk.dead(webhook === null ? null : named(webhook), limit + 1, after);
      return { letters: letters.slice(0, limit), more: letters.length > limit };
    },
    webhookRedrive: async ({ webhook, limit }) => {
      const name = named(webhook);
      return { webhook: name, ...(await desk.redrive(name, limit)) };
    },
  };
};
