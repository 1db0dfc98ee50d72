import { describe, expect, it } from "vitest";
import type { AlertRow } from "../../machines/ports/records.ts";
import { ChannelError } from "../../src/alerts/channels/channel.ts";
import { Courier, MOST_WAITING } from "../../src/alerts/courier.ts";
import { begun } from "./desk-rig.ts";
import { HandClock, notice } from "./kit.ts";

const DAY = 86_400_000;

describe("an alert of a running fleet", () => {
  it("is told within a second, and it is written down who was told, and how that went", async () => {
    const fleet = await begun();
    await fleet.raise("account.banned", "sales-1", "critical");
    await fleet.clock.pass(1000);
    expect(fleet.told()).toEqual(["ops raised account.banned:sales-1", "chat raised account.banned:sales-1"]);
    const [alert] = await fleet.history();
    expect(await fleet.alerts.notices(alert as AlertRow)).toMatchObject([
      { channel: "chat", state: "delivered", attempts: 1, outcome: "taken" },
      { channel: "ops", state: "delivered", attempts: 1, outcome: "taken" },
    ]);
  });

  it("is told by the next life of a supervisor that was killed before the channel had taken it, under the same id", async () => {
    const fleet = await begun();
    fleet.failing.add("ops");
    await fleet.raise("device.failed", "sales-1/a");
    await fleet.clock.pass(5000);
    const tried = fleet.tried.at(-1)?.id;
    fleet.failing.delete("ops");
    await fleet.die();
    await fleet.clock.pass(1000);
    expect(fleet.told()).toEqual(["ops raised device.failed:sales-1/a"]);
    expect(fleet.taken.at(-1)?.id).toBe(tried);
    await fleet.die();
    await fleet.clock.pass(60_000);
    expect(fleet.told()).toEqual([]);
  });

  it("is told though it began, and told to be over though it ended, when nobody was there to notice", async () => {
    const fleet = await begun();
    await fleet.raise("device.failed", "sales-1/a");
    await fleet.clock.pass(1000);
    fleet.told();
    await fleet.die(async () => {
      await fleet.resolve("device.failed", "sales-1/a");
      await fleet.raise("device.failed", "sales-2/a");
    });
    await fleet.clock.pass(1000);
    expect(fleet.told().sort()).toEqual(["ops raised device.failed:sales-2/a", "ops resolved device.failed:sales-1/a"]);
  });

  it("is told to have grown worse when nobody was there to notice", async () => {
    const fleet = await begun();
    await fleet.raise("device.failed", "sales-1/a");
    await fleet.clock.pass(1000);
    fleet.told();
    await fleet.die(() => fleet.worsen("device.failed", "sales-1/a"));
    await fleet.clock.pass(1000);
    expect(fleet.told().sort()).toEqual(["chat raised device.failed:sales-1/a", "ops escalated device.failed:sales-1/a"]);
  });

  it("is told even while the store does not answer", async () => {
    const fleet = await begun({ keep: () => new Promise(() => undefined) });
    await fleet.raise("device.failed", "sales-1/a");
    await fleet.clock.pass(1000);
    expect(fleet.told()).toEqual(["ops raised device.failed:sales-1/a"]);
  });

  it("is kept with what comes next, if the store would not have it", async () => {
    let isFull = true;
    const fleet = await begun({
      keep: (change, keep) => (isFull ? Promise.reject(new Error("the disk is full")) : keep(change)),
    });
    await fleet.raise("device.failed", "sales-1/a");
    await fleet.clock.pass(1000);
    expect(fleet.faults.length).toBeGreaterThan(0);
    isFull = false;
    fleet.desk.tick();
    await fleet.die();
    await fleet.resolve("device.failed", "sales-1/a");
    await fleet.clock.pass(2000);
    expect(fleet.told()).toContain("ops resolved device.failed:sales-1/a");
  });

  it("that a person has acknowledged stays so through a restart, and that is in the history", async () => {
    const fleet = await begun();
    await fleet.raise("account.banned", "sales-1", "critical");
    await fleet.clock.pass(5000);
    const [alert] = await fleet.history();
    await fleet.desk.acknowledge(alert as AlertRow, "ann");
    await fleet.die();
    fleet.told();
    await fleet.clock.pass(700_000);
    expect(fleet.told()).toEqual([]);
    expect(await fleet.history()).toMatchObject([{ acknowledged: { by: "ann" } }]);
    expect(fleet.audits).toEqual(["operator:ann alert.acknowledged sales-1"]);
  });

  it("is silenced through a restart, and told once the silence is ended by a person", async () => {
    const fleet = await begun();
    const now = fleet.clock.now();
    const silence = { id: "s1", rule: null, subject: "sales-1", from: now, until: now + 3_600_000, by: "ann", why: "phone" };
    await fleet.desk.silence(silence);
    await fleet.die();
    await fleet.raise("device.failed", "sales-1/a");
    await fleet.clock.pass(60_000);
    expect(fleet.told()).toEqual([]);
    await fleet.desk.unsilence(silence, "bob");
    await fleet.clock.pass(1000);
    expect(fleet.told()).toEqual(["ops raised device.failed:sales-1/a"]);
    await fleet.die();
    expect(fleet.desk.silences).toEqual([]);
  });

  it("is silenced for months, for which no timer of the platform is set: it would be over at once", async () => {
    const fleet = await begun();
    const now = fleet.clock.now();
    await fleet.desk.silence({ id: "s1", rule: null, subject: null, from: now, until: now + 90 * DAY, by: "ann", why: "" });
    await fleet.raise("device.failed", "sales-1/a");
    await fleet.clock.pass(89 * DAY);
    expect(fleet.told()).toEqual([]);
    await fleet.clock.pass(2 * DAY);
    expect(fleet.told()).toEqual(["ops raised device.failed:sales-1/a"]);
  });

  it("waits while the fleet is paused", async () => {
    const fleet = await begun();
    fleet.isPaused = true;
    await fleet.raise("device.failed", "sales-1/a");
    await fleet.clock.pass(60_000);
    expect(fleet.told()).toEqual([]);
    fleet.isPaused = false;
    fleet.desk.tick();
    await fleet.clock.pass(1000);
    expect(fleet.told()).toEqual(["ops raised device.failed:sales-1/a"]);
  });
});

