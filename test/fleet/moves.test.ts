import { describe, expect, it } from "vitest";
import { Allowance } from "../../machines/delivery/caps.ts";
import { roster } from "../../machines/fleet/roster.ts";
import { accountId, seatId } from "../../machines/ports/ids.ts";
import type { LineRow } from "../../machines/ports/store.ts";
import { Host } from "../account/host.ts";
import { DEVICES, LINE, rosterInput, SEAT } from "./stage.ts";

const OTHER = seatId(LINE, accountId("m2"));
const [HERE, THERE] = [`queue:${SEAT}`, `queue:${OTHER}`] as const;
const conversation = (no: number) => `sales|c:${no}`;
const move = (no: number) => ({ conversation: conversation(no), from: SEAT, to: OTHER, waiting: 2 });

describe("conversations that are to go where less waits", () => {
  it("are asked for a few at a time, and the next when one has its end", () => {
    const host = started();
    order(host, 1, 2, 3, 4, 5, 6);
    expect(asked(host)).toEqual([1, 2, 3, 4].map(conversation));
    host.tell("roster", { type: "conversation.kept", conversation: conversation(2), why: "no turn" });
    expect(asked(host)).toEqual([1, 2, 3, 4, 5].map(conversation));
    expect(said(host)).toMatchObject([
      {
        type: "conversation.stayed",
        subject: conversation(2),
        data: { from: SEAT, to: OTHER, by: "operator:eve", why: "no turn" },
      },
    ]);
    // Queues that have died say nothing: a minute later others have their turn.
    host.advance(61_000);
    order(host, 7);
    expect(asked(host).slice(5)).toEqual([6, 7].map(conversation));
  });

  it("are ordered once, however often they are planned while they wait", () => {
    const host = started();
    for (let time = 0; time < 3; time++) order(host, 1, 2, 3, 4, 5, 6);
    for (const no of [1, 2, 3, 4, 5, 6])
      host.tell("roster", { type: "conversation.kept", conversation: conversation(no), why: "no turn" });
    expect(asked(host)).toEqual([1, 2, 3, 4, 5, 6].map(conversation));
    order(host, 1);
    expect(asked(host)).toHaveLength(7);
  });

  it("go by the store's word, with their audit entry in the same transaction; the seat that gets them waits for that", () => {
    const host = started();
    order(host, 1);
    yielded(host, 1);
    expect(asks(host).at(-1)).toMatchObject({ op: "conversation.get", conversation: conversation(1) });
    expect(host.told(THERE)).toEqual([]);
    answer(host, 1, "conversation", { warm: ["elsewhere"] });
    expect(host.told(THERE)).toMatchObject([{ type: "conversation.coming", conversation: conversation(1) }]);
    expect(asks(host).at(-1)).toMatchObject({
      op: "conversation.assign",
      conversation: conversation(1),
      seat: OTHER,
      audit: {
        actor: "operator:eve",
        action: "conversation.moved",
        subject: SEAT,
        evidence: { conversation: conversation(1), to: OTHER },
      },
    });
    answer(host, 2, "assigned", { moved: 2 });
    expect(host.told(HERE).at(-1)).toMatchObject({ type: "rerouted", conversation: conversation(1), message: "msg1", to: OTHER });
    expect(host.told(THERE).at(-1)).toMatchObject({ type: "queue.reload", from: 71, conversation: conversation(1) });
    expect(said(host)).toMatchObject([{ type: "conversation.moved", subject: conversation(1), data: { messages: 2 } }]);
  });

  it("stay when their contact knows a number of the line, and their queue will not be asked again", () => {
    const host = started();
    order(host, 1);
    yielded(host, 1);
    answer(host, 1, "conversation", { warm: ["m3"] });
    expect(host.told(HERE).at(-1)).toMatchObject({ type: "notRerouted", message: "msg1", why: "known" });
    expect(asks(host).some(({ op }) => op === "conversation.assign")).toBe(false);
    expect(said(host)).toMatchObject([{ type: "conversation.stayed" }]);
  });

  it("go on when only a servant has been heard, whose work the seat inherited: its contact hears from another number in any case", () => {
    const host = started({ servants: [accountId("s1")] });
    order(host, 1);
    yielded(host, 1);
    answer(host, 1, "conversation", { warm: ["s1"] });
    expect(asks(host).at(-1)).toMatchObject({ op: "conversation.assign", conversation: conversation(1), seat: OTHER });
  });

  it("stay for now when the store fails; perhaps they went all the same, so the other seat looks", () => {
    const host = started();
    order(host, 1);
    yielded(host, 1);
    answer(host, 1, "failed");
    expect(host.told(HERE).at(-1)).toMatchObject({ type: "notRerouted", why: "store" });
    // Nothing could have gone yet.
    expect(new Set(host.of("tell").flatMap(({ to }) => (to.startsWith("queue:") ? [to] : [])))).toEqual(new Set([HERE]));
    order(host, 1);
    yielded(host, 1);
    answer(host, 2, "conversation", { warm: [] });
    answer(host, 3, "failed");
    expect(host.told(HERE).at(-1)).toMatchObject({ type: "notRerouted", why: "store" });
    expect(host.told(THERE).at(-1)).toMatchObject({ type: "queue.reload", from: 71, conversation: conversation(1) });
  });

  it("go to no seat whose account is restricted or has begun as much as it may, or whose device is not well by then, nor to another line", () => {
    const outs: ((host: Host) => void)[] = [
      (host) => host.tell("roster", { type: "account.standing", account: "m2", standing: "restricted" }),
      (host) => host.tell("roster", { type: "seat.held", seat: OTHER, holder: null, term: 2, left: null }),
    ];
    for (const out of outs) {
      const host = started();
      order(host, 1);
      out(host);
      yielded(host, 1);
      expect(host.told(HERE).at(-1)).toMatchObject({ type: "notRerouted", message: "msg1", why: "nobody" });
      const later = started();
      order(later, 1);
      yielded(later, 1);
      out(later);
      answer(later, 1, "conversation", { warm: [] });
      expect(later.told(HERE).at(-1)).toMatchObject({ type: "notRerouted", why: "nobody" });
    }
    const allowance = new Allowance({ m2: { newContacts: { perHour: 1, perDay: null }, warmUp: [] } } as never, []);
    const full = started({}, allowance);
    order(full, 1, 2);
    yielded(full, 1);
    expect(full.told(HERE).filter(({ type }) => type === "notRerouted")).toEqual([]);
    allowance.count(accountId("m2"), true, full.now);
    yielded(full, 2);
    expect(full.told(HERE).at(-1)).toMatchObject({ type: "notRerouted", message: "msg2", why: "nobody" });
    const host = started();
    host.tell("roster", { type: "rebalance.request", by: "operator:eve", moves: [{ ...move(1), to: "support/m9" }] });
    yielded(host, 1);
    expect(host.told(HERE).at(-1)).toMatchObject({ type: "notRerouted", why: "nobody" });
  });
});

