/** JSON to an address of the operator's, signed as Standard Webhooks has it, so that any of its libraries can verify it. */
import type { Notice } from "../../../machines/alerts/notices.ts";
import type { Millis } from "../../../machines/ports/ids.ts";
import { signedHeaders } from "../../webhooks/signature.ts";
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
    const headers = signedHeaders(secret === null ? [] : [secret], notice.id, now(), body);
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
