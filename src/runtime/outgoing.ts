/** What may be sent, as it is given: media as bytes, as a file on this machine, or as what was uploaded. */
import { z } from "zod";
import type { MessageContent } from "../../machines/ports/store.ts";

/** One of the three. `media`: the id of an upload. `mimetype`: default is what the bytes, or the name, say. */
export interface MediaGiven {
  readonly file?: string | undefined;
  readonly bytes?: Uint8Array | undefined;
  readonly media?: string | undefined;
  readonly mimetype?: string | undefined;
}
interface Answering {
  /** WhatsApp's id of the message that it answers, or the one that `send` gave. */
  readonly replyTo?: string | undefined;
}
interface Captioned {
  readonly caption?: string | undefined;
}
export type GivenMedia =
  | (MediaGiven & Captioned & Answering & { readonly kind: "image" | "video" })
  /** `voice`: shown as a voice note; Opus in an Ogg file. */
  | (MediaGiven &
      Answering & { readonly kind: "audio"; readonly voice?: boolean | undefined; readonly seconds?: number | undefined })
  | (MediaGiven & Captioned & Answering & { readonly kind: "document"; readonly fileName?: string | undefined });
/** `to` of a reaction: like `replyTo`. */
export type OutgoingContent = MessageContent | GivenMedia;

const id = z.string().min(1).max(128).describe("WhatsApp's id of a message, or ours.");
const replyTo = id.optional();
const caption = z.string().max(1024).optional();
const mimetype = z
  .string()
  .max(200)
  .regex(/^[\w.+-]+\/[\w.+-]+ *(?:;.*)?$/, { error: "expected a type such as image/jpeg" })
  .optional()
  .describe("Left out: what the bytes say.");
const stored = z
  .string()
  .regex(/^[0-9a-f]{64}$/, { error: "expected the id that an upload was given" })
  .optional()
  .describe("The id of an upload.");
const isOneEmoji = (text: string): boolean =>
  [...new Intl.Segmenter().segment(text)].length <= 1 && !/^[\p{L}\p{N}]$/u.test(text);
const phone = z
  .string()
  .max(40)
  .transform((text) => text.replaceAll(/[\s()./+-]/g, ""))
  .pipe(z.string().regex(/^[1-9]\d{6,14}$/, { error: "expected a phone number with the country's code, such as +491701234567" }));

/** With strict fields: a misspelt one is refused, not ignored. `media`: how its bytes are given; `proto`: how those of a raw message are. */
const contentWith = <M extends z.ZodRawShape, P extends z.ZodType>(media: M, proto: P) =>
  z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("text"), text: z.string().min(1).max(65_536), replyTo }),
    z.strictObject({ kind: z.enum(["image", "video"]), ...media, caption, replyTo }),
    z.strictObject({
      kind: z.literal("audio"),
      ...media,
      voice: z.boolean().default(false).describe("Shown as a voice note: Opus in an Ogg file."),
      seconds: z.int().min(0).max(86_400).optional(),
      replyTo,
    }),
    z.strictObject({ kind: z.literal("document"), ...media, fileName: z.string().min(1).max(255).optional(), caption, replyTo }),
    z.strictObject({
      kind: z.literal("location"),
      latitude: z.number().min(-90).max(90),
      longitude: z.number().min(-180).max(180),
      name: z.string().max(256).optional(),
      address: z.string().max(1024).optional(),
      replyTo,
    }),
    z.strictObject({ kind: z.literal("contact"), name: z.string().min(1).max(256), phone, replyTo }),
    z.strictObject({
      kind: z.literal("reaction"),
      to: id,
      emoji: z.string().max(64).refine(isOneEmoji, { error: 'expected one emoji, or "" to take it back' }),
    }),
    z.strictObject({ kind: z.literal("raw"), proto }),
  ]);

export const CONTENT = contentWith(
  {
    file: z.string().min(1).max(4096).optional(),
    bytes: z
      .instanceof(Uint8Array)
      .refine(({ length }) => length > 0, { error: "there are none" })
      .optional(),
    media: stored,
    mimetype,
  },
  z.instanceof(Uint8Array).refine(({ length }) => length > 0, { error: "expected the bytes of a message" }),
);
export type CheckedContent = z.output<typeof CONTENT>;
export type CheckedMedia = Extract<CheckedContent, { kind: "image" | "video" | "audio" | "document" }>;

/** As clients of the API write it. Files on the supervisor's machine are nothing that they may name. */
export const JSON_CONTENT = contentWith(
  {
    data: z
      .base64()
      .min(4)
      .max(45_000_000)
      .optional()
      .describe("The bytes, base64. `api.maxBody` limits them; `media` does not."),
    media: stored,
    mimetype,
  },
  z.base64().min(4).max(1_000_000),
).meta({ id: "Content" });
