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
export interface InboundMedia {
  readonly mimetype: string | null;
  /** As its sender says. */
  readonly bytes: number | null;
  readonly fileName: string | null;
  readonly seconds: number | null;
  /** Recorded for this chat, rather than a piece of music. */
  readonly isVoice: boolean;
}
export interface InboundPlace {
  /** Degrees. */
  readonly latitude: number;
  readonly longitude: number;
  readonly name: string | null;
  readonly address: string | null;
}
export interface InboundCard {
  readonly name: string;
  readonly vcard: string;
}
export interface InboundContent {
  readonly kind: InboundKind;
  /** The text, a caption, or the emoji of a reaction ("" takes it back). */
  readonly text: string | null;
  /** WhatsApp's id of the message that it answers or reacts to. */
  readonly replyTo: WaId | null;
  /** Of an image, a video, audio, a document or a sticker. */
  readonly media: InboundMedia | null;
  readonly location: InboundPlace | null;
  /** One or several. */
  readonly contacts: readonly InboundCard[];
}
