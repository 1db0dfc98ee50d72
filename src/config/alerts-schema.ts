/** The part of a fleet file that says who is told of which alert, and when. */
import { z } from "zod";
import { FLAPPING } from "../../machines/alerts/flapping.ts";
import { RULES, type WatchedRule } from "../../machines/alerts/rules.ts";
import { TERMINAL } from "../alerts/channels/terminal.ts";
import { duration, formatDuration } from "./duration.ts";
import { secretReference as secret, webAddress as url } from "./web-address.ts";

const RULE = /^[a-z][A-Za-z]*\.[a-z][A-Za-z]*$/;
const recipient = z.string().regex(/^(\+?[1-9]\d{6,14}|[^@\s]+@(lid|s\.whatsapp\.net|g\.us))$/, {
  error:
    "expected a phone number with its country's code, such as +491701234567, or an address that ends in @lid, @s.whatsapp.net or @g.us",
});

export const alertsSchema = (name: z.ZodString) => {
  const channel = z.discriminatedUnion("kind", [
    z
      .strictObject({
        kind: z.literal("webhook"),
        url: url.describe("Where notices are posted, as JSON."),
        secret: secret.optional().describe("Signs them as Standard Webhooks has it. Left out: they are not signed."),
      })
      .describe("JSON to an address of your own."),
    z
      .strictObject({ kind: z.literal("slack"), url: secret.describe("An incoming webhook's address: it is a secret.") })
      .describe("A Slack-compatible incoming webhook."),
    z
      .strictObject({
        kind: z.literal("whatsapp"),
        to: z.array(recipient).min(1).max(20).describe("Who gets the message."),
        lines: z
          .array(name)
          .default([])
          .describe("Lines that may carry it, the preferred one first. Left out: any. One that is well is taken."),
      })
      .describe("A message through a healthy line of the fleet."),
    z.strictObject({ kind: z.literal("plugin") }).describe("The alert channel of this name among the plugins."),
  ]);
  const channels = z.array(name).max(50);
  const byLevel = z
    .strictObject({ warning: channels.optional(), critical: channels.optional() })
    .describe("Channels that are told, by level. Left out: as for all rules.");
  const escalation = z.strictObject({
    after: duration.default(600_000).describe("Default: 10m."),
    to: channels.optional().describe("Left out: all channels. An empty list: it is not told a second time."),
  });
  const flapping = z.strictObject({
    times: z.int().min(2).max(1000).default(FLAPPING.times).describe("So many times within that span. Default: 4."),
    within: duration.default(FLAPPING.within).describe("Default: 10m."),
    steady: duration
      .default(FLAPPING.steady)
      .describe("As it is for so long, it comes and goes no longer, and is told again. Default: 5m."),
  });
  const rule = z
    .strictObject({
      warning: z.number().nullable().optional().describe("Its limit, if it is measured; null: never."),
      critical: z.number().nullable().optional().describe("Its limit, if it is measured; null: never."),
      for: duration.optional().describe("It has to hold for so long before anybody is told."),
      channels: byLevel.optional(),
      escalate: escalation.optional().describe("As for all rules, which escalate critical alerts only, if left out."),
    })
    .describe("What differs from the defaults.");
  return z
    .strictObject({
      channels: z
        .record(name, channel)
        .default({})
        .refine((map) => !Object.hasOwn(map, TERMINAL), { error: `${TERMINAL} is there already: name yours differently` })
        .describe(`Ways to reach people, besides ${TERMINAL}, which is what \`up\` prints and logs.`),
      warning: channels.optional().describe("Channels that are told of warnings. Left out: all but whatsapp."),
      critical: channels.optional().describe("Channels that are told of critical alerts. Left out: all."),
      escalate: escalation.default({ after: 600_000 }).describe("A critical alert that nobody acknowledges is told once more."),
      flapping: flapping
        .default(FLAPPING)
        .describe("What comes and goes is told that it does, and then no more until it is steady."),
      rules: z
        .record(
          z.string().regex(RULE, { error: "expected the name of a rule, such as queue.age: docs/alerts.md lists them" }),
          rule,
        )
        .default({})
        .describe(`Measured ones: ${Object.entries(RULES).map(limitsText).join("; ")}. The others are in docs/alerts.md.`),
    })
    .describe("Who is told of what goes wrong.");
};

const limitsText = ([name, { warning, critical, unit, holds }]: [string, (typeof RULES)[WatchedRule]]): string =>
  `${name} (${unit}, warning ${warning ?? "never"}, critical ${critical ?? "never"}${holds > 0 ? `, for ${formatDuration(holds)}` : ""})`;

export type AlertsInput = z.output<ReturnType<typeof alertsSchema>>;
