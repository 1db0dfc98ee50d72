import { describe, expect, it } from "vitest";
import { Balance } from "../../machines/delivery/balance/index.ts";
import { Allowance } from "../../machines/delivery/caps.ts";
import type { Work } from "../../machines/delivery/work.ts";
import { queue } from "../../machines/delivery/queue.ts";
import { roster } from "../../machines/fleet/roster.ts";
import { accountId, deviceId, postOf } from "../../machines/ports/ids.ts";
import { LINE, rosterInput, SEAT } from "../fleet/stage.ts";

const SERVANTS = ["s1", "s2"].map(accountId);
const BULK = { priority: 0, isGroup: false, kind: "text" } as const;
const SOMEBODY = { country: null, tier: null, region: null };

/** One seat, spoken for by m1, and two servants at it. */
const started = (allowance = new Allowance({}, []), work: () => readonly Work[] = () => ["bulk"]) => {
  const balance = new Balance({
    lines: [LINE],
    settings: () => undefined,
    work,
    strategies: [],
    onFault: ({ what }) => {
      throw new Error(what);
    },
  });
  const actors = balance.lookingOn({ roster, queue });
  const base = rosterInput();
  const { state } = actors.roster.start(
    {
      ...base,
      seats: base.seats.slice(0, 1),
      accounts: [
        ...base.accounts,
        ...SERVANTS.map((id) => ({
          id,
          role: "servant" as const,
          standing: "good" as const,
          devices: [{ id: deviceId(id, "a"), linked: true, cordoned: false }],
        })),
      ],
      work: { posts: SERVANTS.map((servant) => ({ id: postOf(SEAT, servant), seat: SEAT, servant })), stray: [], patience: 0 },
    },
    0,
  );
  for (const servant of SERVANTS) actors.queue.start({ seat: postOf(SEAT, servant), allowance }, 0);
  const health = (device: string, healthState: "healthy" | "suspect") =>
    actors.roster.receive(state, {
      type: "device.health",
      device: device as never,
      state: healthState,
      cause: null,
      isFinal: false,
      lastEvidenceAt: 0,
      at: 1,
    });
  const choose = (beginning: typeof BULK | undefined = BULK) => balance.choose(LINE, SOMEBODY, 1, beginning);
  return { balance, health, choose };
};

describe("who gets a new conversation at a seat with servants", () => {
  it("is its servants in turn, while they are well, for what is their work; the holder for all else", () => {
    const { balance, health, choose } = started();
    expect(choose()).toBe(SEAT);
    health("s1/a", "healthy");
    health("s2/a", "healthy");
    expect([choose(), choose(), choose()]).toEqual([
      postOf(SEAT, "s1" as never),
      postOf(SEAT, "s2" as never),
      postOf(SEAT, "s1" as never),
    ]);
    expect(choose({ ...BULK, priority: 5 } as never)).toBe(SEAT);
    health("s1/a", "suspect");
    expect([choose(), choose()]).toEqual([postOf(SEAT, "s2" as never), postOf(SEAT, "s2" as never)]);
    health("s2/a", "suspect");
    expect(choose()).toBe(SEAT);
    expect(balance.view(LINE, 1)?.posts.map(({ seat, begun }) => [seat, begun])).toEqual([
      [postOf(SEAT, "s1" as never), 2],
      [postOf(SEAT, "s2" as never), 3],
    ]);
  });

  it("is by what the line gives them now, once it gives them something else", () => {
    const works: { now: readonly Work[] } = { now: ["bulk"] };
    const { balance, health, choose } = started(undefined, () => works.now);
    health("s1/a", "healthy");
    expect(choose()).toBe(postOf(SEAT, "s1" as never));
    works.now = ["media"];
    balance.adopt({ lines: [LINE], strategies: [] });
    expect(choose()).toBe(SEAT);
    expect(choose({ ...BULK, kind: "image" } as never)).toBe(postOf(SEAT, "s1" as never));
  });

  it("is nobody who has begun as much as it may", () => {
    const few = { newContacts: { perHour: 1, perDay: null }, warmUp: [] };
    const allowance = new Allowance({ s1: few, s2: few } as never, []);
    const { health, choose } = started(allowance);
    for (const servant of SERVANTS) {
      health(`${servant}/a`, "healthy");
      allowance.count(servant, true, 1);
    }
    expect(choose()).toBe(SEAT);
  });
});
