import { copyFileSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CHARTS } from "../../src/drawing/catalogue.ts";
import { inside } from "./inside.ts";
import { makeFolder } from "./process.ts";

const docs = (file: string): string => readFileSync(new URL(`../../docs/machines/${file}`, import.meta.url), "utf8");

describe("draw", () => {
  it("prints one chart as it stands in the docs", async () => {
    expect(await inside(["draw", "alert"], process.env)).toEqual({ code: 0, stdout: docs("alert.svg"), stderr: "" });
    expect(await inside(["draw", "alert", "--format", "mermaid"], process.env)).toMatchObject({
      code: 0,
      stdout: docs("alert.mmd"),
    });
  });

  it("writes a file for each chart into a folder", async () => {
    const folder = join(makeFolder(), "charts");
    const { code, stderr } = await inside(["draw", "all", "--format", "json", "--out", folder], process.env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: `${CHARTS.length} drawings in ${folder}\n` });
    expect(readdirSync(folder)).toHaveLength(CHARTS.length);
    expect(JSON.parse(readFileSync(join(folder, "seat.json"), "utf8"))).toMatchObject({ id: "seat", initial: "starting" });
  });

  it("makes a way through a chart stand out", async () => {
    const { stdout } = await inside(["draw", "alert", "--highlight", "warning,resolved"], process.env);
    expect(stdout.match(/class="place lit"/g)).toHaveLength(2);
    expect(stdout.match(/class="arrow lit"/g)).toHaveLength(1);
  });

  it("says which states there are, if one is to stand out that is not there", async () => {
    const { code, stderr } = await inside(["draw", "alert", "--highlight", "warning,resovled"], process.env);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^E_UNKNOWN_STATE there is no state resovled in alert\. Did you mean "resolved"\? There are: /);
    expect(await inside(["draw", "alert", "--highlight", "warning", "--format", "mermaid"], process.env)).toMatchObject({
      code: 2,
    });
  });

  it("paints how often each state and arrow was taken by the runs of a folder, and what was taken within a state too", async () => {
    const [runs, folder] = [makeFolder(), join(makeFolder(), "painted")];
    for (const name of ["commit-done-though-every-answer-failed.json", "urged-while-refused.json"]) {
      copyFileSync(new URL(`../../sim/scenarios/${name}`, import.meta.url), join(runs, name));
    }
    const { code, stderr } = await inside(["draw", "all", "--coverage", runs, "--out", folder], process.env);
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringMatching(/^counted in 2 files\n/) as string });
    const failover = readFileSync(join(folder, "failover.svg"), "utf8");
    expect(Number(/>selecting ×(\d+)</.exec(failover)?.[1])).toBeGreaterThan(0);
    expect(failover).toMatch(/class="arrow taken"/);
    const counts = [
      ...readFileSync(join(folder, "seat.svg"), "utf8").matchAll(
        /<text( class="unused")? x="[^"]*" y="[^"]*">(\w[\w.]*(?: \[\w+\])?) ×(\d+)</g,
      ),
    ];
    const inner = counts.map(([, unused, trigger, count]) => ({ trigger, count: Number(count), isUnused: unused !== undefined }));
    expect(inner.length).toBeGreaterThan(3);
    expect(inner.some(({ count }) => count > 0)).toBe(true);
    expect(inner.filter(({ count, isUnused }) => (count === 0) !== isUnused)).toEqual([]);
  });

  it("says of what is neither journal nor plan that it is not", async () => {
    expect(await inside(["draw", "failover", "--coverage", "package.json"], process.env)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^E_TRACE package\.json: /) as string,
    });
  });

  it("says which machines there are, and where all of them would go", async () => {
    const unknown = await inside(["draw", "helth"], process.env);
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toMatch(
      /^E_UNKNOWN_MACHINE there is no machine helth\. Did you mean "health"\? There are: connection, /,
    );
    expect(await inside(["draw"], process.env)).toMatchObject({
      code: 2,
      stderr: "E_USAGE all charts need a folder to go to: --out FOLDER\n",
    });
  });
});
