/** The fleet file and the fleet that runs: changes go through the file, and whatever a crash leaves boots. */
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type DeviceId, nodeId, type RequestId, type SeatId } from "../../machines/ports/ids.ts";
import type { StorePort } from "../../machines/ports/store.ts";
import { openSqliteStore, type SqliteStore } from "../../src/adapters/sqlite/store.ts";
import {
  editFleet,
  type FleetConfig,
  fleetEdit,
  type FleetEditInput,
  loadFleetFile,
  parseFleet,
} from "../../src/config/index.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { FleetDesk } from "../../src/runtime/fleet-desk.ts";
import { nodeConfigOf } from "../../src/runtime/node-config.ts";
import { Supervisor } from "../../src/runtime/supervisor.ts";
import { Views } from "../../src/runtime/views.ts";
import { Links } from "../http/rig.ts";

const FILE = `\
fleet: acme
store: { file: ./acme.db }
accounts:
  sales-1: { role: master, devices: [a, b] } # the old number
  sales-2: { role: master, devices: [a] }
lines:
  sales: { masters: [sales-1, sales-2] }
  help: { masters: [sales-2] }
`;

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "greenroom-desk-"));
  file = join(folder, "fleet.yaml");
  writeFileSync(file, FILE);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const loaded = (): FleetConfig => {
  const fleet = loadFleetFile(file, {});
  if (!fleet.ok) throw new Error(JSON.stringify(fleet.errors));
  return fleet.fleet;
};

/** What a change asks of the store. */
const OF_A_CHANGE: ReadonlySet<string> = new Set(["audit.append", "fleet.declare", "fleet.load"]);

/** Ends with the process at the nth of those, before or after it was done: nothing is answered any more. */
class Mortal implements StorePort {
  readonly #store: StorePort;
  #left = Number.POSITIVE_INFINITY;
  #isDoneFirst = false;
  isDead = false;
  readonly asked: string[] = [];
  readonly died = Promise.withResolvers<"died">();

  constructor(store: StorePort) {
    this.#store = store;
  }
  dieAt(questions: number, isDoneFirst: boolean): void {
    this.#left = questions;
    this.#isDoneFirst = isDoneFirst;
  }
  ask: StorePort["ask"] = (command, reply) => {
    if (this.isDead) return;
    this.asked.push(command.op);
    const isLast = OF_A_CHANGE.has(command.op) && --this.#left < 0;
    if (isLast) {
      this.isDead = true;
      this.died.resolve("died");
    }
    if (!isLast || this.#isDoneFirst)
      this.#store.ask(command, (answer) => {
        if (!this.isDead) reply(answer);
      });
  };
}

class Life {
  readonly links = new Links();
  readonly store: SqliteStore;
  readonly mortal: Mortal;
  readonly supervisor: Supervisor;
  readonly desk: FleetDesk;
  /** Names of webhooks, as they were set. */
  readonly webhooks: string[][] = [];
  /** And of alert channels. */
  readonly channels: string[][] = [];
  isStoreAway = false;

  constructor(fleet: FleetConfig = loaded(), hasFile = true) {
    this.store = openSqliteStore({ file: join(folder, "acme.db"), key: Buffer.alloc(32, 1), clock: systemClock });
    this.mortal = new Mortal(this.store);
    const logger = pino({ level: "silent" });
    const config = nodeConfigOf(fleet);
    const { mortal: store, links: connections } = this;
    this.supervisor = new Supervisor({ node: nodeId("test"), config, store, connections, clock: systemClock, logger });
    const { supervisor } = this;
    const views = new Views(supervisor, { fleet: "acme", startedAt: 0, now: () => systemClock.now() });
    const reload = (text?: string) => (text === undefined ? loadFleetFile(file, {}) : parseFleet(file, text, {}));
    this.desk = new FleetDesk({
      fleet,
      reload: hasFile ? reload : null,
      configOf: (each) => nodeConfigOf(each),
      supervisor,
      views,
      setWebhooks: async (wanted) => {
        if (this.isStoreAway) throw new Error("the store is away");
        this.webhooks.push(wanted.map(({ name }) => name));
      },
      setAlerts: ({ channels }) => this.channels.push(channels.map(({ name }) => name)),
    });
  }

