/** What the library refuses, and how: no device is linked here, so nothing is dialled. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  createSupervisor,
  defineFleet,
  FleetError,
  type FleetInput,
  type FleetSupervisor,
  type Strategy,
} from "../../src/index.ts";

let folder: string;
const open: FleetSupervisor[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "greenroom-library-"));
});
afterEach(async () => {
  for (const supervisor of open.splice(0)) await supervisor.stop();
  rmSync(folder, { recursive: true, force: true });
});

const FLEET: FleetInput = {
  fleet: "acme",
  accounts: { "sales-1": { role: "master", devices: ["a", "b"] }, "sales-2": { role: "master", devices: ["a"] } },
  lines: { sales: { masters: ["sales-1", "sales-2"], outboxLimit: 2 } },
};
const make = (options = {}): FleetSupervisor => {
  const fleet = defineFleet(FLEET, { env: {}, folder });
  const supervisor = createSupervisor(fleet, { env: {}, logger: pino({ level: "silent" }), stopWithin: 500, ...options });
  open.push(supervisor);
  return supervisor;
};
const TO = "+49 170 1234567";

describe("defineFleet", () => {
  it("gives what the fleet file would, with paths from the folder and settings from the environment", () => {
    const fleet = defineFleet(FLEET, { env: { GREENROOM__LINES__SALES__OUTBOX_LIMIT: "7" }, folder });
    expect(fleet).toMatchObject({
      fleet: "acme",
      store: { file: join(folder, "greenroom.db") },
      lines: [{ id: "sales", outboxLimit: 7 }],
    });
  });

  it("takes what is there and undefined for left out", () => {
    expect(defineFleet({ ...FLEET, pacing: undefined, timers: { probe: undefined } }, { env: {} })).toEqual(
      defineFleet(FLEET, { env: {} }),
    );
  });

  it("throws one error with everything that is wrong, as the fleet file's check says it", () => {
    const wrong = { ...FLEET, lines: { sales: { masters: ["sales-9"] } }, timers: { probe: "soon" }, colour: "green" };
    const errors = faultsOf(() => defineFleet(wrong, { env: { GREENROOM__NOTHING: "1" } }));
    expect(errors).toEqual([
      expect.stringMatching(/^colour: unknown name\./),
      expect.stringMatching(/^timers\.probe: expected a duration/),
      expect.stringMatching(/^lines\.sales\.masters\.0: .*sales-9/),
      expect.stringMatching(/^GREENROOM__NOTHING /),
    ]);
    expect(faultsOf(() => defineFleet(null as never))).toEqual(["expected an object"]);
  });
});

describe("createSupervisor", () => {
  it("takes the path of a fleet file, and says all that is wrong with it", () => {
    expect(faultsOf(() => createSupervisor(join(folder, "nowhere.yaml")))).toEqual([
      expect.stringMatching(/nowhere\.yaml .*no such file/),
    ]);
    expect(() => createSupervisor(FLEET as never)).toThrow(/what defineFleet returns/);
  });

  it("refuses a strategy for a line that is not there, or with a name that is taken", async () => {
    const strategy: Strategy = { name: "mine", begin: () => () => 0 };
    await expect(make({ strategies: { salse: strategy } }).start()).rejects.toThrow("there is no line salse. There are sales");
    await expect(make({ strategies: { sales: { ...strategy, name: "geo" } } }).start()).rejects.toThrow(
      /give yours another name/,
    );
  });

  it("refuses what is no strategy", () => {
    for (const wrong of [{ begin: () => () => 0 }, { name: "mine" }, { name: "a b", begin: () => () => 0 }, () => 0, null])
      expect(() => make({ strategies: { sales: wrong as never } })).toThrow(/strateg/);
  });

  it("refuses the store that another supervisor holds, and leaves nothing open", async () => {
    const first = make();
    await first.start();
    await expect(make().start()).rejects.toMatchObject({ code: expect.stringMatching(/^E_(STORE_LOCKED|ALREADY_RUNNING)$/) });
    await first.stop();
    await expect(make().start()).resolves.toBeUndefined();
  });
});

describe("send", () => {
  it("is refused before the start and after the end", async () => {
    const supervisor = make();
    await expect(supervisor.send({ line: "sales", to: TO, text: "hi" })).rejects.toMatchObject({ code: "E_NOT_RUNNING" });
    await supervisor.start();
    await supervisor.stop();
    await expect(supervisor.send({ line: "sales", to: TO, text: "hi" })).rejects.toMatchObject({ code: "E_NOT_RUNNING" });
    await expect(supervisor.start()).resolves.toBeUndefined();
    expect(() => supervisor.onMessage(() => undefined)).toThrow("this supervisor was stopped");
  });

  it("names what is wrong with a message, and what there is", async () => {
    const supervisor = make();
    await supervisor.start();
    const good = { line: "sales", to: TO, text: "hi" };
    await expect(supervisor.send({ ...good, line: "salse" })).rejects.toMatchObject({
      code: "E_UNKNOWN_LINE",
      message: expect.stringMatching(/Did you mean "sales"/),
    });
    await expect(supervisor.send({ ...good, to: "0170 1234567" })).rejects.toMatchObject({
      code: "E_BAD_REQUEST",
      message: expect.stringMatching(/is no recipient/),
    });
    for (const wrong of [
      { text: "" },
      { priority: 10 },
      { expiresIn: -1 },
      { expiresIn: 1e15 },
      { key: "" },
      { colour: "green" },
      { text: 7 as never },
    ])
      await expect(supervisor.send({ ...good, ...wrong })).rejects.toMatchObject({ code: "E_BAD_REQUEST" });
    for (const to of ["-@g.us", "1@g.us", "12@s.whatsapp.net", "0491701234567@s.whatsapp.net", "1-2@s.whatsapp.net", "0@lid"])
      await expect(supervisor.send({ ...good, to })).rejects.toMatchObject({
        code: "E_BAD_REQUEST",
        message: expect.stringMatching(/is no recipient/),
      });
    const both = { ...good, content: { kind: "text" as const, text: "ho" } };
    await expect(supervisor.send(both)).rejects.toMatchObject({
      code: "E_BAD_REQUEST",
      message: "send: give either a text or a content",
    });
    const empty = { line: "sales", to: TO, content: { kind: "raw" as const, proto: new Uint8Array() } };
    await expect(supervisor.send(empty)).rejects.toMatchObject({ code: "E_BAD_REQUEST" });
  });

  it("takes no more than the line's outbox, nothing twice, and says so", async () => {
    const supervisor = make();
    await supervisor.start();
    const first = await supervisor.send({ line: "sales", to: TO, text: "one", key: "k" });
    expect(await supervisor.send({ line: "sales", to: TO, text: "one", key: "k" })).toEqual({ ...first, duplicate: true });
    await supervisor.send({ line: "sales", to: TO, content: { kind: "text", text: "two" } });
    await expect(supervisor.send({ line: "sales", to: TO, text: "three" })).rejects.toMatchObject({ code: "E_FULL" });
    expect((await supervisor.status()).seats.reduce((sum, { queue }) => sum + queue.open, 0)).toBe(2);
  });
});

describe("onMessage", () => {
  it("wants a name for each handler", async () => {
    const supervisor = make();
    const end = supervisor.onMessage(() => undefined);
    expect(() => supervisor.onMessage(() => undefined)).toThrow("the reader bot has a handler already");
    supervisor.onMessage(() => undefined, { reader: "other" });
    await end();
    supervisor.onMessage(() => undefined);
    expect(() => supervisor.onMessage(() => undefined, { reader: "a b" })).toThrow("is no name for a reader");
    expect(() => supervisor.onMessage(() => undefined, { reader: "third", from: 0 })).toThrow("a whole number from 1 on");
  });

  it("names what is wrong with how it is to be handed over: a handler that would never hear anything is refused", () => {
    const supervisor = make();
    for (const name of ["concurrency", "tries", "handleWithin", "ahead"])
      for (const value of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "2"])
        expect(() => supervisor.onMessage(() => undefined, { reader: "odd", [name]: value })).toThrow(`${name}: expected`);
    expect(() => supervisor.onMessage("answer" as never, { reader: "odd" })).toThrow("expected a function");
    expect(() =>
      supervisor.onMessage(() => undefined, { reader: "odd", tries: 1, concurrency: undefined as never }),
    ).not.toThrow();
  });
});

describe("on", () => {
  it("tells what happens, and is not hurt by a listener that throws", async () => {
    const supervisor = make();
    const heard: string[] = [];
    supervisor.on("switchover.refused", () => {
      throw new Error("of the listener's own");
    });
    supervisor.on("switchover.refused", async () => Promise.reject(new Error("later")));
    supervisor.on("switchover.refused", ({ subject, data }) => heard.push(`${subject}: ${data.why}`));
    const stop = supervisor.on("switchover.refused", () => heard.push("not any more"));
    stop();
    await supervisor.start();
    await expect(supervisor.switchover("sales-1")).rejects.toMatchObject({ code: "E_REFUSED" });
    expect(heard).toEqual([expect.stringMatching(/^sales\/sales-1: ./)]);
    expect(await supervisor.pause()).toEqual({ mode: "paused" });
    expect(await supervisor.resume()).toEqual({ mode: "automatic" });
    await expect(supervisor.ask("why", { seat: "sales-9" })).rejects.toMatchObject({ code: "E_UNKNOWN_SEAT" });
  });
});

const faultsOf = (work: () => unknown): readonly string[] => {
  try {
    work();
  } catch (error) {
    if (error instanceof FleetError) return error.message.split("\n");
    throw error;
  }
  return [];
};
