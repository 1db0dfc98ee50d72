import { flag } from "./fields.ts";
import type { FaultBase, FaultRule } from "./rule.ts";
import { forHow, inWords, linkMatcher } from "./target.ts";

/** WhatsApp takes and delivers what is sent, and its acks never come. `mute`: no receipt or copy comes either. */
export interface AckLost extends FaultBase {
  readonly kind: "ack-lost";
  readonly mute: boolean;
}

export const ackLost: FaultRule<AckLost> = {
  kind: "ack-lost",
  aims: ["device", "account", "seat"],
  fields: { mute: flag },
  describe: ({ target, for: span, mute }) =>
    `acks${mute ? ", copies and receipts" : ""} to ${inWords(target)} are lost ${forHow(span)}; its messages arrive`,
  begin({ target, mute }, world) {
    const hit = linkMatcher(target, world);
    const lost = new Set(mute ? ["ack", "copy", "status"] : ["ack"]);
    return { frame: ({ link, kind }) => (lost.has(kind) && hit(link) ? { kind: "drop" } : null) };
  },
  draw: (random, target, at) => ({
    kind: "ack-lost",
    target,
    at,
    for: Math.round(random.lognormal(20_000, 0.8)),
    mute: random.chance(0.5),
  }),
};
