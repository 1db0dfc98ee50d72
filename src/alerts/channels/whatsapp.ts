/**
 * A message through a line of the fleet that is well, like any other: durable once it is taken, and sent by whoever speaks for
 * that line. A line that the notice is about is the last choice. What becomes of it is waited for: a number that is not on WhatsApp would
 * else be taken for somebody who was told.
 */
import { createHash } from "node:crypto";
import type { Notice } from "../../../machines/alerts/notices.ts";
import type { Millis } from "../../../machines/ports/ids.ts";
import { textOf } from "../words.ts";
import { type Channel, ChannelError } from "./channel.ts";

export interface Carrier {
  readonly line: string;
  readonly seats: readonly { readonly id: string; readonly holder: string | null; readonly isServing: boolean }[];
}
export interface WhatsAppOptions {
  readonly name: string;
  readonly fleet: string;
  readonly to: readonly string[];
  /** In the order in which they are asked; empty: all of them. */
  readonly lines: readonly string[];
  readonly carriers: () => readonly Carrier[];
  /** Resolves once the message is durable. */
  readonly send: (message: { line: string; to: string; text: string; key: string }) => Promise<Sent>;
  readonly fateOf: (id: string) => Promise<Fate>;
  readonly pause: (ms: Millis) => Promise<void>;
}
interface Sent {
  readonly id: string;
  readonly seat: string;
}
/** `failed`: why. */
export type Fate = "open" | "acknowledged" | { readonly failed: string };

/** Less than a channel has to answer. */
const LOOKS = 30;
const EVERY: Millis = 100;

export const whatsapp = (options: WhatsAppOptions): Channel => ({
  name: options.name,
  kind: "whatsapp",
  deliver: async (notice, signal) => {
    const line = carrierOf(options, notice);
    if (line === undefined) throw new ChannelError("no line is in service that could carry it");
    const text = textOf(notice, options.fleet);
    const sent: Sent[] = [];
    for (const to of options.to) {
      signal.throwIfAborted();
      sent.push(await send(options, { line, to, text, key: `alert:${notice.id}:${markOf(to)}` }));
    }
    const fates = await fatesOf(options, sent);
    const failed = fates.flatMap((fate) => (typeof fate === "object" ? [fate.failed] : []));
    if (failed.length > 0) throw new ChannelError(missedText(failed, fates.length), undefined, true);
    const by = [...new Set(sent.map(({ seat }) => seat))].join(", ");
    return fates.includes("open") ? `accepted by ${by}, not acknowledged yet` : `sent by ${by}, acknowledged by WhatsApp`;
  },
});

/** Tells recipients of one notice apart, also where others are written to by its next try, and does not say who they are. */
const markOf = (to: string): string => createHash("sha256").update(to).digest("hex").slice(0, 8);

const fatesOf = async ({ fateOf, pause }: WhatsAppOptions, sent: readonly Sent[]): Promise<readonly Fate[]> => {
  for (let look = 1; ; look++) {
    const fates = await Promise.all(sent.map(({ id }) => fateOf(id)));
    if (look === LOOKS || !fates.includes("open")) return fates;
    await pause(EVERY);
  }
};

/** Why a message failed may name whom it was for. */
const missedText = (failed: readonly string[], count: number): string =>
  `${count === 1 ? "" : `${failed.length} of ${count} `}not reached: ${[...new Set(failed)].join("; ").replaceAll(/\d{5,}/g, "…")}`;

const send = async (options: WhatsAppOptions, message: Parameters<WhatsAppOptions["send"]>[0]): Promise<Sent> => {
  try {
    return await options.send(message);
  } catch (error) {
    // The words may name whom it was for.
    const code: unknown = error instanceof Error && "code" in error ? error.code : undefined;
    throw new ChannelError(`${message.line} did not take it${typeof code === "string" ? ` (${code})` : ""}`, error);
  }
};

const carrierOf = ({ lines, carriers }: WhatsAppOptions, { items }: Notice): string | undefined => {
  const wanted = carriers()
    .filter(({ line }) => lines.length === 0 || lines.includes(line))
    .toSorted((one, other) => lines.indexOf(one.line) - lines.indexOf(other.line))
    .map((carrier) => ({ line: carrier.line, rank: rankOf(carrier, items) }));
  const able = wanted.filter(({ rank }) => rank > 0);
  const best = Math.max(...able.map(({ rank }) => rank));
  return able.find(({ rank }) => rank === best)?.line;
};

/** 3: all of it is well, and it is not what this is about. 0: nobody speaks for it. */
const rankOf = ({ line, seats }: Carrier, items: Notice["items"]): number => {
  if (!seats.some(({ isServing }) => isServing)) return 0;
  const names = [
    line,
    ...seats.flatMap(({ id, holder }) => [id, id.slice(line.length + 1), ...(holder === null ? [] : [holder])]),
  ];
  const isConcerned = items.some(({ subject }) => names.some((name) => name === subject || subject.startsWith(`${name}/`)));
  if (isConcerned) return 1;
  return seats.every(({ isServing }) => isServing) ? 3 : 2;
};
