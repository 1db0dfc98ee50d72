/** Messages: taken once and for good, followed, looked through; held ones get an operator's word. */
import { z } from "zod";
import type { ConversationId, MessageId, SeatId } from "../../../machines/ports/ids.ts";
import type { MessageContent, OutboxRow } from "../../../machines/ports/store.ts";
import { JSON_CONTENT, type OutgoingContent } from "../../runtime/outgoing.ts";
import { ApiError } from "../errors.ts";
import { next, nextOf, pageQuery, sliceOf } from "../paging.ts";
import { answer, type Caller, ok, route, type Route } from "../route.ts";
import { list, message, messageState, name, seatName } from "../schemas.ts";

const common = {
  line: name,
  to: z
    .string()
    .min(1)
    .max(100)
    .describe("A phone number with its country's code, or an address that ends in @lid, @s.whatsapp.net or @g.us."),
  priority: z.int().min(0).max(9).optional().describe("0 (bulk) to 9 (urgent). Left out: what the contact's tier is worth."),
  region: name.optional().describe("Where the contact is, in the words of the line's regions."),
  expiresIn: z
    .int()
    .min(1)
    .max(30 * 86_400_000)
    .optional()
    .describe("Milliseconds; what has not left by then fails."),
};
const replyTo = z.string().min(1).max(128).optional().describe("WhatsApp's id of the message that is answered, or ours.");
const draft = z
  .union([
    z.strictObject({ ...common, text: z.string().min(1).max(65_536).describe("Short for a content of kind text."), replyTo }),
    z.strictObject({ ...common, content: JSON_CONTENT }),
  ])
  .meta({ id: "Draft" });
type Draft = z.output<typeof draft>;

const accepted = z
  .strictObject({
    id: z.string(),
    line: z.string(),
    seat: z.string(),
    duplicate: z.boolean().describe("The Idempotency-Key was known: this is the message of the first time."),
  })
  .meta({ id: "Accepted" });

/** What its sender chose, 1 to 200 characters. */
export const idempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,200}$/, { error: "expected 1 to 200 printable characters without spaces" });

const states = z
  .string()
  .max(200)
  .transform((text) => text.split(","))
  .pipe(z.array(messageState).min(1))
  .optional()
  .meta({ description: "One or several, with commas between them.", example: "held,failed" });

const messageParams = z.strictObject({ message: z.string().regex(/^[A-Za-z0-9]{1,64}$/) });