// ---- helpers ----

function started(line: Partial<LineRow> = {}, allowance = new Allowance({}, [])): Host {
  const host = new Host();
  const base = rosterInput();
  const input = { ...base, allowance, lines: base.lines.map((each) => ({ ...each, ...line })) };
  host.reducer("roster", roster, input);
  for (const device of DEVICES)
    host.tell("roster", {
      type: "device.health",
      device,
      state: "healthy",
      cause: null,
      isFinal: false,
      lastEvidenceAt: host.now,
    });
  for (const { id, holder } of input.seats)
    if (holder) host.tell("roster", { type: "seat.held", seat: id, holder, term: 1, left: null });
  return host;
}
function order(host: Host, ...numbers: readonly number[]): void {
  host.tell("roster", { type: "rebalance.request", by: "operator:eve", moves: numbers.map(move) });
}
function yielded(host: Host, no: number): void {
  host.tell("roster", {
    type: "conversation.yielded",
    seat: SEAT,
    conversation: conversation(no),
    message: `msg${no}`,
    seq: 70 + no,
  });
}
function answer(host: Host, tag: number, kind: string, out: object = {}): void {
  host.tell("roster", { type: `store.${kind}`, answer: out, tag });
}
function asked(host: Host): unknown[] {
  return host.told(HERE).flatMap((event) => (event.type === "conversation.yield" ? [event["conversation"]] : []));
}
function asks(host: Host): readonly { readonly op: string }[] {
  return host.of("store").map(({ ask }) => ask);
}
function said(host: Host): readonly object[] {
  return host.of("event").map(({ event }) => event);
}
