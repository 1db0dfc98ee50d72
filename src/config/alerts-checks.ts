/** What the alerts of a fleet file owe the rest of it: channels, lines and rules that they name. */
import { isWatched, RULES, SAID_RULES } from "../../machines/alerts/rules.ts";
import { TERMINAL } from "../alerts/channels/terminal.ts";
import { type Data, mapAt, namesAt } from "./data.ts";
import type { Path } from "./document.ts";
import type { Fault } from "./issues.ts";
import { didYouMean, listed } from "./nearest.ts";

export const checkAlerts = (data: Data): Fault[] => {
  const alerts = mapAt(data, "alerts");
  const channels = mapAt(alerts, "channels");
  const known = [...new Set([TERMINAL, ...Object.keys(channels)])];
  const named = (section: Data, key: string, path: Path): Fault[] => unknownIn(section, key, path, known, "channel");
  const rules = mapAt(alerts, "rules");
  return [
    ...["warning", "critical"].flatMap((level) => named(alerts, level, ["alerts"])),
    ...named(mapAt(alerts, "escalate"), "to", ["alerts", "escalate"]),
    ...Object.keys(channels).flatMap((name) =>
      unknownIn(mapAt(channels, name), "lines", ["alerts", "channels", name], Object.keys(mapAt(data, "lines")), "line"),
    ),
    ...Object.keys(rules).flatMap((rule) => {
      const settings = mapAt(rules, rule);
      const path: Path = ["alerts", "rules", rule];
      return [
        ...checkRule(rule, settings, path),
        ...["warning", "critical"].flatMap((level) => named(mapAt(settings, "channels"), level, [...path, "channels"])),
        ...named(mapAt(settings, "escalate"), "to", [...path, "escalate"]),
      ];
    }),
  ];
};

const unknownIn = (section: Data, key: string, path: Path, known: readonly string[], what: string): Fault[] =>
  namesAt(section, key)
    .filter(({ value }) => !known.includes(value))
    .map(({ index, value }) => ({
      path: [...path, key, index],
      about: "value",
      message: `there is no ${what} ${value}.${didYouMean(value, known)} There are: ${listed(known) || "none"}`,
    }));

const checkRule = (rule: string, settings: Data, path: Path): Fault[] => {
  const known: readonly string[] = [...Object.keys(RULES), ...SAID_RULES];
  if (!known.includes(rule))
    return [{ path, about: "key", message: `there is no rule ${rule}.${didYouMean(rule, known)} docs/alerts.md lists them` }];
  if (isWatched(rule)) return [];
  return ["warning", "critical"]
    .filter((level) => Object.hasOwn(settings, level))
    .map((level) => ({
      path: [...path, level],
      about: "key",
      message: `${rule} has no limit of its own: it is said, not measured. To choose who is told, write channels`,
    }));
};
