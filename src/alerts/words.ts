/** A notice in words, for people. Names of accounts, devices and seats; never a number, never what somebody wrote. */
import type { Item, Notice } from "../../machines/alerts/notices.ts";
import type { Millis } from "../../machines/ports/ids.ts";

/** More of one rule are named, not described. */
const DESCRIBED = 3;
const NAMED = 12;

export const labelOf = ({ kind, level }: Pick<Item, "kind" | "level">): "RESOLVED" | "CRITICAL" | "WARNING" =>
  kind === "resolved" ? "RESOLVED" : level === "critical" ? "CRITICAL" : "WARNING";

/** One line for each alert, or for each rule where they are many; the worst first, what is over last. */
export const linesOf = ({
  items,
}: Pick<Notice, "items">): { readonly label: ReturnType<typeof labelOf>; readonly text: string }[] => {
  const groups = Map.groupBy(items, (item) => `${labelOf(item)} ${item.kind} ${item.rule}`);
  const ordered = [...groups.values()].toSorted((one, other) => rankOf(one[0]) - rankOf(other[0]));
  return ordered.flatMap((group) => {
    const [first] = group;
    if (!first) return [];
    if (group.length <= DESCRIBED) return group.map((item) => ({ label: labelOf(item), text: sentenceOf(item) }));
    return [{ label: labelOf(first), text: `${group.length} alerts ${first.rule}: ${named(group)}` }];
  });
};

/** As a whole, for those who can only show text. */
export const textOf = (notice: Pick<Notice, "items">, fleet: string): string => {
  const lines = linesOf(notice).map(({ label, text }) => `${label}  ${text}`);
  return lines.length === 1 ? `[${fleet}] ${lines.join("")}` : `[${fleet}] ${lines.length} matters\n${lines.join("\n")}`;
};

const rankOf = (item: Item | undefined): number =>
  item === undefined ? 0 : ["CRITICAL", "WARNING", "RESOLVED"].indexOf(labelOf(item));

const sentenceOf = ({ kind, flaps, text, raisedAt, resolvedAt }: Item): string => {
  if (kind === "resolved") return `${text} (it lasted ${span((resolvedAt ?? raisedAt) - raisedAt)})`;
  if (kind === "unacknowledged") return `nobody has acknowledged this yet: ${text}`;
  return flaps ? `${text} (it comes and goes: you hear of it again once it is steady)` : text;
};

const named = (items: readonly Item[]): string => {
  const names = items.map(({ subject }) => subject);
  return names.length <= NAMED ? names.join(", ") : `${names.slice(0, NAMED).join(", ")} and ${names.length - NAMED} more`;
};

const span = (ms: Millis): string => {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
};
