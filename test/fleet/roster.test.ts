import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { roster, type RosterInput, type RosterState, type SeatView } from "../../machines/fleet/roster.ts";
import { rank } from "../../machines/fleet/roster/ranking.ts";
import { LAGGARDS } from "../../machines/fleet/roster/outage.ts";
import { dutiesOf } from "../../machines/fleet/roster/duties.ts";
import {
  type AccountId,
  accountId,
  accountOf,
  type DeviceId,
  deviceId,
  lineId,
  type Millis,
  seatId,
  seatTerm,
} from "../../machines/ports/ids.ts";
import type { FailoverCause } from "../../machines/ports/records.ts";
import type { HealthState } from "../../machines/protocol.ts";
import { Host } from "../account/host.ts";
import { BUSY, COOLDOWN, DEVICES, FREE, FRESH, HOLDER, LAST, LINE, rosterInput, SEAT, TWIN } from "./stage.ts";

const OTHER_SEAT = seatId(LINE, accountId("m2"));
const runs = process.env["GREENROOM_FULL"] ? 20_000 : 1000;

describe("the duty of an account", () => {
  it("ends when its last device has failed, however it failed, and begins again when one of them is well", () => {
    const host = started();
    const account = accountOf(TWIN);
    const told = (): string[] =>
      host.told(`master:${account}`).flatMap(({ type }) => (type.startsWith("account.") ? [type] : []));
    const before = told().length;
    health(host, HOLDER, "suspect");
    health(host, HOLDER, "failed", "silent");
    expect(told().slice(before)).toEqual([]);
    health(host, TWIN, "failed", "closed");
    expect(told().slice(before)).toEqual(["account.out"]);
    health(host, TWIN, "recovering");
    health(host, TWIN, "healthy");
    health(host, HOLDER, "recovering");
    expect(told().slice(before)).toEqual(["account.out", "account.well"]);
    health(host, HOLDER, "suspect");
    health(host, TWIN, "suspect");
    health(host, TWIN, "failed", "silent");
    health(host, HOLDER, "failed", "silent");
    expect(told().slice(before).at(-1)).toBe("account.out");
  });

  it("is told of at no other moment: while one of its devices is well, another's changes are nobody's business", () => {
    const change = fc.record({
      device: fc.constantFrom(HOLDER, TWIN, FREE),
      state: fc.constantFrom<HealthState>("healthy", "suspect", "repairing", "failed", "recovering"),
      cause: fc.constantFrom<FailoverCause | null>(null, "silent", "closed", "loggedOut"),
    });
    const isWell = (state: HealthState): boolean => state === "healthy" || state === "recovering";
    fc.assert(
      fc.property(fc.array(change, { maxLength: 20 }), (changes) => {
        const host = started();
        const states = new Map<DeviceId, HealthState>(DEVICES.map((id) => [id, "healthy"]));
        for (const { device, state, cause } of changes) {
          const before = states.get(device) as HealthState;
          const account = accountOf(device);
          const others = DEVICES.filter((id) => id !== device && accountOf(id) === account);
          const isAlone = others.every((id) => !isWell(states.get(id) as HealthState));
          states.set(device, state);
          const from = host.told(`master:${account}`).length;
          health(host, device, state, cause);
          const said = host.told(`master:${account}`).slice(from);
          const isOver = isAlone && state === "failed" && before !== "failed";
          const isBack = isAlone && isWell(state) && !isWell(before);
          const out = { type: "account.out", why: cause ?? "silent" };
          expect(said).toMatchObject(isOver ? [out] : isBack ? [{ type: "account.well" }] : []);
        }
      }),
    );
  });
});

