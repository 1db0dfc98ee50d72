/** Contacts: who is behind a conversation, by LID and by number. */
import { z } from "zod";
import type { ConversationId } from "../../../machines/ports/ids.ts";
import type { ContactRow } from "../../../machines/ports/store.ts";
import { contactNamed, contactsOf } from "../../runtime/contacts.ts";
import { ApiError } from "../errors.ts";
import { next, nextText, pageQuery, textCursor } from "../paging.ts";
import { type Caller, ok, route, type Route } from "../route.ts";
import { list, name } from "../schemas.ts";

const contact = z
  .strictObject({
    id: z.string(),
    lid: z.string().nullable().describe("`…@lid`, where WhatsApp has said it."),
    pn: z.string().nullable().describe("The number as an address, or the group's; null: not known."),
    country: z.string().nullable(),
    tier: z.string().nullable(),
    conversations: list(z.string()).describe("With lines that the key may see."),
  })
  .meta({ id: "Contact" });

const viewOf = async ({ scope, store }: Caller, row: ContactRow): Promise<z.input<typeof contact>> => ({
  ...row,
  conversations: (await store.conversationsOf(row.id)).filter(({ line }) => scope.line(line)).map(({ id }) => id),
});

export const contactRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/v1/contacts",
    id: "listContacts",
    tag: "contacts",
    summary: "Whom a line speaks to",
    role: "operator",
    query: z.strictObject({ ...pageQuery, line: name }),
    answers: { 200: z.strictObject({ contacts: list(contact), next }) },
    refuses: ["E_UNKNOWN_LINE"],
    handle: async (caller, { query }) => {
      const line = caller.scope.lineNamed(query.line);
      const after = textCursor(query.cursor) as ConversationId | null;
      if (after !== null && !after.startsWith(`${line}|`))
        throw new ApiError("E_BAD_REQUEST", "query.cursor: this is no `next` of a list like this one");
      const page = await contactsOf(caller.views, caller.store, { line, after, limit: query.limit });
      const views = await Promise.all(page.contacts.map((row) => viewOf(caller, row)));
      return ok({ contacts: views, next: page.next === null ? null : nextText(page.next) });
    },
  }),
  route({
    method: "GET",
    path: "/v1/contacts/{contact}",
    id: "getContact",
    tag: "contacts",
    summary: "One contact: by its id, its LID or its number",
    role: "operator",
    params: z.strictObject({ contact: z.string().min(1).max(100) }),
    answers: { 200: contact },
    refuses: ["E_NOT_FOUND"],
    handle: async (caller, { params }) => {
      const row = await contactNamed(caller.views, caller.store, params.contact);
      const view = row && (await viewOf(caller, row));
      // One that speaks to other lines only is not there for the key.
      if (!view || (view.conversations.length === 0 && !caller.scope.isWhole))
        throw new ApiError("E_NOT_FOUND", "there is no such contact: GET /v1/contacts?line=… lists them");
      return ok(view);
    },
  }),
];
