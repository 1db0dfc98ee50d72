/** A fleet's own strategies, by the file that its settings name: code that a plan points to, as its only part that is no data. */
import { createRequire } from "node:module";
import type { Strategy } from "../../machines/delivery/balance/strategy.ts";
import { PlanError } from "./parse.ts";
import type { FleetSettings } from "./plan.ts";

const load = createRequire(import.meta.url);

/**
 * A plan is run in one go, so they are loaded without waiting; a thread does it once for each file.
 * @throws PlanError if the file can't be loaded
 */
export const ownStrategies = ({ strategiesFrom: file }: FleetSettings): readonly Strategy[] => {
  if (file === undefined) return [];
  return loaded(file).default?.strategies ?? [];
};

const loaded = (file: string): { readonly default?: { readonly strategies?: readonly Strategy[] } } => {
  try {
    return load(file) as ReturnType<typeof loaded>;
  } catch (error) {
    throw new PlanError(
      `fleet.settings.strategiesFrom: ${file} can't be loaded: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
};
