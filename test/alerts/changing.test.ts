/** Channels of a running desk that come, go and become others: what waits for them, what is in the record, and who hears of it. */
import { describe, expect, it } from "vitest";
import type { AlertPolicy } from "../../machines/alerts/policy.ts";
import type { NoticeRow } from "../../src/alerts/store.ts";
import { begun, type Fleet, POLICY } from "./desk-rig.ts";

const OPS = "device.failed:sales-1/a";
const CHANNEL = "alerts.channel:ops";

describe("a channel that becomes another one", () => {
  it("keeps what waits for it, which goes there at once and in order, and is no longer one that fails", async () => {
    const fleet = await begun();
    await failing(fleet, "ops");
    await fleet.raise("device.failed", "sales-2/a");
    await fleet.clock.pass(10_000);
    fleet.tried.length = 0;
    fleet.change(["ops@new", "chat"]);
    await fleet.clock.pass(10);
    expect(fleet.told()).toEqual([`ops@new raised ${OPS}`, "ops@new raised device.failed:sales-2/a"]);
    await fleet.clock.pass(600_000);
    expect(fleet.tried.filter(({ channel }) => channel === "ops")).toEqual([]);
    expect(fleet.performed).toMatchObject([
      { op: "raise", key: CHANNEL },
      { op: "resolve", key: CHANNEL, text: "the channel ops takes notices again" },
    ]);
    expect(fleet.told()).toEqual([]);
  });

  it("goes on failing without a second word of it, if it does, and is tried as if it were the first time", async () => {
    const fleet = await begun();
    await failing(fleet, "ops");
    await fleet.clock.pass(600_000);
    fleet.failing.add("ops@new");
    fleet.change(["ops@new", "chat"]);
    await fleet.clock.pass(10_000);
    expect(fleet.tried.filter(({ channel }) => channel === "ops@new")).toHaveLength(4);
    expect(fleet.performed.map(({ op }) => op)).toEqual(["raise"]);
  });

  it("does not fail any more if nothing waits for it", async () => {
    const fleet = await begun();
    fleet.failing.add("ops");
    fleet.final.add("ops");
    await fleet.raise("device.failed", "sales-1/a");
    await fleet.clock.pass(1000);
    expect(fleet.desk.channels).toMatchObject([{ name: "ops", waiting: 0, failing: true }, { name: "chat" }]);
    fleet.change(["ops@new", "chat"]);
    expect(fleet.desk.channels).toMatchObject([{ name: "ops", failing: false }, { name: "chat" }]);
    expect(fleet.performed.at(-1)).toMatchObject({ op: "resolve", key: CHANNEL });
  });

  it.each([true, false])(
    "waits for what is under way, and tells it again only if that fails (which it does: %s)",
    async (fails) => {
      const fleet = await begun();
      const answer = Promise.withResolvers<void>();
      fleet.slow.set("ops", answer.promise);
      await fleet.raise("device.failed", "sales-1/a");
      await fleet.clock.pass(1000);
      if (fails) fleet.failing.add("ops");
      fleet.change(["ops@new", "chat"]);
      await fleet.clock.pass(1000);
      expect(fleet.tried.map(({ channel }) => channel)).toEqual(["ops"]);
      answer.resolve();
      await fleet.clock.pass(10);
      expect(fleet.told()).toEqual([`${fails ? "ops@new" : "ops"} raised ${OPS}`]);
      expect(await recordOf(fleet)).toMatchObject([{ channel: "ops", state: "delivered", attempts: fails ? 2 : 1 }]);
    },
  );

  it("hurries no other that fails", async () => {
    const fleet = await begun();
    await failing(fleet, "ops");
    await fleet.clock.pass(100_000);
    fleet.tried.length = 0;
    fleet.change(["ops", "chat@new", "boss"]);
    await fleet.clock.pass(1000);
    expect(fleet.tried.filter(({ channel }) => channel === "ops")).toEqual([]);
  });
});

