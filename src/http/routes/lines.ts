/** Lines: who is on them, how they share out conversations, how their seats do. */
import { z } from "zod";
import { withTag } from "../etag.ts";
import { ok, route, type Route } from "../route.ts";
import { line, list, name, seatPerformance } from "../schemas.ts";

const params = z.strictObject({ line: name });
const balance = z
  .strictObject({
    line: z.string(),
    strategy: z.string(),
    seats: list(seatPerformance),
    posts: list(seatPerformance).describe("Of servants who work for the seats, in the same words."),
  })
  .meta({ id: "Balance" });
const plan = z
  .strictObject({
    line: z.string(),
    moves: list(z.strictObject({ conversation: z.string(), from: z.string(), to: z.string(), waiting: z.int() })),
    seats: list(z.strictObject({ seat: z.string(), before: z.number(), after: z.number() })).describe(
      "Messages that wait, for each unit of weight.",
    ),
  })
  .meta({ id: "RebalancePlan" });

export const lineRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/v1/lines",
    id: "listLines",
    tag: "lines",
    summary: "All lines",
    role: "viewer",
    answers: { 200: z.strictObject({ lines: list(line) }) },
    handle: async ({ handlers, scope, fleetTag }) => {
      const tag = fleetTag();
      const { lines } = await handlers.status({});
      return ok({ lines: lines.filter(({ id }) => scope.line(id)) }, withTag(tag));
    },
  }),
  route({
    method: "GET",
    path: "/v1/lines/{line}",
    id: "getLine",
    tag: "lines",
    summary: "How a line shares out new conversations, and how its seats do",
    role: "viewer",
    params,
    answers: { 200: balance },
    refuses: ["E_UNKNOWN_LINE", "E_REFUSED"],
    // A wait without end is null: JSON knows no infinity.
    handle: async ({ handlers, scope, fleetTag }, { params: { line: named } }) => {
      const tag = fleetTag();
      return ok(await handlers.line({ line: scope.lineNamed(named) }), withTag(tag));
    },
  }),
  route({
    method: "GET",
    path: "/v1/lines/{line}/rebalance",
    id: "planRebalance",
    tag: "lines",
    summary: "Which waiting conversations a rebalance would move; nothing is moved",
    role: "viewer",
    params,
    query: z.strictObject({ most: z.coerce.number().int().min(1).max(1000).default(20).describe("Conversations at most.") }),
    answers: { 200: plan },
    refuses: ["E_UNKNOWN_LINE", "E_REFUSED"],
    handle: async ({ handlers, scope }, { params: { line: named }, query: { most } }) =>
      ok(await handlers.rebalance({ line: scope.lineNamed(named), most })),
  }),
];
