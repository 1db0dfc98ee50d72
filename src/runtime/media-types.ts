/** What WhatsApp takes as media, how much of it, and how it is recognised. */
export type MediaKind = "image" | "video" | "audio" | "document";

interface Rule {
  /** Bytes. */
  readonly limit: number;
  readonly types: RegExp;
  readonly said: string;
}
const MEGABYTE = 1_000_000;

/**
 * Sources, looked at in November 2026: WhatsApp's help pages (16 MB for photos, videos and audio), Meta's table of supported media types of the
 * Cloud API (types; 16 MB for audio and video, 100 MB for documents). The phones themselves take larger documents.
 */
export const MEDIA_RULES: Readonly<Record<MediaKind, Rule>> = {
  image: { limit: 16 * MEGABYTE, types: /^image\/(?:jpeg|png|webp)$/, said: "image/jpeg, image/png or image/webp" },
  video: { limit: 16 * MEGABYTE, types: /^video\/(?:mp4|3gpp)$/, said: "video/mp4 or video/3gpp" },
  audio: {
    limit: 16 * MEGABYTE,
    types: /^audio\/(?:aac|amr|mp4|mpeg|ogg)$/,
    said: "audio/aac, audio/amr, audio/mp4, audio/mpeg or audio/ogg",
  },
  document: { limit: 100 * MEGABYTE, types: /^[\w.+-]+\/[\w.+-]+$/, said: "any type" },
};

/** By the first bytes; null: not one of those that are told apart here. */
export const typeOfBytes = (head: Uint8Array): string | null => {
  const text = Buffer.from(head.buffer, head.byteOffset, Math.min(16, head.length)).toString("latin1");
  if (text.startsWith("\xff\xd8\xff")) return "image/jpeg";
  if (text.startsWith("\x89PNG\r\n\x1a\n")) return "image/png";
  if (text.startsWith("RIFF") && text.slice(8, 12) === "WEBP") return "image/webp";
  if (text.startsWith("GIF8")) return "image/gif";
  if (text.startsWith("%PDF-")) return "application/pdf";
  if (text.startsWith("OggS")) return "audio/ogg";
  if (text.startsWith("#!AMR")) return "audio/amr";
  if (text.startsWith("ID3")) return "audio/mpeg";
  if (text.slice(4, 8) === "ftyp") {
    const brand = text.slice(8, 12);
    return brand.startsWith("3g") ? "video/3gpp" : brand === "M4A " ? "audio/mp4" : "video/mp4";
  }
  return null;
};

const BY_ENDING: Readonly<Record<string, string>> = {
  aac: "audio/aac",
  csv: "text/csv",
  docx: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  json: "application/json",
  m4a: "audio/mp4",
  mp3: "audio/mpeg",
  pptx: "application/vnd.openxmlformats-officedocument.presentationml.presentation",
  txt: "text/plain",
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  zip: "application/zip",
};
export const typeOfName = (name: string): string | null => BY_ENDING[name.split(".").at(-1)?.toLowerCase() ?? ""] ?? null;
