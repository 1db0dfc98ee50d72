/** What a webhook receives: one envelope for everything. */
import type { Millis } from "../../machines/ports/ids.ts";
import type { FleetEventRow } from "../../machines/ports/records.ts";
import type { InboundMessage } from "../runtime/messages.ts";

export interface Envelope {
  /** The same however often it is delivered: receivers tell repeats by it. */
  readonly id: string;
  readonly type: string;
  /** When it happened: ISO 8601. */
  readonly timestamp: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** The type of everything that people write. */
export const RECEIVED = "message.received";

const iso = (at: Millis): string => new Date(at).toISOString();

export const messageEnvelope = (fleet: string, message: InboundMessage): Envelope => {
  const { seq, id, sentAt, receivedAt, proto, ...rest } = message;
  return {
    id: `${fleet}.in.${seq}`,
    type: RECEIVED,
    timestamp: iso(receivedAt),
    data: { fleet, seq, message: id, ...rest, sentAt: iso(sentAt), proto: Buffer.from(proto).toString("base64") },
  };
};

export const eventEnvelope = (fleet: string, { seq, at, type, subject, data }: FleetEventRow): Envelope => ({
  id: `${fleet}.ev.${seq}`,
  type,
  timestamp: iso(at),
  data: { fleet, seq, subject, ...data },
});

export const testEnvelope = (fleet: string, webhook: string, at: Millis): Envelope => ({
  id: `${fleet}.test.${at.toString(36)}`,
  type: "webhook.test",
  timestamp: iso(at),
  data: { fleet, webhook, text: `a test of the webhook ${webhook}: nothing happened` },
});

/** `failover.*` means all that begin so; `*` means everything. */
export const isWanted = (type: string, patterns: readonly string[]): boolean =>
  patterns.some((pattern) =>
    pattern === "*" ? true : pattern.endsWith(".*") ? type.startsWith(pattern.slice(0, -1)) : type === pattern,
  );
