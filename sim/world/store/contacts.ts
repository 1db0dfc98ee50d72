/** Contacts, aliases, and where conversations live: the same rules as in the real stores, without numbers that mean anything. */
import type { AccountId, ContactId, ConversationId, SeatId } from "../../../machines/ports/ids.ts";
import { bareAddress, type ContactRow } from "../../../machines/ports/store.ts";
import type { Bench, Handlers } from "./handlers.ts";
import { compare, type Contact, type State } from "./state.ts";

const idOf = ({ number, pn }: Pick<Contact, "number" | "pn">): ContactId =>
  `${pn?.endsWith("@g.us") ? "g" : "c"}:${number}` as ContactId;

const rowOf = (contact: Contact): ContactRow => ({
  id: idOf(contact),
  lid: contact.lid,
  pn: contact.pn,
  country: contact.country,
  tier: contact.tier,
});

const numberIn = (id: ContactId): number => (id.startsWith("c:") || id.startsWith("g:") ? Number(id.slice(2)) : -1);

const find = ({ tables }: State, id: ContactId): Contact | undefined => {
  let contact = tables.contacts.get(numberIn(id));
  while (contact && contact.aliasOf !== null) contact = tables.contacts.get(contact.aliasOf);
  return contact;
};

const contactIn = (conversation: ConversationId): ContactId => conversation.slice(conversation.indexOf("|") + 1) as ContactId;
const lineIn = (conversation: ConversationId): string => conversation.slice(0, conversation.indexOf("|"));

export const contactOps = (bench: Bench): Pick<Handlers, "contact.resolve" | "contact.get" | "conversation.get"> => ({
  "contact.resolve": ({ lid, pn }) => {
    const contact = resolve(bench, lid === null ? null : bareAddress(lid), pn === null ? null : bareAddress(pn));
    return { kind: "contact", row: rowOf(contact) };
  },
  "contact.get": ({ id }) => {
    const contact = find(bench.state(), id);
    return { kind: "contact", row: contact ? rowOf(contact) : null };
  },
  "conversation.get": ({ conversation }) => {
    const state = bench.state();
    const contact = find(state, contactIn(conversation));
    return {
      kind: "conversation",
      seat: state.tables.conversations.get(conversation)?.seat ?? null,
      warm: contact ? warmAccounts(state, contact) : [],
    };
  },
});

export const seatOfConversation = ({ tables }: State, id: ConversationId, seat: SeatId): SeatId => {
  const known = tables.conversations.get(id);
  if (!known) tables.conversations.set(id, { id, contact: contactIn(id), seat });
  return known?.seat ?? seat;
};
export const assignConversation = ({ tables }: State, id: ConversationId, seat: SeatId): void => {
  tables.conversations.set(id, { id, contact: contactIn(id), seat });
};

export const warmUp = ({ tables }: State, address: string, account: AccountId): void => {
  const bare = bareAddress(address);
  const known = tables.warm.get(bare);
  if (!known) tables.warm.set(bare, [account]);
  else if (!known.includes(account)) tables.warm.set(bare, [...known, account].sort(compare));
};
export const warmUpContact = (state: State, id: ContactId, account: AccountId): void => {
  const contact = find(state, id);
  const address = contact?.lid ?? contact?.pn;
  if (address) warmUp(state, address, account);
};
const warmAccounts = ({ tables }: State, { lid, pn }: Contact): readonly AccountId[] => {
  const ofLid = (lid !== null && tables.warm.get(lid)) || [];
  const ofPn = (pn !== null && tables.warm.get(pn)) || [];
  return ofPn.length === 0 ? ofLid : [...new Set([...ofLid, ...ofPn])].sort(compare);
};

const resolve = ({ state: now, countryOf }: Bench, lid: string | null, pn: string | null): Contact => {
  if (lid === null && pn === null) throw new Error("a contact needs an address");
  const state = now();
  const put = (contact: Contact): Contact => state.putContact(contact);
  const byLid = state.contactAt(lid);
  const byPn = state.contactAt(pn);
  if (byLid && byPn && byLid !== byPn && byLid.pn === null && byPn.lid === null) return merge(state, byLid, byPn);
  const country = pn === null ? null : countryOf(pn);
  if (byLid) {
    if (pn === null || pn === byLid.pn) return byLid;
    if (byPn) put({ ...byPn, pn: null, country: null });
    return put({ ...byLid, pn, country });
  }
  if (byPn && (lid === null || byPn.lid === null)) return lid === null ? byPn : put({ ...byPn, lid });
  if (byPn) put({ ...byPn, pn: null, country: null });
  return put({ number: state.tables.contacts.size + 1, lid, pn, country, tier: null, aliasOf: null });
};

const merge = (state: State, byLid: Contact, byPn: Contact): Contact => {
  const { tables } = state;
  const [older, younger] = byLid.number < byPn.number ? [byLid, byPn] : [byPn, byLid];
  const aliasId = idOf(younger);
  const merged: Contact = {
    ...older,
    lid: byLid.lid,
    pn: byPn.pn,
    country: byLid.country ?? byPn.country,
    tier: older.tier ?? younger.tier,
  };
  state.putContact({ ...younger, lid: null, pn: null, aliasOf: older.number });
  state.putContact(merged);
  const theirs = [...tables.conversations.values()].filter(({ contact }) => contact === aliasId);
  for (const { id, seat } of theirs) {
    const ours = `${lineIn(id)}|${idOf(merged)}` as ConversationId;
    if (!tables.conversations.has(ours)) tables.conversations.set(ours, { id: ours, contact: idOf(merged), seat });
  }
  return merged;
};
