/** The fleet file's schema for editors. docs/fleet.schema.json is written by `node src/config/write-json-schema.ts`. */
import { z } from "zod";
import { fleetSchema } from "./schema.ts";

export const fleetJsonSchema = (): Readonly<Record<string, unknown>> => ({
  ...z.toJSONSchema(fleetSchema, { io: "input", target: "draft-7" }),
  title: "Greenroom fleet file",
});
