/**
 * From the webhooks that run to those of a fleet file: what differs, in an operator's words. Pure. Here it matters what a secret says,
 * not only where it comes from: a file with another one in it is a change. None of it is shown.
 */
import { shownAddress } from "../webhooks/address.ts";
import type { FleetDifference } from "./diff.ts";
import type { Secret } from "./secret.ts";
import type { WebhookSetting } from "./webhooks.ts";

type Webhooks = readonly WebhookSetting[];

export const changesOfWebhooks = (from: Webhooks, to: Webhooks): readonly FleetDifference[] => [
  ...to.filter(isMissingIn(from)).map((each) => change(each, ` is added, to ${shown(each.url)}`)),
  ...from
    .filter(isMissingIn(to))
    .map((each) =>
      change(each, " is removed; what it has not got is there for one of its name, as long as inbox and events are kept"),
    ),
  ...to.flatMap((each) => from.filter(({ name }) => name === each.name).flatMap((old) => changesOf(old, each))),
];

const isMissingIn =
  (known: Webhooks) =>
  ({ name }: WebhookSetting): boolean =>
    !known.some((each) => each.name === name);

/** No line, account or device can be called so: whoever may hear of one of these only, hears nothing of a webhook. */
const change = ({ name }: WebhookSetting, text: string): FleetDifference => ({
  subject: `webhook:${name}`,
  text: `webhook ${name}${text}`,
});

const changesOf = (old: WebhookSetting, other: WebhookSetting): FleetDifference[] => [
  ...(value(old.url) === value(other.url) ? [] : [change(other, instead("goes to", shown(other.url), shown(old.url)))]),
  ...(said(old.secrets.map(value)) === said(other.secrets.map(value))
    ? []
    : [change(other, instead("is signed with", signers(other), signers(old)))]),
  ...(["events", "lines", "allowPrivate", "concurrency"] as const)
    .filter((key) => said(old[key]) !== said(other[key]))
    .map((key) => change(other, `: ${key} changes from ${said(old[key])} to ${said(other[key])}`)),
];

const instead = (does: string, next: string, now: string): string =>
  next === now ? ` ${does} ${next}, where something that is not shown has changed` : ` ${does} ${next} (now ${now})`;

const said = (data: unknown): string => JSON.stringify(data);
const value = (of: string | Secret): string => (typeof of === "string" ? of : of.reveal());
const shown = (url: string | Secret): string => (typeof url === "string" ? shownAddress(url) : url.reference);
const signers = ({ secrets }: WebhookSetting): string => secrets.map(({ reference }) => reference).join(" and ") || "nothing";
