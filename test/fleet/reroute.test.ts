import { describe, expect, it } from "vitest";
import { Allowance, type Caps } from "../../machines/delivery/caps.ts";
import { roster, type RosterState } from "../../machines/fleet/roster.ts";
import { restrictionsOf } from "../../machines/fleet/roster/restrictions.ts";
import { accountId, lineId, seatId } from "../../machines/ports/ids.ts";
import { Host } from "../account/host.ts";
import { BUSY, DEVICES, LINE, rosterInput, SEAT } from "./stage.ts";

const [SECOND, THIRD] = ["m2", "m3"].map((name) => seatId(LINE, accountId(name))) as [typeof SEAT, typeof SEAT];
const QUEUE = `queue:${SEAT}` as const;
const FEW: Caps = { newContacts: { perHour: 2, perDay: null }, warmUp: [] };
const MOVE = { conversation: "sales:c1", message: "msg1" };

describe("a conversation that its account may not open", () => {
  it("goes to another seat of the line as soon as the store has it so, and both queues hear of it", () => {
    const host = started();
    ask(host, null);
    expect(asks(host)).toEqual([{ op: "conversation.assign", conversation: MOVE.conversation, seat: SECOND }]);
    expect(host.told(QUEUE)).toEqual([]);
    answer(host, 1, "assigned");
    expect(host.told(QUEUE)).toMatchObject([{ type: "rerouted", ...MOVE, to: SECOND }]);
    expect(host.told(`queue:${SECOND}`)).toMatchObject([
      { type: "conversation.coming", conversation: MOVE.conversation },
      { type: "queue.reload", conversation: MOVE.conversation },
    ]);
  });

  it("stays when the contact knows the number, and goes otherwise", () => {
    const host = started();
    ask(host, "m1");
    expect(asks(host)).toEqual([{ op: "conversation.get", conversation: MOVE.conversation }]);
    answer(host, 1, "conversation", { warm: ["m2", "m1"] });
    expect(host.told(QUEUE)).toMatchObject([{ type: "notRerouted", message: MOVE.message, why: "warm" }]);
    ask(host, "m1");
    answer(host, 2, "conversation", { warm: ["m2"] });
    expect(asks(host).at(-1)).toMatchObject({ op: "conversation.assign", seat: SECOND });
  });

  it("stays for now when the store fails, whatever it was asked", () => {
    const host = started();
    ask(host, null);
    host.tell("roster", { type: "reroute.request", seat: THIRD, conversation: "sales:c2", message: "msg2", unlessWarm: "m3" });
    answer(host, 1, "failed");
    expect(host.told(QUEUE)).toMatchObject([{ type: "notRerouted", message: "msg1", why: "store" }]);
    answer(host, 2, "failed");
    expect(host.told(`queue:${THIRD}`)).toMatchObject([{ type: "notRerouted", message: "msg2", why: "store" }]);
    answer(host, 2, "failed");
    answer(host, 3, "assigned");
    expect([...host.told(QUEUE), ...host.told(`queue:${THIRD}`)]).toHaveLength(2);
    const queues = host.of("tell").flatMap(({ to }) => (to.startsWith("queue:") ? [to] : []));
    expect(new Set(queues)).toEqual(new Set([QUEUE, `queue:${SECOND}`, `queue:${THIRD}`]));
  });

  it("is asked for once, however often its queue asks, and hears no answer but its own", () => {
    const host = started();
    ask(host, null);
    ask(host, null);
    expect(asks(host)).toHaveLength(1);
    answer(host, 7, "failed");
    expect(host.told(QUEUE)).toEqual([]);
    answer(host, 1, "assigned");
    expect(host.told(QUEUE)).toMatchObject([{ type: "rerouted", ...MOVE, to: SECOND }]);
    ask(host, null);
    expect(asks(host)).toHaveLength(2);
  });

  it("is the one that was asked about, in whatever order the store answers", () => {
    const host = started();
    ask(host, null);
    host.tell("roster", { type: "reroute.request", seat: THIRD, conversation: "sales:c2", message: "msg2", unlessWarm: "m3" });
    answer(host, 2, "failed");
    expect(host.told(`queue:${THIRD}`)).toMatchObject([{ type: "notRerouted", message: "msg2", why: "store" }]);
    expect(host.told(QUEUE)).toEqual([]);
    answer(host, 1, "assigned");
    expect(host.told(QUEUE)).toMatchObject([{ type: "rerouted", ...MOVE, to: SECOND }]);
  });

  it("stays when its account has begun chats enough, but for where nobody of the line is known and another account has room", () => {
    const full = new Allowance({ m1: FEW, m2: FEW } as never, []);
    full.count(accountId("m1"), true, 0);
    const host = started({ allowance: full });
    host.tell("roster", { type: "reroute.request", seat: SEAT, ...MOVE, unlessWarm: "m1", as: "new" });
    answer(host, 1, "conversation", { warm: ["m2"] });
    expect(host.told(QUEUE).at(-1)).toMatchObject({ type: "notRerouted", why: "cold" });
    const capped = { type: "reroute.request", seat: SEAT, ...MOVE, unlessWarm: "m1", as: "full" };
    host.tell("roster", capped);
    answer(host, 2, "conversation", { warm: ["m2"] });
    expect(host.told(QUEUE).at(-1)).toMatchObject({ type: "notRerouted", why: "nobody" });
    host.tell("roster", capped);
    answer(host, 3, "conversation", { warm: ["elsewhere"] });
    expect(asks(host).at(-1)).toMatchObject({ op: "conversation.assign", seat: SECOND });
    answer(host, 4, "assigned");
    for (let no = 0; no < 2; no++) full.count(accountId("m2"), true, host.now);
    host.tell("roster", capped);
    const before = asks(host).length;
    answer(host, 5, "conversation", { warm: [] });
    expect(host.told(QUEUE).at(-1)).toMatchObject({ type: "notRerouted", why: "nobody" });
    expect(asks(host)).toHaveLength(before);
    // Whom WhatsApp refused waits elsewhere rather than here.
    ask(host, "m1");
    answer(host, 6, "conversation", { warm: [] });
    expect(asks(host).at(-1)).toMatchObject({ op: "conversation.assign", seat: SECOND });
    answer(host, 7, "assigned");
    ask(host, null);
    expect(asks(host)).toHaveLength(before + 3);
    expect(asks(host).at(-1)).toMatchObject({ op: "conversation.assign", seat: SECOND });
  });

  it("goes to nobody whose account is not in good standing or whose device is not well, nor to its own account", () => {
    const outs: ((host: Host) => void)[] = [
      (host) => standing(host, "m2", "restricted"),
      (host) => standing(host, "m2", "capped"),
      (host) => standing(host, "m2", "banned"),
      (host) => health(host, BUSY, "suspect"),
      (host) => host.tell("roster", { type: "seat.held", seat: SECOND, holder: null, term: 2, left: null }),
      (host) => host.tell("roster", { type: "seat.held", seat: SECOND, holder: "m1/b", term: 2, left: null }),
    ];
    for (const out of outs) {
      const host = started();
      out(host);
      ask(host, null);
      expect(host.told(QUEUE).at(-1)).toMatchObject({ type: "notRerouted", message: MOVE.message, why: "nobody" });
      expect(asks(host)).toEqual([]);
      // The third seat is taken as well as the second.
      host.tell("roster", { type: "seat.held", seat: THIRD, holder: "m3/a", term: 1, left: null });
      ask(host, null);
      expect(asks(host)).toMatchObject([{ seat: THIRD }]);
    }
    const recovering = started();
    health(recovering, BUSY, "recovering");
    ask(recovering, null);
    expect(asks(recovering)).toMatchObject([{ seat: SECOND }]);
  });

  it("goes to no seat of another line, and from a seat that nobody holds to none of its own account", () => {
    const other = lineId("support");
    const elsewhere = {
      id: seatId(other, accountId("m4")),
      line: other,
      account: accountId("m4"),
      holder: "m4/a" as never,
      term: 1 as never,
    };
    const { seats } = rosterInput();
    const [own] = seats;
    const host = started({ seats: [elsewhere, { ...(own as NonNullable<typeof own>), holder: null }] });
    host.tell("roster", { type: "seat.held", seat: elsewhere.id, holder: "m4/a", term: 1, left: null });
    ask(host, null);
    expect(host.told(QUEUE).at(-1)).toMatchObject({ why: "nobody" });
  });
});

