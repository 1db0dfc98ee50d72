/** Who is told of which alert, at which level, and after how long: data, with defaults that do without any. */
import type { Millis } from "../ports/ids.ts";
import type { AlertLevel } from "../ports/records.ts";
import type { Flapping } from "./flapping.ts";

export interface Escalation {
  /** Nobody has acknowledged for so long. */
  readonly after: Millis;
  readonly to: readonly string[];
}
/** Of one rule. What is left out is as for all rules. */
export interface Routing {
  readonly channels?: Partial<Readonly<Record<AlertLevel, readonly string[]>>>;
  /** An alert that ends sooner is told to nobody. It is in the record all the same. */
  readonly holds?: Millis;
  /** null: is never told a second time. */
  readonly escalation?: Escalation | null;
}
export interface AlertPolicy {
  readonly channels: Readonly<Record<AlertLevel, readonly string[]>>;
  /** Of critical alerts. */
  readonly escalation: Escalation | null;
  readonly flapping: Flapping;
  readonly rules: Readonly<Record<string, Routing>>;
}

/** Many links fell silent together: it is told in place of each of them. */
const OUTAGE = "fleet.outage";
/** What makes many others fail, or shows that they do: while it holds, what comes with it is gathered. */
const CAUSES: ReadonlySet<string> = new Set([OUTAGE, "fleet.brake"]);
/** What such a cause brings about. */
const SYMPTOMS = /^(device|seat|queue|ack|error|standby)\.|^account\.checkup$/;
/** Says that something is left undone during a pause: a pause must not hide it. */
const THROUGH_A_PAUSE: ReadonlySet<string> = new Set(["fleet.paused"]);
/** Raised when a channel fails: its subject is the channel. */
export const CHANNEL_RULE = "alerts.channel";

export const isCause = (rule: string): boolean => CAUSES.has(rule);
export const isSymptom = (rule: string): boolean => SYMPTOMS.test(rule);
export const isOutage = (rule: string): boolean => rule === OUTAGE;
/** Silence is what an outage brings about. That a device or an account is refused for good has a cause of its own. */
export const isOfOutage = ({ rule, level }: { readonly rule: string; readonly level: AlertLevel }): boolean =>
  isSymptom(rule) && !(OF_SOMEBODY.test(rule) && level === "critical");
/** About one device or account: the first word about it waits for no others, whatever else goes on. */
const OF_SOMEBODY = /^(device|account)\./;
export const isOfSomebody = (rule: string): boolean => OF_SOMEBODY.test(rule);
export const goesThroughPause = (rule: string): boolean => THROUGH_A_PAUSE.has(rule);

interface About {
  readonly rule: string;
  readonly subject: string;
  readonly level: AlertLevel;
}

/** A channel is never told that it has failed: it could not say so, and would fail again. */
const able = ({ rule, subject }: About, channels: readonly string[]): readonly string[] =>
  rule === CHANNEL_RULE ? channels.filter((channel) => channel !== subject) : channels;

export const channelsOf = (policy: AlertPolicy, about: About): readonly string[] =>
  able(about, policy.rules[about.rule]?.channels?.[about.level] ?? policy.channels[about.level]);

export const escalationOf = (policy: AlertPolicy, about: About): Escalation | null => {
  const own = policy.rules[about.rule]?.escalation;
  const escalation = own === undefined ? (about.level === "critical" ? policy.escalation : null) : own;
  return escalation && { ...escalation, to: able(about, escalation.to) };
};

export const holdOf = (policy: AlertPolicy, rule: string): Millis => policy.rules[rule]?.holds ?? 0;
