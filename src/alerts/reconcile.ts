/** What an earlier life did not come to tell: alerts that began, grew worse or ended when nobody was there to notice. */
import type { Duty, NoticesEvent } from "../../machines/alerts/notices.ts";
import type { Millis } from "../../machines/ports/ids.ts";
import type { AlertRow } from "../../machines/ports/records.ts";

const idOf = ({ key, raisedAt }: { readonly key: string; readonly raisedAt: Millis }): string => `${key} ${raisedAt}`;

export const missed = (duties: readonly Duty[], alerts: readonly AlertRow[], at: Millis): NoticesEvent[] => {
  const known = new Map(duties.map((duty) => [idOf(duty.alert), duty]));
  const open = new Map(alerts.filter(({ state }) => state === "open").map((alert) => [alert.key, alert]));
  const ended = new Map(alerts.filter(({ state }) => state === "resolved").map((alert) => [idOf(alert), alert]));
  const over = duties.flatMap(({ alert }): NoticesEvent[] => {
    if (alert.resolvedAt !== null || open.get(alert.key)?.raisedAt === alert.raisedAt) return [];
    const text = ended.get(idOf(alert))?.text ?? `${alert.subject} is well, or no longer in the fleet`;
    return [{ type: "resolved", at, key: alert.key, text }];
  });
  const news = [...open.values()].flatMap((alert): NoticesEvent[] => {
    const duty = known.get(idOf(alert));
    if (duty?.alert.level === alert.level) return [];
    const { key, rule, subject, level, text, raisedAt } = alert;
    return [{ type: duty ? "escalated" : "raised", at, alert: { key, rule, subject, level, text, raisedAt, resolvedAt: null } }];
  });
  return [...over, ...news];
};
