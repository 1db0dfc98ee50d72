import { describe, expect, it } from "vitest";
import type { LeaseTerm } from "../../../machines/ports/ids.ts";
import { a, account, ana, b, Bench, bob, node } from "./bench.ts";

const calm = { stallsPerHour: 0, chatterMean: 0 };

describe("a link", () => {
  it("opens, then serves, each on the dial that was asked for", () => {
    const bench = new Bench(1, calm);
    const dial = bench.open();
    bench.run(5_000);
    expect(bench.story).toEqual(["opened", "serving"]);
    expect(bench.facts.every((fact) => "dial" in fact && fact.dial === dial)).toBe(true);
    expect(bench.of("evidence")).toHaveLength(2);
  });

  it("says nothing from inside a command", () => {
    const bench = new Bench(1, calm);
    bench.serve();
    const before = bench.facts.length;
    bench.probe();
    bench.send(1);
    bench.perform({ op: "terminate", device: a });
    expect(bench.facts).toHaveLength(before);
  });

  it("is closed when we terminate it, exactly once, and is silent from then on", () => {
    const bench = new Bench(1, calm);
    bench.serve();
    bench.probe();
    bench.perform({ op: "terminate", device: a });
    bench.perform({ op: "terminate", device: a });
    bench.run(5_000);
    expect(bench.story).toEqual(["opened", "serving", "closed"]);
    expect(bench.of("closed")[0]).toMatchObject({ reason: "dropped" });
    expect(bench.of("probed")).toMatchObject([{ rtt: null }]);
    expect(bench.of("closed")[0]?.code).toBeNull();
    expect(bench.world.service.hasSession(a)).toBe(false);
  });

  it("is replaced by a newer dial of the same device elsewhere: 440 for the older", () => {
    const bench = new Bench(1, calm);
    const first = bench.serve();
    const other = new Bench(1, calm);
    expect(other.world).not.toBe(bench.world);
    const clock = bench.world.clock.node("n2" as typeof node);
    const port = bench.world.connections(clock, bench.store);
    const facts: string[] = [];
    port.onFact(({ kind }) => facts.push(kind));
    port.perform({ op: "open", device: a, dial: 9, leaseTerm: 2 as LeaseTerm, connectTimeout: 5_000 });
    bench.run(5_000);
    expect(bench.of("closed")).toMatchObject([{ dial: first, reason: "replaced", code: 440 }]);
    expect(facts).toContain("serving");
  });

  it("fails with 401 when its credentials are dead", () => {
    const bench = new Bench(1, calm);
    bench.world.service.logOut(a);
    bench.open();
    bench.run(5_000);
    expect(bench.of("closed")).toMatchObject([{ reason: "loggedOut", code: 401 }]);
  });

  it("is given up at its deadline when nothing answers", () => {
    const bench = new Bench(1, calm);
    bench.inject({ kind: "silent-path", target: { device: a }, at: 0, for: "permanent", keeps: false });
    bench.open(a, 1, 3_000);
    bench.run(2_999);
    expect(bench.facts).toEqual([]);
    bench.run(1);
    expect(bench.of("closed")).toMatchObject([{ reason: "timedOut", code: 408 }]);
  });
});

describe("linking", () => {
  it("shows one offer after another, is linked by a scan, stores credentials first, and closes for a restart", () => {
    const bench = new Bench(1, calm, false);
    bench.perform({ op: "link", device: a, dial: 1, leaseTerm: 1 as LeaseTerm, method: { kind: "qr" }, connectTimeout: 5_000 });
    bench.until(() => bench.of("linkOffer").length === 2, 70_000);
    expect(bench.world.service.take(bench.of("linkOffer")[0]?.offer.text ?? "")).toBe(false);
    expect(bench.world.service.take(bench.of("linkOffer")[1]?.offer.text ?? "")).toBe(true);
    bench.run(5_000);
    expect(bench.story).toEqual(["linkOffer", "linkOffer", "linked", "closed"]);
    expect(bench.of("closed")[0]).toMatchObject({ reason: "restartRequired", code: 515 });
    expect(bench.store.creds.has(a)).toBe(true);
    bench.serve();
  });

  it("ends when nobody scans", () => {
    const bench = new Bench(1, calm, false);
    bench.perform({ op: "link", device: a, dial: 1, leaseTerm: 1 as LeaseTerm, method: { kind: "qr" }, connectTimeout: 5_000 });
    bench.run(200_000);
    expect(bench.of("linkOffer")).toHaveLength(6);
    expect(bench.of("closed")).toMatchObject([{ reason: "unlinked", code: 408 }]);
  });
});