describe("who may take a seat", () => {
  it("first a twin, then masters without a seat, then masters with one, each by the line's priority", () => {
    const host = started();
    expect(ranked(host)).toEqual([TWIN, FREE, LAST, BUSY]);
  });

  it("a twin first even if it speaks for another seat already", () => {
    const host = started();
    host.tell("roster", { type: "seat.held", seat: OTHER_SEAT, holder: TWIN, term: 2, left: null });
    expect(ranked(host)).toEqual([TWIN, BUSY, FREE, LAST]);
  });

  it("whoever failed lately because nothing was acknowledged after all others, and it says so; not for ever", () => {
    const host = started();
    for (const id of [TWIN, FREE]) {
      health(host, id, "failed", "unacknowledged");
      health(host, id, "healthy");
    }
    expect(ranked(host)).toEqual([LAST, BUSY, TWIN, FREE]);
    expect((lastRanking(host)["ranked"] as { why: string }[]).map(({ why }) => why.includes("not acknowledged"))).toEqual([
      false,
      false,
      true,
      true,
    ]);
    const seen = (): void => DEVICES.forEach((id) => health(host, id, "healthy"));
    host.advance(119_999);
    seen();
    expect(ranked(host)).toEqual([LAST, BUSY, TWIN, FREE]);
    host.advance(1);
    seen();
    expect(ranked(host)).toEqual([TWIN, FREE, LAST, BUSY]);
  });

  it("a third device of a number of which two failed so like them", () => {
    const [holder, second, other] = ["m0/a", "m0/b", "m1/a"] as [DeviceId, DeviceId, DeviceId];
    const seat = seatId(LINE, accountId("m0"));
    const row = { id: seat, line: LINE, account: accountId("m0"), holder, term: seatTerm(1) };
    const { host, go } = crowdOf(2, ["a", "b", "c"], [row]);
    const best = (): unknown => {
      const request = { type: "candidates.request", seat, replyTo: `failover:${seat}`, former: holder, exclude: [], named: null };
      host.tell("roster", request);
      const { ranked: all } = host.told(`failover:${seat}`).at(-1) as unknown as { ranked: readonly { device: DeviceId }[] };
      return all[0]?.device;
    };
    const mute = (id: DeviceId): void => {
      health(host, id, "failed", "unacknowledged");
      go([id], "healthy");
    };
    mute(holder);
    expect(best()).toBe(second);
    mute(second);
    expect(best()).toBe(other);
  });

  it("whoever failed otherwise in its own place", () => {
    const host = started();
    health(host, TWIN, "failed", "silent");
    health(host, TWIN, "healthy");
    expect(ranked(host)).toEqual([TWIN, FREE, LAST, BUSY]);
  });

  it("nobody whose last stanza is too old, and a stanza pushes a new ranking to whoever waits for one", () => {
    const host = started();
    host.advance(FRESH + 1);
    host.tell("roster", { type: "device.seen", device: LAST, lastEvidenceAt: host.now });
    expect(ranked(host)).toEqual([LAST]);
    host.tell("roster", { type: "device.seen", device: TWIN, lastEvidenceAt: host.now });
    expect(lastRanking(host)).toMatchObject({
      ranked: [
        { device: TWIN, ladder: "twin" },
        { device: LAST, ladder: "account" },
      ],
    });
  });

  it("everybody by the newest stanza that was heard of, though an older one is reported later", () => {
    const host = started();
    host.advance(10_000);
    host.tell("roster", { type: "device.seen", device: FREE, lastEvidenceAt: host.now });
    const late = { cause: null, isFinal: false, lastEvidenceAt: host.now - 9_000 };
    host.tell("roster", { type: "device.health", device: FREE, state: "healthy", ...late });
    host.tell("roster", { type: "device.seen", device: FREE, lastEvidenceAt: host.now - 9_000 });
    expect(ranked(host)).toEqual([FREE]);
  });

  it("says that a twin may still turn up while it is merely not heard of", () => {
    const host = started();
    host.advance(FRESH + 1);
    ranked(host);
    expect(lastRanking(host)["twinPending"]).toBe(true);
    health(host, TWIN, "failed", "silent");
    ranked(host);
    expect(lastRanking(host)["twinPending"]).toBe(false);
  });

  it("waits for no twin that would come last", () => {
    const host = started();
    health(host, TWIN, "failed", "unacknowledged");
    health(host, TWIN, "healthy");
    host.advance(FRESH + 1);
    ranked(host);
    expect(lastRanking(host)["twinPending"]).toBe(false);
  });

  it.each([
    ["not linked", { type: "device.linked", device: TWIN, linked: false }],
    ["cordoned", { type: "device.cordon", device: TWIN, cordoned: true }],
    ["health: failed", { type: "device.health", device: TWIN, state: "failed", cause: "silent", isFinal: false }],
    ["health: recovering", { type: "device.health", device: TWIN, state: "recovering", cause: null, isFinal: false }],
  ])("nobody who is %s, and says why", (why, event) => {
    const host = started();
    host.tell("roster", event);
    expect(ranked(host)).toEqual([FREE, LAST, BUSY]);
    expect(lastRanking(host)["rejected"]).toContainEqual({ device: TWIN, why });
  });

  it.each(["restricted", "capped"])(
    "a twin of a %s account, whose chats are warm, but no other device of one; nobody of a banned one",
    (name) => {
      const host = started();
      standing(host, "m1", name);
      standing(host, "m3", name);
      expect(ranked(host)).toEqual([TWIN, LAST, BUSY]);
      expect(lastRanking(host)["rejected"]).toContainEqual({ device: FREE, why: `account ${name}` });
      standing(host, "m1", "banned");
      expect(ranked(host)).toEqual([LAST, BUSY]);
    },
  );

  it("not the device that was just left, until the cool-down is over", () => {
    const host = started();
    hold(host, TWIN, 2, HOLDER);
    health(host, HOLDER, "healthy");
    health(host, TWIN, "failed", "silent");
    expect(ranked(host, TWIN)).toEqual([FREE, LAST, BUSY]);
    host.advance(COOLDOWN);
    for (const id of DEVICES) host.tell("roster", { type: "device.seen", device: id, lastEvidenceAt: host.now });
    expect(ranked(host, TWIN)).toEqual([HOLDER, FREE, LAST, BUSY]);
  });

  it("the device just left after all, if the present holder is gone for good", () => {
    const host = started();
    hold(host, TWIN, 2, HOLDER);
    health(host, HOLDER, "healthy");
    health(host, TWIN, "failed", "loggedOut", true);
    expect(ranked(host, TWIN)[0]).toBe(HOLDER);
  });

  it("the device just left, if an operator names it", () => {
    const host = started();
    hold(host, FREE, 2, HOLDER);
    expect(ranked(host, FREE)).toEqual([TWIN, LAST, BUSY]);
    expect(ranked(host, FREE, HOLDER)).toContain(HOLDER);
  });
});

