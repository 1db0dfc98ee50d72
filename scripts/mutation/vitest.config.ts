/** The suites that specify machines/: what a mutant there has to be killed by. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/{account,fleet,delivery,driver}/**/*.test.ts"],
    testTimeout: 30_000,
    env: { NODE_ENV: "production" },
  },
});
