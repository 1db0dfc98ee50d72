import { defaultExclude, defineConfig } from "vitest/config";

/** `npm run test:full`: the stated counts, and the sweeps that take minutes (`*.full.test.ts`). */
const isFull = Boolean(process.env["GREENROOM_FULL"]);

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: [...defaultExclude, ...(isFull ? [] : ["test/**/*.full.test.ts"])],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    pool: "forks",
    // One more than cores: many tests wait for time to pass.
    maxWorkers: 3,
    env: { NODE_ENV: "production" },
  },
});
