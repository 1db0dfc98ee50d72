/** What a terminal or the API may ask about webhooks: a part of `runtime/control-protocol.ts`. */
import { z } from "zod";
import type { Redriven, WebhookView } from "./desk.ts";
import type { DeadLetter } from "./store.ts";

const name = z.string().min(1).max(200);

export const WEBHOOK_REQUESTS = {
  /** All of them, with their last deliveries. */
  webhooks: z.strictObject({}),
  /** Delivers a test, now. */
  webhookTest: z.strictObject({ webhook: name }),
  /** What was given up, oldest first; of one webhook, what is behind `after`. */
  webhookDead: z.strictObject({
    webhook: name.nullable().default(null),
    limit: z.int().min(1).max(1000).default(50),
    after: z
      .strictObject({ at: z.int(), source: z.enum(["inbox", "events"]), seq: z.int() })
      .nullable()
      .default(null),
  }),
  /** Delivers what was given up, oldest first, until one fails again or it has taken long: `left` says how many there still are. */
  webhookRedrive: z.strictObject({ webhook: name, limit: z.int().min(1).max(100_000).default(1000) }),
} as const;

export interface WebhookAnswers {
  readonly webhooks: { readonly webhooks: readonly WebhookView[] };
  /** `failure` null: delivered. */
  readonly webhookTest: { readonly webhook: string; readonly failure: string | null };
  readonly webhookDead: { readonly letters: readonly DeadLetter[]; readonly more: boolean };
  readonly webhookRedrive: Redriven & { readonly webhook: string };
}
