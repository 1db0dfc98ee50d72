/** The core of alerts on a clock that moves when it is told to: what happens goes in, and what was told is remembered. */
import {
  type Duty,
  type Episode,
  type Item,
  type Notice,
  type NoticesEvent,
  type NoticesState,
  receiveNotices,
  startNotices,
} from "../../machines/alerts/notices.ts";
import { FLAPPING } from "../../machines/alerts/flapping.ts";
import { type AlertPolicy, channelsOf } from "../../machines/alerts/policy.ts";
import type { AlertLevel } from "../../machines/ports/records.ts";

export const POLICY: AlertPolicy = {
  channels: { warning: ["ops"], critical: ["ops", "phone"] },
  escalation: { after: 600_000, to: ["phone", "boss"] },
  flapping: FLAPPING,
  rules: { "device.unreachable": { holds: 20_000 } },
};
const CHANNELS = ["ops", "phone", "boss"];

export class Desk {
  now = 1_000_000;
  notices: Notice[] = [];
  readonly open = new Map<string, AlertLevel>();
  #state: NoticesState;
  #raisedAt = new Map<string, number>();
  #wakeAt: number | null = null;
  #said = 0;
  #lives = 0;

  constructor(policy = POLICY) {
    this.#state = startNotices({ policy, channels: CHANNELS, life: "l0", at: this.now, duties: [], silences: [] });
  }
  send(event: NoticesEvent): void {
    const { state, notices, wakeAt } = receiveNotices(this.#state, event);
    this.#state = state;
    this.#wakeAt = wakeAt;
    this.notices.push(...notices);
  }
  raise(alertKey: string, level: AlertLevel, subject = alertKey.slice(alertKey.indexOf(":") + 1)): void {
    // Two alerts of one key never begin in one instant: between them is an end.
    if (!this.open.has(alertKey)) this.pass(1);
    const isOpen = this.open.has(alertKey);
    if (!isOpen) this.#raisedAt.set(alertKey, this.now);
    const known = this.open.get(alertKey);
    this.open.set(alertKey, known === "critical" ? known : level);
    const alert: Episode = {
      key: alertKey,
      rule: alertKey.slice(0, alertKey.indexOf(":")),
      subject,
      level,
      text: "text",
      raisedAt: this.#raisedAt.get(alertKey) ?? this.now,
      resolvedAt: null,
    };
    this.send({ type: isOpen ? "escalated" : "raised", at: this.now, alert });
  }
  resolve(alertKey: string): void {
    if (!this.open.delete(alertKey)) return;
    this.send({ type: "resolved", at: this.now, key: alertKey, text: "over" });
  }
  /** Resolved and raised again in the very instant in which it was raised. */
  flicker(alertKey: string): void {
    const [duty] = this.owed();
    if (!duty || duty.alert.raisedAt !== this.now) throw new Error(`${alertKey} was not raised in this instant`);
    this.send({ type: "resolved", at: this.now, key: alertKey, text: "over" });
    this.send({ type: "raised", at: this.now, alert: duty.alert });
  }
  reroute(policy: AlertPolicy, channels: readonly string[]): void {
    this.send({ type: "rerouted", at: this.now, policy, channels });
  }
  get channels(): readonly string[] {
    return this.#state.channels;
  }
  /** Whether such a channel is to hear of an alert of that level, as things are. */
  isTold(channel: string, alertKey: string, level: AlertLevel): boolean {
    const [rule = "", subject = ""] = alertKey.split(":");
    return this.channels.includes(channel) && channelsOf(this.#state.policy, { rule, subject, level }).includes(channel);
  }
  silence(subject: string, length: number): void {
    const silence = { id: `s${this.now}`, rule: null, subject, from: this.now, until: this.now + length, by: "ann", why: "" };
    this.send({ type: "silences", at: this.now, silences: [...this.#state.silences, silence] });
  }
  /** What was owed is all that the next life knows. */
  restart(setBack = 0): void {
    const { policy, channels, silences, isPaused } = this.#state;
    const life = `l${++this.#lives}`;
    this.now -= setBack;
    this.#state = startNotices({ policy, channels, life, at: this.now, duties: this.owed(), silences });
    this.send({ type: "paused", at: this.now, isPaused });
  }
  owed(): readonly Duty[] {
    return [...this.#state.past, ...this.#state.duties.values()];
  }
  pass(span: number): void {
    this.passTo(this.now + span);
  }
  passTo(end: number): void {
    while (this.#wakeAt !== null && this.#wakeAt <= end) {
      this.now = Math.max(this.now, this.#wakeAt);
      this.send({ type: "wake", at: this.now });
    }
    this.now = end;
  }
  /** How long the beginning of such alerts took to be told. */
  slowest(isMeant: (item: Item) => boolean): number {
    const told = this.notices.flatMap(({ at, items }) => items.map((item) => ({ at, item })));
    const waits = told.flatMap(({ at, item }) => (isMeant(item) && item.kind === "raised" ? [at - item.raisedAt] : []));
    return Math.max(...waits, 0);
  }
  /** Since the last look. */
  said(): string[] {
    const fresh = this.notices.slice(this.#said);
    this.#said = this.notices.length;
    return fresh.flatMap(({ channel, items }) =>
      items.map(({ kind, level, key: about, flaps }) => `${channel}: ${kind} ${level} ${about}${flaps ? " flapping" : ""}`),
    );
  }
}
