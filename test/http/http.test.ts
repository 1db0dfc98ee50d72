/** The API, on one fleet and in one process, because what it stands on takes long to load. Each suite by itself: `-t "bounds:"`. */
import { afterAll, beforeAll, describe } from "vitest";
import { access } from "./access.ts";
import { alerts } from "./alerts.ts";
import { bounds } from "./bounds.ts";
import { documents } from "./documents.ts";
import { endpoints } from "./endpoints.ts";
import { events } from "./events.ts";
import { fuzz } from "./fuzz.ts";
import { machines } from "./machines.ts";
import { metrics } from "./metrics.ts";
import { ApiRig } from "./rig.ts";

let rig: ApiRig;
beforeAll(async () => {
  rig = await ApiRig.start();
});
afterAll(() => rig.close());

describe("endpoints:", () => {
  endpoints(() => rig);
});
describe("events:", () => {
  events(() => rig);
});
describe("alerts:", () => {
  alerts(() => rig);
});
describe("metrics:", () => {
  metrics(() => rig);
});
describe("machines:", () => {
  machines(() => rig);
});
describe("bounds:", () => {
  bounds(() => rig);
});
describe("access:", () => {
  access(() => rig);
});
describe("fuzz:", () => {
  fuzz(() => rig);
});
describe("documents:", () => {
  documents();
});
