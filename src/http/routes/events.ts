/** What happens: as a page, or live as server-sent events. */
import { z } from "zod";
import { ApiError } from "../errors.ts";
import { ok, route, type Route } from "../route.ts";
import { event, list } from "../schemas.ts";

const number = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const types = z
  .string()
  .max(500)
  .regex(/^[A-Za-z.]+\*?(,[A-Za-z.]+\*?)*$/)
  .optional()
  .meta({ description: "One or several with commas between them; `alert.*` for a family.", example: "seat.serving,alert.*" });

/** `alert.*`, `seat.serving`. */
const matcher = (wanted: string | undefined): ((type: string) => boolean) => {
  if (wanted === undefined) return () => true;
  const [families, names] = [[] as string[], new Set<string>()];
  for (const one of wanted.split(",")) {
    if (one.endsWith("*")) families.push(one.slice(0, -1));
    else names.add(one);
  }
  return (type) => names.has(type) || families.some((family) => type.startsWith(family));
};

const isStream = (accept: string | undefined): boolean => accept?.includes("text/event-stream") ?? false;

export const eventRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/v1/events",
    id: "listEvents",
    tag: "events",
    summary: "What happened, oldest first; with `Accept: text/event-stream` as it happens",
    description:
      "Each event has a number. A stream begins after `Last-Event-ID` (or `after`), without either with what happens next; a page begins after `after`. A heartbeat comes every 15 seconds. Whoever reads too slowly is cut off, and may come back with the last number. A page may hold fewer than `limit` events, even none, and not be the last: go on with `next` until it does not change.",
    role: "viewer",
    query: z.strictObject({
      after: number.optional().describe("The number that was seen last."),
      limit: z.coerce.number().int().min(1).max(1000).default(100).describe("Of a page: events that are looked at."),
      type: types,
      subject: z.string().min(1).max(200).optional().describe("A seat, device, account or line."),
    }),
    answers: { 200: z.strictObject({ events: list(event), next: z.int().describe("`after` of the next page.") }) },
    types: ["text/event-stream"],
    refuses: ["E_UNKNOWN_SUBJECT", "E_BUSY"],
    handle: async ({ scope, views, streams, isWelcome }, { query, headers }, reply) => {
      const subject = query.subject === undefined ? null : scope.subjectNamed(query.subject);
      const isWanted = matcher(query.type);
      const wants = (one: { type: string; subject: string }): boolean =>
        isWanted(one.type) && (subject === null || one.subject === subject) && scope.subject(one.subject);
      if (isStream(headers.accept as string | undefined)) {
        const after = lastSeen(headers["last-event-id"]) ?? query.after ?? null;
        streams.open(reply, { after, wants, isWelcome });
        return ok({ events: [], next: 0 });
      }
      const after = query.after ?? 0;
      const { rows } = await views.ask("events.read", { afterSeq: after, limit: query.limit });
      return ok({ events: rows.filter(wants), next: rows.at(-1)?.seq ?? after });
    },
  }),
];

const lastSeen = (header: string | string[] | undefined): number | null => {
  if (header === undefined || header === "") return null;
  const parsed = number.safeParse(header);
  if (parsed.success) return parsed.data;
  throw new ApiError("E_BAD_REQUEST", "headers.last-event-id: expected the number of an event");
};
