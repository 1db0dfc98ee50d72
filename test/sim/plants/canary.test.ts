/** A checker that can't fail is worthless: a few planted bugs are caught here, all of them by `npm run plants`. */
import { describe, expect, it } from "vitest";
import { PROPERTIES } from "../../../sim/explorer/properties.ts";
import { properties } from "../../../sim/checkers/index.ts";
import { BOUNDS } from "../../../sim/checkers/timed.ts";
import { runPlants } from "../../../sim/plants.ts";
import { PLANTS } from "../../../sim/plants/catalogue.ts";
import { hunt } from "../../../sim/plants/hunt.ts";
import { plantNamed } from "../../../sim/plants/index.ts";
import type { Plant } from "../../../sim/plants/plant.ts";

const silent = () => {
  let text = "";
  return { write: (more: string) => void (text += more), text: () => text };
};
const known = new Set([
  ...properties.map(({ name }) => name),
  ...Object.keys(BOUNDS).map((name) => `timed-${name}`),
  ...PROPERTIES,
]);

describe("planted bugs", () => {
  it("are twenty or more, each with a name of its own and a property that must notice", () => {
    expect(PLANTS.length).toBeGreaterThanOrEqual(20);
    expect(new Set(PLANTS.map(({ name }) => name)).size).toBe(PLANTS.length);
    expect(PLANTS.filter(({ caughtBy }) => !known.has(caughtBy))).toEqual([]);
  });

  it.each([
    "commit-unaudited",
    "unsent-forgotten",
    "pace-ignored",
    "caps-forgotten",
    "alert-missing",
    "queue-stays-closed",
    "term-not-bumped",
    "verify-endless",
    "drain-skipped",
    "seats-chosen-anew",
    "favourite-seat",
    "age-forgotten",
  ])("%s is caught by the property that it names", { timeout: 300_000 }, (name) => {
    const plant = plantNamed(name) as Plant;
    const { seed, caughtBy } = hunt(plant, { seeds: 20, shrinkFor: 0 });
    expect(caughtBy).toBe(plant.caughtBy);
    expect(seed).not.toBeNull();
  });

  it("no bug is found where none is", { timeout: 300_000 }, () => {
    const sound: Plant = { name: "none", says: "nothing is wrong", caughtBy: "nothing-lost", parts: () => ({}) };
    expect(hunt(sound, { seeds: 3, shrinkFor: 0 }).seed).toBeNull();
  });
});

describe("greenroom chaos --plant", () => {
  it("lists what there is, and refuses what there is not", () => {
    const [stdout, stderr] = [silent(), silent()];
    expect(runPlants({ plant: "list", json: false, stdout, stderr }).exitCode).toBe(0);
    expect(stdout.text().split("\n")).toHaveLength(PLANTS.length + 1);
    expect(runPlants({ plant: "nonesuch", json: false, stdout, stderr }).exitCode).toBe(2);
    expect(stderr.text()).toMatch(/^E_UNKNOWN_PLANT nonesuch/);
  });
});
