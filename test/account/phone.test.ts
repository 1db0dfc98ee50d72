import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { neverSeen, type Phone, seen, taken } from "../../machines/account/phone.ts";

const START = 1_760_000_000_000;
/** WhatsApp's clock may differ so much from ours. */
const SKEW = 60_000;

/** A message, with how long its ack took; or a sign of the phone, with how late we heard of it. Each comes after what was before. */
const step = fc.record({
  kind: fc.constantFrom("message" as const, "sign" as const),
  after: fc.oneof(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 86_400_000 })),
  late: fc.oneof(fc.integer({ min: 0, max: 3000 }), fc.integer({ min: 0, max: 200_000_000 })),
});
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;
interface Told {
  readonly kind: Step["kind"];
  readonly at: number;
  readonly heardAt: number;
}
/** In the order in which we hear of it. `isPrompt`: a sign is heard when it is given. */
const storyOf = (steps: readonly Step[], isPrompt: boolean): Told[] => {
  let at = START;
  return steps
    .map(({ kind, after, late }) => {
      at += after;
      return { kind, at, heardAt: at + (kind === "sign" && isPrompt ? 0 : late) };
    })
    .toSorted((one, other) => one.heardAt - other.heardAt);
};
const after = (phone: Phone, { kind, at }: Told): Phone => (kind === "sign" ? seen(phone, at) : taken(phone, at));

/** From all that was heard. */
const truth = (heard: readonly Told[]) => {
  const lastSign = Math.max(...heard.flatMap(({ kind, at }) => (kind === "sign" ? [at] : [])));
  const unconfirmed = heard.flatMap(({ kind, at }) => (kind === "message" && at > lastSign ? [at] : []));
  return { lastSign: Number.isFinite(lastSign) ? lastSign : null, unconfirmed };
};

const through = (isPrompt: boolean, check: (phone: Phone, heard: readonly Told[]) => void): void =>
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      let phone = neverSeen;
      const story = storyOf(steps, isPrompt);
      for (const [index, told] of story.entries()) {
        phone = after(phone, told);
        check(phone, story.slice(0, index + 1));
      }
    }),
    { numRuns: 300 },
  );

describe("the phone of an account", () => {
  it("is unseen since the oldest message that WhatsApp took after its last sign, in whatever order the acks come", () => {
    through(true, (phone, heard) => {
      const { lastSign, unconfirmed } = truth(heard);
      expect(phone.seenAt).toBe(lastSign);
      expect(phone.unseenSince).toBe(unconfirmed.length === 0 ? null : Math.min(...unconfirmed));
    });
  });

  it("is never accused of more than is true where signs are heard of late, and is not acquitted of all", () => {
    through(false, (phone, heard) => {
      const { lastSign, unconfirmed } = truth(heard);
      expect(phone.seenAt).toBe(lastSign);
      const accusations = phone.unseenSince === null ? [] : [phone.unseenSince];
      expect(unconfirmed).toEqual(expect.arrayContaining(accusations));
      const certain = unconfirmed.filter((at) => at > (lastSign ?? 0) + SKEW);
      expect(accusations.length).toBeGreaterThanOrEqual(Math.min(1, certain.length));
    });
  });

  it("confirms by a sign of the same second what left within it", () => {
    const left = taken(neverSeen, START + 900);
    expect(seen(left, START).unseenSince).toBeNull();
    expect(seen(left, START - 2 * SKEW).unseenSince).toBe(START + 900);
  });

  it("confirms by a sign what left until a minute later, and by one that covers nothing, nothing", () => {
    const left = taken(taken(neverSeen, START), START + 5000);
    expect(seen(taken(neverSeen, START), START - SKEW).unseenSince).toBeNull();
    expect(seen(left, START - SKEW).unseenSince).toBe(START + 5000);
    expect(seen(left, START - SKEW - 1).unseenSince).toBe(START);
    // What is heard to have left no later than the sign was confirmed by it.
    expect([START, START + 1].map((at) => taken(seen(neverSeen, START), at).unseenSince)).toEqual([null, START + 1]);
  });
});