describe("what seats hear", () => {
  it("of their own holder only, and of one that was given the seat at once", () => {
    const host = started();
    health(host, FREE, "failed", "silent");
    health(host, HOLDER, "suspect");
    expect(heard(host)).toEqual(["holder.well m1/a", "holder.suspect m1/a"]);
    hold(host, TWIN, 2, HOLDER);
    health(host, HOLDER, "failed", "silent");
    expect(heard(host).slice(2)).toEqual(["holder.well m1/b"]);
  });

  it("of a restriction nothing, of a ban that the holder is gone for good, and of its end that it is well", () => {
    const host = started();
    const before = heard(host).length;
    standing(host, "m1", "restricted");
    expect(heard(host)).toHaveLength(before);
    standing(host, "m1", "banned");
    expect(host.told(`seat:${SEAT}`).at(-1)).toMatchObject({ type: "holder.failed", cause: "banned", isFinal: true });
    standing(host, "m1", "good");
    expect(heard(host).at(-1)).toBe("holder.well m1/a");
  });

  it("of nobody whose state is not known yet", () => {
    const host = new Host();
    host.reducer("roster", roster, rosterInput());
    hold(host, TWIN, 2, HOLDER);
    expect(heard(host)).toEqual([]);
    health(host, TWIN, "healthy");
    expect(heard(host)).toEqual(["holder.well m1/b"]);
  });

  it("of a device no longer than it holds the seat, though it goes on with another", () => {
    const host = started();
    host.tell("roster", { type: "seat.held", seat: OTHER_SEAT, holder: HOLDER, term: 2, left: null });
    hold(host, TWIN, 2, HOLDER);
    const [before, others] = [heard(host).length, host.told(`seat:${OTHER_SEAT}`).length];
    health(host, HOLDER, "failed", "closed");
    expect(heard(host)).toHaveLength(before);
    expect(host.told(`seat:${OTHER_SEAT}`).slice(others)).toMatchObject([{ type: "holder.failed", device: HOLDER }]);
    expect((host.context("roster") as RosterState).holds.get(HOLDER)).toEqual([OTHER_SEAT]);
  });

  it("and of rankings as candidates show life, until its holder is looked at again", () => {
    const host = started();
    ranked(host);
    const rankings = () => host.told(`failover:${SEAT}`).length;
    const before = rankings();
    host.advance(FRESH + 1);
    host.tell("roster", { type: "device.seen", device: HOLDER, lastEvidenceAt: host.now });
    expect(rankings()).toBe(before);
    host.tell("roster", { type: "device.seen", device: TWIN, lastEvidenceAt: host.now });
    expect(rankings()).toBe(before + 1);
    host.tell("roster", { type: "holder.review", seat: SEAT });
    const after = rankings();
    host.advance(FRESH + 1);
    host.tell("roster", { type: "device.seen", device: TWIN, lastEvidenceAt: host.now });
    expect(rankings()).toBe(after);
  });

  it("of nobody who is no master of its line, and not of its own holder", () => {
    const host = new Host();
    const { accounts, lines, seats } = rosterInput();
    const [stranger, support] = [accountId("m9"), lineId("support")];
    const device = deviceId(stranger, "a");
    const foreign = seatId(support, stranger);
    host.reducer(
      "roster",
      roster,
      rosterInput({
        accounts: [
          ...accounts,
          { id: stranger, role: "master", standing: "good", devices: [{ id: device, linked: true, cordoned: false }] },
        ],
        lines: [...lines, { id: support, masters: [stranger], servants: [], strategy: "round-robin" }],
        seats: [...seats, { id: foreign, line: support, account: stranger, holder: null, term: seatTerm(0) }],
      }),
    );
    for (const id of [...DEVICES, device]) health(host, id, "failed", "silent");
    const able = (seat: typeof SEAT) => host.told(`seat:${seat}`).filter(({ type }) => type === "candidate.available").length;
    health(host, HOLDER, "healthy");
    expect([able(SEAT), able(OTHER_SEAT), able(foreign)]).toEqual([0, 1, 0]);
    health(host, device, "healthy");
    expect([able(SEAT), able(OTHER_SEAT), able(foreign)]).toEqual([0, 1, 1]);
  });

  it("of everyone who becomes able while their holder is out: well, linked, allowed again, of good standing", () => {
    const host = started();
    for (const id of [HOLDER, TWIN, BUSY, LAST]) health(host, id, "failed", "silent");
    const able = () => host.told(`seat:${SEAT}`).filter(({ type }) => type === "candidate.available").length;
    health(host, FREE, "recovering");
    expect(able()).toBe(0);
    health(host, FREE, "healthy");
    expect(able()).toBe(1);
    host.tell("roster", { type: "device.cordon", device: FREE, cordoned: true });
    expect(able()).toBe(1);
    host.tell("roster", { type: "device.cordon", device: FREE, cordoned: false });
    expect(able()).toBe(2);
    host.tell("roster", { type: "device.linked", device: FREE, linked: true });
    expect(able()).toBe(3);
    standing(host, "m3", "restricted");
    standing(host, "m3", "good");
    expect(able()).toBe(4);
  });
});

