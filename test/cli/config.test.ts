import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { inside } from "./inside.ts";
import { FLEET, makeFleet } from "./process.ts";

describe("config check", () => {
  it("says that a fleet file is right, and what is in it", async () => {
    const { file, folder } = makeFleet();
    expect(await inside(["config", "check", file], {})).toEqual({
      code: 0,
      stdout: `${file} is right: 1 line, 2 masters (1 with a twin), 0 servants, 3 devices.\n`,
      stderr: "",
    });
    const { stdout } = await inside(["config", "check", "--json"], {}, folder);
    expect(JSON.parse(stdout)).toEqual({ file: "fleet.yaml", ok: true, errors: [] });
  });

  it("names the place of every error, what was expected, and what may have been meant", async () => {
    const { folder } = makeFleet(FLEET.replace("masters: [sales-1, sales-2]", "masters: [sales-1, sale-2], failbak: manual"));
    const text = await inside(["config", "check", "fleet.yaml"], {}, folder);
    expect(text).toMatchObject({ code: 2, stdout: "" });
    expect(text.stderr.trim().split("\n")).toEqual([
      'fleet.yaml:7:31 lines.sales.masters.1: there is no account sale-2. Did you mean "sales-2"? Accounts that are masters: sales-1, sales-2',
      expect.stringMatching(/^fleet\.yaml:7:40 lines\.sales\.failbak: unknown name\. Did you mean "failback"\?/),
    ]);
    const json = await inside(["config", "check", "fleet.yaml", "--json"], {}, folder);
    expect(json.code).toBe(2);
    expect(JSON.parse(json.stdout)).toMatchObject({
      ok: false,
      errors: [{ path: "lines.sales.masters.1", source: { kind: "file", line: 7, column: 31 } }, { path: "lines.sales.failbak" }],
    });
  });
});

describe("config print", () => {
  it("fills everything in, and shows no secret", async () => {
    const secret = "5".repeat(64);
    const { folder } = makeFleet(FLEET.replace("./acme.db", "./acme.db, key: '${env:ACME_KEY}'"));
    const printed = await inside(["config", "print", "fleet.yaml"], { ACME_KEY: secret }, folder);
    expect(printed.code).toBe(0);
    expect(printed.stdout).toContain("${env:ACME_KEY}");
    expect(printed.stdout).toContain("moveToTwin: 5.5s");
    expect(printed.stdout).not.toContain(secret);
    writeFileSync(join(folder, "full.yaml"), printed.stdout);
    const json = await inside(["config", "print", "full.yaml", "--json"], { ACME_KEY: secret }, folder);
    expect(JSON.parse(json.stdout)).toMatchObject({ fleet: "acme", store: { key: "${env:ACME_KEY}" }, brake: { seats: 2 } });
    expect(json.stdout).not.toContain(secret);
  });

  it("prints nothing of a wrong file", async () => {
    const { folder } = makeFleet("fleet: acme\n");
    const { code, stdout, stderr } = await inside(["config", "print"], {}, folder);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/accounts: missing[\s\S]*fleet\.yaml: 2 errors\. Nothing was started/);
  });
});
