/**
 * The account of the messages, from what was accepted, what the outbox says became of it, and what the phones really got.
 *
 * Lost: called acknowledged and never seen by the phone; failed; nowhere; or still under way when there was time to arrive.
 * A repetition at a phone is marked if its outbox row lists two attempts or more, one of them unanswered. Order is judged by the
 * first arrival of each message.
 */
import type { MessageId, WaId } from "../../machines/ports/ids.ts";
import type { OutboxRow } from "../../machines/ports/store.ts";
import { isOpen } from "../../machines/delivery/outbox-state.ts";

export interface AcceptedMessage {
  readonly id: MessageId;
  readonly waId: WaId;
  readonly person: string;
  /** Counts up per person: what the phone must see in this order. */
  readonly order: number;
}
export interface Phone {
  readonly number: string;
  readonly arrivals: readonly { readonly id: string; readonly outcome: string }[];
}
export interface Outbound {
  readonly accepted: number;
  readonly acknowledged: number;
  readonly held: number;
  /** Still under way. In a run that was not cut short they count as lost, too. */
  readonly open: number;
  readonly lost: number;
  readonly duplicatesMarked: number;
  readonly duplicatesUnmarked: number;
  readonly outOfOrder: number;
  /** The first of those that should not be: what happened to which message. */
  readonly troubles: readonly string[];
}
export interface Inbound {
  /** By people, to devices of which at least one is still linked. */
  readonly written: number;
  /** Different messages in the inbox. */
  readonly stored: number;
  /** Not stored yet in a run that was cut short. */
  readonly open: number;
  readonly lost: number;
  /** Rows of the inbox beyond the first for a message. */
  readonly repeated: number;
  /** Not stored, and every device that it was written for was removed meanwhile: the phone has it, and nobody else ever will. */
  readonly unreachable: number;
  readonly troubles: readonly string[];
}
export interface Written {
  readonly id: string;
  /** Whose phone wrote it. */
  readonly from: string;
  /** The number written to. */
  readonly to: string;
  /** Its linked devices at that time. */
  readonly devices: readonly number[];
  /** Milliseconds since the traffic began. */
  readonly at: number;
}

type Row = Pick<OutboxRow, "id" | "state" | "attempts">;

export const countOutbound = (
  accepted: readonly AcceptedMessage[],
  rows: ReadonlyMap<MessageId, Row>,
  phones: readonly Phone[],
  { wasCutShort = false }: { readonly wasCutShort?: boolean } = {},
): Outbound => {
  const byWaId = new Map<string, AcceptedMessage>(accepted.map((message) => [message.waId, message]));
  const arrived = new Set(phones.flatMap(({ arrivals }) => arrivals.filter(isShown).map(({ id }) => id)));
  const fates = accepted.map((message) => fateOf(rows.get(message.id)?.state, arrived.has(message.waId)));
  const seen: Seen = { duplicatesMarked: 0, duplicatesUnmarked: 0, outOfOrder: 0, troubles: [] };
  for (const phone of phones) readPhone(phone, byWaId, rows, seen);
  const count = (fate: Fate): number => fates.filter((each) => each === fate).length;
  const lost = accepted.filter((_, index) => fates[index] === "lost" || (fates[index] === "open" && !wasCutShort));
  return {
    accepted: accepted.length,
    acknowledged: count("acknowledged"),
    held: count("held"),
    open: count("open"),
    lost: lost.length,
    ...seen,
    troubles: [...lost.map((message) => `lost: ${told(message, rows)}`), ...seen.troubles].slice(0, TROUBLES),
  };
};

const TROUBLES = 20;

type Fate = "acknowledged" | "held" | "open" | "lost";
const fateOf = (state: OutboxRow["state"] | undefined, hasArrived: boolean): Fate => {
  if (state === undefined || state === "failed") return "lost";
  if (state === "held") return "held";
  if (isOpen(state)) return "open";
  return hasArrived ? "acknowledged" : "lost";
};

const isShown = ({ outcome }: Phone["arrivals"][number]): boolean => outcome === "received" || outcome === "duplicate";

