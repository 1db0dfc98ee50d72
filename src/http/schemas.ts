/** What the API answers. Times are milliseconds since the epoch; `…Ms` are spans. */
import { z } from "zod";
import { OUTBOX_STATES } from "../../machines/delivery/outbox-state.ts";
import type { OutboxState } from "../../machines/ports/store.ts";
import { DEVICE_STATUSES } from "./device-status.ts";
import { ROLES } from "./store.ts";

const list = <T extends z.ZodType>(item: T) => z.array(item).readonly();
export { list };
const millis = z.number().describe("Milliseconds since the epoch.");
const count = z.int().min(0);
const facts = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]));

export const queue = z.strictObject({ open: count, oldestMs: z.number().nullable(), held: count });
export const seat = z
  .strictObject({
    id: z.string().describe("`line/account`: a master's place on a line."),
    line: z.string(),
    holder: z.string().nullable().describe("The device that speaks for it; null: nobody."),
    term: z.int().describe("Grows by one at each change of holder. Also the ETag."),
    phase: z.string().describe("State of its chart: serving, threatened, moving, stranded, …"),
    queue,
    last: z.strictObject({ at: millis, text: z.string() }).nullable().describe("The last decision about it."),
  })
  .meta({ id: "Seat" });

const about = {
  name: z.string().nullable().describe("What people call it."),
  labels: list(z.string()),
};

export const account = z
  .strictObject({
    id: z.string(),
    ...about,
    role: z.enum(["master", "servant"]),
    standing: z.enum(["good", "capped", "restricted", "banned"]),
    standingUntil: millis.nullable(),
    phone: z
      .strictObject({
        seenAt: millis.nullable().describe("The last sign of it; null: there was none yet."),
        unseenSince: millis
          .nullable()
          .describe("It has confirmed nothing that the account sent since then; null: not for an hour."),
      })
      .describe("The account's own phone. WhatsApp unlinks the devices of one that is away for 14 days."),
    devices: list(z.string()),
  })
  .meta({ id: "Account" });

export const device = z
  .strictObject({
    id: z.string().describe("`account/name`."),
    ...about,
    status: z.enum(DEVICE_STATUSES),
    link: z.enum(["unlinked", "linked", "loggedOut"]),
    connection: z.string().describe("State of the connection's chart, for a closer look."),
    health: z.enum(["unknown", "healthy", "suspect", "repairing", "failed", "recovering"]),
    lastEvidenceMs: z.number().nullable().describe("How long ago anything was heard from it."),
    cordoned: z.boolean().describe("It takes no seat: its account was drained or cordoned."),
    holds: list(z.string()).describe("Seats that it speaks for."),
  })
  .meta({ id: "Device" });

export const line = z
  .strictObject({ id: z.string(), ...about, masters: list(z.string()), servants: list(z.string()), seats: list(z.string()) })
  .meta({ id: "Line" });

export const seatPerformance = z
  .strictObject({
    seat: z.string(),
    isEligible: z.boolean().describe("Whether it gets new conversations."),
    weight: z.number(),
    begun: count.describe("Conversations given to it since the start."),
    waiting: count,
    underWay: count,
    expectedWait: z.number().nullable().describe("Milliseconds; null: nobody can say."),
    handedOver: count,
    answered: count,
    failed: count,
    p50: z.number().nullable().describe("Milliseconds from hand-over to WhatsApp's ack, of the last answers."),
    p99: z.number().nullable(),
  })
  .meta({ id: "SeatPerformance" });

export const failover = z
  .strictObject({
    id: z.string(),
    seat: z.string(),
    cause: z.enum([
      "silent",
      "unacknowledged",
      "closed",
      "replaced",
      "loggedOut",
      "banned",
      "operator",
      "failback",
      "removed",
      "startup",
    ]),
    from: z.string().nullable(),
    to: z.string().nullable(),
    termBefore: z.int(),
    termAfter: z.int().nullable(),
    outcome: z.enum(["running", "inService", "averted", "rolledBack", "exhausted", "interrupted", "aborted"]),
    ladder: z.enum(["twin", "account", "reconnect"]).nullable(),
    lastEvidenceAt: millis.nullable(),
    detectedAt: millis,
    chosenAt: millis.nullable(),
    committedAt: millis.nullable(),
    inServiceAt: millis.nullable(),
    endedAt: millis.nullable(),
    steps: list(z.strictObject({ at: millis, text: z.string() })).describe("Each step as a sentence with its evidence."),
  })
  .meta({ id: "Failover" });

export const alert = z
  .strictObject({
    key: z.string(),
    rule: z.string(),
    subject: z.string(),
    level: z.enum(["warning", "critical"]),
    state: z.enum(["open", "resolved"]),
    text: z.string(),
    raisedAt: millis,
    resolvedAt: millis.nullable(),
    repeats: count,
  })
  .meta({ id: "Alert" });