  static async begin(fleet?: FleetConfig, hasFile?: boolean): Promise<Life> {
    const life = new Life(fleet, hasFile);
    await life.link();
    await life.supervisor.start();
    return life;
  }

  /** As an owner did before. */
  async link(): Promise<void> {
    let asked = 0;
    const ask = (question: object): Promise<unknown> =>
      new Promise((resolve) => this.store.ask({ ...question, reqId: `t${++asked}` as RequestId } as never, resolve));
    await ask({ op: "fleet.declare", fleet: nodeConfigOf(this.desk.fleet).declaration });
    const audit = { at: 1, actor: "test", action: "device.linked", subject: "x", text: "linked", evidence: {} };
    for (const device of this.desk.devices)
      await ask({ op: "device.update", device, link: "linked", jid: null, lid: null, audit });
  }

  /** Moves as the supervisor does, as far as it matters here. */
  edit(change: FleetEditInput, { dryRun = false, force = false, match = null as readonly string[] | null } = {}) {
    return this.desk.edit(fleetEdit.parse(change), {
      move: (seat, to) => this.move(seat, to),
      by: "operator:ann",
      dryRun,
      force,
      match,
    });
  }
  apply(force = false, match: readonly string[] | null = null) {
    return this.desk.apply({ move: (seat, to) => this.move(seat, to), by: "operator:ann", force, match });
  }
  async move(seat: SeatId, to: DeviceId): Promise<void> {
    this.supervisor.node.switchOver(seat, to, "ann");
    await this.until(() => this.supervisor.node.seat(seat)?.row.holder === to);
  }
  async until(test: () => boolean): Promise<void> {
    while (!test()) await new Promise((resolve) => setTimeout(resolve, 2));
  }
  serving(): Promise<void> {
    return this.until(() => this.supervisor.isServing() && this.healthy());
  }
  healthy(): boolean {
    return [...(this.supervisor.node.roster()?.devices.values() ?? [])].every(
      ({ linked, state }) => !linked || state === "healthy",
    );
  }
  /** Accounts, devices and lines that run. */
  runs() {
    const roster = this.supervisor.node.roster();
    return {
      accounts: [...(roster?.accounts ?? [])].map(([id, { role, devices }]) => ({ id, role, devices })),
      lines: [...(roster?.lines.values() ?? [])].map(({ id, masters, servants }) => ({ id, masters, servants })),
    };
  }
  async end(): Promise<void> {
    await Promise.race([this.supervisor.stop(), this.mortal.isDead ? null : new Promise(() => undefined)]);
    this.store.close();
  }
}
const wanted = ({ accounts, lines }: FleetConfig) => ({
  accounts: accounts.map(({ id, role, devices }) => ({ id, role, devices })),
  lines: lines.map(({ id, masters, servants }) => ({ id, masters, servants })),
});

