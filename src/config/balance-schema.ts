/** The part of a line that says how new conversations are shared out. Relations: `balance-checks.ts`. */
import { z } from "zod";

/** In a fleet file: a phone number with its country's code, or an address. */
const CONTACT = /^(\+?[1-9]\d{6,14}|[^@\s]+@(lid|s\.whatsapp\.net|g\.us))$/;
const contact = z.string().regex(CONTACT, {
  error:
    "expected a phone number with its country's code, such as +491701234567, or an address that ends in @lid, @s.whatsapp.net or @g.us",
});
const country = z.string().regex(/^[A-Z]{2}$/, { error: "expected a country as two capital letters, such as DE" });

export const balanceSchema = (name: z.ZodString) => {
  const tiers = z
    .strictObject({
      tiers: z.array(name).min(1).max(20).describe("Tiers of contacts, the most urgent first. Contacts of none come after all."),
      contacts: z
        .record(name, z.array(contact))
        .default({})
        .describe("Who is in which tier: phone numbers, or WhatsApp addresses."),
      reserved: z
        .int()
        .min(0)
        .default(0)
        .describe(
          "So many of the line's first masters begin conversations with contacts of a tier only, while another can begin the rest.",
        ),
    })
    .describe("For the strategy priority.");
  const region = z
    .strictObject({
      masters: z.array(name).default([]).describe("Masters of the line that are here."),
      countries: z
        .array(country)
        .default([])
        .describe("Countries whose contacts belong here, such as DE; known from their numbers."),
      distances: z
        .record(name, z.number().min(0))
        .default({})
        .describe(
          "To other regions, in any one unit; one way is enough. Without one a region is farther than all that have one.",
        ),
    })
    .describe("A part of the world.");
  const geo = z
    .strictObject({
      regions: z.record(name, region).refine((map) => Object.keys(map).length > 0, { error: "expected at least one region" }),
      otherwise: name.optional().describe("The region of contacts whom no region names. Left out: any seat will do."),
    })
    .describe("For the strategy geo.");
  return z
    .strictObject({
      weights: z
        .record(name, z.number().min(0.01).max(100))
        .default({})
        .describe("How many conversations a master gets, against the others. Default: 1 each."),
      adaptive: z
        .boolean()
        .default(true)
        .describe("Whether a master that gets slower, or where sends fail, is given fewer conversations until it is well again."),
      priority: tiers.optional(),
      geo: geo.optional(),
    })
    .describe("How new conversations are shared out.");
};
export type BalanceConfig = z.output<ReturnType<typeof balanceSchema>>;
