/**
 * How long the body of a request may take to arrive. A document is small: it is there within a time. Media are large and lines slow:
 * they may take as long as they go on arriving, so many bytes in each such time. Node's own limit knows one time for all requests.
 */
import type { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import type { Millis } from "../../machines/ports/ids.ts";

/** In each span; a modem of the last century sends twice that in ten seconds. */
const LEAST_BYTES = 16_384;

export interface ArrivalLimits {
  readonly within: Millis;
  /** Bytes that may go on arriving. */
  readonly isLarge: boolean;
  readonly onSlow: () => void;
}

export const watchArrival = (request: IncomingMessage, { within, isLarge, onSlow }: ArrivalLimits): void => {
  const { headers, socket } = request;
  // What is injected has come.
  if (!(socket instanceof Socket)) return;
  if (headers["transfer-encoding"] === undefined && Number(headers["content-length"] ?? 0) === 0) return;
  let seen = socket.bytesRead;
  const look = (): void => {
    if (request.complete || request.readableEnded || socket.destroyed) return clearInterval(timer);
    // What lies here unread is late for our own reasons.
    const goesOn = isLarge && (socket.bytesRead - seen >= LEAST_BYTES || request.readableLength > 0);
    seen = socket.bytesRead;
    if (goesOn) return;
    clearInterval(timer);
    onSlow();
  };
  // What has come while the event loop was busy is read first.
  const timer = setInterval(() => setImmediate(look), within);
  timer.unref();
  request.once("close", () => clearInterval(timer));
};
