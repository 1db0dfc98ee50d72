/** The machines themselves: where each chart stands at this moment. */
import { z } from "zod";
import { ok, route, type Route } from "../route.ts";
import { list } from "../schemas.ts";

export const actor = z
  .strictObject({
    address: z.string().describe("`seat:sales/sales-1`, `health:sales-1/a`, …"),
    kind: z.string().describe("Which chart it is of: `/charts.json` has them."),
    state: z.string().describe("`outer.inner` where it is in both."),
  })
  .meta({ id: "Actor" });

export const actorRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/v1/actors",
    id: "listActors",
    tag: "fleet",
    summary: "Every chart that runs, and its state at this moment",
    role: "viewer",
    isWhole: true,
    query: z.strictObject({
      search: z.string().max(200).default("").describe("Only addresses that hold each of these words."),
      limit: z.coerce.number().int().min(1).max(1000).default(200),
    }),
    answers: { 200: z.strictObject({ now: z.number(), actors: list(actor), more: z.boolean() }) },
    handle: ({ views }, { query: { search, limit } }) => {
      const words = search.toLowerCase().split(/\s+/).filter(Boolean);
      const found = views.actors().filter(({ address }) => words.every((word) => address.toLowerCase().includes(word)));
      return ok({ now: views.now(), actors: found.slice(0, limit), more: found.length > limit });
    },
  }),
];
