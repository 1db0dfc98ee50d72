/** Conversations: which seat speaks to whom. */
import { z } from "zod";
import type { ConversationId } from "../../../machines/ports/ids.ts";
import { ApiError } from "../errors.ts";
import { next, nextText, pageQuery, textCursor } from "../paging.ts";
import { ok, route, type Route } from "../route.ts";
import { conversation, list, name } from "../schemas.ts";
import { conversationNamed } from "./messages.ts";

const detail = z
  .strictObject({
    ...conversation.shape,
    warm: list(z.string()).describe("Accounts that the contact has heard from, or written to."),
    lid: z.string().nullable().describe("The contact's address; null for a viewer, or if it is not known."),
    pn: z.string().nullable().describe("The contact's number as an address, or the group's; null for a viewer."),
    country: z.string().nullable(),
  })
  .meta({ id: "ConversationInDetail" });

export const conversationRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/v1/conversations",
    id: "listConversations",
    tag: "conversations",
    summary: "The conversations of a line",
    role: "viewer",
    query: z.strictObject({ ...pageQuery, line: name }),
    answers: { 200: z.strictObject({ conversations: list(conversation), next }) },
    refuses: ["E_UNKNOWN_LINE"],
    handle: async ({ scope, store }, { query }) => {
      const line = scope.lineNamed(query.line);
      const after = textCursor(query.cursor) as ConversationId | null;
      if (after !== null && !after.startsWith(`${line}|`))
        throw new ApiError("E_BAD_REQUEST", "query.cursor: this is no `next` of a list like this one");
      const { rows, more } = await store.conversations(line, after, query.limit);
      return ok({ conversations: rows, next: more ? nextText(rows.at(-1)?.id) : null });
    },
  }),
  route({
    method: "GET",
    path: "/v1/conversations/{conversation}",
    id: "getConversation",
    tag: "conversations",
    summary: "One conversation, with its contact",
    role: "viewer",
    params: z.strictObject({ conversation: z.string().min(3).max(200) }),
    answers: { 200: detail },
    refuses: ["E_UNKNOWN_CONVERSATION"],
    handle: async (caller, { params }) => {
      const id = await conversationNamed(caller, params.conversation);
      const row = await caller.store.conversation(id);
      if (!row) throw new ApiError("E_UNKNOWN_CONVERSATION", "it is gone");
      const { warm } = await caller.views.ask("conversation.get", { conversation: id });
      const { row: contact } = await caller.views.ask("contact.get", { id: row.contact });
      const isViewer = caller.key.role === "viewer";
      return ok({
        ...row,
        warm,
        lid: isViewer ? null : (contact?.lid ?? null),
        pn: isViewer ? null : (contact?.pn ?? null),
        country: contact?.country ?? null,
      });
    },
  }),
];
