import { describe, expect, it } from "vitest";
import { Allowance } from "../../machines/delivery/caps.ts";
import { roster, type RosterState } from "../../machines/fleet/roster.ts";
import { dutiesOf } from "../../machines/fleet/roster/duties.ts";
import { mayTakeWork, openingOf, placeOf, type PostView, postsOn } from "../../machines/fleet/posts.ts";
import { accountId, deviceId, lineId, postOf, seatId } from "../../machines/ports/ids.ts";
import { Host } from "../account/host.ts";
import { BUSY, LINE, rosterInput, SEAT } from "./stage.ts";

const [FIRST, OTHER] = [accountId("s1"), accountId("s2")];
const [POST, SPARE] = [postOf(SEAT, FIRST), postOf(SEAT, OTHER)];
const [DEVICE, TWIN] = [deviceId(FIRST, "a"), deviceId(FIRST, "b")];
const PATIENCE = 2_500;
const SECOND = seatId(LINE, accountId("m2"));

describe("a servant's post", () => {
  it("opens on a well device under its seat's term, goes to the servant's twin, and follows the seat wherever that goes", () => {
    const host = started();
    expect(host.told(`sender:${POST}`)).toEqual([]);
    health(host, DEVICE, "healthy");
    expect(host.told(`servant:${FIRST}`)).toContainEqual(expect.objectContaining({ seat: POST, device: DEVICE, term: 1 }));
    expect(host.told(`sender:${POST}`)).toMatchObject([{ type: "sender.open", device: DEVICE, account: FIRST, term: 1 }]);
    expect(postsOn(stateOf(host), DEVICE)).toEqual([POST]);
    health(host, TWIN, "healthy");
    health(host, DEVICE, "failed");
    expect(host.told(`sender:${POST}`).at(-1)).toMatchObject({ type: "sender.open", device: TWIN });
    host.tell("roster", { type: "seat.held", seat: SEAT, holder: BUSY, term: 2, left: null });
    expect(host.told(`servant:${FIRST}`).at(-1)).toMatchObject({ type: "seat.granted", seat: POST, device: TWIN, term: 2 });
    expect(host.told(`sender:${POST}`).at(-1)).toMatchObject({ type: "sender.open", device: TWIN, term: 2 });
    expect(openingOf(stateOf(host), POST)).toMatchObject([{ event: { device: TWIN, term: 2 } }]);
    expect(openingOf(stateOf(host), SPARE)).toEqual([]);
  });

  it("closes when the seat's term ends while its device is in doubt", () => {
    const host = started();
    health(host, DEVICE, "healthy");
    health(host, DEVICE, "suspect");
    expect(host.told(`sender:${POST}`)).toHaveLength(1);
    host.tell("roster", { type: "seat.held", seat: SEAT, holder: BUSY, term: 2, left: null });
    expect(host.told(`sender:${POST}`).at(-1)).toMatchObject({ type: "sender.close" });
    expect(host.told(`servant:${FIRST}`).at(-1)).toMatchObject({ type: "seat.released", seat: POST });
    health(host, DEVICE, "healthy");
    expect(host.told(`sender:${POST}`).at(-1)).toMatchObject({ type: "sender.open", term: 2 });
  });

  it("takes work only while it stands there, its link is up, and WhatsApp lets its account write to strangers", () => {
    const host = started();
    const may = (): boolean => mayTakeWork(stateOf(host), stateOf(host).posts.get(POST) as PostView);
    expect(may()).toBe(false);
    health(host, DEVICE, "healthy");
    expect(may()).toBe(true);
    health(host, DEVICE, "suspect");
    expect(may()).toBe(false);
    health(host, DEVICE, "healthy");
    host.tell("roster", { type: "account.standing", account: FIRST, standing: "restricted" });
    expect(may()).toBe(false);
    host.tell("roster", { type: "account.standing", account: FIRST, standing: "good" });
    expect(may()).toBe(true);
  });

  it("opens nowhere while nobody speaks for the seat", () => {
    const host = started();
    host.tell("roster", { type: "seat.held", seat: SEAT, holder: null, term: 2, left: null });
    health(host, DEVICE, "healthy");
    expect(host.told(`sender:${POST}`)).toEqual([]);
  });
});

