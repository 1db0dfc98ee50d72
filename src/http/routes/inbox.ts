/** What people write: read page by page, or waited for. The client keeps the number it has come to; nothing is lost meanwhile. */
import { z } from "zod";
import type { Millis } from "../../../machines/ports/ids.ts";
import type { Arrivals } from "../../runtime/arrivals.ts";
import type { InboundMessage } from "../../runtime/messages.ts";
import { ok, route, type Route } from "../route.ts";
import { list } from "../schemas.ts";
import { conversationNamed } from "./messages.ts";

export const inboundMessage = z
  .strictObject({
    seq: z.int().describe("Its place in the inbox."),
    id: z.string().describe("WhatsApp's id: what `replyTo` of an answer means."),
    line: z.string(),
    seat: z.string(),
    conversation: z.string(),
    contact: z.string(),
    country: z.string().nullable(),
    account: z.string().describe("The account that was written to."),
    chat: z.string().describe("Where it was written: send an answer `to` there."),
    from: z.string().describe("Who wrote it."),
    isGroup: z.boolean(),
    sentAt: z.number(),
    receivedAt: z.number(),
    kind: z.string().describe("text, image, video, audio, document, sticker, location, contact, reaction or other."),
    text: z.string().nullable().describe("The text, a caption, or the emoji of a reaction."),
    replyTo: z.string().nullable().describe("WhatsApp's id of the message that it answers or reacts to."),
    media: z
      .strictObject({
        mimetype: z.string().nullable(),
        bytes: z.number().nullable().describe("As its sender says."),
        fileName: z.string().nullable(),
        seconds: z.number().nullable(),
        isVoice: z.boolean(),
      })
      .nullable()
      .describe("Of an image, a video, audio, a document or a sticker: `GET /v1/inbox/{seq}/media` gives the bytes."),
    location: z
      .strictObject({
        latitude: z.number(),
        longitude: z.number(),
        name: z.string().nullable(),
        address: z.string().nullable(),
      })
      .nullable(),
    contacts: list(z.strictObject({ name: z.string(), vcard: z.string() })),
    proto: z.string().describe("Everything, as an encoded WhatsApp proto.Message, base64."),
  })
  .meta({ id: "InboundMessage" });

export const inboxRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/v1/inbox",
    id: "readInbox",
    tag: "messages",
    summary: "What people wrote, oldest first",
    description:
      "Each message once, whichever twins or members of a group received it. Ask with `after`: what `next` said, once everything before is done. With `wait` an empty page is held back until there is something. A page may hold fewer than `limit`, even none, and not be the last: go on with `next` until it does not change.",
    role: "operator",
    query: z.strictObject({
      after: z.coerce
        .number()
        .int()
        .min(0)
        .max(Number.MAX_SAFE_INTEGER)
        .default(0)
        .describe("The `next` of the page before; 0: from the beginning."),
      limit: z.coerce.number().int().min(1).max(200).default(50).describe("Rows that are looked at."),
      wait: z.coerce.number().int().min(0).max(20).default(0).describe("Seconds."),
      conversation: z.string().min(3).max(200).optional().describe("`line|contact`: what came in this one only."),
    }),
    answers: { 200: z.strictObject({ messages: list(inboundMessage), next: z.int() }) },
    refuses: ["E_UNKNOWN_CONVERSATION"],
    handle: async (caller, { query: { after, limit, wait, conversation } }) => {
      const { arrivals, scope, signal } = caller;
      const wanted = conversation === undefined ? null : await conversationNamed(caller, conversation);
      const until = performance.now() + wait * 1000;
      for (let from = after; ; ) {
        // Before the look, so that what comes in between is not slept through.
        const more = nextOf(arrivals, signal);
        try {
          const { messages, last } = await arrivals.page(from, limit);
          const visible = messages.filter((one) => scope.line(one.line) && (wanted === null || one.conversation === wanted));
          const left = until - performance.now();
          if (visible.length > 0 || left <= 0 || signal.aborted) return ok({ messages: visible.map(inboundView), next: last });
          if (last === from) await Promise.race([more.come, later(left)]);
          from = last;
        } finally {
          more.forget();
        }
      }
    },
  }),
];

/** Resolves when there is more, or nobody waits any longer. */
const nextOf = (arrivals: Arrivals, signal: AbortSignal): { readonly come: Promise<void>; forget(): void } => {
  const { promise: come, resolve } = Promise.withResolvers<void>();
  const stop = arrivals.onMore(resolve);
  signal.addEventListener("abort", () => resolve(), { once: true });
  return { come, forget: stop };
};
const later = (ms: Millis): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms).unref());

const inboundView = ({ proto, ...message }: InboundMessage): z.input<typeof inboundMessage> => ({
  ...message,
  proto: Buffer.from(proto).toString("base64"),
});
