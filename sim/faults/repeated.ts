import type { Millis } from "../../machines/ports/ids.ts";
import { millis, share } from "./fields.ts";
import type { FaultBase, FaultRule, FrameKind } from "./rule.ts";
import { forHow, inWords, linkMatcher, seconds } from "./target.ts";

/** Events come twice, the second time much later: acks, receipts, copies, inbound messages. */
export interface Repeated extends FaultBase {
  readonly kind: "repeated";
  readonly share: number;
  readonly after: Millis;
}

const EVENTS: ReadonlySet<FrameKind> = new Set(["ack", "refusal", "copy", "status", "inbound"]);

export const repeated: FaultRule<Repeated> = {
  kind: "repeated",
  aims: ["device", "account", "node", "all"],
  fields: { share, after: millis },
  describe: ({ target, for: span, share, after }) =>
    `${Math.round(share * 100)} % of events for ${inWords(target)} come again ${seconds(after)} later, ${forHow(span)}`,
  begin({ target, share, after }, world, random) {
    const hit = linkMatcher(target, world);
    return {
      frame: ({ link, kind }) => (EVENTS.has(kind) && hit(link) && random.chance(share) ? { kind: "again", after } : null),
    };
  },
  draw: (random, target, at) => ({
    kind: "repeated",
    target,
    at,
    for: Math.round(random.lognormal(60_000, 0.8)),
    share: random.pick([0.1, 0.5, 1]),
    after: random.pick([0, 50, 1_000, 8_000]),
  }),
};
