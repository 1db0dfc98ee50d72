/** ETags, and what a change depends on: `If-Match`. */
import type { FastifyRequest } from "fastify";
import type { ApplyAnswer } from "../runtime/fleet-desk.ts";
import { ok } from "./route.ts";

type Headers = FastifyRequest["headers"];

const etagOf = (tag: string | number): string => `"${tag}"`;
export const withTag = (tag: string | number | null): Readonly<Record<string, string>> =>
  tag === null ? {} : { etag: etagOf(tag) };

/** What the client saw; null: it does not mind. */
export const matchOf = ({ "if-match": header }: Headers): readonly string[] | null => {
  if (header === undefined) return null;
  const tags = header.split(",").map((tag) => tag.trim());
  // A weak tag matches nothing here, and neither does what is no tag.
  return tags.includes("*") ? null : tags.flatMap((tag) => /^"([^"]{0,100})"$/.exec(tag)?.[1] ?? []).slice(0, 20);
};

export const planned = (answer: ApplyAnswer) => ok(answer, withTag(answer.tag));
