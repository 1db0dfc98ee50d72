import { defaultExclude, defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** `npm run test:full`: the stated counts, and the sweeps that take minutes (`*.full.test.ts`). */
const isFull = Boolean(process.env["GREENROOM_FULL"]);
const exclude = [...defaultExclude, ...(isFull ? [] : ["test/**/*.full.test.ts"])];
/** They touch nothing that outlives a test: no process, no folder, no environment. So they share what they have loaded. */
const PURE = [
  "test/{account,alerts,delivery,driver,fleet,house,metrics,sla}/**/*.test.ts",
  "test/sim/{checkers,explorer,faults,plan,plants,report,world}/**/*.test.ts",
  "test/sim/*.test.ts",
  "test/dashboard/viewer/**/*.test.ts",
];
/** They open sockets and stores and close them again. Those that look at what is done once in a process, as quiet.test.ts, are alone. */
const TIDY = [
  "test/adapters/{media,sqlite}/**/*.test.ts",
  "test/adapters/baileys/!(quiet|inbound).test.ts",
  "test/{config,conformance,drawing,http,plugins,runtime,webhooks}/**/*.test.ts",
  "test/sim/loopback/**/*.test.ts",
];
/** One of these that begins last lets the others wait for it; what Vitest goes by, the size of the file, says nothing of that. */
const LONG =
  /cli\/dist|e2e\/(?!phone|media)|demo\/demo|browser|two-faults|world\/failover|plan\/runs|canary|directed|conformance|http\/http|baileys\/(kill|linking|sends)|fleet-desk|sqlite\/crash/;

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const projects = [...new Set(sorted.map(({ project }) => project))];
    return projects.flatMap((project) => {
      const own = sorted.filter((file) => file.project === project);
      return [...own.filter(({ moduleId }) => LONG.test(moduleId)), ...own.filter(({ moduleId }) => !LONG.test(moduleId))];
    });
  }
}

export default defineConfig({
  test: {
    // Only what hangs: five files on two busy cores take their time.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: "forks",
    // More than two cores: most of the time of most files passes in waiting for time to pass.
    maxWorkers: 5,
    sequence: { sequencer: LongestFirst },
    // Processes that tests start find the sources compiled, as the command line does.
    env: { NODE_ENV: "production", NODE_COMPILE_CACHE: `${import.meta.dirname}/node_modules/.cache/greenroom` },
    projects: [
      { extends: true, test: { name: "alone", include: ["test/**/*.test.ts"], exclude: [...exclude, ...PURE, ...TIDY] } },
      { extends: true, test: { name: "pure", include: PURE, exclude, isolate: false } },
      { extends: true, test: { name: "tidy", include: TIDY, exclude, isolate: false } },
    ],
  },
});
