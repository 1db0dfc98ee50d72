/** Plugin files: what is refused and why; and that whatever a function does harms no other, and nobody outside its thread. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { type FleetConfig, FleetError, parseFleet } from "../../src/config/index.ts";
import { loadPlugins, withPlugins } from "../../src/plugins/load.ts";
import { Sink } from "../../src/plugins/sink.ts";
import { PluginThread } from "../../src/plugins/thread.ts";
import { systemClock } from "../../src/runtime/clock.ts";

const folder = mkdtempSync(join(tmpdir(), "greenroom-plugins-"));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
const fileOf = (text: string): string => {
  const file = join(folder, `plugins-${++files}.mjs`);
  writeFileSync(file, text);
  return file;
};

describe("a plugin file", () => {
  const fleetOf = (plugins: string, rest = ""): FleetConfig => {
    const text = `fleet: acme
accounts: { one: { role: master, devices: [a] } }
lines: { sales: { masters: [one]${rest} } }
alerts: { channels: { pager: { kind: plugin } } }
plugins: ${plugins}
`;
    const loaded = parseFleet(join(folder, "fleet.yaml"), text, {});
    if (!loaded.ok) throw new FleetError(loaded.errors);
    return loaded.fleet;
  };
  const PAGER = "alertChannels: { pager() {} }";

  it("is loaded from beside the fleet file, with what it has by name", async () => {
    const file = fileOf(`export default { version: "2", ${PAGER}, onMessage: { bot() {} }, eventSinks: { log() {} },
      strategies: [{ name: "mine", begin: () => () => 0 }] }`);
    const loaded = await loadPlugins(fleetOf(`./${file.slice(folder.length + 1)}`, ", strategy: mine"));
    expect(loaded).toMatchObject({
      file,
      version: "2",
      names: { onMessage: ["bot"], alertChannels: ["pager"], eventSinks: ["log"] },
    });
    expect(loaded?.strategies.map(({ name }) => name)).toEqual(["mine"]);
  });

  it.each([
    ["", /has no default export/],
    ["export default { onMesage: {} }", /onMesage: unknown. Known here: version, onMessage/],
    ["export default { onMessage: { bot: 1 } }", /onMessage\.bot: expected a function, found number/],
    ["export default { eventSinks: { 'two words'() {} } }", /"two words" is no name/],
    ["export default { strategies: [{ name: 'x' }] }", /each has a name, and a function begin/],
    [`export default { ${PAGER}, strategies: [{ name: "geo", begin() {} }] }`, /there is a strategy geo already/],
    ["export default {}", /alerts\.channels\.pager: the plugins have no alert channel of that name/],
    ["throw new Error('no database')", /can't be loaded: no database/],
    ["export default {", /can't be loaded: /],
  ])("is refused with the reason: %s", async (text, reason) => {
    await expect(loadPlugins(fleetOf(fileOf(text)))).rejects.toThrow(reason);
  });

  it("is refused where it is not there, or a line wants a strategy that nobody has", async () => {
    await expect(loadPlugins(fleetOf("./none.mjs"))).rejects.toThrow(/plugins: .*none\.mjs can't be loaded/);
    const file = fileOf(`export default { ${PAGER} }`);
    await expect(loadPlugins(fleetOf(file, ", strategy: mine"))).rejects.toThrow(
      /lines\.sales\.strategy: there is no strategy mine, here or among the plugins/,
    );
  });

  it("has what a fleet needs that is taken up while it runs, or that is refused", async () => {
    const fleet = fleetOf(fileOf(`export default { ${PAGER}, strategies: [{ name: "mine", begin: () => () => 0 }] }`));
    const loaded = await loadPlugins(fleet);
    const wanting = (strategy: string) =>
      withPlugins({ ok: true, fleet: fleetOf(fleet.plugins ?? "", `, strategy: ${strategy}`) }, loaded);
    expect(wanting("mine")).toMatchObject({ ok: true });
    expect(wanting("yours")).toMatchObject({ ok: false, errors: [{ path: "lines.sales.strategy" }] });
  });

  it("is what a strategy of another name needs", () => {
    const text = `fleet: acme
accounts: { one: { role: master, devices: [a] } }
lines: { sales: { masters: [one], strategy: round-robbin } }
`;
    expect(parseFleet("fleet.yaml", text, {})).toMatchObject({
      ok: false,
      errors: [
        {
          path: "lines.sales.strategy",
          message: expect.stringMatching(/^expected round-robin or .*, found "round-robbin". Did you mean "round-robin"\?$/),
        },
      ],
    });
  });
});

describe("the plugins' thread", () => {
  const threads: PluginThread[] = [];
  afterEach(() => Promise.all(threads.splice(0).map((thread) => thread.stop())));
  const start = (text: string, silentFor?: number): PluginThread => {
    const logger = pino({ level: "silent" });
    const thread = new PluginThread({ file: fileOf(text), clock: systemClock, logger, ...(silentFor ? { silentFor } : {}) });
    threads.push(thread);
    thread.start();
    return thread;
  };
  const tell = (thread: PluginThread, name: string, ...input: unknown[]) => thread.call({ of: "eventSinks", name, input });

  it("hands over, lets handlers answer, and says what was thrown", async () => {
    const thread = start(`export default { onMessage: {
      echo: async (message, reply) => { if ((await reply("you said " + message.text)).id !== "m1") throw new Error("no id"); },
      refused: async (_, reply) => { await reply("x").catch(({ code }) => { throw new RangeError(code); }); },
      wrong() { throw new TypeError("not today"); },
    } }`);
    const said: unknown[] = [];
    const reply = async (text: unknown) => {
      said.push(text);
      return { id: "m1", seat: "sales/one", duplicate: false } as never;
    };
    await thread.call({ of: "onMessage", name: "echo", input: { text: "hello" }, reply });
    expect(said).toEqual(["you said hello"]);
    await expect(thread.call({ of: "onMessage", name: "wrong", input: {}, reply })).rejects.toThrow("not today");
    const full = () => Promise.reject(new Error("full"));
    await expect(thread.call({ of: "onMessage", name: "refused", input: {}, reply: full })).rejects.toThrow("E_INTERNAL");
    expect([thread.state, thread.deaths]).toEqual(["running", 0]);
  });

  it("is replaced when a function never lets go of it, and nobody else has waited", async () => {
    const thread = start(
      `export default { eventSinks: {
      async hang() { for (;;); },
      async well() {},
    } }`,
      600,
    );
    await tell(thread, "well", 1);
    let turns = 0;
    const turning = setInterval(() => turns++, 1);
    await expect(tell(thread, "hang", 1)).rejects.toThrow(/has not answered for/);
    clearInterval(turning);
    // The loop that probes and moves seats is this one.
    expect(turns).toBeGreaterThan(50);
    await tell(thread, "well", 1);
    expect([thread.state, thread.deaths]).toEqual(["running", 1]);
  });

  it.each([
    ["process.exit(1)"],
    ["setTimeout(() => { throw new Error('later'); })"],
    ["Promise.reject(new Error('nobody cares'))"],
  ])("is replaced when it ends: %s", async (how) => {
    const thread = start(
      `export default { eventSinks: { async end() { ${how}; await new Promise(() => {}); }, async well() {} } }`,
    );
    await expect(tell(thread, "end", 1)).rejects.toThrow(/thread was lost/);
    await tell(thread, "well", 1);
    expect(thread.deaths).toBe(1);
  });

  it("refuses what comes after it was stopped", async () => {
    const thread = start("export default { eventSinks: { async well() {} } }");
    await thread.stop();
    await expect(tell(thread, "well", 1)).rejects.toThrow("stopped");
  });
});

describe("an event sink", () => {
  const event = (n: number) => ({ at: n, type: "test", subject: "s", data: {} });

  it("gets events in order, several at a time; what is too much is dropped and counted, what fails is passed over", async () => {
    const got: number[] = [];
    const failures: unknown[] = [];
    const waiting: PromiseWithResolvers<void>[] = [];
    const sink = new Sink({
      waiting: 3,
      deliver: async (events) => {
        const done = Promise.withResolvers<void>();
        waiting.push(done);
        await done.promise;
        got.push(...events.map(({ at }) => at));
      },
      onFailure: (error) => failures.push(error),
    });
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    for (let n = 0; n < 6; n++) sink.push(event(n));
    expect(sink.counts).toEqual({ delivered: 0, waiting: 3, dropped: 2, failed: 0 });
    waiting[0]?.resolve();
    await turn();
    sink.push(event(6));
    waiting[1]?.reject(new Error("no"));
    await turn();
    waiting[2]?.resolve();
    await turn();
    expect(got).toEqual([0, 6]);
    expect(failures).toHaveLength(1);
    expect(sink.counts).toEqual({ delivered: 2, waiting: 0, dropped: 2, failed: 3 });
  });
});
