/**
 * How Baileys downloads histories and settings, which it does while it handles the message or the answer that names them. By itself it
 * sets no deadline, so that all messages wait with it, and nobody hears of an error once the answer has begun: one that breaks off
 * is an uncaught exception, which ends the process with all its links. So an answer is given to it when all of it is here, or not at all.
 *
 * It is a dispatcher for Node's `fetch` (that of Node 24, undici 7): the one thing of a download that Baileys lets be chosen.
 */
import { get as getPlain, type IncomingMessage } from "node:http";
import { get as getSecure } from "node:https";
import type { Millis } from "../../../machines/ports/ids.ts";

/** What `fetch` asks for. */
interface Asked {
  readonly origin: string;
  readonly path: string;
}
/** Where it wants to hear of the answer. */
interface Hearer {
  onConnect(abort: (reason?: Error) => void): void;
  onHeaders(status: number, headers: readonly Buffer[], resume: () => void, text: string): boolean;
  onData(bytes: Buffer): boolean;
  onComplete(trailers: readonly Buffer[]): void;
  onError(error: Error): void;
}
interface Bounds {
  /** From the request to the last byte. */
  readonly within: Millis;
  readonly bytes: number;
}

/** Sooner than a link counts as stuck. */
const BOUNDS: Bounds = { within: 40_000, bytes: 64 * 1024 * 1024 };

export const wholeDownloads = ({ within, bytes }: Bounds = BOUNDS) => ({
  dispatch: ({ origin, path }: Asked, hearer: Hearer): boolean => {
    const late = AbortSignal.timeout(within);
    const get = origin.startsWith("https:") ? getSecure : getPlain;
    const asked = get(new URL(path, origin), { headers: { origin: "https://web.whatsapp.com" }, signal: late });
    asked.on("error", (error) => hearer.onError(late.aborted ? new Error(`it took longer than ${within / 1000} s`) : error));
    asked.on("response", (response) => void handOn(response, bytes, hearer));
    hearer.onConnect((reason) => asked.destroy(reason));
    return true;
  },
});

const handOn = async (response: IncomingMessage, limit: number, hearer: Hearer): Promise<void> => {
  try {
    const body = await whole(response, limit);
    hearer.onHeaders(response.statusCode ?? 0, [], () => undefined, "");
    hearer.onData(body);
    hearer.onComplete([]);
  } catch (error) {
    hearer.onError(error as Error);
  }
};

const whole = async (response: IncomingMessage, limit: number): Promise<Buffer> => {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > limit) throw new Error(`it is larger than ${limit.toLocaleString("en")} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
};
