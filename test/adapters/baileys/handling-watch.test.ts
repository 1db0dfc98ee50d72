import * as fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { Deadlines } from "../../../src/adapters/baileys/deadlines.ts";
import { HandlingWatch } from "../../../src/adapters/baileys/handling-watch.ts";
import { handClock } from "./hand-clock.ts";

const WITHIN = 60_000;
const LIVE = false;
const MISSED = true;

describe("the watch on Baileys' handling", () => {
  let hand: ReturnType<typeof handClock>;
  let deadlines: Deadlines;
  let watch: HandlingWatch;
  let stuck: number;
  const message = (): Uint8Array => new Uint8Array(1);
  const pass = (ms: number): void => hand.turn(hand.clock.now() + ms);
  const came = (isMissed: boolean): Uint8Array => {
    const ciphertext = message();
    watch.came(ciphertext, isMissed);
    return ciphertext;
  };
  beforeEach(() => {
    hand = handClock();
    stuck = 0;
    deadlines = new Deadlines(hand.clock);
    watch = new HandlingWatch(deadlines, WITHIN, () => {
      stuck += 1;
    });
  });

  it.each([LIVE, MISSED])(
    "says so when a message waits and none is asked for, not before, and again (missed: %s)",
    (isMissed) => {
      came(isMissed);
      pass(WITHIN);
      expect(stuck).toBe(0);
      pass(WITHIN / 4);
      expect(stuck).toBe(1);
      pass(1.5 * WITHIN);
      expect(stuck).toBe(2);
    },
  );

  it("takes any message of a line that is asked for as progress of that line, and of no other", () => {
    const later = Array.from({ length: 20 }, () => [came(LIVE), came(LIVE)][1]);
    came(LIVE);
    for (const each of later) {
      pass(WITHIN / 2);
      watch.asked(each as Uint8Array);
    }
    expect(stuck).toBe(0);
    came(MISSED);
    for (let n = 0; n < 3; n += 1) {
      const next = came(LIVE);
      pass(WITHIN / 2);
      watch.asked(next);
    }
    expect(stuck).toBe(1);
  });

  it("forgets what came before the one that is asked for: Baileys drops some without a word", () => {
    came(LIVE);
    const next = came(LIVE);
    watch.asked(next);
    pass(10 * WITHIN);
    expect(stuck).toBe(0);
  });

  it("counts no time in which the process was asleep", () => {
    came(LIVE);
    hand.sleep(hand.clock.now() + 100 * WITHIN);
    expect(stuck).toBe(0);
    pass(2 * WITHIN);
    expect(stuck).toBe(1);
  });

  it("has no timer while nothing waits, and none once it is closed", () => {
    const asked = came(LIVE);
    watch.asked(asked);
    pass(WITHIN);
    expect(deadlines.size).toBe(0);
    came(LIVE);
    watch.close();
    came(LIVE);
    expect(deadlines.size).toBe(0);
  });

  it("is silent whatever comes, as long as each line goes on in time", () => {
    fc.assert(
      fc.property(fc.array(fc.record({ isMissed: fc.boolean(), after: fc.integer({ min: 0, max: WITHIN / 3 }) })), (all) => {
        const before = stuck;
        const open: { readonly ciphertext: Uint8Array; readonly isMissed: boolean }[] = [];
        for (const { isMissed, after } of all) {
          open.push({ ciphertext: came(isMissed), isMissed });
          pass(after);
          // Baileys comes to the oldest of both lines.
          for (const each of [LIVE, MISSED]) {
            const at = open.findIndex((one) => one.isMissed === each);
            if (at >= 0) watch.asked((open.splice(at, 1)[0] as (typeof open)[number]).ciphertext);
          }
        }
        for (const { ciphertext } of open) watch.asked(ciphertext);
        pass(2 * WITHIN);
        expect(stuck).toBe(before);
        expect(deadlines.size).toBe(0);
      }),
    );
  });
});
