/**
 * What a mutant of a folder of machines/ has to be killed by: the folder's own suites, and the charts' header tables, which are part of
 * its specification. `npm run mutate` names the folder.
 */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: [`test/${process.env["MUTATED_FOLDER"] ?? "*"}/**/*.test.ts`, "test/house/machines.test.ts"],
    testTimeout: 30_000,
    env: { NODE_ENV: "production" },
  },
});
