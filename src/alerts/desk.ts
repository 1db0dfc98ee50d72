/**
 * Where a running fleet's alerts become notices: what the supervisor says goes into the core, and what comes out is made durable
 * and handed to the couriers. A store that does not answer does not keep people from being told.
 */
import { CHANNEL_RULE, type AlertPolicy } from "../../machines/alerts/policy.ts";
import {
  type Duty,
  type Episode,
  type Notice,
  type NoticesEvent,
  type NoticesState,
  receiveNotices,
  startNotices,
} from "../../machines/alerts/notices.ts";
import type { Silence } from "../../machines/alerts/silence.ts";
import type { Clock } from "../../machines/ports/clock.ts";
import type { Millis } from "../../machines/ports/ids.ts";
import type { AlertLevel, AlertRow, FleetEvent } from "../../machines/ports/records.ts";
import type { Effect } from "../../machines/protocol.ts";
import type { Channel } from "./channels/channel.ts";
import { Courier } from "./courier.ts";
import { missed } from "./reconcile.ts";
import type { AlertStore, Kept, NoticeRow } from "./store.ts";

export interface AlertDeskOptions {
  readonly policy: AlertPolicy;
  readonly channels: readonly Channel[];
  readonly store: AlertStore;
  readonly clock: Clock;
  readonly draw: () => number;
  /** Distinguishes this life from earlier ones: in the ids of notices. */
  readonly life: string;
  /** Carries out what alerts and the audit are told. */
  readonly perform: (effects: readonly Effect[]) => void;
  /** Automatic failover is switched off. */
  readonly isPaused: () => boolean;
  readonly onFault: (error: unknown) => void;
}
export interface Tested {
  readonly channel: string;
  readonly kind: Channel["kind"];
  readonly ok: boolean;
  /** What came of it. */
  readonly outcome: string;
  readonly took: Millis;
}

/** So long the store may keep a notice from going out. */
const DURABLE_WITHIN: Millis = 250;
const REMEMBERED: Millis = 90 * 86_400_000;
const TEST_WITHIN: Millis = 10_000;
/** Changes that a store out of reach is asked to keep later. */
const MOST_UNKEPT = 2000;

export class AlertDesk {
  readonly #options: AlertDeskOptions;
  /** By channel, in the order of the fleet file. */
  #couriers: ReadonlyMap<string, Courier>;
  /** Channels of which an alert says that they fail. */
  readonly #failing = new Set<string>();
  #state: NoticesState;
  #timer: unknown;
  #unkept: Kept = { duties: [], done: [], notices: [] };
  #isClosed = false;
  #tests = 0;

  constructor(options: AlertDeskOptions) {
    this.#options = options;
    this.#couriers = new Map(options.channels.map((channel) => [channel.name, this.#courierFor(channel)]));
    this.#state = this.#started([], []);
  }

  /** Takes up what an earlier life left. Before the fleet starts: nothing it says is missed then. */
  async open(): Promise<readonly AlertRow[]> {
    const { store, clock } = this.#options;
    const { duties, silences, alerts, pending } = await store.load(clock.now() - REMEMBERED);
    this.#state = this.#started(duties, silences);
    for (const row of pending) this.#hand(row);
    for (const { rule, subject, state } of alerts) if (rule === CHANNEL_RULE && state === "open") this.#failing.add(subject);
    for (const event of missed(duties, alerts, clock.now())) this.#receive(event);
    this.#receive({ type: "wake", at: clock.now() });
    return alerts.filter(({ state }) => state === "open");
  }

