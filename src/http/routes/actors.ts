/** The machines themselves: where each chart stands at this moment. */
import { z } from "zod";
import { next, nextText, pageQuery, textCursor } from "../paging.ts";
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
      ...pageQuery,
      limit: z.coerce.number().int().min(1).max(1000).default(200),
    }),
    answers: { 200: z.strictObject({ now: z.number(), actors: list(actor), more: z.boolean(), next }) },
    handle: ({ views }, { query: { search, limit, cursor } }) => {
      const words = search.toLowerCase().split(/\s+/).filter(Boolean);
      const after = textCursor(cursor) ?? "";
      const isWanted = (address: string): boolean =>
        address > after && words.every((word) => address.toLowerCase().includes(word));
      const found = views.actors().filter(({ address }) => isWanted(address));
      const actors = found.slice(0, limit);
      const more = found.length > limit;
      return ok({ now: views.now(), actors, more, next: more ? nextText(actors.at(-1)?.address) : null });
    },
  }),
];
