/** Opens the store and holds it: `child-hold.ts FILE`. */
import { openSqliteStore } from "../../../src/adapters/sqlite/store.ts";
import { createTestClock } from "../../conformance/store-kit.ts";

openSqliteStore({ file: process.argv[2] ?? "", key: new Uint8Array(32).fill(7), clock: createTestClock() });
console.log("holding");
setInterval(() => undefined, 1000);