describe("a probe", () => {
  it("is answered with its round trip, and is evidence", () => {
    const bench = new Bench(1, calm);
    bench.serve();
    const before = bench.of("evidence").length;
    for (let no = 1; no <= 20; no++) {
      bench.probe(no, 3_000);
      bench.run(3_000);
    }
    const trips = bench.of("probed").map(({ rtt }) => rtt ?? Number.NaN);
    expect(trips).toHaveLength(20);
    expect(Math.min(...trips)).toBeGreaterThanOrEqual(50);
    expect(Math.max(...trips)).toBeLessThan(2_600);
    expect(bench.of("evidence").length - before).toBe(20);
  });

  it("is answered with null at its deadline on a half-open link; a new dial is alive", () => {
    const bench = new Bench(1, calm);
    bench.serve();
    bench.inject({ kind: "half-open-link", target: { device: a }, at: 0, for: "permanent" });
    bench.probe(1, 1_000);
    bench.run(999);
    expect(bench.of("probed")).toEqual([]);
    bench.run(21);
    expect(bench.of("probed")).toMatchObject([{ rtt: null }]);
    expect(bench.of("closed")).toEqual([]);
    bench.serve();
    bench.probe(2, 3_000);
    bench.run(3_000);
    expect(bench.of("probed")[1]?.rtt).toBeGreaterThan(0);
  });
});