  /** Once the fleet has started: a channel that the fleet file no longer names does not fail any more. */
  begin(): void {
    for (const name of this.#failing)
      if (!this.#couriers.has(name)) this.#works(name, `the channel ${name} is no longer in the fleet file`);
  }

  /**
   * These channels and this policy from now on. One that goes by a known name goes on with what waits for it, at once if it is another
   * one than before; what waits for one that is gone is given up, and that is in the record.
   */
  change(policy: AlertPolicy, channels: readonly Channel[]): void {
    if (this.#isClosed) return;
    const before = this.#couriers;
    this.#couriers = new Map(channels.map((channel) => [channel.name, before.get(channel.name) ?? this.#courierFor(channel)]));
    this.#receive({ type: "rerouted", at: this.#options.clock.now(), policy, channels: [...this.#couriers.keys()] });
    for (const channel of channels) {
      const known = before.get(channel.name);
      if (known && known.channel !== channel) this.#becomes(known, channel);
    }
    for (const [name, courier] of before) if (!this.#couriers.has(name)) courier.end();
    this.begin();
  }

  #becomes(courier: Courier, channel: Channel): void {
    courier.change(channel);
    // Nothing would say so otherwise, before there is something to tell.
    if (courier.waiting === 0)
      this.#works(channel.name, `the channel ${channel.name} is another one now, and nothing waits for it`);
  }

  /** Everything that the fleet says; what is no alert is passed over. */
  hear({ type, subject, at, data }: FleetEvent): void {
    if (type === "alert.resolved")
      return this.#receive({ type: "resolved", at, key: String(data["key"]), text: String(data["text"]) });
    if (type !== "alert.raised" && type !== "alert.escalated") return;
    const alert: Episode = {
      key: String(data["key"]),
      rule: String(data["rule"]),
      subject,
      level: data["level"] as AlertLevel,
      text: String(data["text"]),
      raisedAt: Number(data["raisedAt"]),
      resolvedAt: null,
    };
    this.#receive({ type: type === "alert.raised" ? "raised" : "escalated", at, alert });
  }

  /** Nothing was said: looks at the clock, at whether the fleet is paused, and keeps what the store has not taken yet. */
  tick(): void {
    this.#receive({ type: "wake", at: this.#options.clock.now() });
    if (this.#unkept.duties.length + this.#unkept.done.length + this.#unkept.notices.length > 0) void this.#keep();
  }

  async acknowledge(alert: AlertRow, by: string): Promise<void> {
    const at = this.#options.clock.now();
    const { key, subject } = alert;
    this.#receive({ type: "acknowledged", at, key, by });
    this.#audit(by, "alert.acknowledged", subject, `${key} was acknowledged`, { key });
    await this.#options.store.acknowledge(alert, at, by);
    const data = { key, by, text: `${by} looks after ${key}` };
    this.#options.perform([{ op: "event", event: { type: "alert.acknowledged", subject, data } }]);
  }

  get silences(): readonly Silence[] {
    const at = this.#options.clock.now();
    return this.#state.silences.filter(({ until }) => until > at);
  }
  async silence(silence: Silence): Promise<void> {
    await this.#options.store.addSilence(silence);
    this.#silence([...this.silences, silence]);
    const { rule, subject, until, why, by } = silence;
    const what = `${rule ?? "every rule"} about ${subject ?? "anybody"}`;
    const text = `${what} is silenced until ${new Date(until).toISOString()}${why === "" ? "" : `: ${why}`}`;
    this.#audit(by, "alert.silenced", subject ?? "fleet", text, { id: silence.id, rule, subject, until });
  }
  async unsilence(silence: Silence, by: string): Promise<void> {
    await this.#options.store.endSilence(silence.id, this.#options.clock.now());
    this.#silence(this.silences.filter(({ id }) => id !== silence.id));
    this.#audit(by, "alert.unsilenced", silence.subject ?? "fleet", `the silence ${silence.id} was ended`, { id: silence.id });
  }

  /** Through each channel at once, past whatever waits there. */
  async test(only: string | null, by: string): Promise<readonly Tested[]> {
    const { clock, life } = this.#options;
    const at = clock.now();
    const id = `${life}.test${++this.#tests}`;
    const alert: Episode = {
      key: "alerts.test:fleet",
      rule: "alerts.test",
      subject: "fleet",
      level: "warning",
      text: "this is a test of the fleet's alerts: nothing is wrong",
      raisedAt: at,
      resolvedAt: null,
    };
    const channels = [...this.#couriers.values()].map(({ channel }) => channel);
    const tried = channels.filter(({ name }) => only === null || name === only);
    const tested = await Promise.all(
      tried.map(async (channel) => {
        const { name, kind } = channel;
        const notice: Notice = { id, at, channel: name, items: [{ ...alert, kind: "raised", flaps: false }] };
        const told = (ok: boolean, outcome: string): Tested => ({ channel: name, kind, ok, outcome, took: clock.now() - at });
        try {
          return told(true, await channel.deliver(notice, AbortSignal.timeout(TEST_WITHIN)));
        } catch (error) {
          return told(false, error instanceof Error ? error.message : String(error));
        }
      }),
    );
    const failed = tested.filter(({ ok }) => !ok).map(({ channel }) => channel);
    const text = `a test was sent through ${tested.map(({ channel }) => channel).join(", ")}`;
    this.#audit(by, "alert.tested", "fleet", text, { failed: failed.join(", ") || null });
    return tested;
  }

  get channels(): readonly {
    readonly name: string;
    readonly kind: Channel["kind"];
    readonly waiting: number;
    readonly failing: boolean;
  }[] {
    return [...this.#couriers.values()].map(({ channel: { name, kind }, waiting }) => ({
      name,
      kind,
      waiting,
      failing: this.#failing.has(name),
    }));
  }

  close(): void {
    this.#isClosed = true;
    this.#options.clock.clearTimeout(this.#timer);
    for (const courier of this.#couriers.values()) courier.close();
  }

  // ---- the core --------------------------------------------------------------------------------------------------------

  #started(duties: readonly Duty[], silences: readonly Silence[]): NoticesState {
    const { policy, life, clock } = this.#options;
    return startNotices({ policy, channels: [...this.#couriers.keys()], life, at: clock.now(), duties, silences });
  }

  #receive(event: NoticesEvent): void {
    if (this.#isClosed) return;
    const { isPaused } = this.#options;
    const before = this.#state;
    const notices: Notice[] = [];
    const step = (next: NoticesEvent): void => {
      const { state, notices: out, wakeAt } = receiveNotices(this.#state, next);
      this.#state = state;
      notices.push(...out);
      this.#wakeAt(wakeAt);
    };
    const paused = isPaused();
    if (paused !== before.isPaused) step({ type: "paused", at: event.at, isPaused: paused });
    step(event);
    const change = changed(before, this.#state, notices);
    if (change.duties.length + change.done.length + change.notices.length === 0) return;
    this.#unkept = together(this.#unkept, change);
    void this.#publish(notices);
  }

  /** Durable first; but a store that is slow or out of reach keeps nobody from being told. */
  async #publish(notices: readonly Notice[]): Promise<void> {
    const { clock } = this.#options;
    const late = Promise.withResolvers<void>();
    const timer = clock.setTimeout(late.resolve, DURABLE_WITHIN);
    await Promise.race([this.#keep(), late.promise]);
    clock.clearTimeout(timer);
    for (const notice of notices) this.#hand(notice);
  }

  #wakeAt(at: Millis | null): void {
    const { clock } = this.#options;
    clock.clearTimeout(this.#timer);
    // Timers of the platform take no longer spans; it is looked at every few seconds besides.
    if (at !== null) this.#timer = clock.setTimeout(() => this.tick(), Math.min(Math.max(0, at - clock.now()), 86_400_000));
  }

  /** Never rejects: what was not kept is kept with what comes next. */
  async #keep(): Promise<void> {
    const change = this.#unkept;
    this.#unkept = { duties: [], done: [], notices: [] };
    try {
      await this.#options.store.keep(change);
    } catch (error) {
      this.#unkept = together(change, this.#unkept);
      if (!this.#isClosed) this.#options.onFault(error);
    }
  }

  #silence(silences: readonly Silence[]): void {
    this.#receive({ type: "silences", at: this.#options.clock.now(), silences });
  }

  // ---- channels --------------------------------------------------------------------------------------------------------

  #hand(notice: Notice | NoticeRow): void {
    const courier = this.#couriers.get(notice.channel);
    if (courier) courier.take(notice);
    else this.#giveUp({ attempts: 0, ...notice });
  }

  /** Its channel is gone. */
  #giveUp(notice: Notice & Pick<NoticeRow, "attempts">): void {
    // The next life gives it up.
    if (this.#isClosed) return;
    const at = this.#options.clock.now();
    this.#receive({ type: "givenUp", at, notice });
    this.#note({ ...notice, state: "failed", outcome: "there is no such channel any more", endedAt: at });
  }

  #courierFor(channel: Channel): Courier {
    const { clock, draw } = this.#options;
    return new Courier({
      channel,
      clock,
      draw,
      onAttempt: (row) => this.#note(row),
      onGivenUp: (row) => this.#giveUp(row),
      onHealth: (why) => this.#onHealth(channel.name, why),
    });
  }

  #note(row: NoticeRow): void {
    if (this.#isClosed && row.state === "pending") return;
    this.#options.store.attempted(row).catch((error: unknown) => {
      if (!this.#isClosed) this.#options.onFault(error);
    });
  }

  #onHealth(name: string, why: string | null): void {
    if (this.#isClosed) return;
    if (why === null) return this.#works(name, `the channel ${name} takes notices again`);
    if (this.#failing.has(name)) return;
    this.#failing.add(name);
    const key = `${CHANNEL_RULE}:${name}`;
    const text = `notices do not get through the channel ${name}: ${why}. They wait and are tried again; try it with "greenroom alerts test"`;
    this.#options.perform([{ op: "raise", key, rule: CHANNEL_RULE, subject: name, level: "warning", text }]);
  }

  #works(name: string, text: string): void {
    if (this.#failing.delete(name)) this.#options.perform([{ op: "resolve", key: `${CHANNEL_RULE}:${name}`, text }]);
  }

  #audit(
    by: string,
    action: string,
    subject: string,
    text: string,
    evidence: Readonly<Record<string, string | number | null>>,
  ): void {
    this.#options.perform([{ op: "audit", entry: { actor: `operator:${by}`, action, subject, text, evidence } }]);
  }
}

const dutiesOf = ({ past, duties }: NoticesState): readonly Duty[] => [...past, ...duties.values()];
const idOf = ({ alert: { key, raisedAt } }: Duty): string => `${key} ${raisedAt}`;

const changed = (before: NoticesState, after: NoticesState, notices: readonly Notice[]): Kept => {
  const was = new Map(dutiesOf(before).map((duty) => [idOf(duty), duty]));
  const is = new Map(dutiesOf(after).map((duty) => [idOf(duty), duty]));
  return {
    duties: [...is].filter(([id, duty]) => was.get(id) !== duty).map(([, duty]) => duty),
    done: [...was].filter(([id]) => !is.has(id)).map(([, duty]) => duty),
    notices,
  };
};

/** The later word about an alert takes the place of the earlier one. */
const together = (one: Kept, other: Kept): Kept => {
  const later = new Set([...other.duties, ...other.done].map(idOf));
  const stays = (duty: Duty): boolean => !later.has(idOf(duty));
  return {
    duties: [...one.duties.filter(stays), ...other.duties].slice(-MOST_UNKEPT),
    done: [...one.done.filter(stays), ...other.done].slice(-MOST_UNKEPT),
    notices: [...one.notices, ...other.notices].slice(-MOST_UNKEPT),
  };
};
