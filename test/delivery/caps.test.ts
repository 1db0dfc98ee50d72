import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Allowance, type Caps } from "../../machines/delivery/caps.ts";
import { accountId } from "../../machines/ports/ids.ts";
import { TRAFFIC_SLOT, trafficSlot, type TrafficSlot } from "../../machines/ports/store.ts";
import { schedule, take } from "./schedules.ts";
import { DEVICES, SEAT, World } from "./world.ts";

const A = accountId("a");
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = 50 * DAY;

const limit = fc.option(fc.integer({ min: 1, max: 6 }));
const anyCaps: fc.Arbitrary<Caps> = fc.record({
  newContacts: fc.record({ perHour: limit, perDay: limit }),
  warmUp: fc
    .uniqueArray(fc.record({ days: fc.integer({ min: 1, max: 4 }), messagesPerDay: limit, newContactsPerDay: limit }), {
      selector: ({ days }) => days,
      maxLength: 3,
    })
    .map((steps) => steps.toSorted((one, other) => one.days - other.days)),
});
const noCaps: Caps = { newContacts: { perHour: null, perDay: null }, warmUp: [] };
/** What an account wants, and how long it waits before. */
const wishes = fc.array(
  fc.record({
    after: fc.oneof(fc.integer({ min: 0, max: 20 * 60_000 }), fc.integer({ min: 0, max: 9 * HOUR })),
    opens: fc.boolean(),
  }),
  { minLength: 10, maxLength: 120, size: "max" },
);

interface Handed {
  readonly at: number;
  readonly opens: boolean;
}
/** The caps as an operator reads them: at the end of every span that a message ends. */
const broken = (caps: Caps, linkedAt: number, handed: readonly Handed[]): string[] =>
  handed.flatMap(({ at, opens: isOpening }) => {
    const step = caps.warmUp.find(({ days }) => at - linkedAt < days * DAY);
    const within = (span: number, opens: boolean): number =>
      handed.filter((each) => each.at > at - span && each.at <= at && (each.opens || !opens)).length;
    const passes = (most: number | null | undefined, span: number, opens: boolean): string[] =>
      typeof most === "number" && within(span, opens) > most ? [`${within(span, opens)} in ${span} at ${at}, not ${most}`] : [];
    const messages = passes(step?.messagesPerDay, DAY, false);
    if (!isOpening) return messages;
    return [
      ...messages,
      ...passes(caps.newContacts.perHour, HOUR, true),
      ...passes(caps.newContacts.perDay, DAY, true),
      ...passes(step?.newContactsPerDay, DAY, true),
    ];
  });

