/** What a handler gets, and what it may answer. */
import type { AccountId, ContactId, ConversationId, LineId, Millis, SeatId, WaId } from "../../machines/ports/ids.ts";
import type { InboundContent } from "../adapters/baileys/inbound-content.ts";
import type { SendAnswer } from "./control-protocol.ts";
import type { ReaderLimits } from "./inbox-reader.ts";
import type { OutgoingContent } from "./outgoing.ts";

export interface InboundMessage extends InboundContent {
  /** Its place in the inbox: what a cursor counts. */
  readonly seq: number;
  /** WhatsApp's id. */
  readonly id: WaId;
  readonly line: LineId;
  readonly seat: SeatId;
  readonly conversation: ConversationId;
  readonly contact: ContactId;
  /** Of the number: ISO 3166, two letters; null: not known. */
  readonly country: string | null;
  /** The account that was written to. */
  readonly account: AccountId;
  /** Where it was written: the person's address, or the group's. An answer goes there. */
  readonly chat: string;
  /** Who wrote it. */
  readonly from: string;
  readonly isGroup: boolean;
  readonly sentAt: Millis;
  readonly receivedAt: Millis;
  /** Everything, as an encoded WhatsApp `proto.Message`. */
  readonly proto: Uint8Array;
}

export interface ReplyOptions {
  /** Shows the message that is answered above the answer. */
  readonly quote?: boolean;
  /** Default: made from the message, so that a handler that is run again does not answer twice. */
  readonly key?: string;
  readonly priority?: number;
  readonly expiresIn?: number;
}
/** Resolves once the answer is durable. */
export type Reply = (answer: string | OutgoingContent, options?: ReplyOptions) => Promise<SendAnswer>;
export type Handler = (message: InboundMessage, reply: Reply) => unknown;

export interface HandlerOptions extends Partial<ReaderLimits> {
  /** Under this name the store remembers how far the handler has come. Two handlers need two names. Default: "bot". */
  readonly reader?: string;
  /** Begins with the message that has this `seq` in the inbox, each time; 1 is the first. Default: after what is done. */
  readonly from?: number;
}