describe("a change that is asked for", () => {
  it("is written into the file, taken up, audited and told, and outlives the process", async () => {
    const life = await Life.begin();
    await life.serving();
    const told: unknown[] = [];
    life.supervisor.onEvent(({ type, subject }) => void (type === "fleet.changed" && told.push(subject)));
    expect(await life.edit({ kind: "account.add", account: "sales-3", lines: ["sales"] }, { dryRun: true })).toMatchObject({
      applied: false,
    });
    expect(readFileSync(file, "utf8")).toBe(FILE);
    await life.edit({ kind: "account.add", account: "sales-3", lines: ["sales"] });
    await life.edit({ kind: "describe", subject: "sales-3", name: "Third", labels: ["new"] });
    await life.edit({ kind: "line.remove", line: "help" });
    await life.edit({ kind: "account.change", account: "sales-1", role: "servant" });
    expect(readFileSync(file, "utf8")).toContain("# the old number");
    expect(life.runs()).toEqual(wanted(loaded()));
    expect(life.desk.about("sales-3")).toEqual({ name: "Third", labels: ["new"] });
    expect(life.desk.drift()).toEqual({ changes: 0, restart: 0, isWrong: false });
    expect(told).toEqual(expect.arrayContaining(["sales-3", "help", "sales-1", "sales"]));
    const audit = await life.supervisor.ask("audit.read", { subject: "help", limit: 10 });
    expect(audit).toMatchObject({
      rows: expect.arrayContaining([expect.objectContaining({ actor: "operator:ann", text: "line help is removed" })]),
    });
    const before = life.runs();
    await life.end();
    const next = await Life.begin();
    expect(next.runs()).toEqual(before);
    await next.end();
  });

  it("dials nobody anew, and a name asks nothing of the store but the audit", async () => {
    const life = await Life.begin();
    await life.serving();
    const before = life.links.dialled;
    life.mortal.asked.length = 0;
    await life.edit({ kind: "describe", subject: "sales-1/b", name: "Pixel in the drawer" });
    expect(life.mortal.asked.filter((op) => OF_A_CHANGE.has(op))).toEqual(["audit.append"]);
    expect(life.links.dialled).toBe(before);
    await life.edit({ kind: "line.change", line: "sales", failback: "automatic", outboxLimit: 7 });
    await life.edit({ kind: "device.remove", device: "sales-1/a" });
    expect(life.links.dialled).toBe(before);
    await life.end();
  });

  it("of webhooks only asks nothing of the node, and is asked for again if it could not be made", async () => {
    const life = await Life.begin();
    await life.serving();
    const before = life.links.dialled;
    life.mortal.asked.length = 0;
    writeFileSync(file, `${FILE}webhooks: { crm: { url: "https://crm.example/" } }\n`);
    life.isStoreAway = true;
    await expect(life.apply()).rejects.toMatchObject({ code: "E_STORE", message: expect.stringMatching(/Apply it again/) });
    expect(life.desk.drift()).toEqual({ changes: 1, restart: 0, isWrong: false });
    life.isStoreAway = false;
    await life.apply();
    expect(life.desk.drift()).toEqual({ changes: 0, restart: 0, isWrong: false });
    expect(life.mortal.asked.filter((op) => OF_A_CHANGE.has(op))).toEqual(["audit.append", "audit.append"]);
    expect(life.links.dialled).toBe(before);
    await life.edit({ kind: "describe", subject: "sales-1", name: "x" });
    expect(life.webhooks).toEqual([["crm"]]);
    await life.end();
  });

  it("of who is told of alerts only asks nothing of the node, and is made once, whatever changes after it", async () => {
    const life = await Life.begin();
    await life.serving();
    const before = life.links.dialled;
    life.mortal.asked.length = 0;
    writeFileSync(file, `${FILE}alerts: { channels: { ops: { kind: webhook, url: "https://ops.example/" } }, warning: [ops] }\n`);
    await life.apply();
    expect(life.channels).toEqual([["ops"]]);
    await life.edit({ kind: "describe", subject: "sales-1", name: "x" });
    expect(life.channels).toHaveLength(1);
    expect(life.mortal.asked.filter((op) => OF_A_CHANGE.has(op))).toEqual(["audit.append", "audit.append"]);
    expect(life.links.dialled).toBe(before);
    await life.end();
  });

  it.each<[string, FleetEditInput, RegExp]>([
    ["would leave a seat to nobody", { kind: "line.change", line: "help", masters: ["sales-9"] }, /there is no account sales-9/],
    ["makes no fleet", { kind: "describe", subject: "nobody", name: "x" }, /there is no account, device or line nobody/],
    ["makes no sense", { kind: "account.remove", account: "sales-2" }, /the only master of help/],
  ])("is refused if it %s, and changes nothing", async (_, change, why) => {
    const life = await Life.begin();
    await expect(life.edit(change)).rejects.toThrow(why);
    expect(readFileSync(file, "utf8")).toBe(FILE);
    await life.end();
  });

  it("is refused while the file says something else that is not taken up, or is wrong", async () => {
    const life = await Life.begin();
    await life.serving();
    writeFileSync(file, FILE.replace("[a, b]", "[a, b, c]"));
    expect(life.desk.drift()).toEqual({ changes: 1, restart: 0, isWrong: false });
    await expect(life.edit({ kind: "describe", subject: "sales-1", name: "x" })).rejects.toThrow(/not taken up/);
    writeFileSync(file, "accounts: [");
    expect(life.desk.drift()).toEqual({ changes: 0, restart: 0, isWrong: true });
    await expect(life.edit({ kind: "describe", subject: "sales-1", name: "x" })).rejects.toThrow(/is wrong/);
    writeFileSync(file, `${FILE}brake: { seats: 5 }\n`);
    expect(life.desk.drift()).toEqual({ changes: 1, restart: 1, isWrong: false });
    // What needs a restart is in nobody's way.
    await life.edit({ kind: "describe", subject: "sales-1", name: "x" });
    expect(life.desk.about("sales-1").name).toBe("x");
    await life.end();
  });

  it("is made only to the file that was looked at: of two who looked at the same one is refused", async () => {
    const life = await Life.begin();
    const { tag } = life.desk.plan();
    const match = [String(tag)];
    const add = (account: string) => life.edit({ kind: "account.add", account }, { match });
    const [one, other] = await Promise.allSettled([add("sales-3"), add("sales-4")]);
    expect(one).toMatchObject({ status: "fulfilled", value: { applied: true } });
    expect(other).toMatchObject({ status: "rejected", reason: { code: "E_CHANGED" } });
    expect(readFileSync(file, "utf8")).not.toContain("sales-4");
    const next = life.desk.plan().tag;
    expect(next).not.toBe(tag);
    expect(one).toMatchObject({ value: { tag: next } });
    // An editor counts as much as a command.
    writeFileSync(file, `${readFileSync(file, "utf8")}# by hand\n`);
    await expect(life.apply(false, [String(next)])).rejects.toMatchObject({ code: "E_CHANGED" });
    expect(await life.apply(false, [String(next), String(life.desk.tag)])).toMatchObject({ applied: true });
    await life.end();
  });

  it("is refused for a line of which messages are not sent, unless it is forced", async () => {
    const life = await Life.begin();
    await life.serving();
    life.links.preparing = [];
    const answer = await life.supervisor.accept({
      line: "help",
      to: { lid: null, pn: "4917012345" },
      content: { kind: "text", text: "x" },
    } as never);
    expect(answer.kind).toBe("accepted");
    await expect(life.edit({ kind: "line.remove", line: "help" })).rejects.toThrow(/1 messages of line help have not been sent/);
    await life.edit({ kind: "line.remove", line: "help" }, { force: true });
    expect(life.supervisor.node.line("help" as never)).toBeUndefined();
    await life.end();
  });

  it("is refused by a fleet that has no file", async () => {
    const life = await Life.begin(loaded(), false);
    await expect(life.edit({ kind: "describe", subject: "sales-1", name: "x" })).rejects.toThrow(/defined in code/);
    expect(life.desk.drift()).toEqual({ changes: 0, restart: 0, isWrong: false });
    await life.end();
  });

  it("leaves a link to the file a link, and its rights as they are", async () => {
    const real = join(folder, "real.yaml");
    writeFileSync(real, FILE, { mode: 0o640 });
    rmSync(file);
    symlinkSync(real, file);
    const life = await Life.begin();
    await life.edit({ kind: "describe", subject: "sales-1", name: "x" });
    expect(readFileSync(real, "utf8")).toContain("name: x");
    expect(statSync(real).mode & 0o777).toBe(0o640);
    await life.end();
  });
});