export const messageRoutes: readonly Route[] = [
  route({
    method: "POST",
    path: "/v1/messages",
    id: "sendMessage",
    tag: "messages",
    summary: "Send a message: answered once it is durable",
    description:
      "From then on it is not lost. With `Idempotency-Key` it is the same message however often it is asked for: per line, for as long as the message is known.",
    role: "operator",
    body: draft,
    answers: { 202: accepted },
    refuses: ["E_UNKNOWN_LINE", "E_FULL", "E_KEY_REUSED", "E_REFUSED"],
    repeats: "own",
    handle: async (caller, { body, headers }) => {
      const key = headers["idempotency-key"] === undefined ? undefined : String(headers["idempotency-key"]);
      const line = caller.scope.lineNamed(body.line);
      const { to, priority, region, expiresIn } = body;
      const { id, seat, duplicate } = await caller.send({ line, to, content: contentIn(body), key, priority, region, expiresIn });
      return answer(202, { id, line, seat, duplicate }, { location: `/v1/messages/${id}` });
    },
  }),
  route({
    method: "GET",
    path: "/v1/messages",
    id: "listMessages",
    tag: "messages",
    summary: "Messages that were accepted, newest first",
    role: "viewer",
    query: z.strictObject({
      ...pageQuery,
      line: name.optional(),
      seat: seatName.optional(),
      conversation: z.string().min(3).max(200).optional().describe("`line|contact`. Before `line` and `seat`."),
      state: states,
    }),
    answers: { 200: z.strictObject({ messages: list(message), next }) },
    refuses: ["E_UNKNOWN_LINE", "E_UNKNOWN_SEAT", "E_UNKNOWN_CONVERSATION"],
    handle: async (caller, { query }) => {
      const { scope, store } = caller;
      const conversation = query.conversation === undefined ? null : await conversationNamed(caller, query.conversation);
      const page = await store.messages(
        { conversation, seats: seatsOf(scope, query), states: query.state ?? null },
        sliceOf(query),
      );
      return ok({ messages: page.rows.map((row) => messageView(row, caller)), next: nextOf(page) });
    },
  }),
  route({
    method: "GET",
    path: "/v1/messages/{message}",
    id: "getMessage",
    tag: "messages",
    summary: "Where a message is, and each attempt to send it",
    role: "viewer",
    params: messageParams,
    answers: { 200: message },
    refuses: ["E_UNKNOWN_MESSAGE"],
    handle: async (caller, { params }) => ok(messageView(await messageNamed(caller, params.message), caller)),
  }),
  route({
    method: "POST",
    path: "/v1/messages/{message}/cancel",
    id: "cancelMessage",
    tag: "messages",
    summary: "Call a message back that has not left yet: it counts as failed",
    description: "Refused, with the reason, once an attempt of it may have left.",
    role: "operator",
    params: messageParams,
    answers: { 200: message },
    refuses: ["E_UNKNOWN_MESSAGE", "E_REFUSED"],
    handle: async (caller, { params }) => {
      const { id } = await messageNamed(caller, params.message);
      await caller.handlers.cancel({ message: id });
      return ok(messageView(await messageNamed(caller, id), caller));
    },
  }),
  ...(["release", "drop"] as const).map((word) =>
    route({
      method: "POST",
      path: `/v1/messages/{message}/${word}`,
      id: `${word}Message`,
      tag: "messages",
      summary:
        word === "release" ? "Send a held message, perhaps for a second time" : "Give a held message up: it counts as failed",
      role: "operator",
      params: messageParams,
      answers: { 202: z.strictObject({ released: list(z.string()) }) },
      refuses: ["E_UNKNOWN_MESSAGE", "E_REFUSED"],
      handle: async (caller, { params }) => {
        const { id } = await messageNamed(caller, params.message);
        return answer(202, await caller.handlers.release({ message: id, send: word === "release" }));
      },
    }),
  ),
];

const contentIn = (body: Draft): OutgoingContent => {
  if ("text" in body) return { kind: "text", text: body.text, replyTo: body.replyTo } as OutgoingContent;
  const { content: given } = body;
  if (given.kind === "raw") return { kind: "raw", proto: bytesOf(given.proto) };
  if (!("data" in given) || given.data === undefined) return given as OutgoingContent;
  const { data, ...rest } = given;
  return { ...rest, bytes: bytesOf(data) };
};
const bytesOf = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, "base64"));

const seatsOf = (
  scope: Caller["scope"],
  { line, seat }: { line?: string | undefined; seat?: string | undefined },
): readonly SeatId[] | null => {
  const wanted = line === undefined ? null : scope.lineNamed(line);
  const named = seat === undefined ? null : scope.seatNamed(seat);
  if (scope.isWhole && wanted === null && named === null) return null;
  return scope.seats().filter((id) => (named === null || id === named) && (wanted === null || id.startsWith(`${wanted}/`)));
};

export const conversationNamed = async ({ scope, store }: Caller, id: string): Promise<ConversationId> => {
  const row = await store.conversation(id as ConversationId);
  if (row && scope.line(row.line)) return row.id;
  throw new ApiError("E_UNKNOWN_CONVERSATION", `there is no conversation of that id: GET /v1/conversations?line=… lists them`);
};

const messageNamed = async ({ scope, store }: Caller, id: string): Promise<OutboxRow> => {
  const row = await store.message(id as MessageId);
  if (row && scope.line(row.line)) return row;
  throw new ApiError("E_UNKNOWN_MESSAGE", `there is no message ${id}`);
};

const messageView = (row: OutboxRow, { key }: Caller): z.input<typeof message> => {
  const { seq: _, idempotencyKey: __, content: kept, ...rest } = row;
  return { ...rest, content: key.role === "viewer" ? null : contentView(kept) };
};
const contentView = (kept: MessageContent): z.input<typeof message>["content"] =>
  kept.kind === "raw" ? { kind: "raw", proto: Buffer.from(kept.proto).toString("base64") } : kept;
