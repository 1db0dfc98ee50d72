/**
 * From the alerts that run to those of a fleet file: what differs, in an operator's words. Pure. As with webhooks it matters what a
 * secret says. Nothing of that is shown, and no address and no number of a person either.
 */
import { isDeepStrictEqual } from "node:util";
import type { Escalation } from "../../machines/alerts/policy.ts";
import { isWatched } from "../../machines/alerts/rules.ts";
import type { Millis } from "../../machines/ports/ids.ts";
import type { AlertsConfig, ChannelConfig } from "./alerts.ts";
import type { FleetDifference } from "./diff.ts";
import { formatDuration } from "./duration.ts";
import type { Secret } from "./secret.ts";

export const changesOfAlerts = (from: AlertsConfig, to: AlertsConfig): readonly FleetDifference[] => [
  ...to.channels.filter(isMissingIn(from)).map((each) => change(each, `is added: ${each.kind}`)),
  ...from.channels.filter(isMissingIn(to)).map((each) => change(each, "is removed: what waits for it is given up")),
  ...to.channels.flatMap((each) => from.channels.filter(({ name }) => name === each.name).flatMap((old) => changesOf(old, each))),
  ...differences(generalOf(from), generalOf(to)).map((text) => ({ subject: "alerts:fleet", text: `alerts: ${text}` })),
  ...rulesOf(from, to).flatMap((rule) =>
    differences(ruleOf(from, rule), ruleOf(to, rule)).map((text) => ({
      subject: `alerts:${rule}`,
      text: `alerts: ${rule}: ${text}`,
    })),
  ),
];

export const isSameChannel = (one: ChannelConfig, other: ChannelConfig): boolean =>
  one.name === other.name && changesOf(one, other).length === 0;

const isMissingIn =
  ({ channels }: AlertsConfig) =>
  ({ name }: ChannelConfig): boolean =>
    !channels.some((known) => known.name === name);

/** Nothing of a fleet can be called so: whoever may hear of one account or line only, hears nothing of a channel. */
const change = ({ name }: ChannelConfig, text: string): FleetDifference => ({
  subject: `channel:${name}`,
  text: `channel ${name} ${text}`,
});

const changesOf = (old: ChannelConfig, other: ChannelConfig): FleetDifference[] =>
  old.kind === other.kind
    ? differences(channelAspects(old), channelAspects(other)).map((text) => change(other, text))
    : [change(other, `is of the kind ${other.kind} (now ${old.kind})`)];

/** One thing that may differ. `hidden` counts, and is not shown. */
interface Aspect {
  readonly does: string;
  readonly what: string;
  readonly hidden?: unknown;
}

/** Both have the same aspects, in the same order. */
const differences = (old: readonly Aspect[], other: readonly Aspect[]): string[] =>
  other.flatMap((aspect, place) => {
    const was = old[place];
    if (was === undefined || isDeepStrictEqual(was, aspect)) return [];
    const now = was.what === aspect.what ? ", where something that is not shown has changed" : ` (now ${was.what})`;
    return [`${aspect.does} ${aspect.what}${now}`];
  });

const channelAspects = (channel: ChannelConfig): readonly Aspect[] => {
  switch (channel.kind) {
    case "webhook":
      return [addressAspect(channel.url), secretAspect(channel.secret)];
    case "slack":
      return [addressAspect(channel.url)];
    case "whatsapp":
      return [
        {
          does: "writes to",
          what: `${channel.to.length} ${channel.to.length === 1 ? "recipient" : "recipients"}`,
          hidden: channel.to,
        },
        { does: "goes through", what: channel.lines.join(", ") || "any line" },
      ];
    case "plugin":
      return [];
  }
};

const addressAspect = (url: string | Secret): Aspect =>
  typeof url === "string"
    ? { does: "posts to", what: "an address in the fleet file", hidden: url }
    : { does: "posts to", what: url.reference, hidden: url.reveal() };
const secretAspect = (secret: Secret | null): Aspect => ({
  does: "is signed with",
  what: secret?.reference ?? "nothing",
  hidden: secret?.reveal(),
});

const generalOf = ({ policy: { channels, escalation, flapping } }: AlertsConfig): readonly Aspect[] => [
  { does: "warnings go to", what: names(channels.warning) },
  { does: "critical alerts go to", what: names(channels.critical) },
  { does: "what nobody acknowledges goes", what: escalationText(escalation) },
  {
    does: "what comes and goes does so",
    what: `${flapping.times} times within ${formatDuration(flapping.within)}, until it is steady for ${formatDuration(flapping.steady)}`,
  },
];

const rulesOf = (...both: readonly AlertsConfig[]): string[] => [
  ...new Set(both.flatMap(({ limits, policy }) => [...Object.keys(limits), ...Object.keys(policy.rules)])),
];

const ruleOf = ({ policy, limits }: AlertsConfig, rule: string): readonly Aspect[] => {
  const { channels, holds = 0, escalation } = policy.rules[rule] ?? {};
  const measured = isWatched(rule) ? limits[rule] : null;
  const limit = (value: number | null | undefined): string =>
    typeof value === "number" ? `${measured?.isLow ? "below" : "above"} ${value}` : "never";
  return [
    ...(measured ? (["warning", "critical"] as const).map((level) => ({ does: level, what: limit(measured[level]) })) : []),
    { does: "has to hold for", what: spanText(measured?.holds ?? holds) },
    { does: "warnings go to", what: channels?.warning ? names(channels.warning) : AS_OTHERS },
    { does: "critical alerts go to", what: channels?.critical ? names(channels.critical) : AS_OTHERS },
    { does: "what nobody acknowledges goes", what: escalation === undefined ? AS_OTHERS : escalationText(escalation) },
  ];
};

const AS_OTHERS = "where it goes for all rules";
const spanText = (span: Millis): string => (span === 0 ? "no time" : formatDuration(span));
const names = (channels: readonly string[]): string => channels.join(", ") || "nobody";
const escalationText = (escalation: Escalation | null): string =>
  escalation && escalation.to.length > 0 ? `to ${names(escalation.to)} after ${formatDuration(escalation.after)}` : "to nobody";