describe("a channel that goes", () => {
  it("has what waits for it given up, which the record says and nobody else is told, and fails no longer", async () => {
    const fleet = await begun();
    await failing(fleet, "ops");
    fleet.told();
    fleet.change(["chat"]);
    await fleet.clock.pass(600_000);
    expect(await recordOf(fleet)).toMatchObject([
      { channel: "ops", state: "failed", outcome: "there is no such channel any more", attempts: expect.any(Number) },
    ]);
    expect(fleet.performed.at(-1)).toMatchObject({
      op: "resolve",
      key: CHANNEL,
      text: "the channel ops is no longer in the fleet file",
    });
    await fleet.resolve("device.failed", "sales-1/a");
    await fleet.clock.pass(60_000);
    expect(fleet.told()).toEqual([]);
    expect(fleet.desk.channels.map(({ name }) => name)).toEqual(["chat"]);
    expect((await fleet.desk.test(null, "ann")).map(({ channel }) => channel)).toEqual(["chat"]);
  });

  it("ends what is under way first: what it took it was told, what it did not is given up", async () => {
    const fleet = await begun();
    const answer = Promise.withResolvers<void>();
    fleet.slow.set("ops", answer.promise);
    await fleet.raise("device.failed", "sales-1/a");
    await fleet.clock.pass(1000);
    await fleet.raise("device.failed", "sales-2/a");
    await fleet.clock.pass(1000);
    fleet.change(["chat"]);
    answer.resolve();
    await fleet.clock.pass(10);
    expect(await recordOf(fleet)).toMatchObject([{ state: "delivered" }]);
    expect(await recordOf(fleet, "device.failed:sales-2/a")).toMatchObject([{ state: "failed" }]);
    fleet.told();
    fleet.change(["ops", "chat"]);
    await fleet.clock.pass(1000);
    expect(fleet.told()).toEqual(["ops raised device.failed:sales-2/a"]);
  });

  it("is not said to fail for what was under way", async () => {
    const fleet = await begun();
    fleet.failing.add("ops");
    await fleet.raise("device.failed", "sales-1/a");
    await fleet.clock.pass(1500);
    const answer = Promise.withResolvers<void>();
    fleet.slow.set("ops", answer.promise);
    await fleet.clock.pass(2000);
    expect(fleet.tried).toHaveLength(3);
    fleet.change(["chat"]);
    answer.resolve();
    await fleet.clock.pass(1000);
    expect(fleet.performed).toEqual([]);
    expect(await recordOf(fleet)).toMatchObject([{ state: "failed", attempts: 3 }]);
  });

  it("is told no end by the next life either", async () => {
    const fleet = await begun();
    await fleet.raise("account.banned", "sales-1", "critical");
    await fleet.clock.pass(1000);
    fleet.channels = ["chat"];
    await fleet.die();
    await fleet.resolve("account.banned", "sales-1");
    await fleet.clock.pass(60_000);
    const told = await recordOf(fleet, "account.banned:sales-1");
    expect(told.map(({ channel, items: [item] }) => `${channel} ${item?.kind}`)).toEqual([
      "chat resolved",
      "chat raised",
      "ops raised",
    ]);
  });

  it("is told what it has not got when it comes back, also after another life, and what it has got never again", async () => {
    const fleet = await begun();
    await fleet.raise("account.restricted", "sales-3");
    await fleet.clock.pass(1000);
    await failing(fleet, "ops");
    fleet.change(["chat"]);
    await fleet.clock.pass(1000);
    await fleet.die();
    await fleet.clock.pass(60_000);
    fleet.failing.clear();
    fleet.told();
    fleet.change(["ops", "chat"]);
    await fleet.clock.pass(60_000);
    expect(fleet.told()).toEqual([`ops raised ${OPS}`]);
  });

  it("is gone for a notice that was decided on just before, and not durable yet", async () => {
    const fleet = await begun({ keep: () => new Promise(() => undefined) });
    await fleet.raise("device.failed", "sales-1/a");
    // Notices go out 0.4 s after an alert, and then wait for the store for 0.25 s at the most.
    await fleet.clock.pass(500);
    fleet.change(["chat"]);
    await fleet.clock.pass(1000);
    expect(fleet.tried).toEqual([]);
    fleet.change(["ops", "chat"]);
    await fleet.clock.pass(2000);
    expect(fleet.told()).toEqual([`ops raised ${OPS}`]);
  });

  it.each(["old", "new"])("leaves the %s channels to the life that begins with them, killed in the midst of it", async (file) => {
    const fleet = await begun();
    await failing(fleet, "ops");
    fleet.told();
    fleet.change(["chat", "boss"], TO_BOSS);
    [fleet.channels, fleet.policy] = file === "old" ? [["ops", "chat"], POLICY] : [["chat", "boss"], TO_BOSS];
    fleet.failing.clear();
    await fleet.kill();
    await fleet.clock.pass(600_000);
    const told = fleet.told().filter((line) => line.endsWith(OPS));
    expect(told).toEqual([`${file === "old" ? "ops" : "boss"} raised ${OPS}`]);
  });
});

describe("who is told, changed", () => {
  it("holds from then on: a channel that comes hears of what holds, once, and later lives know that", async () => {
    const fleet = await begun();
    await fleet.raise("device.failed", "sales-1/a");
    await fleet.clock.pass(1000);
    fleet.told();
    fleet.change(["ops", "chat", "boss"], TO_BOSS);
    await fleet.clock.pass(1000);
    expect(fleet.told()).toEqual([`boss raised ${OPS}`]);
    await fleet.die();
    fleet.change(["ops", "chat", "boss"], TO_BOSS);
    await fleet.clock.pass(60_000);
    expect(fleet.told()).toEqual([]);
    await fleet.resolve("device.failed", "sales-1/a");
    await fleet.clock.pass(1000);
    expect(fleet.told().toSorted()).toEqual([`boss resolved ${OPS}`, `ops resolved ${OPS}`]);
  });
});

const TO_BOSS: AlertPolicy = { ...POLICY, channels: { warning: ["boss"], critical: ["boss", "chat"] }, escalation: null };

/** Something waits for it, and it is said that it fails. */
const failing = async (fleet: Fleet, channel: string): Promise<void> => {
  fleet.failing.add(channel);
  await fleet.raise("device.failed", "sales-1/a");
  await fleet.clock.pass(10_000);
  expect(fleet.desk.channels.find(({ name }) => name === channel)).toMatchObject({ failing: true });
};
const recordOf = async (fleet: Fleet, key = OPS): Promise<readonly NoticeRow[]> => {
  const alert = (await fleet.history()).find((each) => each.key === key);
  return alert ? fleet.alerts.notices(alert) : [];
};
