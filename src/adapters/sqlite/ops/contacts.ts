/**
 * Contacts and the seats of their conversations. Numbers live here and nowhere above.
 *
 * Two rows that prove to be one person become the older one. The younger stays as an alias and nothing that refers to it is
 * rewritten: conversation ids contain the contact's, machines hold both in memory, and messages under way must be found again.
 */
import type { AccountId, ContactId, ConversationId, SeatId } from "../../../../machines/ports/ids.ts";
import { bareAddress, type ContactRow } from "../../../../machines/ports/store.ts";
import { numberOf, numberOrNull, textOf, textOrNull, type Database, type Row } from "../database.ts";
import type { Bench, Handlers } from "./handlers.ts";

export const contactIdOf = (number: number, pn: string | null): ContactId =>
  `${pn?.endsWith("@g.us") ? "g" : "c"}:${number}` as ContactId;
const numberIn = (id: ContactId): number => Number(/^[cg]:(\d+)$/.exec(id)?.[1] ?? -1);

const contactRow = (row: Row): ContactRow => ({
  id: contactIdOf(numberOf(row, "number"), textOrNull(row, "pn")),
  lid: textOrNull(row, "lid"),
  pn: textOrNull(row, "pn"),
  country: textOrNull(row, "country"),
  tier: textOrNull(row, "tier"),
});

/** The row that an id stands for, aliases followed. */
const findContact = (db: Database, id: ContactId): Row | undefined => {
  let row = db.get("select * from contact where number = ?", numberIn(id));
  for (let alias = row && numberOrNull(row, "alias_of"); alias; alias = row && numberOrNull(row, "alias_of")) {
    row = db.get("select * from contact where number = ?", alias);
  }
  return row;
};

/** Contact of a conversation id: what stands behind the first "|". */
const contactIn = (conversation: ConversationId): ContactId => conversation.slice(conversation.indexOf("|") + 1) as ContactId;

export const contactOps = (bench: Bench): Pick<Handlers, "contact.resolve" | "contact.get" | "conversation.get"> => {
  const { db } = bench;
  return {
    "contact.resolve": ({ lid, pn }) => {
      const number = resolve(bench, lid === null ? null : bareAddress(lid), pn === null ? null : bareAddress(pn));
      return { kind: "contact", row: contactRow(db.get("select * from contact where number = ?", number) ?? {}) };
    },
    "contact.get": ({ id }) => {
      const row = findContact(db, id);
      return { kind: "contact", row: row ? contactRow(row) : null };
    },
    "conversation.get": ({ conversation }) => {
      const row = db.get("select seat from conversation where id = ?", conversation);
      const contact = findContact(db, contactIn(conversation));
      const warm = contact
        ? db.all(
            "select distinct account from warm where address in (?, ?) order by account",
            textOrNull(contact, "lid"),
            textOrNull(contact, "pn"),
          )
        : [];
      return {
        kind: "conversation",
        seat: row ? textOf<SeatId>(row, "seat") : null,
        warm: warm.map((w) => textOf<AccountId>(w, "account")),
      };
    },
  };
};

/** The seat where the conversation lives; it is `seat` from now on if it was nowhere. */
export const seatOfConversation = (db: Database, conversation: ConversationId, line: string, seat: SeatId): SeatId => {
  const known = db.get("select seat from conversation where id = ?", conversation);
  if (known) return textOf<SeatId>(known, "seat");
  db.run(
    "insert into conversation (id, line, contact, seat) values (?, ?, ?, ?)",
    conversation,
    line,
    contactIn(conversation),
    seat,
  );
  return seat;
};

export const assignConversation = (db: Database, conversation: ConversationId, seat: SeatId): void => {
  db.run(
    "insert into conversation (id, line, contact, seat) values (?, ?, ?, ?) on conflict (id) do update set seat = excluded.seat",
    conversation,
    conversation.slice(0, conversation.indexOf("|")),
    contactIn(conversation),
    seat,
  );
};

/** From now on the contact is no stranger to the account. */
export const warmUp = (db: Database, address: string, account: AccountId): void => {
  db.run("insert into warm (address, account) values (?, ?) on conflict do nothing", bareAddress(address), account);
};
export const warmUpContact = (db: Database, id: ContactId, account: AccountId): void => {
  const contact = findContact(db, id);
  const address = contact && (textOrNull(contact, "lid") ?? textOrNull(contact, "pn"));
  if (address) warmUp(db, address, account);
};

const resolve = ({ db, countryOf }: Bench, lid: string | null, pn: string | null): number => {
  if (lid === null && pn === null) throw new Error("a contact needs an address");
  const byLid = lid === null ? undefined : db.get("select * from contact where lid = ?", lid);
  const byPn = pn === null ? undefined : db.get("select * from contact where pn = ?", pn);
  if (byLid && byPn && numberOf(byLid, "number") !== numberOf(byPn, "number") && textOrNull(byPn, "lid") === null) {
    if (textOrNull(byLid, "pn") === null) return merge(db, byLid, byPn, lid, pn);
  }
  const country = pn === null ? null : countryOf(pn);
  if (byLid) {
    const number = numberOf(byLid, "number");
    if (pn !== null && pn !== textOrNull(byLid, "pn")) {
      // The person has another number now; whoever had it before has it no more.
      db.run("update contact set pn = null, country = null where pn = ?", pn);
      db.run("update contact set pn = ?, country = ? where number = ?", pn, country, number);
    }
    return number;
  }
  if (byPn && (lid === null || textOrNull(byPn, "lid") === null)) {
    const number = numberOf(byPn, "number");
    if (lid !== null) db.run("update contact set lid = ? where number = ?", lid, number);
    return number;
  }
  // Unknown, or a known number with another LID: somebody else has it now.
  if (byPn) db.run("update contact set pn = null, country = null where number = ?", numberOf(byPn, "number"));
  const made = db.get("insert into contact (lid, pn, country) values (?, ?, ?) returning number", lid, pn, country);
  return numberOf(made ?? {}, "number");
};

const merge = (db: Database, a: Row, b: Row, lid: string | null, pn: string | null): number => {
  const [older, younger] = numberOf(a, "number") < numberOf(b, "number") ? [a, b] : [b, a];
  const keep = numberOf(older, "number");
  const alias = numberOf(younger, "number");
  db.run("update contact set lid = null, pn = null, alias_of = ? where number = ?", keep, alias);
  db.run(
    "update contact set lid = ?, pn = ?, country = ?, tier = coalesce(tier, ?) where number = ?",
    lid,
    pn,
    textOrNull(a, "country") ?? textOrNull(b, "country"),
    textOrNull(younger, "tier"),
    keep,
  );
  // Where only the alias was spoken to, its seat goes on speaking: the person knows that number.
  const ids = [contactIdOf(alias, textOrNull(younger, "pn")), contactIdOf(keep, pn)] as const;
  db.run(
    `insert into conversation (id, line, contact, seat) select line || '|' || ?2, line, ?2, seat from conversation
     where contact = ?1 on conflict (id) do nothing`,
    ...ids,
  );
  return keep;
};