describe("where a servant belongs", () => {
  it("is its post, where it has one, and the seat that it follows, where it has none", () => {
    const at = (host: Host, servant: string) => placeOf(stateOf(host), LINE, accountId(servant));
    const host = started();
    expect([at(host, "s1"), at(host, "s9"), at(host, "s2"), at(host, "m1")]).toEqual([POST, SECOND, SPARE, undefined]);
    expect(placeOf(stateOf(host), lineId("other"), FIRST)).toBeUndefined();
    // What lies at a post that is no more goes elsewhere.
    const idle = started({ posts: [], stray: [POST], patience: PATIENCE });
    expect([at(idle, "s1"), at(idle, "s9"), at(idle, "s2")]).toEqual([SEAT, SECOND, SEAT]);
  });
});

describe("a servant that fails", () => {
  it("is waited for, closed, and its work then goes to another servant of the seat, or else to the seat", () => {
    const host = started();
    for (const device of [DEVICE, deviceId(OTHER, "a")]) health(host, device, "healthy");
    health(host, DEVICE, "failed");
    health(host, TWIN, "failed");
    expect(host.told(`sender:${POST}`).at(-1)).toMatchObject({ type: "sender.close" });
    expect(cleared(host)).toEqual([]);
    host.advance(PATIENCE);
    const audit = {
      action: "servant.relieved",
      subject: FIRST,
      text: `what s1 had to do for ${SEAT} goes to s2: its device has failed`,
      evidence: { post: POST, to: SPARE },
    };
    expect(cleared(host)).toMatchObject([{ post: POST, to: SPARE, audit }]);
    answer(host, 1, { kind: "cleared", moved: 3 });
    expect(host.told(`queue:${POST}`)).toMatchObject([{ type: "queue.settle" }, { type: "queue.clear" }]);
    expect(host.told(`queue:${SPARE}`)).toMatchObject([{ type: "queue.reload", isAll: true }]);
    host.tell("roster", { type: "account.standing", account: OTHER, standing: "banned" });
    expect(cleared(host).at(-1)).toMatchObject({ post: SPARE, to: SEAT });
    answer(host, 2, { kind: "cleared", moved: 0 });
    expect(host.told(`queue:${SEAT}`)).toEqual([]);
    health(host, DEVICE, "healthy");
    expect(host.told(`sender:${POST}`).at(-1)).toMatchObject({ type: "sender.open", device: DEVICE });
  });

  it("is not waited for when it can't come back by itself", () => {
    const outs: ((host: Host) => void)[] = [
      (host) => host.tell("roster", { type: "account.standing", account: FIRST, standing: "banned" }),
      (host) => [DEVICE, TWIN].forEach((device) => host.tell("roster", { type: "device.cordon", device, cordoned: true })),
      (host) => [DEVICE, TWIN].forEach((device) => host.tell("roster", { type: "device.linked", device, linked: false })),
      (host) => [DEVICE, TWIN].forEach((device) => health(host, device, "failed", true)),
    ];
    for (const out of outs) {
      const host = started();
      health(host, DEVICE, "healthy");
      out(host);
      expect(cleared(host)).toMatchObject([{ post: POST, to: SEAT }]);
    }
  });

  it("keeps what lies there until its queue has settled, and is asked again if that queue was started anew", () => {
    const host = started();
    host.onEffect = () => undefined;
    host.tell("roster", { type: "account.standing", account: FIRST, standing: "banned" });
    expect(host.told(`queue:${POST}`)).toMatchObject([{ type: "queue.settle" }]);
    host.advance(60_000);
    host.tell("roster", { type: "post.left", post: POST });
    expect([cleared(host), host.told(`queue:${POST}`).length]).toEqual([[], 1]);
    expect(openingOf(stateOf(host), POST)).toMatchObject([{ to: `queue:${POST}`, event: { type: "queue.settle" } }]);
    host.tell("roster", { type: "post.settled", post: POST });
    expect(cleared(host)).toMatchObject([{ post: POST }]);
    expect(openingOf(stateOf(host), POST)).toEqual([]);
  });

  it("keeps what lies there if it is back before its queue has settled", () => {
    const host = started();
    host.onEffect = () => undefined;
    host.tell("roster", { type: "account.standing", account: FIRST, standing: "banned" });
    host.tell("roster", { type: "account.standing", account: FIRST, standing: "good" });
    health(host, DEVICE, "healthy");
    host.tell("roster", { type: "post.settled", post: POST });
    host.tell("roster", { type: "account.standing", account: FIRST, standing: "banned" });
    expect([cleared(host), host.told(`queue:${POST}`).length]).toEqual([[], 2]);
  });

  it("is asked about again when the store failed, and when something came to lie there meanwhile", () => {
    const host = started();
    host.tell("roster", { type: "account.standing", account: FIRST, standing: "banned" });
    answer(host, 1, { kind: "failed" });
    // It may have been done.
    expect(host.told(`queue:${SEAT}`)).toMatchObject([{ type: "queue.reload", isAll: true }]);
    expect(cleared(host)).toHaveLength(1);
    host.advance(1_000);
    expect(cleared(host)).toHaveLength(2);
    host.tell("roster", { type: "post.left", post: POST });
    answer(host, 2, { kind: "cleared", moved: 1 });
    expect(cleared(host)).toHaveLength(3);
    answer(host, 3, { kind: "cleared", moved: 1 });
    host.advance(60_000);
    expect(cleared(host)).toHaveLength(3);
    host.tell("roster", { type: "post.left", post: POST });
    expect(cleared(host)).toHaveLength(4);
  });

  it("is said to be relieved once for each heir while it is out, however many of its quiet conversations follow", () => {
    const host = started();
    health(host, DEVICE, "healthy");
    const out = () => host.tell("roster", { type: "account.standing", account: FIRST, standing: "banned" });
    const follow = (tag: number, how: { kind: string; moved?: number }) => {
      host.tell("roster", { type: "post.left", post: POST });
      host.advance(1_000);
      answer(host, tag, how);
    };
    out();
    answer(host, 1, { kind: "cleared", moved: 0 });
    expect(relieved(host)).toEqual([]);
    follow(2, { kind: "failed" });
    // What may be said twice is how much it was, once that is known.
    follow(3, { kind: "cleared", moved: 2 });
    for (const tag of [4, 5]) follow(tag, { kind: "cleared", moved: 1 });
    expect(relieved(host)).toEqual([
      { servant: FIRST, to: SEAT, moved: null },
      { servant: FIRST, to: SEAT, moved: 2 },
    ]);
    expect(host.told(`queue:${SEAT}`)).toHaveLength(4);
    health(host, deviceId(OTHER, "a"), "healthy");
    for (const tag of [6, 7]) follow(tag, { kind: "cleared", moved: 1 });
    expect(relieved(host).slice(2)).toEqual([{ servant: FIRST, to: SPARE, moved: 1 }]);
    host.tell("roster", { type: "account.standing", account: FIRST, standing: "good" });
    out();
    answer(host, 8, { kind: "cleared", moved: 1 });
    expect(relieved(host).slice(3)).toEqual([{ servant: FIRST, to: SPARE, moved: 1 }]);
  });

  it("stays at work when WhatsApp only restricts it, but may begin nothing: what it may not goes to others", () => {
    const host = started();
    for (const device of [DEVICE, deviceId(OTHER, "a")]) health(host, device, "healthy");
    host.tell("roster", { type: "account.standing", account: FIRST, standing: "restricted" });
    expect(host.told(`queue:${POST}`)).toMatchObject([{ type: "account.restricted", account: FIRST, restricted: true }]);
    expect(cleared(host)).toEqual([]);
    const refused = { type: "reroute.request", seat: POST, conversation: "sales|c:1", message: "M1", unlessWarm: null };
    host.tell("roster", refused);
    expect(assigned(host).at(-1)).toMatchObject({ seat: SPARE });
    // Nothing is given away as a whole while one of it is on its way.
    host.tell("roster", { type: "account.standing", account: FIRST, standing: "banned" });
    expect(cleared(host)).toEqual([]);
    answer(host, 1, { kind: "assigned", moved: 1 });
    expect(cleared(host)).toHaveLength(1);
    host.tell("roster", { type: "account.standing", account: OTHER, standing: "restricted" });
    host.tell("roster", { ...refused, seat: SPARE, message: "M2" });
    expect(assigned(host).at(-1)).toMatchObject({ seat: SEAT });
    host.tell("roster", { type: "account.standing", account: accountId("m1"), standing: "restricted" });
    health(host, BUSY, "healthy");
    host.tell("roster", { ...refused, seat: SPARE, message: "M3" });
    expect(assigned(host).at(-1)).toMatchObject({ seat: SECOND });
  });

  it("gives its work away once nothing is on its way there or from there, whatever else is on its way", () => {
    const refused = { type: "reroute.request", conversation: "sales|c:1", message: "M1", unlessWarm: null };
    const banned = (seat: string): Host => {
      const host = started();
      for (const device of [DEVICE, deviceId(OTHER, "a"), BUSY]) health(host, device, "healthy");
      host.tell("roster", { ...refused, seat });
      host.tell("roster", { type: "account.standing", account: FIRST, standing: "banned" });
      return host;
    };
    for (const [seat, to] of [
      [POST, SPARE],
      [SPARE, POST],
    ] as const) {
      const host = banned(seat);
      expect(assigned(host)).toMatchObject([{ seat: to }]);
      expect(cleared(host)).toEqual([]);
      answer(host, 1, { kind: "assigned", moved: 1 });
      expect(cleared(host)).toMatchObject([{ post: POST }]);
    }
    const other = banned(SEAT);
    expect(assigned(other)).toMatchObject([{ seat: SECOND }]);
    expect(cleared(other)).toMatchObject([{ post: POST }]);
  });

  it("gives its work to another servant also where that one has begun as many chats as it may: there it waits", () => {
    const full = new Allowance({ [OTHER]: { newContacts: { perHour: 0, perDay: null }, warmUp: [] } }, []);
    const host = started(WORK, full);
    health(host, deviceId(OTHER, "a"), "healthy");
    host.tell("roster", { type: "account.standing", account: FIRST, standing: "banned" });
    expect(cleared(host)).toMatchObject([{ post: POST, to: SPARE }]);
  });

  it("which has begun as many chats as it may gives a new one only to who has room for it", () => {
    const room = new Allowance({ [OTHER]: { newContacts: { perHour: 1, perDay: null }, warmUp: [] } }, []);
    const host = started(WORK, room);
    for (const device of [DEVICE, deviceId(OTHER, "a"), BUSY]) health(host, device, "healthy");
    const goes = (tag: number): object | undefined => {
      const asked = { conversation: `sales|c:${tag}`, message: `M${tag}`, unlessWarm: FIRST, as: "full" };
      host.tell("roster", { type: "reroute.request", seat: POST, ...asked });
      host.tell("roster", { type: "store.conversation", tag, answer: { warm: [] } });
      return assigned(host).at(-1);
    };
    expect(goes(1)).toMatchObject({ seat: SPARE });
    room.count(OTHER, true, host.now);
    expect(goes(3)).toMatchObject({ seat: SECOND });
  });

  it("gives its work to nobody who works for another seat", () => {
    const elsewhere = postOf(SECOND, OTHER);
    const posts = [
      { id: POST, seat: SEAT, servant: FIRST },
      { id: elsewhere, seat: SECOND, servant: OTHER },
    ];
    const host = started({ ...WORK, posts });
    host.tell("roster", { type: "seat.held", seat: SECOND, holder: BUSY, term: 1, left: null });
    health(host, deviceId(OTHER, "a"), "healthy");
    expect(mayTakeWork(stateOf(host), stateOf(host).posts.get(elsewhere) as PostView)).toBe(true);
    for (const device of [DEVICE, TWIN]) health(host, device, "failed", true);
    expect(cleared(host)).toMatchObject([{ post: POST, to: SEAT }]);
  });

  it("hears what became of its own work, in whatever order the store answers, and of nobody else's", () => {
    const host = started();
    for (const device of [DEVICE, TWIN, deviceId(OTHER, "a")]) health(host, device, "failed", true);
    const asked = cleared(host) as { post: string }[];
    expect(asked.map(({ post }) => post).toSorted()).toEqual([POST, SPARE].toSorted());
    const last = asked.at(-1)?.post;
    const clears = () =>
      host.log.flatMap(({ effect }) => (effect.op === "tell" && effect.event.type === "queue.clear" ? [effect.to] : []));
    answer(host, 99, { kind: "cleared", moved: 1 });
    expect(clears()).toEqual([]);
    answer(host, 2, { kind: "cleared", moved: 1 });
    expect(clears()).toEqual([`queue:${last}`]);
    expect(relieved(host)).toMatchObject([{ servant: last === POST ? FIRST : OTHER, moved: 1 }]);
  });

  it("is told again of the post that is open for it, when it has forgotten", () => {
    const host = started();
    expect(dutiesOf(stateOf(host), FIRST)).toEqual([]);
    health(host, DEVICE, "healthy");
    expect(dutiesOf(stateOf(host), FIRST)).toMatchObject([
      { to: `servant:${FIRST}`, event: { type: "seat.granted", seat: POST, device: DEVICE, term: 1 } },
    ]);
    expect(dutiesOf(stateOf(host), OTHER)).toEqual([]);
    health(host, deviceId(OTHER, "a"), "healthy");
    expect(dutiesOf(stateOf(host), OTHER)).toMatchObject([{ event: { seat: SPARE } }]);
    expect(dutiesOf(stateOf(host), FIRST)).toHaveLength(1);
  });

  it("and that the line knows no more leaves what lies there to its seat, now and later", () => {
    const stray = postOf(SEAT, accountId("gone"));
    const host = started({ posts: [], stray: [stray], patience: PATIENCE });
    host.tell("roster", { type: "device.seen", device: BUSY, lastEvidenceAt: host.now });
    expect(cleared(host)).toMatchObject([{ post: stray, to: SEAT }]);
    answer(host, 1, { kind: "cleared", moved: 2 });
    expect(host.told(`queue:${stray}`)).toEqual([]);
    const another = postOf(SEAT, accountId("forgotten"));
    host.tell("roster", { type: "post.left", post: another });
    expect(cleared(host).at(-1)).toMatchObject({ post: another, to: SEAT });
  });
});

