/** Webhooks: what they get, what was given up, and that once more. They are named in the fleet file. */
import { z } from "zod";
import type { DeadPlace, Source } from "../../webhooks/store.ts";
import { ApiError } from "../errors.ts";
import { next, nextText, pageQuery, textCursor } from "../paging.ts";
import { ok, route, type Route } from "../route.ts";
import { list } from "../schemas.ts";

const name = z.string().min(1).max(200);
const params = z.strictObject({ webhook: name });
const source = z.enum(["inbox", "events"]);

const delivery = z.strictObject({
  at: z.number(),
  id: z.string(),
  type: z.string(),
  tookMs: z.number(),
  failure: z.string().nullable().describe("null: delivered."),
});
export const webhook = z
  .strictObject({
    name,
    url: z.string().describe("Without its query."),
    events: list(z.string()),
    lines: list(z.string()),
    signed: z.boolean(),
    dead: z.number().describe("Deliveries that were given up."),
    log: list(delivery).describe("The newest first."),
  })
  .meta({ id: "Webhook" });
export const letter = z
  .strictObject({
    webhook: name,
    source,
    seq: z.number(),
    type: z.string(),
    at: z.number(),
    tries: z.number(),
    why: z.string(),
  })
  .meta({ id: "DeadLetter" });

export const webhookRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/v1/webhooks",
    id: "listWebhooks",
    tag: "webhooks",
    summary: "Webhooks, with their last deliveries",
    role: "operator",
    isWhole: true,
    answers: { 200: z.strictObject({ webhooks: list(webhook) }) },
    handle: async ({ handlers }) => ok(await handlers.webhooks({})),
  }),
  route({
    method: "POST",
    path: "/v1/webhooks/{webhook}/test",
    id: "testWebhook",
    tag: "webhooks",
    summary: "Deliver a test, now",
    role: "operator",
    isWhole: true,
    params,
    answers: { 200: z.strictObject({ webhook: name, failure: z.string().nullable() }) },
    refuses: ["E_UNKNOWN_WEBHOOK"],
    handle: async ({ handlers }, { params: { webhook: wanted } }) => ok(await handlers.webhookTest({ webhook: wanted })),
  }),
  route({
    method: "GET",
    path: "/v1/webhooks/{webhook}/dead",
    id: "listDeadLetters",
    tag: "webhooks",
    summary: "What was given up, oldest first",
    role: "operator",
    isWhole: true,
    params,
    query: z.strictObject({ ...pageQuery, limit: z.coerce.number().int().min(1).max(1000).default(50) }),
    answers: { 200: z.strictObject({ letters: list(letter), next }) },
    refuses: ["E_UNKNOWN_WEBHOOK"],
    handle: async ({ handlers }, { params: { webhook: wanted }, query: { limit, cursor } }) => {
      const { letters, more } = await handlers.webhookDead({ webhook: wanted, limit, after: placeIn(textCursor(cursor)) });
      return ok({ letters, next: more ? nextText(placeText(letters.at(-1))) : null });
    },
  }),
  route({
    method: "POST",
    path: "/v1/webhooks/{webhook}/redrive",
    id: "redriveWebhook",
    tag: "webhooks",
    summary: "Deliver what was given up, oldest first, until one fails again",
    description: "It stops after ten seconds, too: ask again while `left` is above 0 and `failed` is null.",
    role: "operator",
    isWhole: true,
    params,
    body: z.strictObject({ limit: z.int().min(1).max(1000).default(100) }),
    answers: {
      200: z.strictObject({
        webhook: name,
        delivered: z.number(),
        gone: z.number().describe("Their source does not have them any more."),
        failed: z.string().nullable().describe("Why the first that failed did; those after it were not tried."),
        left: z.number().describe("Those that are still given up."),
      }),
    },
    refuses: ["E_UNKNOWN_WEBHOOK"],
    handle: async ({ handlers }, { params: { webhook: wanted }, body }) =>
      ok(await handlers.webhookRedrive({ webhook: wanted, limit: body.limit })),
  }),
];

const placeText = (place: DeadPlace | undefined): string | undefined => place && [place.at, place.source, place.seq].join(" ");
const placeIn = (text: string | null): DeadPlace | null => {
  if (text === null) return null;
  const [, at, source, seq] = /^(\d{1,15}) (inbox|events) (\d{1,15})$/.exec(text) ?? [];
  if (source === undefined) throw new ApiError("E_BAD_REQUEST", "query.cursor: this is no `next` of a list like this one");
  return { at: Number(at), source: source as Source, seq: Number(seq) };
};
