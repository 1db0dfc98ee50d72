/** A way to reach people. Each kind is a file beside this one; what all of them owe is in test/alerts/conformance. */
import type { Notice } from "../../../machines/alerts/notices.ts";

export type ChannelKind = "terminal" | "webhook" | "slack" | "whatsapp" | "plugin";
export interface Channel {
  readonly name: string;
  readonly kind: ChannelKind;
  /**
   * Resolves with what came of it, in words, once the other side has taken the notice; rejects with ChannelError if it did not.
   * The same notice may be handed over again: it carries its id along, so that the other side can tell.
   */
  deliver(notice: Notice, signal: AbortSignal): Promise<string>;
}

/** The message is shown to people and written down: no address, no secret, nothing that the other side said. */
export class ChannelError extends Error {
  /** To hand the same notice over again would be in vain. */
  readonly isFinal: boolean;
  constructor(message: string, cause?: unknown, isFinal = false) {
    super(message, { cause });
    this.name = "ChannelError";
    this.isFinal = isFinal;
  }
}
