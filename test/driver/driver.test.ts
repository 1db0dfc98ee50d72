import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AnyStateMachine, assign, emit, setup } from "xstate";
import { JournalWriter, type JournalRecord } from "../../machines/driver/journal.ts";
import { type Address, type Effect, effects, type Reducer, tell } from "../../machines/protocol.ts";
import { Bench, LATE_AFTER } from "./bench.ts";

type Say = { readonly type: "say"; readonly effects: readonly Effect[] };
type Event = Say | { type: "break" } | { type: "sleep" } | { type: "hear"; what: unknown } | { type: "store.updated" };

/** Does what it is told, and can be broken. */
const puppet: AnyStateMachine = setup({
  types: { events: {} as Event, context: {} as { heard: unknown[]; woken: number; answers: number } },
  actions: {
    say: emit(({ event }) => effects(...(event as Say).effects)),
    hear: assign(({ context, event }) => ({ heard: [...context.heard, (event as { what: unknown }).what] })),
    count: assign(({ context }) => ({ answers: context.answers + 1 })),
    wake: assign(({ context }) => ({ woken: context.woken + 1 })),
    break: () => {
      throw new Error("broken by the test");
    },
  },
  delays: { nap: 1000 },
}).createMachine({
  id: "puppet",
  context: { heard: [], woken: 0, answers: 0 },
  initial: "awake",
  states: {
    awake: {
      on: {
        say: { actions: "say" },
        hear: { actions: "hear" },
        break: { actions: "break" },
        sleep: "asleep",
        "store.updated": { actions: "count" },
      },
    },
    asleep: { after: { nap: { target: "awake", actions: "wake" } } },
  },
});
const stillborn: AnyStateMachine = setup({}).createMachine({
  id: "stillborn",
  entry: () => {
    throw new Error("never lived");
  },
});
const counter: Reducer<{ count: number }, { type: string; at: number }, object> = {
  start: () => ({ state: { count: 0 }, wakeAt: null }),
  receive: (state, event) => {
    if (event.type === "break") throw new Error("a reducer broke");
    if (event.type === "nap") return { state, wakeAt: event.at + 1000 };
    return { state: { count: state.count + 1 }, wakeAt: null };
  },
};
const say = (...list: Effect[]): Say => ({ type: "say", effects: list });
const to = (address: string, event: object): Effect => tell(address as Address, event as never);
const heard = (bench: Bench, address: string): unknown =>
  (bench.driver.peek(address as Address)?.context as { heard: unknown[] } | undefined)?.heard;

describe("one bad actor", () => {
  it("that throws is buried and reported; the others go on, within the same turn too", () => {
    const bench = new Bench();
    for (const name of ["lease:a", "lease:b", "lease:c"]) bench.chart(name, puppet);
    bench.tell("lease:a", say(to("lease:b", { type: "break" }), to("lease:c", { type: "hear", what: "still here" })));
    expect(bench.deaths).toEqual([{ address: "lease:b", kind: "lease", message: "broken by the test" }]);
    expect(bench.driver.has("lease:b" as Address)).toBe(false);
    expect(heard(bench, "lease:c")).toEqual(["still here"]);
    bench.tell("lease:a", { type: "hear", what: "as well" });
    expect(heard(bench, "lease:a")).toEqual(["as well"]);
  });

  it("that never lived, or is a reducer, or asks for what a port can't do, harms nobody else either", () => {
    const bench = new Bench();
    bench.onCommand = ({ op }) => {
      if (op === "terminate") throw new Error("no such device");
    };
    bench.chart("lease:a", stillborn);
    bench.driver.startReducer("dialler", "dialler", counter, {});
    bench.driver.startReducer("roster", "roster", { ...counter, start: () => fail("no start") }, {});
    bench.chart("lease:b", puppet);
    bench.chart("lease:c", puppet);
    bench.tell("dialler", { type: "break" });
    bench.tell("lease:b", say({ op: "connection", command: { op: "terminate", device: "m1/a" as never } }));
    bench.tell("lease:c", { type: "hear", what: "fine" });
    expect(bench.deaths.map(({ address, message }) => `${address}: ${message}`)).toEqual([
      "lease:a: never lived",
      "roster: no start",
      "dialler: a reducer broke",
      "lease:b: no such device",
    ]);
    expect(bench.driver.addresses()).toEqual(["lease:c"]);
    expect(heard(bench, "lease:c")).toEqual(["fine"]);
  });

  it("that goes round in circles is ended, and the turn goes on without it", () => {
    const bench = new Bench();
    const echo: Reducer<null, { type: string; at: number }, string> = {
      start: () => ({ state: null, wakeAt: null }),
      receive: () => ({ state: null, effects: [to("dialler", { type: "again" })], wakeAt: null }),
    };
    bench.driver.startReducer("dialler", "dialler", echo, "");
    bench.chart("lease:a", puppet);
    bench.tell("lease:a", say(to("dialler", { type: "again" }), to("lease:a", { type: "hear", what: "afterwards" })));
    expect(bench.deaths.map(({ address }) => address)).toEqual(["dialler"]);
    expect(heard(bench, "lease:a")).toEqual(["afterwards"]);
  });

  it("is not replaced behind its back: an address has one actor", () => {
    const bench = new Bench();
    bench.chart("lease:a", puppet);
    expect(() => bench.chart("lease:a", puppet)).toThrow("lease:a was started twice");
  });
});

