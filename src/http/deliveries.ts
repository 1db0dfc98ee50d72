/** What webhooks receive, as schemas: for the OpenAPI document. */
import { z } from "zod";
import { RECEIVED } from "../webhooks/envelope.ts";
import { inboundMessage } from "./routes/inbox.ts";

const envelope = <T extends z.ZodType, D extends z.ZodType>(type: T, data: D) =>
  z.strictObject({
    id: z.string().describe("Also the header webhook-id. The same however often it comes: tell repeats by it."),
    type,
    timestamp: z.iso.datetime().describe("When it happened."),
    data,
  });
const fleet = z.string().describe("The fleet's name.");

/** By type; `event` is any of the fleet's events, with what `greenroom tail --json` shows as its data. */
export const DELIVERIES = {
  [RECEIVED]: envelope(
    z.literal(RECEIVED),
    inboundMessage
      .omit({ id: true, sentAt: true, receivedAt: true })
      .extend({ fleet, message: z.string().describe("WhatsApp's id."), sentAt: z.iso.datetime() }),
  ).meta({ id: "MessageDelivery" }),
  event: envelope(
    z.string().regex(/^[a-z]+\.[A-Za-z]+$/),
    z.looseObject({
      fleet,
      seq: z.int(),
      subject: z.string().describe("Whom it is about: a seat, a device, an account, a line."),
    }),
  ).meta({ id: "EventDelivery" }),
} as const;