describe("a line of many seats that nobody holds yet", () => {
  /** Devices that the roster looked at when a last one became able. */
  const lookedAt = (size: number): number => {
    const ids = Array.from({ length: size }, (_, no) => accountId(`m${no}`));
    const { state } = roster.start(
      rosterInput({
        accounts: ids.map((id) => ({
          id,
          role: "master",
          standing: "good",
          devices: [{ id: deviceId(id, "a"), linked: true, cordoned: false }],
        })),
        lines: [{ id: LINE, masters: ids, servants: [], strategy: "round-robin" }],
        seats: ids.map((id) => ({ id: seatId(LINE, id), line: LINE, account: id, holder: null, term: seatTerm(0) })),
      }),
      0,
    );
    let looks = 0;
    const { devices } = state;
    const get = devices.get.bind(devices);
    devices.get = (id) => {
      looks++;
      return get(id);
    };
    const device = deviceId(ids[size - 1] as AccountId, "a");
    const well = { state: "healthy", cause: null, isFinal: false, lastEvidenceAt: 0, at: 0 } as const;
    const { effects } = roster.receive(state, { type: "device.health", device, ...well });
    expect(effects).toContainEqual(
      expect.objectContaining({ to: `seat:${seatId(LINE, accountOf(device))}`, event: { type: "candidate.available" } }),
    );
    return looks;
  };

  it("costs a look at each seat when somebody becomes able, and not at each seat's candidates", () => {
    expect(lookedAt(200)).toBeLessThan(6 * lookedAt(50));
  });
});

