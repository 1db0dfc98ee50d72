import type { Millis } from "../../machines/ports/ids.ts";
import { millis, share } from "./fields.ts";
import type { FaultBase, FaultRule, FrameKind } from "./rule.ts";
import { forHow, inWords, linkMatcher, seconds } from "./target.ts";

/** Acks, receipts and copies come late, and hold up what follows on the link. */
export interface LateEvents extends FaultBase {
  readonly kind: "late-events";
  readonly by: Millis;
  readonly share: number;
}

const EVENTS: ReadonlySet<FrameKind> = new Set(["ack", "refusal", "copy", "status"]);

export const lateEvents: FaultRule<LateEvents> = {
  kind: "late-events",
  aims: ["device", "account", "seat", "node", "all"],
  fields: { by: millis, share },
  describe: ({ target, for: span, by, share }) =>
    `${Math.round(share * 100)} % of acks and receipts for ${inWords(target)} come ${seconds(by)} late, ${forHow(span)}`,
  begin({ target, by, share }, world, random) {
    const hit = linkMatcher(target, world);
    return {
      frame: ({ link, kind }) => (EVENTS.has(kind) && hit(link) && random.chance(share) ? { kind: "late", by } : null),
    };
  },
  draw: (random, target, at) => ({
    kind: "late-events",
    target,
    at,
    for: Math.round(random.lognormal(30_000, 0.8)),
    by: random.pick([300, 1_000, 2_500]),
    share: random.pick([0.1, 0.5]),
  }),
};