describe("a send", () => {
  it("commits its key with the attempt, passes the gate, is written, acknowledged, copied to the twin and shown, in this order", () => {
    const bench = new Bench(1, calm);
    bench.serve(a);
    bench.serve(b);
    bench.grant();
    bench.send(1);
    bench.run(5_000);
    expect(bench.store.commits.filter(({ attempt }) => attempt)).toMatchObject([
      { device: a, attempt: { message: "m1", number: 1, seatTerm: 1 } },
    ]);
    expect(bench.story.slice(4).toSorted()).toEqual(["acked", "copied", "receipt", "receipt", "received", "sent"]);
    expect(bench.of("copied")).toMatchObject([{ device: b, waId: "3EB01" }]);
    const steps = bench.world.ledger.events.filter(({ kind }) => ["gate", "written", "accepted", "shown"].includes(kind));
    expect(steps.map(({ kind }) => kind)).toEqual(["gate", "written", "accepted", "shown"]);
  });

  it("is refused at once without a grant, under another term, and without a link", () => {
    const bench = new Bench(1, calm);
    bench.send(1);
    bench.serve();
    bench.send(2);
    bench.grant(a, 2);
    bench.send(3, { term: 1 });
    bench.run(1_000);
    expect(bench.of("unsent").map(({ why }) => why)).toEqual(["closed", "stale", "stale"]);
    expect(bench.store.commits.filter(({ attempt }) => attempt)).toEqual([]);
  });

  it("does not pass the gate when the seat is taken away while it is prepared", () => {
    const bench = new Bench(1, calm);
    bench.serve();
    bench.grant();
    bench.store.latency = 50;
    bench.send(1);
    bench.run(60);
    bench.perform({ op: "revoke", device: a, seat: "sales/sales-1" as never });
    bench.run(1_000);
    expect(bench.of("unsent")).toMatchObject([{ why: "stale" }]);
    expect(bench.ledger("gate")).toEqual([]);
  });

  it("is unsent when the link ends while it is prepared, and when the lease has ended", () => {
    const bench = new Bench(1, calm);
    bench.serve();
    bench.grant();
    bench.store.latency = 50;
    bench.send(1);
    bench.run(100);
    bench.perform({ op: "terminate", device: a });
    bench.run(1_000);
    expect(bench.of("unsent")).toMatchObject([{ message: "m1", why: "closed" }]);
    bench.serve();
    bench.store.ended.add(1 as LeaseTerm);
    bench.send(2);
    bench.run(1_000);
    // The adapter drops the link of a device whose lease is over before it answers for the message.
    expect(bench.of("unsent")[1]).toMatchObject({ message: "m2", why: "closed" });
    expect(bench.of("closed")).toHaveLength(2);
  });

  it("that was written arrives although we let go of the link right after", () => {
    const bench = new Bench(1, calm);
    bench.serve();
    bench.grant();
    bench.send(1);
    bench.until(() => bench.ledger("written").length > 0);
    bench.perform({ op: "terminate", device: a });
    bench.run(5_000);
    expect(bench.ledger("accepted")).toHaveLength(1);
    expect(bench.ledger("shown")).toHaveLength(1);
    expect(bench.of("acked")).toEqual([]);
  });

  it("repeated under the same id is hidden by the phone, and readable: its key is a new one", () => {
    const bench = new Bench(1, calm);
    bench.serve();
    bench.grant();
    bench.send(1);
    bench.run(3_000);
    bench.start();
    bench.serve();
    bench.grant();
    bench.send(1, { attempt: 2 });
    bench.run(3_000);
    expect(bench.ledger("shown")).toHaveLength(1);
    expect(bench.ledger("hidden")).toHaveLength(1);
    expect(bench.ledger("unreadable")).toEqual([]);
  });

  it("to nobody can't be prepared; one whose recipient can't be looked up is given back", () => {
    const bench = new Bench(1, calm);
    bench.serve();
    bench.grant();
    bench.send(1, { contact: "c:9" });
    bench.run(1_000);
    expect(bench.of("unsent")).toMatchObject([{ why: "unpreparable" }]);
    bench.inject({ kind: "half-open-link", target: { device: a }, at: 0, for: "permanent" });
    bench.send(2);
    bench.run(11_000);
    expect(bench.of("unsent")[1]).toMatchObject({ why: "lookup" });
  });
});

describe("an inbound message", () => {
  it("reaches both twins, is stored once, and is receipted only after it is durable", () => {
    const bench = new Bench(1, calm);
    bench.serve(a);
    bench.serve(b);
    bench.world.service.write(ana, account, "hi");
    bench.run(5_000);
    expect(bench.store.inbox).toHaveLength(1);
    expect(bench.of("received")).toHaveLength(1);
    expect(bench.ledger("receipted")).toHaveLength(2);
    const order = bench.world.ledger.events.filter(({ kind }) => ["kept", "receipted"].includes(kind)).map(({ kind }) => kind);
    expect(order[0]).toBe("kept");
  });

  it("waits at WhatsApp while the device is down, and is replayed before it serves", () => {
    const bench = new Bench(1, calm);
    bench.world.service.write(ana, account, "hi");
    bench.run(5_000);
    bench.serve();
    bench.run(1_000);
    expect(bench.of("received")).toHaveLength(1);
    expect(bench.world.service.waiting(a)).toBe(0);
    expect(bench.world.service.waiting(b)).toBe(1);
  });

  it("whose commit failed is not receipted, and comes again at the next login", () => {
    const bench = new Bench(1, calm);
    bench.serve();
    bench.inject({ kind: "store-failing", target: { all: true }, at: 0, for: 5_000, cause: "io", share: 1 });
    bench.world.service.write(ana, account, "hi");
    bench.run(6_000);
    expect(bench.of("received")).toEqual([]);
    bench.serve();
    bench.run(1_000);
    expect(bench.of("received")).toHaveLength(1);
  });
});

