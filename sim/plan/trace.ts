/**
 * What two lives have in common if they are the same: a hash over the ledger, and one over all durable rows and the state of every
 * actor at the end.
 */
import { stateHash } from "../../machines/driver/journal.ts";
import type { Fleet } from "../world/harness.ts";

export const traceOf = (fleet: Fleet): string => `${fleet.world.ledger.digest()}-${endOf(fleet)}`;

const endOf = (fleet: Fleet): string => {
  const { driver } = fleet.node ?? {};
  const charts = (driver?.addresses() ?? []).filter((address) => !address.startsWith("queue:")).sort();
  return stateHash({
    value: charts.map((address) => [address, plain(driver?.peek(address))]),
    context: plain(fleet.store.tables),
  });
};

/** Maps and sets as lists, so that JSON sees into them. */
const plain = (value: unknown): unknown => {
  if (value instanceof Map) return [...value].map(([key, each]) => [key, plain(each)]);
  if (value instanceof Set) return [...value];
  if (ArrayBuffer.isView(value) || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(plain);
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
};