describe("who is watched closely", () => {
  it("candidates from the first suspicion on, and no longer than it lasts", () => {
    const host = started();
    const watched = () => host.told(`detector:${TWIN}`).flatMap(({ type, watch }) => (type === "watch" ? [watch] : []));
    health(host, HOLDER, "suspect");
    expect(watched().at(-1)).toBe("candidate");
    health(host, HOLDER, "healthy");
    expect(watched().at(-1)).toBe("standby");
  });

  it("the holder as a holder, from the moment at which it is one", () => {
    const host = started();
    hold(host, TWIN, 2, HOLDER);
    expect(host.told(`detector:${TWIN}`).at(-1)).toMatchObject({ type: "watch", watch: "holder" });
    expect(host.told(`detector:${HOLDER}`).at(-1)?.["watch"]).not.toBe("holder");
  });
});

describe("servants", () => {
  it("are shared out over the seats of their line, and follow their seat's term wherever it goes", () => {
    const host = started(["s1", "s2", "s3"]);
    hold(host, TWIN, 2, HOLDER);
    hold(host, FREE, 3, TWIN);
    const terms = (name: string) =>
      host.told(`servant:${accountId(name)}`).map(({ type, seat, device, term }) => [type, seat, device, term].join(" "));
    expect(terms("s1")).toEqual([1, 2, 3].map((term) => `seat.granted ${SEAT} s1/a ${term}`));
    expect(terms("s3")).toEqual([1, 2, 3].map((term) => `seat.granted ${SEAT} s3/a ${term}`));
    expect(terms("s2")).toEqual([`seat.granted ${OTHER_SEAT} s2/a 1`]);
  });
});

describe("a roster that is started again", () => {
  it("knows what its predecessor had heard, where that has not died", () => {
    const before = started();
    before.advance(700);
    before.tell("roster", { type: "device.seen", device: FREE, lastEvidenceAt: before.now });
    before.advance(700);
    health(before, BUSY, "suspect");
    health(before, LAST, "failed", "unacknowledged");
    hold(before, TWIN, 2, HOLDER);
    const memory = before.context("roster") as RosterState;
    const { state } = roster.start(rosterInput({ memory }), before.now);
    for (const id of DEVICES) {
      const { lastSeenAt, quietSince, unansweredAt } = memory.devices.get(id) ?? {};
      expect(state.devices.get(id)).toMatchObject({ lastSeenAt, quietSince, unansweredAt });
    }
    expect(state.devices.get(BUSY)?.quietSince).toBe(before.now);
    expect(state.devices.get(LAST)?.unansweredAt).toBe(before.now);
    expect(state.seats.get(SEAT)?.left).toEqual({ device: HOLDER, until: before.now + COOLDOWN });
  });
});

describe("what is said of nobody", () => {
  it("changes nothing, and is answered by nobody", () => {
    const host = started();
    const [seat, device] = ["sales/nobody", "nobody/a"];
    const before = host.log.length;
    for (const event of [
      { type: "holder.review", seat },
      { type: "candidates.request", seat, replyTo: `failover:${seat}`, former: null, exclude: [], named: null },
      { type: "seat.held", seat, holder: FREE, term: 1, left: null },
      { type: "seat.stands", seat, holder: FREE, term: 1 },
      { type: "device.seen", device, lastEvidenceAt: host.now },
      { type: "device.health", device, state: "failed", cause: "silent", isFinal: true, lastEvidenceAt: null },
      { type: "device.linked", device, linked: true },
      { type: "account.standing", account: "nobody", standing: "banned" },
    ])
      host.tell("roster", event);
    host.tell("roster", { type: "seat.held", seat: SEAT, holder: null, term: 2, left: HOLDER });
    const vacant = host.log.length;
    host.tell("roster", { type: "holder.review", seat: SEAT });
    expect(host.log.slice(vacant)).toEqual([]);
    expect(host.log.slice(before, vacant).flatMap(({ effect }) => (effect.op === "tell" ? [effect.event.type] : []))).toEqual([
      "seat.released",
      "watch",
      "dial.rank",
    ]);
  });
});

