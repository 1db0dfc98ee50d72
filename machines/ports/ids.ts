/**
 * Names and units, branded so that one can't stand in for another. Made at the edges only, by functions that can refuse.
 *
 * account "sales-1" · device "sales-1/a" · line "sales" · seat "sales/sales-1" (a master's place on a line) · post
 * "sales/sales-1#helper" (where a servant works for a seat).
 */
type Brand<T, B extends string> = T & { readonly __brand: B };

export type AccountId = Brand<string, "AccountId">;
export type DeviceId = Brand<string, "DeviceId">;
export type LineId = Brand<string, "LineId">;
export type SeatId = Brand<string, "SeatId">;
export type NodeId = Brand<string, "NodeId">;
/** Opaque: machines never see a number. `c:17` for a person, `g:4` for a group. */
export type ContactId = Brand<string, "ContactId">;
/** One contact on one line: `support|c:17`. */
export type ConversationId = Brand<string, "ConversationId">;
/** Our own id of an accepted message, a ULID-like string that sorts by time of acceptance. */
export type MessageId = Brand<string, "MessageId">;
/** WhatsApp's id of a message, fixed when it is accepted and kept for every attempt. */
export type WaId = Brand<string, "WaId">;
export type RequestId = Brand<string, "RequestId">;
export type FailoverId = Brand<string, "FailoverId">;
/** Fencing token of a seat: grows by one at every change of holder, starts at 1, never reused. */
export type SeatTerm = Brand<number, "SeatTerm">;
/** Fencing token of a lease: grows at every grant. */
export type LeaseTerm = Brand<number, "LeaseTerm">;
/** Milliseconds: a duration, or a time since the Unix epoch on the clock that the driver was given. */
export type Millis = number;

const NAME = /^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/i;

/** Says why a name can't be used, or nothing if it can: letters, digits, `.`, `_`, `-`, at most 64, no separator at an end. */
export const nameFault = (name: string): string | undefined =>
  NAME.test(name)
    ? undefined
    : `"${name}" is no name: use 1 to 64 letters, digits, ".", "_" or "-", beginning and ending with a letter or digit`;

const checked = (name: string): string => {
  const fault = nameFault(name);
  if (fault) throw new RangeError(fault);
  return name;
};

export const accountId = (name: string): AccountId => checked(name) as AccountId;
export const lineId = (name: string): LineId => checked(name) as LineId;
export const nodeId = (name: string): NodeId => checked(name) as NodeId;
export const deviceId = (account: AccountId, name: string): DeviceId => `${account}/${checked(name)}` as DeviceId;
export const seatId = (line: LineId, account: AccountId): SeatId => `${line}/${account}` as SeatId;
export const conversationId = (line: LineId, contact: ContactId): ConversationId => `${line}|${contact}` as ConversationId;
export const accountOf = (device: DeviceId): AccountId => device.slice(0, device.indexOf("/")) as AccountId;
export const lineOf = (seat: SeatId): LineId => seat.slice(0, seat.indexOf("/")) as LineId;
/**
 * Where a servant works for a seat. Conversations and messages lie at a post as they do at a seat, so a post is named wherever a
 * seat may be; it has no holder and no term but its seat's.
 */
export const postOf = (seat: SeatId, servant: AccountId): SeatId => `${seat}#${servant}` as SeatId;
/** The seat that a post belongs to; of a seat, itself. */
export const seatOf = (place: SeatId): SeatId => {
  const mark = place.indexOf("#");
  return mark < 0 ? place : (place.slice(0, mark) as SeatId);
};
/** Whose post it is; null: it is a seat. */
export const servantOf = (place: SeatId): AccountId | null => {
  const mark = place.indexOf("#");
  return mark < 0 ? null : (place.slice(mark + 1) as AccountId);
};
export const seatTerm = (value: number): SeatTerm => {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is no seat term`);
  return value as SeatTerm;
};