describe("the queues of a line", () => {
  it("hear when one of its masters may not begin conversations, and when it may again, once each", () => {
    const host = started();
    for (const name of ["good", "capped", "banned", "restricted", "capped", "good"]) standing(host, "m1", name);
    for (const seat of [SEAT, SECOND])
      expect(host.told(`queue:${seat}`).map(({ type, account, restricted }) => [type, account, restricted])).toEqual([
        ["account.restricted", "m1", true],
        ["account.restricted", "m1", false],
        ["account.restricted", "m1", true],
        ["account.restricted", "m1", false],
      ]);
    standing(host, "unknown", "restricted");
    expect(host.told(QUEUE)).toHaveLength(4);
  });

  it.each(["restricted", "capped"] as const)("hear it at the start, and again when one is started anew: %s", (name) => {
    const { accounts } = rosterInput();
    const restricted = accounts.map((account) => (account.id === "m3" ? { ...account, standing: name } : account));
    const host = started({ accounts: restricted });
    const word = { type: "account.restricted", account: "m3", restricted: true };
    expect(host.told(QUEUE)).toMatchObject([word]);
    const state = host.context("roster") as RosterState;
    expect(restrictionsOf(state, SECOND)).toEqual([{ op: "tell", to: `queue:${SECOND}`, event: word }]);
    expect(restrictionsOf(state, seatId(lineId("none"), accountId("m1")))).toEqual([]);
  });
});

// ---- helpers ----

/** All devices are well; the third seat is nobody's. */
function started(over: Parameters<typeof rosterInput>[0] = {}): Host {
  const host = new Host();
  const third = { id: THIRD, line: LINE, account: accountId("m3"), holder: null, term: 0 as never };
  const input = rosterInput(over);
  host.reducer("roster", roster, over.seats ? input : { ...input, seats: [...input.seats, third] });
  for (const id of DEVICES) health(host, id, "healthy");
  for (const { id, holder } of input.seats)
    if (holder) host.tell("roster", { type: "seat.held", seat: id, holder, term: 1, left: null });
  return host;
}
function health(host: Host, device: string, state: string): void {
  host.tell("roster", { type: "device.health", device, state, cause: null, isFinal: false, lastEvidenceAt: host.now });
}
function standing(host: Host, account: string, name: string): void {
  host.tell("roster", { type: "account.standing", account, standing: name });
}
function ask(host: Host, unlessWarm: string | null): void {
  host.tell("roster", { type: "reroute.request", seat: SEAT, ...MOVE, unlessWarm });
}
function answer(host: Host, tag: number, kind: "assigned" | "conversation" | "failed", out: object = {}): void {
  host.tell("roster", { type: `store.${kind}`, answer: out, tag });
}
function asks(host: Host): readonly object[] {
  return host.of("store").map(({ ask: asked }) => asked);
}