describe("an actor that has forgotten what it was granted", () => {
  it("is told of exactly the seats that its devices hold, or that it serves, under their present terms", () => {
    const host = started(["s1", "s2"]);
    hold(host, FREE, 4, HOLDER);
    const state = host.context("roster") as RosterState;
    const told = (account: string) => dutiesOf(state, accountId(account)).map(({ to, event }) => ({ to, ...event }));
    const granted = { type: "seat.granted" };
    expect(told("m1")).toEqual([]);
    expect(told("m2")).toEqual([{ ...granted, to: "master:m2", seat: OTHER_SEAT, device: BUSY, term: 1 }]);
    expect(told("m3")).toEqual([{ ...granted, to: "master:m3", seat: SEAT, device: FREE, term: 4 }]);
    expect(told("s1")).toEqual([{ ...granted, to: "servant:s1", seat: SEAT, device: deviceId(accountId("s1"), "a"), term: 4 }]);
    expect(told("s2")).toEqual([
      { ...granted, to: "servant:s2", seat: OTHER_SEAT, device: deviceId(accountId("s2"), "a"), term: 1 },
    ]);
    hold(host, HOLDER, 5, FREE);
    expect(told("m3")).toEqual([]);
  });
});

describe("an outage", () => {
  it("is suspected once half of the masters' links, three at least, fall silent together; and is over when most are well", () => {
    const host = started();
    health(host, HOLDER, "suspect");
    health(host, TWIN, "suspect");
    expect(outages(host)).toEqual([]);
    health(host, BUSY, "suspect");
    expect(outages(host)).toEqual(["outage.suspected"]);
    health(host, HOLDER, "healthy");
    expect(outages(host)).toHaveLength(2);
  });

  it("is half of them, not one less; is over when fewer than half are not well; and may come again", () => {
    const { host, ids, go } = crowdOf(6);
    go(ids.slice(0, 3), "suspect");
    expect(outages(host)).toEqual(["outage.suspected"]);
    expect(host.told("orchestrator")).toMatchObject([{ quiet: 3, of: 6 }]);
    go(ids.slice(3, 4), "suspect");
    go(ids.slice(0, 1), "healthy");
    expect(outages(host)).toEqual(["outage.suspected"]);
    go(ids.slice(1, 2), "healthy");
    expect(outages(host)).toEqual(["outage.suspected", "outage.over"]);
    go(ids.slice(1, 2), "healthy");
    expect(outages(host)).toHaveLength(2);
    go(ids.slice(0, 3), "suspect");
    expect(outages(host)).toEqual(["outage.suspected", "outage.over", "outage.suspected"]);
    const seven = crowdOf(7);
    seven.go(seven.ids.slice(0, 3), "suspect");
    expect(outages(seven.host)).toEqual([]);
  });

  it("is of more than one number: all links of one share what happens to it", () => {
    const { host, ids, go } = crowdOf(2, ["a", "b", "c"]);
    go(ids.slice(0, 3), "suspect");
    expect(outages(host)).toEqual([]);
    go(ids.slice(3, 4), "suspect");
    expect(outages(host)).toEqual(["outage.suspected"]);
  });

  it("is over for those that came back, once the others had time enough to", () => {
    const { host, ids, go } = crowdOf(6);
    go(ids, "suspect");
    host.advance(10 * LAGGARDS);
    expect(outages(host)).toEqual(["outage.suspected"]);
    go(ids.slice(0, 1), "recovering");
    host.advance(LAGGARDS - 1);
    // Those that fail once more have nothing to do with it.
    go(ids.slice(0, 1), "suspect");
    go(ids.slice(0, 1), "recovering");
    host.advance(LAGGARDS - 1);
    go(ids.slice(1, 2), "recovering");
    expect(outages(host)).toEqual(["outage.suspected"]);
    host.advance(1);
    expect(outages(host)).toEqual(["outage.suspected", "outage.over"]);
    go(ids.slice(2, 4), "healthy");
    host.advance(LAGGARDS);
    expect(outages(host)).toHaveLength(2);
  });

  it("is remembered with its end by the roster that goes on", () => {
    const { host, ids, go } = crowdOf(6);
    go(ids, "suspect");
    go(ids.slice(0, 1), "recovering");
    const memory = host.context("roster") as RosterState;
    const { state, wakeAt } = roster.start(rosterInput({ memory }), host.now + 1000);
    expect(wakeAt).toBe(host.now + LAGGARDS);
    expect(roster.receive(state, { type: "wake", at: host.now + LAGGARDS }).effects).toContainEqual(
      expect.objectContaining({ to: "orchestrator", event: { type: "outage.over" } }),
    );
  });

  it("is not over because silent links have ended meanwhile", () => {
    const host = started();
    for (const id of [HOLDER, TWIN, BUSY]) health(host, id, "suspect");
    for (const id of [HOLDER, TWIN, BUSY]) health(host, id, "failed", "closed");
    expect(outages(host)).toEqual(["outage.suspected"]);
    health(host, TWIN, "recovering");
    expect(outages(host)).toEqual(["outage.suspected", "outage.over"]);
  });

  it("is not what happens one after the other", () => {
    const host = started();
    for (const id of [HOLDER, TWIN, BUSY, FREE]) {
      health(host, id, "suspect");
      host.advance(2500);
    }
    expect(outages(host)).toEqual([]);
  });
});

