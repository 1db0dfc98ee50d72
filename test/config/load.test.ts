import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { alertsOf } from "../../src/config/alerts.ts";
import { DEFAULT_TIMERS } from "../../machines/account/timers.ts";
import { configErrorText, type FleetConfig, loadFleetFile, toDeclaration } from "../../src/config/index.ts";
import { parseFleet } from "../../src/config/load.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "greenroom-config-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const GOOD = `fleet: acme
accounts:
  sales-1: { role: master, devices: [a, b] }
  sales-2: { role: master, devices: [a], pacing: { perSecond: 2 } }
  bulk-1: { role: servant, devices: [a] }
lines:
  sales: { masters: [sales-1, sales-2], servants: [bulk-1] }
`;

describe("a fleet file", () => {
  it("becomes a fleet in which everything left out is filled in", () => {
    const fleet = loaded(GOOD);
    expect(fleet).toEqual({
      file: join(folder, "fleet.yaml"),
      fleet: "acme",
      store: { file: join(folder, "greenroom.db"), key: null, keyFile: join(folder, "greenroom.key") },
      accounts: [
        { id: "sales-1", role: "master", devices: ["sales-1/a", "sales-1/b"], pacing: null },
        { id: "sales-2", role: "master", devices: ["sales-2/a"], pacing: { perSecond: 2, burst: 1 } },
        { id: "bulk-1", role: "servant", devices: ["bulk-1/a"], pacing: null },
      ],
      lines: [
        {
          id: "sales",
          masters: ["sales-1", "sales-2"],
          servants: ["bulk-1"],
          strategy: "round-robin",
          failback: "manual",
          rebalance: "manual",
          work: [],
          whenNumberChanges: "hold",
          whenRefused: "reroute",
          outboxLimit: 100_000,
        },
      ],
      about: {},
      timers: DEFAULT_TIMERS,
      brake: { seats: 2, share: 0.1, within: 30_000 },
      reconnect: { perSecond: 25 },
      api: null,
      alerts: alertsOf(undefined, null, folder, {}).alerts,
      webhooks: [],
      retention: { inboxDays: 90, eventDays: 30, auditDays: null, deliveryDays: 30 },
      plugins: null,
      whatsapp: null,
    });
    expect(toDeclaration(fleet).lines[0]).toEqual({
      id: "sales",
      masters: ["sales-1", "sales-2"],
      servants: ["bulk-1"],
      strategy: "round-robin",
    });
  });

  it("may leave a section empty", () => {
    expect(loaded(`${GOOD}timers:\n  # probe: 2s\nbrake:\n`).timers).toEqual(DEFAULT_TIMERS);
  });

  it("has an API only where it says so, on this machine unless it says more", () => {
    expect(loaded(`${GOOD}api: {}\n`).api).toEqual({
      host: "127.0.0.1",
      port: 8480,
      tls: null,
      maxBody: 2_097_152,
      rateLimit: { perSecond: 100, burst: 200 },
    });
    const { api } = loaded(`${GOOD}api: { host: "::", port: 443, tls: { cert: tls/cert.pem, key: /etc/key.pem } }\n`);
    expect(api).toMatchObject({ host: "::", tls: { cert: join(folder, "tls/cert.pem"), key: "/etc/key.pem" } });
    expect(errors(`${GOOD}api: { host: example.org, port: 70000 }\n`)).toEqual([
      expect.stringMatching(/api\.host: expected an address of this machine/),
      expect.stringMatching(/api\.port: expected at most 65535/),
    ]);
    expect(loaded(`${GOOD}api: {}\n`, { GREENROOM__API__PORT: "9000" }).api?.port).toBe(9000);
  });

  it("gives accounts the fleet's pace unless they have their own", () => {
    const { accounts } = loaded(`${GOOD}pacing: { perSecond: 0.5, burst: 10 }\n`);
    expect(accounts.map(({ pacing }) => pacing?.perSecond)).toEqual([0.5, 2, 0.5]);
  });

  it("may name a test server of this machine, and no other", () => {
    const key = "ab".repeat(32);
    const { whatsapp } = loaded(`${GOOD}whatsapp: { endpoint: "ws://127.0.0.1:8080/ws/chat", rootKey: ${key} }\n`);
    expect(whatsapp).toEqual({
      url: "ws://127.0.0.1:8080/ws/chat",
      rootPublicKey: new Uint8Array(32).fill(0xab),
      allowSelfSigned: false,
    });
    expect(errors(`${GOOD}whatsapp: { endpoint: "wss://example.org/ws" }\n`)).toEqual([
      'fleet.yaml:8:23 whatsapp.endpoint: expected a ws:// or wss:// address of this machine, such as ws://127.0.0.1:8080/ws/chat; found "wss://example.org/ws"',
    ]);
  });
});

