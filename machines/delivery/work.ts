/** What a line may give its servants to do: pure. It is decided with a conversation's first message, and holds for all of it. */
import type { Millis } from "../ports/ids.ts";
import type { MessageContent } from "../ports/store.ts";

/**
 * `bulk`: it begins with a message of priority 0 or 1. `groups`: it is a group. `media`: it begins with a picture, a video, a sound or a
 * document. `overflow`: it would wait for longer than `OVERFLOW` at its seat.
 */
export const WORKS = ["bulk", "groups", "media", "overflow"] as const;
export type Work = (typeof WORKS)[number];

/** With what a conversation begins. */
export interface Beginning {
  readonly priority: number;
  readonly isGroup: boolean;
  readonly kind: MessageContent["kind"];
}

const OVERFLOW: Millis = 5_000;
const BULK = 1;
const MEDIA: ReadonlySet<string> = new Set(["image", "video", "audio", "document"]);

/** `wait`: how long the message would wait at the seat. */
export const isServantsWork = (works: readonly Work[], { priority, isGroup, kind }: Beginning, wait: () => Millis): boolean => {
  // The servants may be no members: only who says so gives them groups.
  if (isGroup) return works.includes("groups");
  if (works.includes("bulk") && priority <= BULK) return true;
  if (works.includes("media") && MEDIA.has(kind)) return true;
  return works.includes("overflow") && wait() > OVERFLOW;
};