describe("whatever was reported before", () => {
  const change = fc.oneof(
    fc.record({
      do: fc.constant("health" as const),
      device: fc.constantFrom(...DEVICES),
      state: fc.constantFrom<HealthState>("healthy", "suspect", "repairing", "failed", "recovering"),
      isFinal: fc.boolean(),
    }),
    fc.record({ do: fc.constant("seen" as const), device: fc.constantFrom(...DEVICES) }),
    fc.record({
      do: fc.constant("standing" as const),
      account: fc.constantFrom("m1", "m2", "m3", "m4"),
      standing: fc.constantFrom("good" as const, "capped" as const, "restricted" as const, "banned" as const),
    }),
    fc.record({ do: fc.constant("linked" as const), device: fc.constantFrom(...DEVICES), is: fc.boolean() }),
    fc.record({ do: fc.constant("cordon" as const), device: fc.constantFrom(...DEVICES), is: fc.boolean() }),
    fc.record({ do: fc.constant("hold" as const), device: fc.constantFrom(...DEVICES) }),
    fc.record({ do: fc.constant("wait" as const), span: fc.integer({ min: 1, max: 20_000 }) }),
  );
  const lived = (changes: readonly (typeof change extends fc.Arbitrary<infer T> ? T : never)[]): Host => {
    const host = started();
    let term = 1;
    for (const what of changes) {
      if (what.do === "health") health(host, what.device, what.state, "silent", what.isFinal);
      else if (what.do === "seen") host.tell("roster", { type: "device.seen", device: what.device, lastEvidenceAt: host.now });
      else if (what.do === "standing") standing(host, what.account, what.standing);
      else if (what.do === "linked") host.tell("roster", { type: "device.linked", device: what.device, linked: what.is });
      else if (what.do === "cordon") host.tell("roster", { type: "device.cordon", device: what.device, cordoned: what.is });
      else if (what.do === "hold") hold(host, what.device, ++term, holderOf(host));
      else host.advance(what.span);
    }
    return host;
  };
  const view = (host: Host): { state: RosterState; seat: SeatView } => {
    const state = host.context("roster") as RosterState;
    return { state, seat: state.seats.get(SEAT) as SeatView };
  };

  it("whoever is ranked is linked, healthy, not cordoned, fresh, of fitting standing, and neither holder nor excluded", () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), fc.subarray([...DEVICES]), (changes, exclude) => {
        const host = lived(changes);
        const { state, seat } = view(host);
        const { ranked: who } = rank(state, seat, exclude, host.now);
        for (const { device: id, ladder, lastSeenAt } of who) {
          const device = state.devices.get(id);
          const allowed = state.accounts.get(accountOf(id))?.standing;
          expect(device).toMatchObject({ linked: true, cordoned: false, state: "healthy" });
          expect(host.now - lastSeenAt).toBeLessThanOrEqual(FRESH);
          expect(ladder === "twin" ? ["good", "capped", "restricted"] : ["good"]).toContain(allowed);
          expect([seat.holder, ...exclude]).not.toContain(id);
          expect(ladder === "twin").toBe(accountOf(id) === accountOf(seat.holder as DeviceId));
        }
      }),
      { numRuns: runs },
    );
  });

  it("who holds a seat, and nobody else, is watched as a holder; it is confirmed without a release, and its seat hears of it once", () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        const host = lived(changes);
        const { holder, term } = view(host).seat;
        for (const id of DEVICES) {
          const watches = host.told(`detector:${id}`).flatMap(({ type, watch }) => (type === "watch" ? [watch] : []));
          expect(watches.at(-1) === "holder").toBe(id === holder || id === BUSY);
        }
        const releases = () => host.of("tell").filter(({ event }) => event.type === "seat.released").length;
        const before = releases();
        hold(host, holder as DeviceId, term + 1, null);
        expect(releases()).toBe(before);
        const known = heard(host).length;
        health(host, holder as DeviceId, "suspect");
        expect(heard(host).slice(known)).toEqual([`holder.suspect ${holder}`]);
      }),
      { numRuns: runs },
    );
  });

  it("everyone is ranked or rejected with a reason, and the order is twins, then the unburdened, then priority", () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
        const host = lived(changes);
        const { state, seat } = view(host);
        const { ranked: who, rejected } = rank(state, seat, [], host.now);
        const all = [...who, ...rejected].map(({ device }) => device);
        expect(all.toSorted()).toEqual(DEVICES.filter((id) => id !== seat.holder).toSorted());
        expect(rejected.filter(({ why }) => why === "")).toEqual([]);
        const place = ({ device, ladder }: (typeof who)[number]): number =>
          (ladder === "twin" ? 0 : 100) + (state.holds.has(device) ? 10 : 0) + Number(accountOf(device).slice(1));
        expect(who.map(place)).toEqual(who.map(place).toSorted((one, other) => one - other));
      }),
      { numRuns: runs },
    );
  });
});

