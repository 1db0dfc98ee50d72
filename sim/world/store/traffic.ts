/** What accounts with a cap have sent of late. */
import { accountOf, type AccountId } from "../../../machines/ports/ids.ts";
import { TRAFFIC_KEPT, trafficSlot, type AttemptDraft, type StoreOps } from "../../../machines/ports/store.ts";
import { valueIn, type State } from "./state.ts";

type Traffic = StoreOps["traffic.load"]["out"]["accounts"][number];

export const loadTraffic = ({ tables }: State, account: AccountId): Traffic => {
  const isOurs = (subject: string): boolean => tables.devices.get(subject as never)?.row.account === account;
  const linked = tables.audit.filter(({ action, subject }) => action === "device.linked" && isOurs(subject));
  return {
    account,
    linkedAt: linked.length > 0 ? Math.min(...linked.map(({ at }) => at)) : null,
    slots: [...(tables.traffic.get(account)?.values() ?? [])].sort((one, other) => one.slot - other.slot),
  };
};

export const countAttempt = ({ tables }: State, { device, at, counts }: AttemptDraft): void => {
  if (!counts) return;
  const slots = valueIn(tables.traffic, accountOf(device), () => new Map());
  const slot = trafficSlot(at);
  const { messages, openings } = slots.get(slot) ?? { messages: 0, openings: 0 };
  slots.set(slot, { slot, messages: messages + 1, openings: openings + (counts.opens ? 1 : 0) });
  const newest = Math.max(...slots.keys());
  for (const each of slots.keys()) if (each <= newest - TRAFFIC_KEPT) slots.delete(each);
};
