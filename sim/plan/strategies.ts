/** A fleet's own strategies, by the file that its settings name: code that a plan points to, as its only part that is no data. */
import { createRequire } from "node:module";
import type { Strategy } from "../../machines/delivery/balance/strategy.ts";
import type { FleetSettings } from "./plan.ts";

const load = createRequire(import.meta.url);

/** A plan is run in one go, so they are loaded without waiting; a thread does it once for each file. */
export const ownStrategies = ({ strategiesFrom: file }: FleetSettings): readonly Strategy[] => {
  if (file === undefined) return [];
  const { default: given } = load(file) as { readonly default?: { readonly strategies?: readonly Strategy[] } };
  return given?.strategies ?? [];
};
