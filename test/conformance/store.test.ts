/** The store suite on each adapter there is, and the adapters against each other. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "vitest";
import { createMemoryStore } from "../../sim/world/store.ts";
import { openSqliteStore } from "../../src/adapters/sqlite/store.ts";
import { storeConformance } from "./store.ts";
import { storesAgreeProperty } from "./store-model.ts";
import { createTestClock, underTest, type MakeStore } from "./store-kit.ts";

const traits = { restartFreesLeases: true };

const makeSqlite: MakeStore = Object.assign(
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "greenroom-store-"));
    const clock = createTestClock();
    const open = () => openSqliteStore({ file: join(folder, "greenroom.db"), key: new Uint8Array(32).fill(7), clock });
    let store = open();
    return underTest({
      store,
      // kill -9 has tests of its own; here it is enough that nothing but the file survives.
      restart: async () => {
        store.close();
        store = open();
        return store;
      },
      advance: (by) => clock.advance(by),
      dispose: async () => {
        store.close();
        rmSync(folder, { recursive: true });
      },
    });
  },
  { traits },
);

const makeMemory: MakeStore = Object.assign(
  async () => {
    const clock = createTestClock();
    const store = createMemoryStore({ clock });
    return underTest({
      store,
      restart: async () => {
        store.restore(store.snapshot());
        return store;
      },
      advance: (by) => clock.advance(by),
      dispose: async () => store.restart(),
    });
  },
  { traits },
);

storeConformance("SQLite", makeSqlite);
storeConformance("the simulator's memory", makeMemory);

describe("the simulator's memory and SQLite", () => {
  storesAgreeProperty(makeMemory, makeSqlite);
});