describe("a channel that fails", () => {
  it("is tried again, less and less often, and everything gets through in order once it works", async () => {
    const fleet = await begun();
    fleet.failing.add("ops");
    await fleet.raise("device.failed", "sales-1/a");
    await fleet.clock.pass(20_000);
    await fleet.raise("device.failed", "sales-2/a");
    await fleet.clock.pass(600_000);
    expect(fleet.tried.filter(({ channel }) => channel === "ops").length).toBeLessThan(16);
    fleet.failing.delete("ops");
    await fleet.clock.pass(300_000);
    expect(fleet.told().filter((line) => line.startsWith("ops raised device"))).toEqual([
      "ops raised device.failed:sales-1/a",
      "ops raised device.failed:sales-2/a",
    ]);
  });

  it("raises an alert once, which the others are told and itself never, and which ends when it works", async () => {
    const fleet = await begun();
    for (const name of ["ops", "chat"]) fleet.failing.add(name);
    await fleet.raise("account.banned", "sales-1", "critical");
    await fleet.clock.pass(3_600_000);
    const raised = fleet.performed.filter(({ op }) => op === "raise");
    expect(raised).toMatchObject([{ key: "alerts.channel:ops" }, { key: "alerts.channel:chat" }]);
    fleet.failing.clear();
    await fleet.clock.pass(600_000);
    const told = fleet.told();
    expect(told).not.toContain("ops raised alerts.channel:ops");
    expect(told.filter((line) => line.includes("alerts.channel:chat"))).toEqual([
      "ops raised alerts.channel:chat",
      "ops resolved alerts.channel:chat",
    ]);
    expect(fleet.performed.filter(({ op }) => op === "resolve")).toHaveLength(2);
  });

  it("is known to have failed by the next life, which says so when it works again", async () => {
    const fleet = await begun();
    fleet.failing.add("ops");
    await fleet.raise("device.failed", "sales-1/a");
    await fleet.clock.pass(60_000);
    await fleet.die();
    fleet.failing.clear();
    await fleet.clock.pass(60_000);
    expect(fleet.performed.at(-1)).toMatchObject({ op: "resolve", key: "alerts.channel:ops" });
  });

  it("does not fail any more once the fleet file no longer names it, and what waited for it is given up", async () => {
    const fleet = await begun();
    fleet.failing.add("chat");
    await fleet.raise("account.banned", "sales-1", "critical");
    await fleet.clock.pass(60_000);
    fleet.channels = ["ops"];
    await fleet.die();
    fleet.desk.begin();
    await fleet.clock.pass(1000);
    expect(fleet.performed.at(-1)).toMatchObject({ op: "resolve", key: "alerts.channel:chat" });
    const [, banned] = await fleet.history();
    expect(await fleet.alerts.notices(banned as AlertRow)).toContainEqual(
      expect.objectContaining({ channel: "chat", state: "failed", outcome: "there is no such channel any more" }),
    );
  });

  it("is left alone for half a second at least, and told of once, however often it fails", async () => {
    const clock = new HandClock();
    let [attempts, told] = [0, 0];
    const courier = new Courier({
      channel: { name: "ops", kind: "webhook", deliver: () => Promise.reject(new ChannelError("it answered 500")) },
      clock,
      draw: () => 0,
      onAttempt: () => void attempts++,
      onGivenUp: () => undefined,
      onHealth: () => void told++,
    });
    courier.take(notice("n1"));
    await clock.pass(490);
    expect(attempts).toBe(1);
    await clock.pass(20);
    expect(attempts).toBe(2);
    await clock.pass(600_000);
    expect(attempts).toBeGreaterThan(10);
    expect(told).toBe(1);
    courier.close();
  });

  it("is not tried in vain: what can't be delivered ends, is told at once, and holds up nothing", async () => {
    const clock = new HandClock();
    const happened: string[] = [];
    const courier = new Courier({
      channel: {
        name: "phone",
        kind: "whatsapp",
        deliver: async ({ id }) => {
          if (id === "n1") throw new ChannelError("1 of 1 recipient was not reached", undefined, true);
          return "sent";
        },
      },
      clock,
      draw: () => 0,
      onAttempt: ({ id, state, attempts }) => happened.push(`${id} ${state} ${attempts}`),
      onGivenUp: () => undefined,
      onHealth: (why) => happened.push(String(why)),
    });
    courier.take(notice("n1"));
    courier.take(notice("n2"));
    await clock.pass(0);
    expect(happened).toEqual(["n1 failed 1", "1 of 1 recipient was not reached", "n2 delivered 1", "null"]);
    courier.close();
  });

  it("keeps so many notices and no more, and says which were dropped", async () => {
    const clock = new HandClock();
    const dropped: string[] = [];
    const courier = new Courier({
      channel: { name: "ops", kind: "webhook", deliver: () => Promise.reject(new ChannelError("it answered 500")) },
      clock,
      draw: () => 0.5,
      onAttempt: ({ id, state }) => state === "dropped" && dropped.push(id),
      onGivenUp: () => undefined,
      onHealth: () => undefined,
    });
    for (let index = 0; index < MOST_WAITING + 3; index++) courier.take(notice(`n${index}`));
    await clock.pass(10_000);
    expect(courier.waiting).toBe(MOST_WAITING);
    // The first one is on its way.
    expect(dropped).toEqual(["n1", "n2", "n3"]);
    courier.close();
  });

  it("is given up after a day, notice by notice", async () => {
    const clock = new HandClock();
    const ended: string[] = [];
    const courier = new Courier({
      channel: { name: "ops", kind: "webhook", deliver: () => Promise.reject(new ChannelError("it answered 500")) },
      clock,
      draw: () => 0.5,
      onAttempt: ({ id, state, attempts }) => state === "failed" && ended.push(`${id} ${attempts > 300}`),
      onGivenUp: () => undefined,
      onHealth: () => undefined,
    });
    courier.take(notice("n1"));
    await clock.pass(86_000_000);
    expect(ended).toEqual([]);
    await clock.pass(1_000_000);
    expect(ended).toEqual(["n1 true"]);
    courier.close();
  });
});

