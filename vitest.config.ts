import { defaultExclude, defineConfig } from "vitest/config";

/** `npm run test:full`: the stated counts, and the sweeps that take minutes (`*.full.test.ts`). */
const isFull = Boolean(process.env["GREENROOM_FULL"]);
const exclude = [...defaultExclude, ...(isFull ? [] : ["test/**/*.full.test.ts"])];
/** They touch nothing that outlives a test: no process, no folder, no environment. So they share what they have loaded. */
const PURE = [
  "test/{account,alerts,delivery,driver,fleet,house,metrics,sla}/**/*.test.ts",
  "test/sim/{checkers,faults,plan,plants,world}/**/*.test.ts",
];

export default defineConfig({
  test: {
    testTimeout: 30_000,
    hookTimeout: 30_000,
    pool: "forks",
    // One more than cores: many tests wait for time to pass.
    maxWorkers: 3,
    env: { NODE_ENV: "production" },
    projects: [
      { extends: true, test: { name: "pure", include: PURE, exclude, isolate: false } },
      { extends: true, test: { name: "world", include: ["test/**/*.test.ts"], exclude: [...exclude, ...PURE] } },
    ],
  },
});
