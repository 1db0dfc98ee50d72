/** What the process is made of. */
import { z } from "zod";
import { SERVICE_KINDS } from "../../runtime/services.ts";
import { ok, route, type Route } from "../route.ts";
import { list } from "../schemas.ts";

const service = z
  .strictObject({
    kind: z.enum(SERVICE_KINDS),
    name: z.string(),
    state: z.string().describe("Of an actor, the state of its chart."),
    version: z.string().nullable(),
    detail: z.string().nullable(),
  })
  .meta({ id: "Service" });

export const serviceRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/v1/services",
    id: "listServices",
    tag: "fleet",
    summary: "Every actor, adapter and plugin, with its state and version",
    role: "viewer",
    isWhole: true,
    query: z.strictObject({ kind: z.enum(SERVICE_KINDS).optional().describe("Left out: all.") }),
    answers: { 200: z.strictObject({ services: list(service) }) },
    handle: async ({ handlers }, { query }) => ok(await handlers.services({ kind: query.kind ?? null })),
  }),
];
