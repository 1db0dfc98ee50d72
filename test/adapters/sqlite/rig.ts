/** A folder, a key, a store with promises, and children that hold or use a store until they are killed. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { onTestFinished } from "vitest";
import { openSqliteStore, type SqliteOptions, type SqliteStore } from "../../../src/adapters/sqlite/store.ts";
import { createTestClock, underTest, type StoreUnderTest } from "../../conformance/store-kit.ts";

export const KEY = new Uint8Array(32).fill(7);

export const makeFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "greenroom-sqlite-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

export const open = (file: string, over: Partial<SqliteOptions> = {}): SqliteStore => {
  const store = openSqliteStore({ file, key: KEY, clock: createTestClock(), ...over });
  onTestFinished(() => store.close());
  return store;
};

/** The store's port with promises. */
export const asking = (store: SqliteStore): StoreUnderTest =>
  underTest({
    store,
    restart: async () => store,
    advance: () => undefined,
    dispose: async () => store.close(),
  });

export const errorOf = (work: () => unknown): unknown => {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
};

export interface Child {
  readonly process: ChildProcess;
  readonly lines: Interface;
  /** kill -9, and until it is gone. */
  kill(): Promise<void>;
}
/** Runs a script beside this file on a store. */
export const startChild = (script: string, ...args: string[]): Child => {
  const child = spawn(process.execPath, [join(import.meta.dirname, script), ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const gone = new Promise<void>((resolve) => {
    child.once("close", () => resolve());
  });
  const kill = (): Promise<void> => {
    child.kill("SIGKILL");
    return gone;
  };
  onTestFinished(kill);
  return { process: child, lines: createInterface(child.stdout), kill };
};