describe("a wrong fleet file", () => {
  it("sets nothing that has no effect", () => {
    expect(errors(GOOD.replace("servants: [bulk-1]", "work: [bulk]"))).toEqual([
      expect.stringMatching(
        /^fleet\.yaml:\d+:\d+ lines\.sales\.work: sales has no servants to do it: name some, or leave it out$/,
      ),
    ]);
  });

  it("is answered with all that is wrong, each with its place and what was expected", () => {
    const text = `flet: acme
accounts:
  sales-1: { role: mastr, devices: [a, a, 1] }
  sales-2: { role: master, devices: [], bogus: 1 }
  bad name: { role: master, devices: [x] }
  bulk-1: { role: servant, devices: [a, b, c, d, e] }
lines:
  sales:
    masters: [sales-1, sale-2, bulk-1, sales-1]
    startegy: x
    outboxLimit: many
  empty: { masters: [] }
timers:
  failed: 4800
  probe: 5 s
`;
    expect(errors(text)).toEqual([
      'fleet.yaml:1:1 flet: unknown name. Did you mean "fleet"? Known here: fleet, store, accounts, lines, about, timers, brake, reconnect, pacing, api, alerts, webhooks, retention, plugins, whatsapp',
      "fleet.yaml:1:1 fleet: missing: every fleet file has fleet",
      'fleet.yaml:3:20 accounts.sales-1.role: expected master or servant, found "mastr". Did you mean "master"?',
      "fleet.yaml:3:40 accounts.sales-1.devices.1: sales-1 has a device a already: names of devices differ within an account",
      'fleet.yaml:3:43 accounts.sales-1.devices.2: expected text, found the number 1; put it in quotes: "1"',
      "fleet.yaml:4:37 accounts.sales-2.devices: expected at least 1 entry",
      "fleet.yaml:4:41 accounts.sales-2.bogus: unknown name. Known here: role, devices, pacing",
      'fleet.yaml:5:3 accounts.bad name: expected a name: 1 to 64 letters, digits, ".", "_" or "-", beginning and ending with a letter or digit',
      "fleet.yaml:6:37 accounts.bulk-1.devices: expected at most 4 entries",
      'fleet.yaml:9:24 lines.sales.masters.1: there is no account sale-2. Did you mean "sales-2"? Accounts that are masters: sales-2, bad name',
      "fleet.yaml:9:32 lines.sales.masters.2: bulk-1 is a servant, and stands among the masters: change one or the other",
      "fleet.yaml:9:40 lines.sales.masters.3: sales-1 stands among the masters of sales twice",
      'fleet.yaml:10:5 lines.sales.startegy: unknown name. Did you mean "strategy"? Known here: masters, servants, work, strategy, balance, failback, rebalance, whenNumberChanges, whenRefused, outboxLimit',
      'fleet.yaml:11:18 lines.sales.outboxLimit: expected a number, found "many"',
      "fleet.yaml:12:21 lines.empty.masters: expected at least 1 entry",
      "fleet.yaml:14:11 timers.failed: expected a duration from 1ms to 24h, such as 250ms, 1.5s or 2m; found the number 4800",
      'fleet.yaml:15:10 timers.probe: expected a duration from 1ms to 24h, such as 250ms, 1.5s or 2m; found "5 s"',
    ]);
  });

  it("is refused by the relation that its timers break, at the timer to change", () => {
    expect(errors(`${GOOD}timers:\n  suspect: 2s\n  probe: 1.9s\n`)).toEqual(
      [
        "fleet.yaml:10:10 timers.probe: no-false-alarm: the targets can't be met unless probe + longest stall of a healthy link + round trip <= failed: a holder that merely stalled can answer a probe before it counts as failed. Here 1900 + 3000 + 350 = 5250 ms, must be at most 4500 ms: raise failed, or lower probe by at least 750 ms in all",
        "fleet.yaml:9:12 timers.suspect: probe-before-suspicion: the targets can't be met unless probe + round trip <= suspect: a healthy holder answers before it is suspected, or it would be suspected all the time. Here 1900 + 350 = 2250 ms, must be at most 2000 ms: raise suspect, or lower probe by at least 250 ms in all",
        "fleet.yaml:10:10 timers.probe: outage-in-one: the targets can't be met unless probe + round trip <= together: links that died in one moment were last heard of up to a probe apart, and must count as one outage. Here 1900 + 350 = 2250 ms, must be at most 2000 ms: raise together, or lower probe by at least 250 ms in all",
      ].toSorted((a, b) => a.localeCompare(b, undefined, { numeric: true })),
    );
  });

  it.each([
    ["", "fleet.yaml:1:1 expected a map with fleet, accounts, lines"],
    ["- a\n", "fleet.yaml:1:1 expected a map with fleet, accounts, lines"],
    ["fleet: a\nfleet: b\n", "fleet.yaml:2:1 not valid YAML: Map keys must be unique"],
    ["a: !!js/function x\n", "fleet.yaml:1:4 not valid YAML: Unresolved tag: tag:yaml.org,2002:js/function"],
    [
      "a: 1\n---\nb: 2\n",
      "fleet.yaml:2:1 not valid YAML: Source contains multiple documents; please use YAML.parseAllDocuments()",
    ],
    [
      "a: [1\n",
      "fleet.yaml:2:1 not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]",
    ],
  ])("that is %j is told so", (text, expected) => {
    expect(errors(text)).toContain(expected);
  });

  it("unfolds no bomb of aliases", () => {
    const bomb = `a: &a [1,1,1,1,1,1,1,1,1]\n${"bcdefghi".replace(/./g, (name) => `${name}: &${name} [${`*${String.fromCharCode(name.charCodeAt(0) - 1)},`.repeat(9)}]\n`)}`;
    expect(errors(bomb)[0]).toMatch(/not valid YAML: Excessive alias count/);
  });

  it("does not change prototypes", () => {
    const found = errors(
      "fleet: x\naccounts: { a: { role: master, devices: [a] }, __proto__: { polluted: true } }\nlines: { l: { masters: [toString] } }\n",
    );
    expect(found).toEqual([
      "fleet.yaml:2:48 accounts.__proto__: unknown name.",
      "fleet.yaml:3:25 lines.l.masters.0: there is no account toString. Accounts that are masters: a",
    ]);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  it("that is not there, or a folder, is told so", () => {
    expect(loadFleetFile(join(folder, "none.yaml"), {})).toMatchObject({
      ok: false,
      errors: [{ message: expect.stringMatching(/no such file/) }],
    });
    expect(loadFleetFile(folder, {})).toMatchObject({ ok: false, errors: [{ message: expect.stringMatching(/EISDIR/) }] });
  });
});

describe("secrets", () => {
  const withKey = (reference: string): string => `${GOOD}store:\n  key: ${reference}\n`;

  it("come from the environment or a file beside the fleet file, and print as ***", () => {
    writeFileSync(join(folder, "k.txt"), "s3cret\n");
    for (const [reference, env] of [
      ["${env:MY_KEY}", { MY_KEY: "s3cret" }],
      ["${file:./k.txt}", {}],
    ] as const) {
      const { key } = loaded(withKey(reference), env).store;
      expect(key?.reveal()).toBe("s3cret");
      expect(`${String(key)} ${JSON.stringify({ key })} ${inspect({ key })}`).toBe('*** {"key":"***"} { key: *** }');
    }
  });

  it("that can't be looked up are errors", () => {
    expect(errors(withKey("${env:NOPE}"))).toEqual(["fleet.yaml:9:8 store.key: the environment variable NOPE is not set"]);
    expect(errors(withKey("${file:nope}"))[0]).toMatch(/^fleet.yaml:9:8 store.key: the file .*nope can't be read: ENOENT/);
  });

  it("in the file itself are refused and not repeated", () => {
    const [first, ...rest] = errors(withKey("hunter2"));
    expect(first).toMatch(/a secret does not belong in this file/);
    expect(rest).toEqual([]);
    expect(first).not.toContain("hunter2");
  });

  it("are no way to fill in other settings", () => {
    expect(errors(`${GOOD}store:\n  file: "\${env:HOME}/x.db"\n`)[0]).toMatch(/references like .* are for secrets only/);
  });
});

describe("the environment", () => {
  it("overrides any setting, by a name made from its path", () => {
    const fleet = loaded(GOOD, {
      GREENROOM__TIMERS__MOVE_TO_TWIN: "6s",
      GREENROOM__LINES__SALES__OUTBOX_LIMIT: "5",
      GREENROOM__ACCOUNTS__SALES_2__DEVICES: "[x, y]",
      GREENROOM__BRAKE__SEATS: "3",
      GREENROOM__FLEET: "007",
      GREENROOM_KEY: "no override",
    });
    expect(fleet).toMatchObject({ fleet: "007", timers: { moveToTwin: 6000 }, brake: { seats: 3 }, lines: [{ outboxLimit: 5 }] });
    expect(fleet.accounts[1]?.devices).toEqual(["sales-2/x", "sales-2/y"]);
  });

  it("is told of variables that name nothing, and of values that are wrong", () => {
    const found = errors(GOOD, {
      GREENROOM__TIMERS__MOVE_TO_TWN: "6s",
      GREENROOM__RECONNECT__PER_SECOND: "abc",
      GREENROOM__LINES: "x",
      GREENROOM__ACCOUNTS__SALES_3__ROLE: "master",
      GREENROOM__FLEET__NAME: "x",
      GREENROOM__: "x",
    });
    expect(found.map((text) => text.slice(0, 150))).toEqual([
      'GREENROOM__RECONNECT__PER_SECOND reconnect.perSecond: expected a number, found "abc"',
      expect.stringMatching(/^GREENROOM__ there is no setting \. Known: FLEET, /),
      'GREENROOM__ACCOUNTS__SALES_3__ROLE there is no setting SALES_3 in accounts. Did you mean "SALES_1"? Known: SALES_1, SALES_2, BULK_1',
      "GREENROOM__FLEET__NAME fleet has no settings of its own",
      "GREENROOM__LINES lines is no single setting: add one of __SALES",
      expect.stringMatching(
        /^GREENROOM__TIMERS__MOVE_TO_TWN there is no setting MOVE_TO_TWN in timers. Did you mean "MOVE_TO_TWIN"\? Known: PROBE, /,
      ),
    ]);
  });
});

const loaded = (text: string, env: Record<string, string> = {}): FleetConfig => {
  const result = parseFleet(join(folder, "fleet.yaml"), text, env);
  if (!result.ok) throw new Error(result.errors.map(configErrorText).join("\n"));
  return result.fleet;
};

const errors = (text: string, env: Record<string, string> = {}): string[] => {
  const result = parseFleet(join(folder, "fleet.yaml"), text, env);
  return result.ok ? [] : result.errors.map((error) => configErrorText(error).replace(`${folder}/`, ""));
};
