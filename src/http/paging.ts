/** Lists in pages: `?limit=` and `?cursor=`, with `next` to be sent back as it is. */
import { z } from "zod";
import { ApiError } from "./errors.ts";
import type { Page, Slice } from "./store.ts";

export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(200).default(50).describe("Entries a page."),
  cursor: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,300}$/)
    .optional()
    .describe("`next` of the page before."),
};
export const next = z.string().nullable().describe("The cursor of the next page; null: this was the last one.");

const encode = (place: number | string): string => Buffer.from(String(place)).toString("base64url");
const decode = (cursor: string): string => Buffer.from(cursor, "base64url").toString();

export const sliceOf = ({ limit, cursor }: { limit: number; cursor?: string | undefined }): Slice => {
  if (cursor === undefined) return { after: null, limit };
  const after = Number(decode(cursor));
  if (Number.isSafeInteger(after) && after >= 0) return { after, limit };
  throw new ApiError("E_BAD_REQUEST", "query.cursor: this is no `next` of a list like this one");
};
export const nextOf = ({ next: place }: Pick<Page<unknown>, "next">): string | null => (place === null ? null : encode(place));

/** Of lists whose places are names. */
export const textCursor = (cursor: string | undefined): string | null => (cursor === undefined ? null : decode(cursor));
export const nextText = (place: string | undefined): string | null => (place === undefined ? null : encode(place));
