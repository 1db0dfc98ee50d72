/**
 * The schema, as numbered steps that only go forward. A step that was published is never edited: add another one.
 *
 * `outbox_count` holds a number for each (line, state, seat), kept by whoever moves a row in the same transaction, so that a full
 * line is noticed without counting a million rows. `warm` is kept by address and not by contact, so merging contacts touches nothing.
 *
 * Every page that a commit touches is written and flushed, so the tables of the hot path have the fewest indexes that will do, one
 * of them over a condition that changes with the state (`outbox_unsettled`: it is as small as what waits), and no AUTOINCREMENT (a
 * page of its own). Numbers must not be given twice all the same: whoever deletes old rows of `outbox` or `inbox` has to leave the
 * newest.
 */
import { beginChain } from "./audit-chain.ts";
import type { Database } from "./database.ts";
import type { Seal } from "./seal.ts";

export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
  /** What SQL can't do, in the same transaction. */
  readonly after?: (db: Database, seal: Seal) => void;
}

export const MIGRATIONS: readonly Migration[] = [
  {
    number: 1,
    name: "first schema",
    sql: `
create table meta (name text primary key, value blob not null) strict, without rowid;
create table account (
  id text primary key, role text not null, standing text not null default 'good', standing_until integer, place integer not null
) strict;
create table device (
  id text primary key, account text not null references account (id), link text not null default 'unlinked', jid text, lid text,
  place integer not null
) strict;
create table line (id text primary key, masters text not null, servants text not null, strategy text not null, place integer not null) strict;
create table seat (
  id text primary key, line text not null references line (id), account text not null references account (id),
  holder text, term integer not null default 0, phase text not null default 'vacant'
) strict;
create table failover (
  seq integer primary key autoincrement, id text not null unique, seat text not null, outcome text not null, record text not null
) strict;
create index failover_seat on failover (seat, seq);
create index failover_running on failover (seq) where outcome = 'running';
create table alert (
  seq integer primary key autoincrement, key text not null, raised_at integer not null, state text not null, record text not null
) strict;
create unique index alert_open on alert (key) where state = 'open';
create index alert_raised on alert (key, raised_at);
create table audit (
  seq integer primary key autoincrement, at integer not null, actor text not null, action text not null, subject text not null,
  text text not null, evidence text not null
) strict;
create index audit_subject on audit (subject, seq);
create table event (
  seq integer primary key autoincrement, at integer not null, type text not null, subject text not null, data text not null
) strict;
create table journal (seq integer primary key, line text not null) strict;
create table cursor (reader text primary key, seq integer not null) strict, without rowid;

create table contact (
  number integer primary key autoincrement, lid text unique, pn text unique, country text, tier text,
  alias_of integer references contact (number)
) strict;
create index contact_alias on contact (alias_of) where alias_of is not null;
create table conversation (
  id text primary key, line text not null, contact text not null, seat text not null
) strict, without rowid;
create index conversation_contact on conversation (contact);
create table warm (address text not null, account text not null, primary key (address, account)) strict, without rowid;

create table outbox (
  seq integer primary key, id text not null unique, wa_id text not null unique, line text not null, seat text not null,
  conversation text not null, contact text not null, text text, reply_to text, proto blob, priority integer not null,
  expires_at integer, idempotency_key text, accepted_at integer not null, state text not null, reason text
) strict;
create unique index outbox_idempotency on outbox (line, idempotency_key) where idempotency_key is not null;
create index outbox_state on outbox (seat, state, seq);
create index outbox_conversation on outbox (conversation);
create table outbox_count (
  line text not null, state text not null, seat text not null, count integer not null, primary key (line, state, seat)
) strict, without rowid;
create table attempt (
  outbox integer not null references outbox (seq), number integer not null, device text not null, seat_term integer not null,
  at integer not null, outcome text not null, detail text, primary key (outbox, number)
) strict, without rowid;

create table inbox (
  seq integer primary key, account text not null, device text not null, wa_id text not null, chat text not null,
  sender text not null, from_me integer not null, proto blob not null, sent_at integer not null, received_at integer not null
) strict;
create index inbox_message on inbox (account, wa_id);
create table creds (device text primary key, value blob not null) strict;
create table signal_key (
  device text not null, type text not null, id text not null, value blob not null, primary key (device, type, id)
) strict;
create table lease (device text primary key, term integer not null, node text, expires_at integer not null) strict, without rowid;
`,
  },
  {
    number: 2,
    name: "keys and requests of the API",
    sql: `
create table api_key (
  id text primary key, name text not null, role text not null, lines text, hash blob not null, created_at integer not null,
  created_by text not null, expires_at integer, revoked_at integer
) strict;
create table api_request (
  key text not null, name text not null, digest text not null, at integer not null, status integer, body text, primary key (key, name)
) strict;
create index api_request_at on api_request (at);
`,
  },
  {
    number: 3,
    name: "traffic of accounts that have a cap",
    sql: `
create table traffic (
  account text not null, slot integer not null, messages integer not null, openings integer not null, primary key (account, slot)
) strict, without rowid;
`,
  },
  {
    number: 4,
    name: "kinds of messages, and how seats did",
    sql: `
alter table outbox add column content text;
alter table outbox add column media text;
create index outbox_media on outbox (media) where media is not null;
create table performance (
  at integer not null, seat text not null, account text not null, line text not null, strategy text not null, begun integer not null,
  sent integer not null, acked integer not null, failed integer not null, p50 integer, p99 integer, primary key (at, seat, account)
) strict, without rowid;
`,
  },
  {
    number: 5,
    name: "the audit's chain",
    sql: "alter table audit add column hash text",
    after: beginChain,
  },
  {
    number: 6,
    name: "what people were told of alerts",
    sql: `
create table alert_duty (key text not null, raised_at integer not null, record text not null, primary key (key, raised_at)) strict;
create table alert_notice (
  id text primary key, at integer not null, channel text not null, state text not null, attempts integer not null, outcome text,
  ended_at integer, items text not null
) strict;
create index alert_notice_pending on alert_notice (at) where state = 'pending';
create table alert_told (
  key text not null, raised_at integer not null, notice text not null, primary key (key, raised_at, notice)
) strict, without rowid;
create table alert_ack (
  key text not null, raised_at integer not null, at integer not null, by text not null, primary key (key, raised_at)
) strict, without rowid;
create table alert_silence (
  id text primary key, rule text, subject text, from_at integer not null, until_at integer not null, by text not null, why text not null
) strict, without rowid;
`,
  },
  {
    number: 7,
    name: "when seats were down",
    sql: `
create table measured_seat (seat text primary key, since integer not null) strict, without rowid;
create table downtime (
  seat text not null, from_at integer not null, to_at integer not null, blame text not null, primary key (seat, from_at)
) strict, without rowid;
create index downtime_end on downtime (to_at);
`,
  },
  {
    number: 8,
    name: "what webhooks could not deliver",
    sql: `
create table webhook_dead (
  webhook text not null, source text not null, seq integer not null, type text not null, at integer not null, tries integer not null,
  why text not null, primary key (webhook, source, seq)
) strict, without rowid;
`,
  },
  {
    number: 9,
    name: "until when seats are measured",
    sql: "alter table measured_seat add column gone_at integer",
  },
  {
    number: 10,
    name: "when phones were seen",
    sql: "create table phone (account text primary key, seen_at integer, unseen_since integer) strict, without rowid",
  },
  {
    number: 11,
    name: "whether a conversation has open messages",
    sql: `create index outbox_unsettled on outbox (conversation) where state in ('accepted', 'dispatched', 'unanswered', 'held')`,
  },
  {
    number: 12,
    name: "the last tries of webhooks",
    sql: `
create table webhook_log (
  seq integer primary key, webhook text not null, at integer not null, id text not null, type text not null, took_ms integer not null,
  failure text
) strict;
create index webhook_log_newest on webhook_log (webhook, seq);
`,
  },
];
