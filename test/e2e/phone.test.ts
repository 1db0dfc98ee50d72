/** A phone that is switched off for ten days: real connections, a real store, and a day that passes when it is told to. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { expect, it, onTestFinished } from "vitest";
import { RULES } from "../../machines/alerts/rules.ts";
import type { Clock } from "../../machines/ports/clock.ts";
import { type AccountId, type DeviceId, lineId, nodeId, type RequestId } from "../../machines/ports/ids.ts";
import { type Loopback, startLoopback } from "../../sim/loopback/index.ts";
import { createBaileysConnections } from "../../src/adapters/baileys/index.ts";
import { openSqliteStore, type SqliteStore } from "../../src/adapters/sqlite/store.ts";
import { Watcher } from "../../src/alerts/watcher.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { defaultNodeConfig } from "../../src/runtime/node-config.ts";
import { measured } from "../../src/runtime/performance-log.ts";
import { Phones } from "../../src/runtime/phones.ts";
import { Series } from "../../src/runtime/series.ts";
import { Supervisor } from "../../src/runtime/supervisor.ts";
import { until } from "./rig.ts";

const ACCOUNT = "sales-1" as AccountId;
const DEVICE = "sales-1/a" as DeviceId;
const NUMBER = "99900000001";
const ANA = "4915550000001";
const DAY = 86_400_000;
const logger = pino({ level: "silent" });

it("warns on the tenth day that a phone confirms nothing, through a restart, until it is back", { timeout: 60_000 }, async () => {
  console.info = () => undefined;
  const folder = mkdtempSync(join(tmpdir(), "greenroom-phone-"));
  const loopback = await startLoopback();
  const lives: Life[] = [];
  onTestFinished(async () => {
    await lives.at(-1)?.stop();
    await loopback.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const begin = async (): Promise<Life> => {
    const life = await Life.begin(folder, loopback);
    lives.push(life);
    return life;
  };
  const owner = loopback.account(NUMBER);
  loopback.person(ANA);

  const first = await begin();
  await first.link();
  await first.write("the phone is there");
  await until(() => first.seen.seenAt !== null);
  await first.pass(11 * DAY);
  expect(await first.alerts()).toEqual([]);
  await first.stop();

  const second = await begin();
  await until(() => second.supervisor.isServing());
  owner.switchOff();
  const off = systemClock.now();
  await second.write("the phone is off");
  await second.write("and off");
  await second.pass(9.9 * DAY);
  expect(await second.alerts()).toEqual([]);
  expect(second.seen.unseenSince).toBeGreaterThanOrEqual(off);
  await second.stop();

  const third = await begin();
  expect(third.seen.seenAt).toBe(second.seen.seenAt);
  await third.pass(9.9 * DAY);
  expect(await third.alerts()).toEqual([]);
  await third.pass(0.2 * DAY);
  const [alert] = await third.alerts();
  expect(alert).toMatchObject({ rule: "account.phone", subject: ACCOUNT, level: "warning" });
  expect(alert?.text).toMatch(
    /^the phone of sales-1 has confirmed nothing since \d{4}-\d\d-\d\d.*: 4 days are left.*Open WhatsApp/,
  );
  expect(await third.audited()).toEqual(["alert.raised"]);

  await until(() => third.supervisor.isServing());
  owner.switchOn();
  await until(() => third.seen.unseenSince === null);
  await third.pass(60_000);
  expect(await third.alerts()).toEqual([]);
  expect(await third.audited()).toEqual(["alert.resolved", "alert.raised"]);
});

/** One life of a supervisor. Connections live by the clock of this machine; who looks at phones, `day` milliseconds later. */
class Life {
  readonly store: SqliteStore;
  readonly supervisor: Supervisor;
  readonly phones: Phones;
  readonly #loopback: Loopback;
  readonly #watcher: Watcher;
  #timers = new Map<object, () => void>();
  #looks = 0;
  #asked = 0;
  day = 0;

  static async begin(folder: string, loopback: Loopback): Promise<Life> {
    const life = new Life(folder, loopback);
    await life.phones.open();
    await life.supervisor.start();
    life.phones.begin();
    const answer = await life.supervisor.ask("alert.list", { openOnly: true, limit: 10 });
    life.#watcher.begin(answer.kind === "alerts" ? answer.rows : []);
    return life;
  }

