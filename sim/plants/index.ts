/** Planted bugs by name. */
import { PLANTS } from "./catalogue.ts";
import type { Plant } from "./plant.ts";

export const PLANT_NAMES: readonly string[] = PLANTS.map(({ name }) => name);
export const plantNamed = (name: string): Plant | undefined => PLANTS.find((plant) => plant.name === name);
