/** Alerts as the fleet file wants them: channels with their secrets looked up, and the policy and limits of all rules. */
import { FLAPPING } from "../../machines/alerts/flapping.ts";
import type { AlertPolicy, Escalation, Routing } from "../../machines/alerts/policy.ts";
import { isWatched, RULES, type WatchedRule } from "../../machines/alerts/rules.ts";
import type { Limits } from "../../machines/alerts/watch.ts";
import { TERMINAL } from "../alerts/channels/terminal.ts";
import type { AlertsInput } from "./alerts-schema.ts";
import type { Fault } from "./issues.ts";
import { REFERENCE, resolveSecret, type Secret } from "./secret.ts";
import { isHttp } from "./web-address.ts";

export type ChannelConfig = { readonly name: string } & (
  | { readonly kind: "webhook"; readonly url: string | Secret; readonly secret: Secret | null }
  | { readonly kind: "slack"; readonly url: Secret }
  | { readonly kind: "plugin" }
  | { readonly kind: "whatsapp"; readonly to: readonly string[]; readonly lines: readonly string[] }
);
export interface AlertsConfig {
  /** Besides the terminal. */
  readonly channels: readonly ChannelConfig[];
  readonly policy: AlertPolicy;
  readonly limits: Readonly<Record<WatchedRule, Limits>>;
  /** The section as it was written; null: there was none. */
  readonly written: Readonly<Record<string, unknown>> | null;
}
type Env = Readonly<Record<string, string | undefined>>;

/** `given`: the section, checked; `written`: the same as it stands in the file. */
export const alertsOf = (
  given: AlertsInput | undefined,
  written: AlertsConfig["written"],
  folder: string,
  env: Env,
): { readonly alerts: AlertsConfig; readonly faults: readonly Fault[] } => {
  const faults: Fault[] = [];
  const secretAt = (channel: string, key: string, reference: string): Secret | null => {
    const found = resolveSecret(reference, folder, env);
    if (typeof found !== "string") return found;
    faults.push({ path: ["alerts", "channels", channel, key], about: "value", message: found });
    return null;
  };
  const channels = Object.entries(given?.channels ?? {}).flatMap(([name, channel]): ChannelConfig[] => {
    if (channel.kind === "whatsapp") return [{ name, kind: "whatsapp", to: channel.to, lines: channel.lines }];
    if (channel.kind === "plugin") return [{ name, kind: "plugin" }];
    const url = REFERENCE.test(channel.url) ? secretAt(name, "url", channel.url) : channel.url;
    if (url === null) return [];
    if (typeof url !== "string" && !isHttp(url.reveal()))
      faults.push({
        path: ["alerts", "channels", name, "url"],
        about: "value",
        message: `${url.reference} holds no http:// or https:// address`,
      });
    if (channel.kind === "slack") return typeof url === "string" ? [] : [{ name, kind: "slack", url }];
    const secret = channel.secret === undefined ? null : secretAt(name, "secret", channel.secret);
    return [{ name, kind: "webhook", url, secret }];
  });
  return { alerts: { channels, policy: policyOf(given, channels), limits: limitsOf(given), written }, faults };
};

export const secretsOfChannels = ({ channels }: AlertsConfig): Secret[] =>
  channels.flatMap((channel) => [
    ...("url" in channel && typeof channel.url !== "string" ? [channel.url] : []),
    ...("secret" in channel && channel.secret ? [channel.secret] : []),
  ]);

const policyOf = (given: AlertsInput | undefined, channels: readonly ChannelConfig[]): AlertPolicy => {
  const all = [TERMINAL, ...channels.map(({ name }) => name)];
  const quiet = [TERMINAL, ...channels.filter(({ kind }) => kind !== "whatsapp").map(({ name }) => name)];
  const escalation = ({ after, to }: NonNullable<AlertsInput["escalate"]>): Escalation => ({ after, to: to ?? all });
  const rules = Object.entries(given?.rules ?? {}).map(([rule, settings]): [string, Routing] => [
    rule,
    {
      channels: {
        ...(settings.channels?.warning ? { warning: settings.channels.warning } : {}),
        ...(settings.channels?.critical ? { critical: settings.channels.critical } : {}),
      },
      // One that is measured has to hold before it is raised.
      ...(settings.for !== undefined && !isWatched(rule) ? { holds: settings.for } : {}),
      ...(settings.escalate ? { escalation: escalation(settings.escalate) } : {}),
    },
  ]);
  return {
    channels: { warning: given?.warning ?? quiet, critical: given?.critical ?? all },
    escalation: escalation(given?.escalate ?? { after: 600_000 }),
    flapping: given?.flapping ?? FLAPPING,
    rules: Object.fromEntries(rules),
  };
};

const limitsOf = (given: AlertsInput | undefined): AlertsConfig["limits"] =>
  Object.fromEntries(
    Object.entries(RULES).map(([rule, { isLow, warning, critical, holds }]) => {
      const own = given?.rules[rule];
      const limit = (value: number | null | undefined, otherwise: number | null) => (value === undefined ? otherwise : value);
      return [
        rule,
        { isLow, warning: limit(own?.warning, warning), critical: limit(own?.critical, critical), holds: own?.for ?? holds },
      ];
    }),
  ) as AlertsConfig["limits"];
