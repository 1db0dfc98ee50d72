/** Writes docs/fleet.schema.json. Run `npm run format` afterwards. */
import { writeFileSync } from "node:fs";
import { fleetJsonSchema } from "./json-schema.ts";

writeFileSync(new URL("../../docs/fleet.schema.json", import.meta.url), `${JSON.stringify(fleetJsonSchema(), null, 2)}\n`);
