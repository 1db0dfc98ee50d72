/** Taking a message: for whom it is, and what is said when it can't be taken. */
import { basename } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import type { AcceptRequest } from "../../machines/delivery/acceptance.ts";
import type { MessageId, Millis, WaId } from "../../machines/ports/ids.ts";
import { bareAddress, type MessageContent } from "../../machines/ports/store.ts";
import { isMessage } from "../adapters/baileys/index.ts";
import { ControlError, PHONE, resolveName, type SendAnswer } from "./control-protocol.ts";
import type { MediaDesk } from "./media-desk.ts";
import { type CheckedContent, CONTENT, type OutgoingContent } from "./outgoing.ts";
import type { Supervisor } from "./supervisor.ts";
import type { Views } from "./views.ts";

export interface SendRequest {
  readonly line: string;
  readonly to: string;
  readonly content: OutgoingContent;
  readonly key?: string | undefined;
  readonly priority?: number | undefined;
  readonly region?: string | undefined;
  /** From now on. */
  readonly expiresIn?: Millis | undefined;
}

export interface SendingParts {
  readonly supervisor: Supervisor;
  readonly views: Views;
  /** Left out: media are refused. */
  readonly media?: MediaDesk | undefined;
}

/** Resolves once the message is durable, its media included. Throws ControlError. */
export const sendMessage = async (
  parts: SendingParts,
  { line: name, to, content, key, priority, region, expiresIn }: SendRequest,
): Promise<SendAnswer> => {
  const { supervisor, views } = parts;
  const line = resolveName("line", name, [...views.roster().lines.keys()]);
  const address = addressOf(to);
  if (region !== undefined) mustBeOneOf(supervisor.node.regionsOf(line), region, line);
  const answer = await supervisor.accept({
    line,
    to: address,
    content: await storable(parts, checked(content)),
    ...(key === undefined ? {} : { idempotencyKey: key }),
    ...(priority === undefined ? {} : { priority }),
    ...(region === undefined ? {} : { region }),
    ...(expiresIn === undefined ? {} : { expiresAt: views.now() + expiresIn }),
  });
  switch (answer.kind) {
    case "accepted":
      return { id: answer.id, seat: answer.seat, duplicate: answer.duplicate };
    case "full":
      throw new ControlError(
        "E_FULL",
        `${line} has ${answer.open} open messages, which is its outboxLimit: nothing was taken. Try again when some have gone out`,
      );
    case "noSeat":
      throw new ControlError("E_REFUSED", `${line} has no seat to send from: give it a master in the fleet file`);
    case "failed":
      throw new ControlError("E_STORE", answer.message);
  }
};

/**
 * For who chooses keys by hand: a known one names the same message, or is refused. Throws ControlError, E_KEY_REUSED as well. (What
 * a handler answers for a second time may have another wording.)
 */
export const sendOnce = async (parts: SendingParts, message: SendRequest): Promise<SendAnswer> => {
  const answer = await sendMessage(parts, message);
  if (!answer.duplicate || (await isSame(parts, answer.id as MessageId, message))) return answer;
  throw new ControlError(
    "E_KEY_REUSED",
    `this key was used for the message ${answer.id}, which is another one: nothing was taken. Choose a new key for each message`,
  );
};

/** To the same person, and the same in every part that is kept. One that is not known any more contradicts nobody. */
const isSame = async (parts: SendingParts, id: MessageId, { to, content }: SendRequest): Promise<boolean> => {
  const { row } = await parts.views.ask("outbox.get", { id });
  if (!row) return true;
  const { row: contact } = await parts.views.ask("contact.get", { id: row.contact });
  const { lid, pn } = addressOf(to);
  const isSamePerson = lid !== null ? bareAddress(lid) === contact?.lid : pn !== null && bareAddress(pn) === contact?.pn;
  return isSamePerson && isDeepStrictEqual(plain(row.content), plain(await storable(parts, checked(content))));
};
/** Bytes from the store and bytes from a request differ in class only. */
const plain = (content: MessageContent): object =>
  content.kind === "raw" ? { ...content, proto: Buffer.from(content.proto).toString("base64") } : content;