export const alertRecord = z
  .strictObject({
    ...alert.shape,
    acknowledged: z.strictObject({ at: millis, by: z.string() }).nullable().describe("Who looks after it, and since when."),
  })
  .meta({ id: "AlertRecord" });

export const silence = z
  .strictObject({
    id: z.string(),
    rule: z.string().nullable().describe("null: every rule. `device.*`: every rule that begins so."),
    subject: z.string().nullable().describe("null: everybody. An account means its devices as well, a line its seats."),
    from: millis,
    until: millis,
    by: z.string(),
    why: z.string(),
  })
  .meta({ id: "Silence" });

export const auditEntry = z
  .strictObject({
    seq: z.int(),
    at: millis,
    actor: z.string(),
    action: z.string(),
    subject: z.string(),
    text: z.string(),
    evidence: facts,
  })
  .meta({ id: "AuditEntry" });

export const event = z
  .strictObject({
    seq: z.int().describe("Its number: what Last-Event-ID and `after` mean."),
    at: millis,
    type: z.string().describe("`seat.serving`, `holder.failed`, `alert.raised`, …: docs/api.md lists them."),
    subject: z.string(),
    data: facts,
  })
  .meta({ id: "Event" });

const media = z.strictObject({ id: z.string(), bytes: count, mimetype: z.string() });
const replyTo = z.string().optional();
const content = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("text"), text: z.string(), replyTo }),
  z.strictObject({ kind: z.enum(["image", "video"]), media, caption: z.string().optional(), replyTo }),
  z.strictObject({ kind: z.literal("audio"), media, voice: z.boolean(), seconds: z.number().optional(), replyTo }),
  z.strictObject({ kind: z.literal("document"), media, fileName: z.string(), caption: z.string().optional(), replyTo }),
  z.strictObject({
    kind: z.literal("location"),
    latitude: z.number(),
    longitude: z.number(),
    name: z.string().optional(),
    address: z.string().optional(),
    replyTo,
  }),
  z.strictObject({ kind: z.literal("contact"), name: z.string(), phone: z.string(), replyTo }),
  z.strictObject({ kind: z.literal("reaction"), to: z.string(), emoji: z.string() }),
  z.strictObject({ kind: z.literal("raw"), proto: z.string().describe("An encoded WhatsApp proto.Message, base64.") }),
]);
export const messageState = z.enum(OUTBOX_STATES as unknown as [OutboxState, ...OutboxState[]]);
export const message = z
  .strictObject({
    id: z.string(),
    waId: z.string().describe("WhatsApp's id, the same for every attempt."),
    line: z.string(),
    seat: z.string(),
    conversation: z.string(),
    contact: z.string(),
    state: messageState,
    reason: z.string().nullable(),
    priority: z.int(),
    acceptedAt: millis,
    expiresAt: millis.nullable(),
    attempts: list(
      z.strictObject({
        number: z.int(),
        device: z.string(),
        seatTerm: z.int(),
        at: millis,
        outcome: z.enum(["pending", "acknowledged", "unanswered", "refused", "unsent"]),
        detail: z.string().nullable(),
      }),
    ),
    content: content.nullable().describe("null for a viewer."),
  })
  .meta({ id: "Message" });

export const conversation = z
  .strictObject({ id: z.string().describe("`line|contact`."), line: z.string(), contact: z.string(), seat: z.string() })
  .meta({ id: "Conversation" });

export const key = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    role: z.enum(ROLES),
    lines: list(z.string()).nullable().describe("null: the whole fleet."),
    createdAt: millis,
    createdBy: z.string(),
    expiresAt: millis.nullable(),
    revokedAt: millis.nullable(),
  })
  .meta({ id: "Key" });

export const offer = z
  .strictObject({
    kind: z.enum(["qr", "code"]),
    text: z.string().describe("What the QR code says, or the pairing code."),
    at: millis,
    code: z.string().optional().describe("The pairing code beside a QR code, where a phone was named."),
  })
  .meta({ id: "LinkOffer" });

export const fleetPlan = z
  .strictObject({
    file: z.string(),
    applied: z.boolean(),
    tag: z.string().nullable().describe("Of the fleet file as it is now, also the ETag; null: there is none."),
    changes: list(
      z.strictObject({ subject: z.string(), text: z.string(), isLive: z.boolean().describe("False: needs a restart.") }),
    ),
  })
  .meta({ id: "FleetPlan" });

export const mode = z.strictObject({ mode: z.string().describe("automatic, braked, outage or paused.") }).meta({ id: "Mode" });

// ---- what is asked ---------------------------------------------------------------------------------------------------

/** As in the fleet file; what is not there is the handler's to say. */
export const name = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[A-Za-z0-9._-]+$/);
export const seatParams = z.strictObject({ line: name, account: name });
export const deviceParams = z.strictObject({ account: name, device: name });
export const deviceName = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,64}\/[A-Za-z0-9._-]{1,64}$/)
  .describe("`account/name`.");
export const seatName = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,64}\/[A-Za-z0-9._-]{1,64}$/)
  .describe("`line/account`.");