// ---- helpers ----

function started(servants: readonly string[] = []): Host {
  const host = new Host();
  const { accounts, lines } = rosterInput();
  const more = servants.map((name) => ({
    id: accountId(name),
    role: "servant" as const,
    standing: "good" as const,
    devices: [{ id: deviceId(accountId(name), "a"), linked: true, cordoned: false }],
  }));
  host.reducer(
    "roster",
    roster,
    rosterInput({
      accounts: [...accounts, ...more],
      lines: lines.map((line) => ({ ...line, servants: servants.map(accountId) })),
    }),
  );
  host.tell("roster", { type: "seat.held", seat: SEAT, holder: HOLDER, term: 1, left: null });
  host.tell("roster", { type: "seat.held", seat: OTHER_SEAT, holder: BUSY, term: 1, left: null });
  for (const id of DEVICES) health(host, id, "healthy");
  return host;
}
function health(host: Host, id: DeviceId, state: HealthState, cause: FailoverCause | null = null, isFinal = false): void {
  host.tell("roster", { type: "device.health", device: id, state, cause, isFinal, lastEvidenceAt: null });
}
/** So many masters with a device each, all well. */
function crowdOf(size: number, names = ["a"], seats: RosterInput["seats"] = []) {
  const accounts = Array.from({ length: size }, (_, no) => accountId(`m${no}`));
  const ids = accounts.flatMap((id) => names.map((name) => deviceId(id, name)));
  const host = new Host();
  const master = (id: AccountId) => ({
    id,
    role: "master" as const,
    standing: "good" as const,
    devices: names.map((name) => ({ id: deviceId(id, name), linked: true, cordoned: false })),
  });
  const lines = [{ id: LINE, masters: accounts, servants: [], strategy: "round-robin" }];
  host.reducer("roster", roster, rosterInput({ accounts: accounts.map(master), lines, seats }));
  const go = (devices: readonly DeviceId[], state: HealthState): void => {
    for (const id of devices) health(host, id, state, "silent");
  };
  go(ids, "healthy");
  return { host, ids, go };
}
function standing(host: Host, account: string, is: string): void {
  host.tell("roster", { type: "account.standing", account, standing: is });
}
function hold(host: Host, id: DeviceId, term: number, left: DeviceId | null): void {
  host.tell("roster", { type: "seat.held", seat: SEAT, holder: id, term, left });
}
function holderOf(host: Host): DeviceId | null {
  return (host.context("roster") as RosterState).seats.get(SEAT)?.holder ?? null;
}
function lastRanking(host: Host): Readonly<Record<string, unknown>> & { readonly at: Millis } {
  return host.told(`failover:${SEAT}`).at(-1) as never;
}
function ranked(host: Host, from: DeviceId = HOLDER, named: DeviceId | null = null): readonly DeviceId[] {
  const request = { type: "candidates.request", seat: SEAT, replyTo: `failover:${SEAT}`, former: from, exclude: [from], named };
  host.tell("roster", request);
  return (lastRanking(host)["ranked"] as { device: DeviceId }[]).map(({ device }) => device);
}
function heard(host: Host): readonly string[] {
  return host
    .told(`seat:${SEAT}`)
    .flatMap(({ type, device }) => (type.startsWith("holder.") ? [`${type} ${String(device)}`] : []));
}
function outages(host: Host): readonly string[] {
  return host.told("orchestrator").map(({ type }) => type);
}
