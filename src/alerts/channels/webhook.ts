/** JSON to an address of the operator's, signed as Standard Webhooks has it, so that any of its libraries can verify it. */
import { createHmac } from "node:crypto";
import type { Notice } from "../../../machines/alerts/notices.ts";
import type { Millis } from "../../../machines/ports/ids.ts";
import { textOf } from "../words.ts";
import type { Channel } from "./channel.ts";
import { post } from "./post.ts";

export interface WebhookOptions {
  readonly name: string;
  readonly fleet: string;
  readonly url: string;
  /** null: not signed. */
  readonly secret: string | null;
  readonly now: () => Millis;
}

export const webhook = ({ name, fleet, url, secret, now }: WebhookOptions): Channel => ({
  name,
  kind: "webhook",
  deliver: (notice, signal) => {
    const body = JSON.stringify(envelope(notice, fleet));
    const timestamp = String(Math.floor(now() / 1000));
    const headers = {
      "webhook-id": notice.id,
      "webhook-timestamp": timestamp,
      ...(secret === null ? {} : { "webhook-signature": signature(secret, notice.id, timestamp, body) }),
    };
    return post({ url, headers, body }, signal);
  },
});

const iso = (at: Millis): string => new Date(at).toISOString();

const envelope = (notice: Notice, fleet: string) => ({
  type: "greenroom.alerts",
  timestamp: iso(notice.at),
  data: {
    id: notice.id,
    fleet,
    text: textOf(notice, fleet),
    alerts: notice.items.map(({ key, rule, subject, level, kind, flaps, text, raisedAt, resolvedAt }) => ({
      key,
      rule,
      subject,
      level,
      kind,
      flapping: flaps,
      text,
      raisedAt: iso(raisedAt),
      resolvedAt: resolvedAt === null ? null : iso(resolvedAt),
    })),
  },
});

const signature = (secret: string, id: string, timestamp: string, body: string): string =>
  `v1,${createHmac("sha256", keyOf(secret)).update(`${id}.${timestamp}.${body}`).digest("base64")}`;

/** `whsec_` and base64, as the standard writes it, or any other text as it is. */
const keyOf = (secret: string): Buffer =>
  secret.startsWith("whsec_") ? Buffer.from(secret.slice("whsec_".length), "base64") : Buffer.from(secret, "utf8");
