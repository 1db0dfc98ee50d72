import { describe, expect, it } from "vitest";
import { senderMachine } from "../../machines/delivery/sender.ts";
import { accountId, deviceId, lineId, seatId } from "../../machines/ports/ids.ts";
import { Host } from "../account/host.ts";

const account = accountId("sales-1");
const seat = seatId(lineId("sales"), account);
const SENDER = `sender:${seat}` as const;
const QUEUE = `queue:${seat}` as const;
const HOLDER = { device: deviceId(account, "a"), account, term: 3 };
const NEXT = { device: deviceId(account, "b"), account, term: 4 };
const NOBODY = { device: null, account: null, term: null };

describe("a sender", () => {
  it("opens its queue for the holder, under its term, however far it was", () => {
    const reached = [[], ["queue.resolved"], ["drain.request"], ["drain.request", "queue.drained"]];
    for (const events of reached) {
      const host = opened();
      expect(host.value(SENDER)).toBe("resolving");
      expect(host.told(QUEUE)).toMatchObject([{ type: "queue.open", ...HOLDER, resolveFor: 1000 }]);
      for (const type of events) host.tell(SENDER, { type });
      host.tell(SENDER, { type: "sender.open", ...NEXT });
      expect(host.value(SENDER)).toBe("resolving");
      expect(host.told(QUEUE).at(-1)).toMatchObject({ type: "queue.open", ...NEXT });
      expect(host.context(SENDER)).toEqual({ seat, resolveFor: 1000, ...NEXT, why: null });
    }
  });

  it("closes its queue once, however far it was, and knows why", () => {
    for (const events of [[], ["queue.resolved"], ["drain.request"], ["drain.request", "queue.drained"]]) {
      const host = opened();
      for (const type of events) host.tell(SENDER, { type });
      host.tell(SENDER, { type: "sender.close", why: "the seat moves" });
      expect(host.value(SENDER)).toBe("closed");
      expect(host.context(SENDER)).toMatchObject({ ...NOBODY, why: "the seat moves" });
      host.tell(SENDER, { type: "sender.close", why: "nobody speaks" });
      expect(host.context(SENDER)).toMatchObject({ ...NOBODY, why: "nobody speaks" });
      expect(host.told(QUEUE).filter(({ type }) => type === "queue.close")).toHaveLength(1);
      host.tell(SENDER, { type: "sender.open", ...NEXT });
      expect(host.context(SENDER)).toMatchObject({ ...NEXT, why: null });
    }
  });

  it("says each time that it is drained: at once when it is closed, and otherwise when its queue is", () => {
    const closed = staged();
    closed.tell(SENDER, { type: "drain.request" });
    closed.tell(SENDER, { type: "drain.request" });
    expect(drained(closed)).toEqual([null, null]);
    expect(closed.told(QUEUE)).toEqual([]);
    for (const events of [[], ["queue.resolved"]]) {
      const host = opened();
      for (const type of events) host.tell(SENDER, { type });
      host.tell(SENDER, { type: "drain.request" });
      host.tell(SENDER, { type: "drain.request" });
      host.tell(SENDER, { type: "queue.resolved" });
      expect(host.told(QUEUE).map(({ type }) => type)).toEqual(["queue.open", "queue.drain"]);
      expect(drained(host)).toEqual([]);
      host.tell(SENDER, { type: "queue.drained" });
      expect(drained(host)).toEqual([HOLDER.device]);
      host.tell(SENDER, { type: "drain.request" });
      expect(drained(host)).toHaveLength(2);
    }
  });
});

// ---- helpers ----

function staged(): Host {
  const host = new Host();
  host.chart(SENDER, senderMachine, { seat, resolveFor: 1000 });
  return host;
}
function opened(): Host {
  const host = staged();
  host.tell(SENDER, { type: "sender.open", ...HOLDER });
  return host;
}
function drained(host: Host): unknown[] {
  return host
    .of("event")
    .flatMap(({ event }) => (event.type === "sender.drained" && event.subject === seat ? [event.data?.["device"]] : []));
}
