/** What the retention of a fleet file owes the rest of it: how old a number is stands in the audit. */
import { type Data, mapAt } from "./data.ts";
import type { Fault } from "./issues.ts";

export const checkRetention = (data: Data): Fault[] => {
  const days = mapAt(data, "retention")["auditDays"];
  const accounts = mapAt(data, "accounts");
  const paces = [mapAt(data, "pacing"), ...Object.keys(accounts).map((name) => mapAt(mapAt(accounts, name), "pacing"))];
  const longest = Math.max(0, ...paces.flatMap(warmUpDays));
  if (typeof days !== "number" || days >= longest) return [];
  const message = `a warm-up lasts ${longest} days, and reads from the audit when a number was linked: expected ${Math.ceil(longest)} or more, or null`;
  return [{ path: ["retention", "auditDays"], about: "value", message }];
};

const warmUpDays = ({ warmUp }: Data): number[] => {
  const steps: readonly unknown[] = Array.isArray(warmUp) ? warmUp : [];
  return steps.flatMap((step) =>
    typeof step === "object" && step !== null && "days" in step && typeof step.days === "number" ? [step.days] : [],
  );
};
