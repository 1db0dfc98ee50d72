/** An incoming webhook as Slack has them, and many others beside it. */
import type { Notice } from "../../../machines/alerts/notices.ts";
import { textOf } from "../words.ts";
import type { Channel } from "./channel.ts";
import { post } from "./post.ts";

export interface SlackOptions {
  readonly name: string;
  readonly fleet: string;
  readonly url: string;
}

export const slack = ({ name, fleet, url }: SlackOptions): Channel => ({
  name,
  kind: "slack",
  deliver: (notice, signal) => post({ url, headers: {}, body: JSON.stringify(message(notice, fleet)) }, signal),
});

const message = (notice: Notice, fleet: string) => ({
  text: escaped(textOf(notice, fleet)),
  // Two notices may say the same; a reader who finds one twice can see it by this.
  metadata: { event_type: "greenroom_alerts", event_payload: { id: notice.id } },
});

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
