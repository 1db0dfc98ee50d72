/** The desk of alerts over a real store, in a fleet that says what it is told to and can be killed. Channels are made up. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Notice } from "../../machines/alerts/notices.ts";
import { FLAPPING } from "../../machines/alerts/flapping.ts";
import type { AlertPolicy } from "../../machines/alerts/policy.ts";
import type { RequestId } from "../../machines/ports/ids.ts";
import type { AlertLevel, AlertRow } from "../../machines/ports/records.ts";
import type { Effect } from "../../machines/protocol.ts";
import { openSqliteStore, type SqliteStore } from "../../src/adapters/sqlite/store.ts";
import { type Channel, ChannelError } from "../../src/alerts/channels/channel.ts";
import { AlertDesk } from "../../src/alerts/desk.ts";
import type { AlertStore } from "../../src/alerts/store.ts";
import { HandClock } from "./kit.ts";

export const POLICY: AlertPolicy = {
  channels: { warning: ["ops"], critical: ["ops", "chat"] },
  escalation: { after: 600_000, to: ["chat"] },
  flapping: FLAPPING,
  rules: {},
};

type Keep = AlertStore["keep"];
interface Options {
  readonly keep?: (change: Parameters<Keep>[0], keep: Keep) => Promise<void>;
}

export const begun = async (options: Options = {}): Promise<Fleet> => {
  const folder = mkdtempSync(join(tmpdir(), "greenroom-desk-"));
  const clock = new HandClock();
  const store = openSqliteStore({ file: join(folder, "g.db"), key: new Uint8Array(32).fill(7), clock });
  const fleet = new Fleet(store, clock, options);
  onTestFinished(() => {
    fleet.desk.close();
    store.close();
    rmSync(folder, { recursive: true, force: true });
  });
  await fleet.live();
  return fleet;
};

export class Fleet {
  readonly clock: HandClock;
  readonly alerts: AlertStore;
  readonly failing = new Set<string>();
  readonly tried: Notice[] = [];
  readonly taken: Notice[] = [];
  readonly performed: Effect[] = [];
  readonly faults: unknown[] = [];
  isPaused = false;
  policy = POLICY;
  /** Their names; `ops@new` is a channel `ops` that has become another one, and fails, is tried and takes notices as that. */
  channels = ["ops", "chat"];
  /** Those that say, when they fail, that another try would be in vain. */
  readonly final = new Set<string>();
  /** What such a one has to answer waits for that. */
  readonly slow = new Map<string, Promise<void>>();
  readonly #built = new Map<string, Channel>();
  desk: AlertDesk;
  readonly #store: SqliteStore;
  readonly #options: Options;
  #lives = 0;
  #asked = 0;
  #said = 0;
  /** The supervisor is there and hears what the fleet says. */
  #isUp = true;

  constructor(store: SqliteStore, clock: HandClock, options: Options) {
    this.#store = store;
    this.clock = clock;
    this.alerts = store.alerts;
    this.#options = options;
    this.desk = this.#desk();
  }

  async live(): Promise<void> {
    await this.desk.open();
  }
  /** kill -9, `meanwhile`, and another life. */
  async die(meanwhile?: () => Promise<void>): Promise<void> {
    await this.clock.pass(0);
    await this.kill(meanwhile);
  }
  /** The same at once, whatever the store has not done yet. */
  async kill(meanwhile?: () => Promise<void>): Promise<void> {
    this.desk.close();
    this.#isUp = false;
    await meanwhile?.();
    this.#isUp = true;
    this.desk = this.#desk();
    await this.live();
  }

  /** Who is told from now on. */
  change(channels: readonly string[], policy: AlertPolicy = this.policy): void {
    [this.channels, this.policy] = [[...channels], policy];
    this.desk.change(policy, this.#channels());
  }

  async raise(rule: string, subject: string, level: AlertLevel = "warning"): Promise<void> {
    const raisedAt = this.clock.now();
    const key = `${rule}:${subject}`;
    const row: AlertRow = {
      key,
      rule,
      subject,
      level,
      state: "open",
      text: `${subject}: ${rule}`,
      raisedAt,
      resolvedAt: null,
      repeats: 0,
    };
    await this.#record(row);
    if (this.#isUp)
      this.desk.hear({ at: raisedAt, type: "alert.raised", subject, data: { key, rule, level, text: row.text, raisedAt } });
  }
  /** Told to nobody: it is in the record. */
  async worsen(rule: string, subject: string): Promise<void> {
    const row = await this.#open(`${rule}:${subject}`);
    if (row) await this.#record({ ...row, level: "critical", repeats: 1 });
  }
  async resolve(rule: string, subject: string): Promise<void> {
    const key = `${rule}:${subject}`;
    const row = await this.#open(key);
    if (!row) return;
    const at = this.clock.now();
    await this.#record({ ...row, state: "resolved", resolvedAt: at, text: `${subject} is well` });
    if (this.#isUp) this.desk.hear({ at, type: "alert.resolved", subject, data: { key, rule, text: `${subject} is well` } });
  }

  history(search: object = {}) {
    return this.alerts.history({ rule: null, subject: null, from: null, to: null, openOnly: false, limit: 1000, ...search });
  }
  /** Since the last look. */
  told(): string[] {
    const fresh = this.taken.slice(this.#said);
    this.#said = this.taken.length;
    return fresh.flatMap(({ channel, items }) => items.map(({ kind, key }) => `${channel} ${kind} ${key}`));
  }
  get audits(): string[] {
    return this.performed.flatMap((effect) =>
      effect.op === "audit" ? [`${effect.entry.actor} ${effect.entry.action} ${effect.entry.subject}`] : [],
    );
  }

  async #open(key: string): Promise<AlertRow | undefined> {
    const open = (await this.history({ openOnly: true })).find((each) => each.key === key);
    if (!open) return undefined;
    const { acknowledged: _, ...row } = open;
    return row;
  }
  #record(alert: AlertRow): Promise<unknown> {
    const reqId = `t${++this.#asked}` as RequestId;
    return new Promise((resolve) => this.#store.ask({ op: "alert.record", reqId, alert, audit: null }, resolve));
  }

  #desk(): AlertDesk {
    const { keep } = this.#options;
    return new AlertDesk({
      policy: this.policy,
      channels: this.#channels(),
      store: keep ? { ...this.alerts, keep: (change) => keep(change, (kept) => this.alerts.keep(kept)) } : this.alerts,
      clock: this.clock,
      draw: () => 0.5,
      life: `l${++this.#lives}`,
      perform: (effects) => {
        for (const effect of effects) this.#perform(effect);
      },
      isPaused: () => this.isPaused,
      onFault: (error) => this.faults.push(error),
    });
  }
  #perform(effect: Effect): void {
    this.performed.push(effect);
    if (effect.op === "raise") void this.raise(effect.rule, effect.subject, effect.level);
    else if (effect.op === "resolve") void this.resolve("alerts.channel", effect.key.slice("alerts.channel:".length));
  }
  #channels(): Channel[] {
    return this.channels.map((way) => {
      const channel = this.#built.get(way) ?? this.#channel(way);
      this.#built.set(way, channel);
      return channel;
    });
  }
  #channel(way: string): Channel {
    return {
      name: way.split("@")[0] ?? way,
      kind: "webhook",
      deliver: async (given) => {
        this.tried.push({ ...given, channel: way });
        await this.slow.get(way);
        if (this.failing.has(way)) throw new ChannelError("it answered 500", undefined, this.final.has(way));
        this.taken.push({ ...given, channel: way });
        return "taken";
      },
    };
  }
}
