/** What happened in a fleet, in words. */
import type { FailoverRecord, FleetEvent } from "../../machines/ports/records.ts";
import type { Paints } from "./text.ts";

type Data = FleetEvent["data"];
const of = (data: Data, key: string): string => String(data[key] ?? "nobody");

const SENTENCES: Readonly<Record<string, (subject: string, data: Data) => string>> = {
  "seat.serving": (seat, data) => `${of(data, "device")} speaks for ${seat} (term ${of(data, "term")})`,
  "holder.suspect": (seat, data) => `nothing heard from ${of(data, "device")}, which speaks for ${seat}: looking at stand-ins`,
  "holder.failed": (seat, data) =>
    data["device"] === null || data["device"] === undefined
      ? `nobody speaks for ${seat} yet: choosing somebody`
      : `${of(data, "device")} no longer speaks for ${seat} (${of(data, "cause")}): choosing somebody else`,
  "failover.refused": (seat, data) => `${seat} was not moved: nobody was able to take it, ${of(data, "holder")} keeps it`,
  "switchover.refused": (seat, data) => `${seat} was not switched over, ${of(data, "holder")} keeps it: ${of(data, "why")}`,
  "servant.relieved": (post, data) =>
    `what ${of(data, "servant")} had to do for ${post.replace(/#.*/, "")} goes to ${of(data, "to").replace(/.*#/, "")} (messages: ${String(data["moved"] ?? "not known")})`,
  "device.linked": (device) => `${device} is linked`,
  "device.linkEnded": (device, data) => `linking ${device} ended without a scan (${of(data, "reason")})`,
  "sender.drained": (seat, data) => `${of(data, "device")} has sent all it had under way for ${seat}`,
};

export const sentenceOf = ({ type, subject, data }: FleetEvent): string => {
  const text = data["text"];
  if (typeof text === "string") return text;
  const words = SENTENCES[type];
  if (words) return words(subject, data);
  const rest = Object.entries(data).map(([key, value]) => `${key} ${String(value)}`);
  return `${type} ${subject}${rest.length > 0 ? `: ${rest.join(", ")}` : ""}`;
};

export const paintedLabel = (label: "RESOLVED" | "CRITICAL" | "WARNING", { good, bad, warn }: Paints): string =>
  ({ RESOLVED: good, CRITICAL: bad, WARNING: warn })[label](label);

/** With the level in front, where it is an alert. */
export const paintedSentence = (event: FleetEvent, { good, bad, warn }: Paints): string => {
  const sentence = sentenceOf(event);
  if (event.type === "alert.acknowledged") return sentence;
  if (event.type === "alert.resolved") return `${good("RESOLVED")} ${sentence}`;
  if (!event.type.startsWith("alert.")) return sentence;
  return event.data["level"] === "critical" ? `${bad("CRITICAL")} ${sentence}` : `${warn("WARNING")} ${sentence}`;
};

/** `sales-1/a → sales-1/b (twin)` */
export const moveOf = ({ from, to, ladder }: FailoverRecord): string =>
  to === null ? (from ?? "nobody") : `${from ?? "nobody"} → ${to}${ladder ? ` (${ladder})` : ""}`;

export const OUTCOMES: { readonly [O in FailoverRecord["outcome"]]: string } = {
  running: "under way",
  inService: "in service",
  averted: "averted: the holder came back in time",
  rolledBack: "rolled back: the old holder speaks again",
  exhausted: "nobody was able",
  interrupted: "interrupted by a restart",
  aborted: "called off: the seat had moved meanwhile",
};