describe("alerts test", () => {
  it("goes through every channel at once, and says what came of it", async () => {
    const fleet = await begun();
    fleet.failing.add("chat");
    expect(await fleet.desk.test(null, "ann")).toMatchObject([
      { channel: "ops", ok: true, outcome: "taken" },
      { channel: "chat", ok: false, outcome: "it answered 500" },
    ]);
    expect(await fleet.desk.test("ops", "ann")).toHaveLength(1);
    expect(fleet.audits).toEqual(["operator:ann alert.tested fleet", "operator:ann alert.tested fleet"]);
  });
});

describe("the history", () => {
  it("is searched by rule, by whom it is about, and by time", async () => {
    const fleet = await begun();
    const start = fleet.clock.now();
    await fleet.raise("device.failed", "sales-1/a");
    await fleet.clock.pass(1000);
    await fleet.raise("device.unreachable", "sales-10/a");
    await fleet.clock.pass(1000);
    await fleet.raise("seat.stranded", "sales/sales-1", "critical");
    await fleet.resolve("device.failed", "sales-1/a");
    const found = async (search: object): Promise<string[]> => (await fleet.history(search)).map(({ key }) => key);
    expect(await found({})).toEqual(["seat.stranded:sales/sales-1", "device.unreachable:sales-10/a", "device.failed:sales-1/a"]);
    expect(await found({ openOnly: true })).toHaveLength(2);
    expect(await found({ rule: "device.*" })).toEqual(["device.unreachable:sales-10/a", "device.failed:sales-1/a"]);
    expect(await found({ rule: "device.failed" })).toEqual(["device.failed:sales-1/a"]);
    expect(await found({ subject: "sales-1" })).toEqual(["device.failed:sales-1/a"]);
    expect(await found({ subject: "sales" })).toEqual(["seat.stranded:sales/sales-1"]);
    expect(await found({ from: start + 1000, to: start + 2000 })).toEqual(["device.unreachable:sales-10/a"]);
    expect(await found({ limit: 1 })).toEqual(["seat.stranded:sales/sales-1"]);
  });
});
