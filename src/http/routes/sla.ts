/** Availability of the fleet, for whoever has to report it. */
import { z } from "zod";
import { ok, route, type Route } from "../route.ts";
import { list } from "../schemas.ts";

const ms = (text: string) => z.number().describe(`Milliseconds: ${text}`);
const availability = {
  measuredMs: ms("seats' time in all, without what is excluded."),
  downMs: ms("an accepted message, neither paced nor held, waited for more than 10 s for WhatsApp's word."),
  outageMs: ms("excluded, WhatsApp as a whole was out of reach."),
  maintenanceMs: ms("excluded, an operator had paused automatic failover."),
  times: z.number().describe("How often it was down."),
  longestMs: ms("the longest of them."),
  availability: z.number().nullable().describe("0 to 1; null: nothing was measured."),
  budgetLeftMs: ms("of the downtime that the target allows in the period; negative: overspent.").nullable(),
  burnRate: z.number().nullable().describe("Above 1 the budget does not last."),
};
export const report = z
  .strictObject({
    from: z.number(),
    to: z.number(),
    target: z.number(),
    fleet: z.strictObject(availability),
    lines: list(z.strictObject({ line: z.string(), ...availability })),
    accounts: list(z.strictObject({ account: z.string(), ...availability })),
    seats: list(z.strictObject({ seat: z.string(), ...availability })),
  })
  .meta({ id: "Sla" });

const time = z.coerce.number().int().min(0).max(8_640_000_000_000_000);

export const slaRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/v1/sla",
    id: "getSla",
    tag: "fleet",
    summary: "Availability and error budget of a period",
    role: "viewer",
    isWhole: true,
    query: z
      .strictObject({
        from: time.describe("Milliseconds since the epoch."),
        to: time,
        target: z.coerce.number().gt(0).lt(1).default(0.9999),
      })
      .refine(({ from, to }) => from < to, { error: "the period ends before it begins", path: ["to"] }),
    answers: { 200: report },
    handle: async ({ handlers }, { query }) => ok(await handlers.sla(query)),
  }),
];