/** A line without regions may have a strategy of its own that reads any. */
const mustBeOneOf = (regions: readonly string[], region: string, line: string): void => {
  if (regions.length === 0 || regions.includes(region)) return;
  throw new ControlError("E_BAD_REQUEST", `region: ${line} has no region "${region}", but ${regions.join(", ")}`);
};

const NUMBER_ADDRESS = /^[1-9]\d{4,14}@s\.whatsapp\.net$/;
/** Older ones have the number of whoever made them, and when. */
const GROUP_ADDRESS = /^[1-9]\d{4,24}(?:-\d{5,15})?@g\.us$/;

/** `+49 170 1234567`, `491701234567`, `…@lid`, `…@s.whatsapp.net` or `…@g.us`. */
export const addressOf = (to: string): AcceptRequest["to"] => {
  if (/^[1-9]\d*@lid$/.test(to)) return { lid: to, pn: null };
  if (NUMBER_ADDRESS.test(to) || GROUP_ADDRESS.test(to)) return { lid: null, pn: to };
  const digits = to.replaceAll(/[\s()./-]/g, "").replace(/^\+/, "");
  if (PHONE.test(digits)) return { lid: null, pn: `${digits}@s.whatsapp.net` };
  throw new ControlError(
    "E_BAD_REQUEST",
    `"${to}" is no recipient: expected a phone number with the country's code, such as +491701234567, or an address that ends in @lid, @s.whatsapp.net or @g.us`,
  );
};

/** Which field is wrong, and why. */
const checked = (content: OutgoingContent): CheckedContent => {
  const parsed = CONTENT.safeParse(content);
  if (!parsed.success)
    throw new ControlError("E_BAD_REQUEST", `content: ${z.prettifyError(parsed.error).replaceAll(/\s*\n\s*/g, " ")}`);
  if (parsed.data.kind === "raw" && !isMessage(parsed.data.proto))
    throw new ControlError(
      "E_BAD_REQUEST",
      "content.proto: the bytes are no WhatsApp message: expected an encoded proto.Message",
    );
  return parsed.data;
};

const storable = async (parts: SendingParts, content: CheckedContent): Promise<MessageContent> => {
  switch (content.kind) {
    case "raw":
      return content;
    case "reaction":
      return { ...content, to: await waIdOf(parts, "to", content.to) };
    case "text":
    case "location":
    case "contact": {
      const { replyTo, ...rest } = content;
      return filled({ ...rest, ...(await answering(parts, replyTo)) });
    }
    default: {
      if (!parts.media) throw new ControlError("E_REFUSED", "there is no folder for media here: send text");
      const answered = await answering(parts, content.replyTo);
      const { replyTo: _, file, bytes: __, mimetype: ___, ...rest } = content;
      const media = await parts.media.store(content);
      if (rest.kind !== "document") return filled({ ...rest, media, ...answered });
      return filled({ ...rest, media, fileName: rest.fileName ?? (file === undefined ? "file" : basename(file)), ...answered });
    }
  }
};

const answering = async (parts: SendingParts, replyTo: string | undefined): Promise<{ readonly replyTo?: WaId }> =>
  replyTo === undefined ? {} : { replyTo: await waIdOf(parts, "replyTo", replyTo) };

/** As acceptance makes them. */
const OUR_ID = /^m[0-9a-z]{20}$/;

/** What `send` gave is an id of ours; what WhatsApp calls the message is in its row. */
const waIdOf = async ({ views }: SendingParts, field: string, id: string): Promise<WaId> => {
  if (!OUR_ID.test(id)) return id as WaId;
  const { row } = await views.ask("outbox.get", { id: id as MessageId });
  if (row) return row.waId;
  throw new ControlError("E_UNKNOWN_MESSAGE", `content.${field}: there is no message ${id}`);
};

/** What was left out is not there, rather than undefined: the store compares and keeps it so. */
const filled = <T extends object>(content: T): Filled<T> =>
  Object.fromEntries(Object.entries(content).filter(([, value]) => value !== undefined)) as Filled<T>;
type Filled<T> = { [K in keyof T]: Exclude<T[K], undefined> };