// ---- helpers ----

const WORK = {
  posts: [
    { id: POST, seat: SEAT, servant: FIRST },
    { id: SPARE, seat: SEAT, servant: OTHER },
  ],
  stray: [],
  patience: PATIENCE,
};
const started = (work: NonNullable<Parameters<typeof roster.start>[0]["work"]> = WORK, allowance?: Allowance): Host => {
  const base = rosterInput();
  const servant = (id: typeof FIRST, names: readonly string[]) => ({
    id,
    role: "servant" as const,
    standing: "good" as const,
    devices: names.map((name) => ({ id: deviceId(id, name), linked: true, cordoned: false })),
  });
  const host = new Host();
  // Queues that have nothing under way.
  host.onEffect = (effect) => {
    if (effect.op === "tell" && effect.event.type === "queue.settle")
      host.tell("roster", { type: "post.settled", post: effect.to.slice(6) });
  };
  host.reducer("roster", roster, {
    ...base,
    accounts: [...base.accounts, servant(FIRST, ["a", "b"]), servant(OTHER, ["a"])],
    lines: base.lines.map((line) => ({ ...line, servants: [FIRST, accountId("s9"), OTHER] })),
    work,
    ...(allowance ? { allowance } : {}),
  });
  return host;
};
const stateOf = (host: Host): RosterState => host.context("roster") as RosterState;
const health = (host: Host, device: string, state: string, isFinal = false): void =>
  host.tell("roster", { type: "device.health", device, state, cause: "silent", isFinal, lastEvidenceAt: host.now });
const asks = (host: Host, op: string): readonly object[] => host.of("store").flatMap(({ ask }) => (ask.op === op ? [ask] : []));
const cleared = (host: Host) => asks(host, "post.clear");
const relieved = (host: Host) =>
  host.of("event").flatMap(({ event: { type, data } }) => (type === "servant.relieved" ? [data] : []));
const assigned = (host: Host) => asks(host, "conversation.assign");
const answer = (host: Host, tag: number, out: { kind: string; moved?: number }): void =>
  host.tell("roster", {
    type: `store.${out.kind}`,
    tag,
    answer: { op: out.kind === "assigned" ? "conversation.assign" : "post.clear", reqId: "r", at: host.now, ...out },
  });