describe("a crash in the middle of a change", () => {
  const CHANGES: readonly FleetEditInput[] = [
    { kind: "account.add", account: "sales-3", devices: ["a", "b"], lines: ["sales", "help"] },
    { kind: "line.remove", line: "help" },
  ];

  it.each(CHANGES)("leaves what boots: all of it or none, whatever it came to: %j", async (change) => {
    let isOver = false;
    for (let question = 0; !isOver && question < 100; question++) {
      for (const isDoneFirst of [false, true]) {
        for (const rest of ["", "-wal", "-shm", "-journal"]) rmSync(join(folder, `acme.db${rest}`), { force: true });
        writeFileSync(file, FILE);
        const life = await Life.begin();
        const old = wanted(loaded());
        life.mortal.dieAt(question, isDoneFirst);
        const end = await Promise.race([life.edit(change, { force: true }), life.mortal.died.promise]);
        isOver = end !== "died";
        await life.end();
        const found = wanted(loaded());
        expect([JSON.stringify(old), JSON.stringify(wanted(fleetAfter(change)))]).toContain(JSON.stringify(found));
        const next = await Life.begin();
        expect(next.runs()).toEqual(found);
        await next.end();
      }
    }
    expect(isOver).toBe(true);
  });

  const fleetAfter = (change: FleetEditInput): FleetConfig => {
    const parsed = parseFleet(file, editedText(change), {});
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
    return parsed.fleet;
  };
});

const editedText = (change: FleetEditInput): string => editFleet(FILE, fleetEdit.parse(change));
