/** Who is behind conversations: found by our id, a LID or a number. Nobody is made by being asked for. */
import type { ContactId, ConversationId, LineId } from "../../machines/ports/ids.ts";
import type { ContactRow } from "../../machines/ports/store.ts";
import { addressOf } from "./sending.ts";
import type { Views } from "./views.ts";

export interface ContactStore {
  conversations(
    line: LineId,
    after: ConversationId | null,
    limit: number,
  ): Promise<{ readonly rows: readonly { readonly id: ConversationId; readonly contact: ContactId }[]; readonly more: boolean }>;
  contactAt(address: string): Promise<ContactId | null>;
}
export interface ContactsPage {
  readonly contacts: readonly ContactRow[];
  /** What the next page comes after; null: there is none. */
  readonly next: ConversationId | null;
}

export const contactNamed = async (views: Views, store: ContactStore, named: string): Promise<ContactRow | null> => {
  if (/^[cg]:\d+$/.test(named)) return (await views.ask("contact.get", { id: named as ContactId })).row;
  const { lid, pn } = addressOf(named);
  const id = await store.contactAt(lid ?? pn ?? "");
  return id === null ? null : (await views.ask("contact.get", { id })).row;
};

export const contactsOf = async (
  views: Views,
  store: ContactStore,
  { line, after, limit }: { readonly line: LineId; readonly after: ConversationId | null; readonly limit: number },
): Promise<ContactsPage> => {
  const { rows, more } = await store.conversations(line, after, limit);
  const found = await Promise.all(rows.map(async (row) => (await views.ask("contact.get", { id: row.contact })).row));
  return { contacts: found.filter((row) => row !== null), next: more ? (rows.at(-1)?.id ?? null) : null };
};