describe("the queue", () => {
  it("delivers in the order in which things were said, whoever said them", () => {
    const names = ["lease:a", "lease:b", "lease:c"];
    const script = fc.array(fc.record({ from: fc.nat(2), to: fc.array(fc.nat(2), { maxLength: 4 }) }), { maxLength: 12 });
    fc.assert(
      fc.property(script, (steps) => {
        const bench = new Bench();
        const records: JournalRecord[] = [];
        const journaled = new Bench({ journal: new JournalWriter((record) => records.push(record)) });
        for (const name of names) for (const on of [bench, journaled]) on.chart(name, puppet);
        let number = 0;
        const orders = steps.map(({ from, to: receivers }) => {
          const told = receivers.map((receiver) => ({ to: names[receiver] as string, what: ++number }));
          return { from: names[from] as string, told };
        });
        for (const { from, told } of orders)
          for (const on of [bench, journaled])
            on.tell(from, say(...told.map(({ to: name, what }) => to(name, { type: "hear", what }))));
        for (const name of names)
          expect(heard(bench, name)).toEqual(
            orders.flatMap(({ told }) => told.filter((one) => one.to === name).map(({ what }) => what)),
          );
        const order = records.flatMap((record) => (record.k === "in" && record.event.type === "hear" ? [record.event] : []));
        expect(order.map((event) => (event as unknown as { what: number }).what)).toEqual(
          Array.from({ length: number }, (_, index) => index + 1),
        );
      }),
    );
  });

  it("lets an actor that is started in the middle of a turn begin when its turn comes, and before it hears anything", () => {
    const records: JournalRecord[] = [];
    const bench: Bench = new Bench({
      journal: new JournalWriter((record) => records.push(record)),
      onStart: () => bench.chart("failover:s", puppet),
    });
    bench.chart("lease:a", puppet);
    const start = { op: "start", kind: "failover", address: "failover:s", input: {} } as unknown as Effect;
    bench.tell("lease:a", say(to("lease:a", { type: "hear", what: 1 }), start, to("failover:s", { type: "hear", what: 2 })));
    expect(heard(bench, "failover:s")).toEqual([2]);
    const order = records.map((record) => `${record.k} ${"to" in record ? record.to : ""}`);
    expect(order).toEqual(["start lease:a", "in lease:a", "in lease:a", "start failover:s", "in failover:s"]);
    expect(records.map(({ n }) => n)).toEqual([1, 2, 3, 4, 5]);
  });

  it("gives an answer of the store to the actor that asked, and not to its successor", () => {
    const bench = new Bench();
    bench.chart("lease:a", puppet);
    const ask: Effect = { op: "store", ask: { op: "account.update" } as never };
    bench.tell("lease:a", say(ask, ask));
    bench.asked[0]?.answer("updated");
    bench.driver.kill("lease:a" as Address, "by the test");
    bench.chart("lease:a", puppet);
    bench.asked[1]?.answer("updated");
    expect(bench.driver.peek("lease:a" as Address)?.context).toMatchObject({ answers: 0 });
    expect([...bench.driver.ignored.keys()]).toEqual(["lease store.updated (asker gone)"]);
  });

  it("counts what nobody took, by kind and event", () => {
    const bench = new Bench();
    bench.chart("lease:a", puppet);
    for (let time = 0; time < 3; time++) bench.tell("lease:a", { type: "unheard.of" });
    bench.tell("lease:z", { type: "hear", what: 1 });
    let missed = 0;
    bench.driver.tell("lease:z" as Address, { type: "hear" }, () => void missed++);
    expect([...bench.driver.ignored]).toEqual([
      ["lease unheard.of", 3],
      ["lease hear (nobody there)", 1],
    ]);
    expect(missed).toBe(1);
  });
});