  private constructor(folder: string, loopback: Loopback) {
    this.#loopback = loopback;
    const file = join(folder, "acme.db");
    this.store = openSqliteStore({ file, key: Buffer.alloc(32, 1), clock: systemClock });
    const fail = (error: unknown): void => expect.unreachable(String(error));
    this.phones = new Phones({ store: this.store.phones, clock: this.#later, onFault: fail });
    const connections = createBaileysConnections({
      store: this.store,
      clock: systemClock,
      endpoint: { url: loopback.url, rootPublicKey: loopback.rootPublicKey },
      logger,
      nextRequestId: () => `c${++this.#asked}` as RequestId,
      onPhone: (account, at) => this.phones.seen(account, at),
    });
    this.supervisor = new Supervisor({
      node: nodeId("test"),
      config: defaultNodeConfig({
        accounts: [{ id: ACCOUNT, role: "master", devices: [DEVICE] }],
        lines: [{ id: lineId("sales"), masters: [ACCOUNT], servants: [], strategy: "priority" }],
      }),
      store: this.store,
      connections: measured(connections, new Series((account, sentAt) => this.phones.taken(account, sentAt))),
      clock: systemClock,
      logger,
    });
    this.#watcher = new Watcher({
      supervisor: this.supervisor,
      clock: this.#later,
      limits: { ...RULES, "disk.low": { ...RULES["disk.low"], warning: null, critical: null } },
      storeFile: file,
      phone: (account) => this.phones.of(account),
      wall: () => this.#later.now(),
      isPaused: () => false,
      onLook: () => void this.#looks++,
      onFault: fail,
    });
  }

  /** Timers wait for `pass`. */
  readonly #later: Clock = {
    now: () => systemClock.now() + this.day,
    setTimeout: (fire) => {
      const timer = {};
      this.#timers.set(timer, fire);
      return timer;
    },
    clearTimeout: (timer) => void this.#timers.delete(timer as object),
  };

  get seen() {
    return this.phones.of(ACCOUNT);
  }

  /** Looks when the time has come, and again when what then holds has held for long enough. */
  async pass(span: number): Promise<void> {
    for (const part of [span, 11 * 60_000]) {
      this.day += part;
      const due = [...this.#timers.values()];
      const looks = this.#looks;
      this.#timers.clear();
      for (const fire of due) fire();
      await until(() => this.#looks > looks);
    }
  }

  async link(): Promise<void> {
    const offered = Promise.withResolvers<string>();
    this.supervisor.onFact((fact) => fact.kind === "linkOffer" && offered.resolve(fact.offer.text));
    this.supervisor.node.link(DEVICE, { kind: "qr" });
    await this.#loopback.account(NUMBER).scanQr(await offered.promise);
    await until(() => this.supervisor.isServing());
  }

  /** Resolves when WhatsApp has it. */
  async write(text: string): Promise<void> {
    const acked = Promise.withResolvers<void>();
    const stop = this.supervisor.onFact((fact) => fact.kind === "acked" && acked.resolve());
    const to = { lid: null, pn: `${ANA}@s.whatsapp.net` };
    await this.supervisor.accept({ line: lineId("sales"), to, content: { kind: "text", text } });
    await acked.promise;
    stop();
  }

  /** About phones, that hold. */
  async alerts() {
    const answer = await this.supervisor.ask("alert.list", { openOnly: true, limit: 10 });
    return answer.kind === "alerts" ? answer.rows.filter(({ rule }) => rule === "account.phone") : [];
  }
  /** Newest first. */
  async audited(): Promise<string[]> {
    const answer = await this.supervisor.ask("audit.read", { subject: ACCOUNT, limit: 100 });
    return answer.kind === "audit" ? answer.rows.map(({ action }) => action).filter((action) => action.startsWith("alert.")) : [];
  }

  async stop(): Promise<void> {
    this.#watcher.close();
    await this.supervisor.stop();
    await this.phones.stop();
    this.store.close();
  }
}