describe("what an account may send in an hour and in a day", () => {
  it("is never more, in whatever span, whatever is wanted when", () => {
    fc.assert(
      fc.property(anyCaps, wishes, (caps, all) => {
        const allowance = new Allowance({ [A]: caps }, [{ account: A, linkedAt: START, slots: [] }]);
        const handed: Handed[] = [];
        let at = START;
        for (const { after, opens } of all) {
          at += after;
          if (allowance.nextAt(A, opens, at) > at) continue;
          allowance.count(A, opens, at);
          handed.push({ at, opens });
        }
        expect(broken(caps, START, handed)).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });

  it("is possible when it was said to be, and no slot later than it could be", () => {
    fc.assert(
      fc.property(anyCaps, wishes, ({ newContacts }, all) => {
        const caps = { newContacts, warmUp: [] };
        const allowance = new Allowance({ [A]: caps }, []);
        const handed: Handed[] = [];
        let at = START;
        for (const { after, opens } of all) {
          const next = allowance.nextAt(A, opens, at + after);
          expect(allowance.nextAt(A, opens, next)).toBe(next);
          // A slot and a moment sooner, one more would have been too many.
          const sooner = next - TRAFFIC_SLOT - 1;
          if (next > at + after && sooner >= at) {
            const one = { at: sooner, opens };
            handed.push(...(broken(caps, START, [...handed, one]).length > 0 ? [] : [{ at: Number.NaN, opens }]));
          }
          at = next;
          allowance.count(A, opens, at);
          handed.push({ at, opens });
        }
        expect(handed.filter((each) => Number.isNaN(each.at))).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it("is never more when the process dies between any two messages, and what was committed is all that is remembered", () => {
    fc.assert(
      fc.property(anyCaps, wishes, fc.integer({ min: 0, max: 30_000 }), (caps, all, late) => {
        const slots = new Map<number, TrafficSlot>();
        const revived = () => new Allowance({ [A]: caps }, [{ account: A, linkedAt: START, slots: [...slots.values()] }]);
        const handed: Handed[] = [];
        let at = START;
        for (const { after, opens } of all) {
          at += after + late;
          if (revived().nextAt(A, opens, at) > at) continue;
          handed.push({ at, opens });
          const slot = trafficSlot(at + late);
          const { messages, openings } = slots.get(slot) ?? { messages: 0, openings: 0 };
          slots.set(slot, { slot, messages: messages + 1, openings: openings + Number(opens) });
        }
        expect(broken(caps, START, handed)).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it("is given back by what certainly did not leave", () => {
    const allowance = new Allowance({ [A]: { ...noCaps, newContacts: { perHour: 1, perDay: null } } }, []);
    allowance.count(A, true, START);
    expect(allowance.nextAt(A, true, START)).toBeGreaterThan(START);
    allowance.takeBack(A, true, START);
    expect(allowance.nextAt(A, true, START)).toBe(START);
  });

  it("grows with the account: the day on which it has outgrown a step is a day on which more is possible", () => {
    const warmUp = [
      { days: 1, messagesPerDay: 2, newContactsPerDay: 0 },
      { days: 3, messagesPerDay: 4, newContactsPerDay: null },
    ];
    const allowance = new Allowance({ [A]: { ...noCaps, warmUp } }, []);
    // Nobody has said when it was linked: long ago.
    expect(allowance.nextAt(A, true, START)).toBe(START);
    allowance.linked(A, START);
    allowance.linked(A, START + DAY);
    expect(allowance.nextAt(A, true, START)).toBe(START + DAY);
    for (let no = 0; no < 2; no++) allowance.count(A, false, START + DAY - 1);
    expect(allowance.nextAt(A, false, START + DAY - 1)).toBe(START + DAY);
    for (let no = 0; no < 2; no++) allowance.count(A, false, START + DAY);
    expect(allowance.nextAt(A, false, START + DAY)).toBe(START + 2 * DAY);
    expect(allowance.nextAt(A, false, START + 3 * DAY)).toBe(START + 3 * DAY);
  });

  it("is no matter of accounts without a cap", () => {
    const allowance = new Allowance({}, []);
    allowance.count(A, true, START);
    expect(allowance.nextAt(A, true, START)).toBe(START);
    expect(allowance.isCounted(A)).toBe(false);
  });
});

const SMALL = { seat: SEAT, window: 8, perConversation: 3, page: 4, remember: 4, perDevice: 3, recordBatch: 3 } as const;
const NO_WAITS = { ackFor: 1e9, askedFor: 1e9, orphanedFor: 1e9 } as const;
const FEW: Caps = { newContacts: { perHour: 2, perDay: null }, warmUp: [] };
const runs = process.env["GREENROOM_FULL"] ? 20_000 : 500;

const mostInAnHour = ({ openings }: World): number =>
  Math.max(
    0,
    ...openings.map(
      ({ at, account }) => openings.filter((each) => each.account === account && each.at > at - HOUR && each.at <= at).length,
    ),
  );

describe("under any schedule a seat's queue whose accounts have a cap", () => {
  it("begins no more chats than they may, crashes included, loses nothing, and in the end sends all that waited", () => {
    fc.assert(
      fc.property(schedule, fc.nat(2), (steps, last) => {
        const world = new World({ ...SMALL, ...NO_WAITS }, { caps: { a: FEW, b: FEW } });
        for (const step of steps) take(world, step);
        world.reload();
        world.heal(DEVICES[last] as never);
        expect(world.unfinished()).toEqual([]);
        expect(mostInAnHour(world)).toBeLessThanOrEqual(2);
      }),
      { numRuns: runs },
    );
  });
});

describe("a contact whom an account may not begin a chat with for now", () => {
  const begun = (caps: Caps = FEW): World => {
    const world = new World({ ...NO_WAITS, seat: SEAT }, { caps: { a: caps } });
    world.open(DEVICES[0] as never);
    world.settle();
    return world;
  };
  const sentTo = (world: World): string[] => world.wire.map(({ contact }) => contact);

  it("waits, and does not keep those from their messages whom it knows", () => {
    const world = begun();
    for (const conversation of [0, 1, 2, 3]) world.accept(conversation);
    world.settle();
    expect(sentTo(world)).toEqual(["c:0", "c:1"]);
    world.warm(4, A);
    for (const conversation of [4, 0]) world.accept(conversation);
    world.settle();
    expect(sentTo(world).slice(2).toSorted()).toEqual(["c:0", "c:4"]);
    world.advance(HOUR + TRAFFIC_SLOT);
    world.settle();
    expect(sentTo(world).slice(4)).toEqual(["c:2", "c:3"]);
  });

  it("is answered at once when it has written meanwhile: what waited goes first", () => {
    const world = begun();
    for (const conversation of [0, 1, 2]) world.accept(conversation);
    world.settle();
    world.warm(2, A);
    const answer = world.accept(2);
    world.settle();
    expect(world.wire.slice(2).map(({ message }) => message)).toEqual(["m3", answer.id]);
  });

  it("is no new contact when it has written while it waited: nobody asks what was so an hour ago", () => {
    const world = begun();
    for (const conversation of [0, 1, 2, 3, 4]) world.accept(conversation);
    world.settle();
    world.warm(2, A);
    world.advance(HOUR + TRAFFIC_SLOT);
    world.settle();
    expect(sentTo(world).slice(2)).toEqual(["c:2", "c:3", "c:4"]);
  });

  it("goes to another seat that has room", () => {
    const world = begun();
    for (const conversation of [0, 1]) world.accept(conversation);
    world.settle();
    world.accept(2);
    world.settle("seat");
    expect(world.state("m3").seat).not.toBe(SEAT);
    expect(sentTo(world)).toEqual(["c:0", "c:1"]);
  });

  it("gets the most urgent message first, once there is room", () => {
    const world = begun();
    for (const conversation of [0, 1]) world.accept(conversation);
    world.settle();
    world.accept(2, 1);
    world.accept(3, 9);
    world.settle();
    world.advance(HOUR + TRAFFIC_SLOT);
    world.settle();
    expect(sentTo(world).slice(2)).toEqual(["c:3", "c:2"]);
  });

  it("gets nothing that has expired", () => {
    const world = begun();
    for (const conversation of [0, 1]) world.accept(conversation);
    world.accept(2, 5, 60_000);
    world.settle();
    world.advance(2 * HOUR);
    world.settle();
    expect(world.state("m3")).toMatchObject({
      state: "failed",
      reason: "expired: the account might begin no more conversations in that time",
    });
  });

  it("is counted once, however often its first message is tried", () => {
    const world = begun();
    world.accept(0);
    world.settle();
    for (let no = 0; no < 3; no++) {
      const row = world.accept(1);
      while (world.jobs.length === 0) {
        world.reroute("nobody");
        world.store("ok");
      }
      world.connection(0, "closed");
      expect(world.state(row.id).state).toBe("accepted");
      world.advance(2_000);
      world.settle();
    }
    world.accept(2);
    world.settle();
    expect(sentTo(world)).toEqual(["c:0", "c:1", "c:1", "c:1"]);
  });

  it("waits like everybody else when the account has sent its messages of the day", () => {
    const world = begun({ ...noCaps, warmUp: [{ days: 2, messagesPerDay: 3, newContactsPerDay: null }] });
    for (let no = 0; no < 5; no++) world.accept(no % 2);
    world.settle();
    expect(world.wire).toHaveLength(3);
    world.advance(DAY - HOUR);
    world.settle();
    expect(world.wire).toHaveLength(3);
    world.advance(HOUR + TRAFFIC_SLOT);
    world.settle();
    expect(world.wire).toHaveLength(5);
  });
});