describe("WhatsApp's judgement", () => {
  it("refuses new chats of a restricted account with 463 and leaves known ones alone", () => {
    const bench = new Bench(1, calm);
    bench.serve();
    bench.grant();
    bench.world.service.write(bob, account, "hi");
    bench.run(1_000);
    bench.inject({ kind: "restricted", target: { account }, at: 0, for: 60_000, announced: true });
    bench.send(1, { contact: "c:1" });
    bench.send(2, { contact: "c:2" });
    bench.run(5_000);
    expect(bench.of("refused")).toMatchObject([{ waId: "3EB01", code: 463 }]);
    expect(bench.of("acked")).toMatchObject([{ waId: "3EB02" }]);
    expect(bench.of("standing")).toMatchObject([{ standing: "restricted" }]);
    bench.run(60_000);
    expect(bench.of("standing").at(-1)).toMatchObject({ standing: "good" });
  });

  it("restricts who opens too many chats, and bans who goes on", () => {
    const bench = new Bench(1, { ...calm, coldPerDay: 1, refusalsToBan: 2 });
    bench.serve();
    bench.grant();
    bench.send(1, { contact: "c:1" });
    bench.send(2, { contact: "c:2" });
    bench.run(3_000);
    expect(bench.world.service.standingOf(account)).toMatchObject({ standing: "restricted", cap: 0 });
    for (let no = 3; no < 5; no++) bench.send(no, { contact: "c:2" });
    bench.run(3_000);
    expect(bench.of("closed")).toMatchObject([{ reason: "banned", code: 406 }]);
  });

  it("answers a deep check", () => {
    const bench = new Bench(1, calm);
    bench.perform({ op: "check", device: a, reqId: "r0" as never, deadline: 1_000 });
    bench.serve();
    bench.perform({ op: "check", device: a, reqId: "r1" as never, deadline: 3_000 });
    bench.run(3_000);
    expect(bench.of("checked")).toMatchObject([
      { reqId: "r0", finding: null },
      { reqId: "r1", finding: { standing: "good", cap: 40 } },
    ]);
  });
});

describe("a node", () => {
  it("that is killed loses its links, and the ratchets that its next life continues are the committed ones", () => {
    const bench = new Bench(1, calm);
    bench.serve();
    bench.grant();
    bench.send(1);
    bench.run(3_000);
    bench.send(2);
    bench.until(() => bench.store.commits.filter(({ attempt }) => attempt).length === 2);
    bench.inject({ kind: "node-crash", target: { node }, at: 0, for: 0, tells: true, downFor: 500 });
    bench.run(1_000);
    expect(bench.world.service.hasSession(a)).toBe(false);
    bench.serve();
    bench.grant();
    bench.send(2, { attempt: 2 });
    bench.run(3_000);
    expect(bench.ledger("shown").map(({ message }) => message)).toEqual(["m1", "m2"]);
    expect(bench.ledger("unreadable")).toEqual([]);
  });
});

describe("the whole world", () => {
  const live = (seed: number): string => {
    const bench = new Bench(seed);
    bench.serve(a);
    bench.serve(b);
    bench.grant();
    for (let no = 0; no < 50; no++) {
      bench.send(no, { contact: no % 2 ? "c:1" : "c:2" });
      bench.probe(no);
      bench.run(500);
    }
    bench.inject({ kind: "lossy", target: { all: true }, at: 0, for: 20_000, loss: 0.3 });
    bench.inject({ kind: "close", target: { device: a }, at: bench.world.clock.now() + 5_000, for: 0, code: 503 });
    bench.run(30_000);
    return `${bench.world.ledger.digest()} ${JSON.stringify(bench.facts).length}`;
  };

  it("is a pure function of its seed", () => {
    expect(live(1)).toBe(live(1));
    expect(live(1)).not.toBe(live(2));
  });
});