describe("timers", () => {
  it("that fire late are reported, of charts and of reducers, and punctual ones are not", () => {
    const bench = new Bench();
    bench.chart("lease:a", puppet);
    bench.driver.startReducer("dialler", "dialler", counter, {});
    bench.tell("lease:a", { type: "sleep" });
    bench.tell("dialler", { type: "nap" });
    bench.run(1000);
    expect(bench.late).toEqual([]);
    expect(bench.value("lease:a")).toBe("awake");
    const node = bench.clock.node("n1" as never);
    const slow = new Bench({ clock: node });
    slow.chart("lease:a", puppet);
    slow.tell("lease:a", { type: "sleep" });
    node.stall(1000 + LATE_AFTER + 1);
    bench.run(2000);
    expect(slow.late).toEqual([LATE_AFTER + 1]);
    expect(slow.value("lease:a")).toBe("awake");
  });

  it("of a stopped driver fire no more, and nothing is delivered", () => {
    const bench = new Bench();
    bench.chart("lease:a", puppet);
    bench.tell("lease:a", { type: "sleep" });
    bench.driver.stop();
    bench.run(5000);
    expect(bench.clock.pending).toBe(0);
    expect(bench.driver.addresses()).toEqual([]);
  });

  it("vanishes in the midst of a turn: what was to follow is not done, and what still comes reaches nobody", () => {
    const bench = new Bench();
    for (const address of ["lease:a", "lease:b"]) bench.chart(address, puppet);
    bench.onCommand = () => bench.driver.vanish();
    const question: Effect = { op: "store", ask: { op: "fleet.load" } };
    const end: Effect = { op: "connection", command: { op: "terminate", device: "a/1" as never } };
    bench.tell("lease:b", { type: "sleep" });
    bench.tell("lease:a", say(question, end, question, end, to("lease:b", say(question))));
    bench.asked[0]?.answer("fleet");
    bench.tell("lease:b", say(question));
    bench.run(5000);
    expect(bench.asked).toHaveLength(1);
    expect(bench.commands).toHaveLength(1);
    expect(bench.deaths).toEqual([]);
    expect(bench.driver.addresses()).toEqual([]);
  });
});

describe("decisions that have to become durable", () => {
  const write = (subject: string): Effect => ({
    op: "write",
    ask: { op: "audit.append", entries: [{ at: 0, actor: "a", action: "b", subject, text: "", evidence: {} }] },
  });
  const subjects = (bench: Bench): string[] =>
    bench.asked.map(({ command }) => (command as unknown as { entries: { subject: string }[] }).entries[0]?.subject as string);

  it("are asked for again until they are, and the later ones after the earlier", () => {
    const bench = new Bench();
    bench.chart("lease:a", puppet);
    bench.tell("lease:a", say(write("one")));
    bench.tell("lease:a", say(write("two")));
    const answerAll = (kind: string): void => {
      for (const { answer } of bench.asked.slice(answered)) answer(kind);
      answered = bench.asked.length;
      bench.run(10_000);
    };
    let answered = 0;
    for (const kind of ["failed", "failed", "appended", "appended"]) answerAll(kind);
    expect(subjects(bench)).toEqual(["one", "one", "two", "one", "two"]);
  });

  it("about the same thing are never asked together, so that the earlier one can't undo the later one", () => {
    const bench = new Bench();
    bench.chart("lease:a", puppet);
    const settled = (phase: "moving" | "serving"): Effect => ({
      op: "write",
      ask: { op: "seat.settle", seat: "line/m" as never, term: 1 as never, phase, failover: null, audit: null },
    });
    bench.tell("lease:a", say(write("one"), settled("moving"), settled("serving")));
    const phases = (): string[] =>
      bench.asked.flatMap(({ command }) => (command.op === "seat.settle" ? [(command as { phase: string }).phase] : []));
    bench.asked[0]?.answer("appended");
    bench.asked[1]?.answer("failed");
    bench.run(10_000);
    expect(phases()).toEqual(["moving", "moving"]);
    bench.asked[2]?.answer("changed");
    expect(phases()).toEqual(["moving", "moving", "serving"]);
  });

  it("are kept while the store is out of reach; of mere events the oldest are dropped and counted", () => {
    const bench = new Bench();
    bench.chart("lease:a", puppet);
    const event = (number: number): Effect => ({
      op: "write",
      ask: { op: "events.append", events: [{ at: number, type: "t", subject: "s", data: {} }] },
    });
    bench.tell("lease:a", say(write("first")));
    for (let number = 0; number < 10_100; number++) bench.tell("lease:a", say(event(number)));
    bench.tell("lease:a", say(write("last")));
    expect(bench.driver.droppedEvents).toBeGreaterThan(100);
    for (let next = 0; next < bench.asked.length; next++) bench.asked[next]?.answer("appended");
    const written = bench.asked.filter(({ command }) => command.op === "audit.append");
    expect(written).toHaveLength(2);
    expect(bench.asked.length + bench.driver.droppedEvents).toBe(10_102);
  });
});

function fail(message: string): never {
  throw new Error(message);
}