interface Seen {
  duplicatesMarked: number;
  duplicatesUnmarked: number;
  outOfOrder: number;
  troubles: string[];
}
const readPhone = (
  phone: Phone,
  accepted: ReadonlyMap<string, AcceptedMessage>,
  rows: ReadonlyMap<MessageId, Row>,
  seen: Seen,
): void => {
  const shown = new Set<string>();
  let last = 0;
  for (const arrival of phone.arrivals) {
    const message = accepted.get(arrival.id);
    if (!message || !isShown(arrival)) continue;
    if (shown.has(arrival.id)) {
      if (isMarked(rows.get(message.id))) seen.duplicatesMarked++;
      else {
        seen.duplicatesUnmarked++;
        seen.troubles.push(`twice: ${told(message, rows)}`);
      }
      continue;
    }
    shown.add(arrival.id);
    if (message.order < last) {
      seen.outOfOrder++;
      const unread = phone.arrivals.filter(({ id, outcome }) => id === arrival.id && outcome === "undecryptable").length;
      seen.troubles.push(`after #${last}: ${told(message, rows)}${unread > 0 ? `; ${unread} times unreadable` : ""}`);
    }
    last = Math.max(last, message.order);
  }
};

const told = ({ id, person, order }: AcceptedMessage, rows: ReadonlyMap<MessageId, Row>): string => {
  const row = rows.get(id);
  const attempts = (row?.attempts ?? []).map(
    ({ device, outcome, detail }) => `${device} ${outcome}${detail ? ` (${detail})` : ""}`,
  );
  return `#${order} to ${person}, ${row?.state ?? "nowhere"}, attempts: ${attempts.join(", ") || "none"}`;
};

const isMarked = (row: Row | undefined): boolean =>
  row !== undefined && row.attempts.length > 1 && row.attempts.some(({ outcome }) => outcome === "unanswered");

/** What became of a message by the phone that wrote it, and by the server. */
export interface Heard {
  readonly confirmed: boolean;
  /** So often a device could not read it. */
  readonly askedAgain: number;
  /** Devices that have not answered for it in any way. */
  readonly waiting: readonly { readonly device: number; readonly live: boolean }[];
}

/** `linked`: the devices that a number has now. */
export const countInbound = (
  written: readonly Written[],
  inbox: readonly { readonly waId: string }[],
  linked: (number: string) => readonly number[],
  heard: (message: Written) => Heard,
  { wasCutShort = false }: { readonly wasCutShort?: boolean } = {},
): Inbound => {
  const stored = new Set(inbox.map(({ waId }) => waId));
  const absent = written.filter(({ id }) => !stored.has(id));
  const due = absent.filter(({ to, devices }) => devices.some((device) => linked(to).includes(device)));
  const lost = wasCutShort ? [] : due;
  return {
    written: written.length - absent.length + due.length,
    stored: stored.size,
    open: due.length - lost.length,
    lost: lost.length,
    repeated: inbox.length - stored.size,
    unreachable: absent.length - due.length,
    troubles: lost.slice(0, TROUBLES).map((message) => {
      const { from, to, at } = message;
      return `never in the inbox: written by ${from} to ${to} after ${(at / 1000).toFixed(1)} s; ${wordsOf(heard(message))}`;
    }),
  };
};

const wordsOf = ({ confirmed, askedAgain, waiting }: Heard): string => {
  if (confirmed) return "its phone was told that it has arrived";
  const heard = askedAgain > 0 ? `its phone was asked for it ${askedAgain} times again` : "its phone has heard nothing of it";
  const lies = waiting.map(({ device, live }) => `device ${device} (${live ? "linked and live" : "away"})`).join(", ");
  return `${heard}; ${lies ? `it waits for ${lies}` : "whoever it was for said that it may be forgotten"}`;
};

/** Nothing lost, repeated without a reason, or out of order, in either direction. */
export const isIntact = ({ lost, duplicatesUnmarked, outOfOrder }: Outbound, inbound: Inbound): boolean =>
  lost + duplicatesUnmarked + outOfOrder + inbound.lost + inbound.repeated === 0;
