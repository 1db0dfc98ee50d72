/** `greenroom chaos --plant NAME`: machines with a mistake in them on purpose, to see that the checkers notice. */
import type { Output } from "./demo.ts";
import { refuse } from "./report/refusal.ts";
import { inPlainWords } from "./plan/words.ts";
import { PLANTS } from "./plants/catalogue.ts";
import { hunt, type Catch } from "./plants/hunt.ts";
import { PLANT_NAMES, plantNamed } from "./plants/index.ts";

export interface PlantsArguments {
  /** Names of planted bugs, separated by commas; "all"; or "list" to be told what there is. */
  readonly plant: string;
  /** Seeds that are tried on each. Default 200. */
  readonly seeds?: number;
  readonly json: boolean;
  readonly stdout?: Output;
  readonly stderr?: Output;
}
export interface PlantsDocument {
  readonly caught: number;
  readonly of: number;
  /** Faults that the shrunk plans need; null if none was caught. */
  readonly medianFaults: number | null;
  readonly catches: readonly Catch[];
}
export interface PlantsOutcome {
  readonly document: PlantsDocument | null;
  /** 0 each was caught, 1 one was not, 2 no such plant. */
  readonly exitCode: 0 | 1 | 2;
}

const SEEDS = 200;

export const runPlants = (args: PlantsArguments): PlantsOutcome => {
  const { plant, seeds = SEEDS, json, stdout = process.stdout } = args;
  if (plant === "list") {
    const plants = PLANTS.map(({ name, says, caughtBy }) => ({ name, says, caughtBy }));
    const width = Math.max(...plants.map(({ name }) => name.length)) + 2;
    const lines = plants.map(({ name, says, caughtBy }) => `${name.padEnd(width)}${says} (${caughtBy})\n`);
    stdout.write(json ? `${JSON.stringify(plants, null, 2)}\n` : lines.join(""));
    return { document: null, exitCode: 0 };
  }
  const names = plant === "all" ? PLANT_NAMES : plant.split(",");
  const unknown = names.filter((name) => !plantNamed(name));
  if (unknown.length > 0) {
    refuse(`E_UNKNOWN_PLANT ${unknown.join(", ")}: choose from ${PLANT_NAMES.join(", ")}, or "all"`, args);
    return { document: null, exitCode: 2 };
  }
  const catches: Catch[] = [];
  for (const each of PLANTS.filter(({ name }) => names.includes(name))) {
    const found = hunt(each, { seeds });
    catches.push(found);
    if (!json) stdout.write(lineOf(found, seeds));
  }
  const document = documentOf(catches);
  stdout.write(json ? `${JSON.stringify(document, null, 2)}\n` : summary(document));
  return { document, exitCode: document.caught === document.of ? 0 : 1 };
};

const documentOf = (catches: readonly Catch[]): PlantsDocument => {
  const faults = catches.flatMap(({ shrunk }) => (shrunk ? [shrunk.faults.length] : [])).toSorted((one, other) => one - other);
  const caught = catches.filter(({ seed }) => seed !== null).length;
  return { caught, of: catches.length, medianFaults: faults[Math.floor((faults.length - 1) / 2)] ?? null, catches };
};

const lineOf = ({ plant, caughtBy, seed, shrunk, text }: Catch, seeds: number): string => {
  if (seed === null) return `${plant}: NOT caught by ${caughtBy} within ${seeds} seeds\n`;
  const words = shrunk ? inPlainWords(shrunk).slice(1) : [];
  const size = shrunk ? `, shrunk to ${shrunk.faults.length} ${shrunk.faults.length === 1 ? "fault" : "faults"}` : "";
  return [
    `${plant}: caught by ${caughtBy} at seed ${seed}${size}`,
    `  ${text ?? ""}`,
    ...words.map((line) => `  ${line}`),
    "",
  ].join("\n");
};

const summary = ({ caught, of, medianFaults }: PlantsDocument): string =>
  `${caught} of ${of} planted bugs caught${medianFaults === null ? "" : `; ${medianFaults} faults in the median shrunk plan`}\n`;
