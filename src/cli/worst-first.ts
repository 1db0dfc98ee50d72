/** Open alerts as a terminal shows them: critical ones first, in each level the newest, and no more than there is room for. */
import type { StatusAnswer } from "../runtime/control-protocol.ts";

type Alerts = StatusAnswer["alerts"];

/** `untold`: how many there are besides. */
export const worstFirst = (alerts: Alerts, room: number): { readonly told: Alerts; readonly untold: number } => {
  const isCritical = ({ level }: Alerts[number]): boolean => level === "critical";
  const ordered = [...alerts.filter(isCritical), ...alerts.filter((alert) => !isCritical(alert))];
  // That there are more takes a line, too.
  const told = ordered.slice(0, alerts.length > room ? room - 1 : room);
  return { told, untold: alerts.length - told.length };
};
