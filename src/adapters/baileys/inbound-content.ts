/** What is told of an inbound message's content. Names nothing of Baileys: whoever uses the library sees these types. */
import type { WaId } from "../../../machines/ports/ids.ts";

export type InboundKind =
  | "text"
  | "image"
  | "video"
  | "audio"
  | "document"
  | "sticker"
  | "location"
  | "contact"
  | "reaction"
  | "other";
export interface InboundContent {
  readonly kind: InboundKind;
  /** The text, a caption, or the emoji of a reaction ("" takes it back). */
  readonly text: string | null;
  /** WhatsApp's id of the message that it answers or reacts to. */
  readonly replyTo: WaId | null;
}
