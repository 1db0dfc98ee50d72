/** Messages that arrive: once in the inbox, and there before WhatsApp is told. See docs/baileys.md. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { until } from "../../sim/loopback/client.ts";
import { a, b, MASTER, onMaster, onRaw, socketOf, World } from "./world.ts";

const PATIENCE = 20_000;

// Before the adapter is made, which silences what it finds.
const printed: unknown[][] = [];
for (const method of ["info", "warn", "error", "log"] as const) console[method] = (...args: unknown[]) => void printed.push(args);

describe("inbound messages", () => {
  let world: World;
  beforeAll(async () => {
    world = await World.make();
  }, 120_000);
  afterEach(() => world.recover());
  afterAll(() => world.close());

  it("text, ratchet and row are one commit, and the receipt waits for it; Baileys confirms what nobody has yet", async () => {
    const { rig, raw, store, customer } = world;
    store.hold(({ inbound }) => inbound.length > 0);
    const id = customer.send(MASTER, "are you sure?");
    const isOf = (commit: (typeof store.held)[number]): boolean => commit.inbound.some(({ waId }) => waId === id);
    await until(() => store.held.filter(isOf).length === 2, PATIENCE);
    expect(store.held.filter(isOf).every(({ keys }) => keys.some(({ type }) => type === "session"))).toBe(true);
    expect(await world.probe(10_000)).not.toBeNull();
    expect([world.isConfirmed(id), await world.inInbox(id)]).toEqual([false, []]);
    const since = rig.mark;
    store.release();
    await rig.fact("received", () => true, { since });
    await until(() => world.isConfirmed(id), PATIENCE);
    expect(await world.inInbox(id)).toEqual(["are you sure?"]);

    const order: string[] = [];
    const socket = socketOf(raw);
    const { send } = socket;
    socket.send = (...args) => {
      order.push("receipt");
      Reflect.apply(send, socket, args);
    };
    raw.live.ev.on("messages.upsert", () => order.push("event"));
    const bare = customer.send(onRaw.account, "too late to refuse");
    await until(() => raw.textOf(bare), PATIENCE);
    expect(order.slice(0, 2)).toEqual(["receipt", "event"]);
    socket.send = send;
  });

  it("the same ciphertext twice is one row, and its sender is not asked to repeat it", async () => {
    const { loopback, customer } = world;
    await world.talk("so that no session begins");
    loopback.faults.duplicate(onMaster);
    const id = customer.send(MASTER, "twice");
    await until(() => world.isConfirmed(id), PATIENCE);
    const group = loopback.account(MASTER).createGroup("Twice", [customer.number]);
    const first = customer.sendGroup(group, "with the key");
    const second = customer.sendGroup(group, "in the group");
    await until(() => world.isConfirmed(first) && world.isConfirmed(second), PATIENCE);
    loopback.faults.healAll();
    await world.talk("and on");
    expect(await world.inInbox(id)).toEqual(["twice"]);
    expect([await world.inInbox(first), await world.inInbox(second)]).toEqual([["with the key"], ["in the group"]]);
    expect(customer.askedAgain).toEqual([]);
  });

  it("the same id in another ciphertext is one row; Baileys shows it twice", async () => {
    const { raw, customer } = world;
    const id = customer.send(MASTER, "again");
    customer.send(MASTER, "again", { id });
    const bare = customer.send(onRaw.account, "again");
    customer.send(onRaw.account, "again", { id: bare });
    await until(() => customer.receipts.filter((receipt) => receipt.id === id).length === 4, PATIENCE);
    await until(() => raw.seen.filter(({ message }) => message.key.id === bare).length === 2, PATIENCE);
    expect(await world.inInbox(id)).toEqual(["again"]);
  });

  it("what a device missed comes as one row each, in order, like everything else", async () => {
    const { rig, customer } = world;
    for (const device of [a, b]) rig.port.perform({ op: "terminate", device });
    const ids = Array.from({ length: 250 }, (_, n) => customer.send(MASTER, `missed ${n}`));
    await customer.settled();
    const before = (await rig.inbox()).length;
    await rig.serve(a);
    await until(() => ids.every((id) => world.isConfirmed(id)), PATIENCE);
    const live = customer.send(MASTER, "and live");
    await until(() => world.isConfirmed(live), PATIENCE);
    const rows = (await rig.inbox()).slice(before);
    expect(rows.map(({ waId }) => waId)).toEqual([...ids, live]);
  });

  it("a sender whose phone is new is read at once", async () => {
    const { customer } = world;
    customer.forgetSessions();
    const id = customer.send(MASTER, "my new phone");
    await until(() => world.isConfirmed(id), PATIENCE);
    expect([await world.inInbox(id), customer.askedAgain]).toEqual([["my new phone"], []]);
  });

  it.each([
    ["number", "pn", "99955500001"],
    ["LID", "lid", "99955500002"],
  ] as const)("somebody new, writing by %s, is in the inbox before Baileys has come to it", async (_, addressing, number) => {
    const { loopback, rig, store } = world;
    // Of each message with both addresses Baileys first asks for the other one of the pair.
    store.holdLoads(
      ({ type, ids }) => type === "lid-mapping" && ids.some((id) => id.endsWith("_reverse") === (addressing === "pn")),
    );
    const stranger = loopback.person(number);
    const since = rig.mark;
    const id = stranger.send(MASTER, "good morning", { addressing });
    await rig.fact("received", () => true, { since });
    expect(stranger.receipts).toEqual([]);
    expect(await world.inInbox(id)).toEqual(["good morning"]);
    store.release();
    await until(() => stranger.receipts.some((receipt) => receipt.id === id), PATIENCE);
    expect(stranger.askedAgain).toEqual([]);
  });

  it("nothing of all this was printed: libsignal would have shown private keys", () => {
    expect(printed).toEqual([]);
  });
});
