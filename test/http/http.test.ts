/** The API, on one fleet: who may ask, what is answered, what happens live, what is too much. */
import { afterAll, beforeAll, describe } from "vitest";
import { access } from "./access.ts";
import { bounds } from "./bounds.ts";
import { endpoints } from "./endpoints.ts";
import { events } from "./events.ts";
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
describe("bounds:", () => {
  bounds(() => rig);
});
describe("access:", () => {
  access(() => rig);
});
