/** What a fleet file changes about alerts: in an operator's words, without what must not be seen, and without a restart. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { diffFleet, type FleetConfig, liveFleet, parseFleetData } from "../../src/config/index.ts";

const ENV = { A: "hidden-one", B: "hidden-two", URL: "https://hidden.example/1" };
const fleetOf = (alerts: object, env: Readonly<Record<string, string>> = ENV, more: object = {}): FleetConfig => {
  const loaded = parseFleetData(
    {
      fleet: "acme",
      accounts: { one: { role: "master", devices: ["a"] } },
      lines: { sales: { masters: ["one"] }, help: { masters: ["one"] } },
      alerts,
      ...more,
    },
    "/",
    env,
  );
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));
  return loaded.fleet;
};
const changes = (one: object, other: object) => diffFleet(fleetOf(one), fleetOf(other));

describe("what a fleet file changes about alerts", () => {
  it("is said channel by channel, with who is told from then on", () => {
    const ops = { kind: "webhook", url: "https://hidden.example/", secret: "${env:A}" };
    const phone = { kind: "whatsapp", to: ["+491701234567"], lines: ["sales"] };
    expect(
      changes(
        { channels: { ops, phone, gone: { kind: "slack", url: "${env:URL}" } }, critical: ["ops"], escalate: { to: ["ops"] } },
        {
          channels: {
            ops: { ...ops, url: "https://hidden.example/2", secret: "${env:B}" },
            phone: { ...phone, to: ["+491709999999", "+491708888888"], lines: [] },
            chat: { kind: "slack", url: "${env:URL}" },
          },
          critical: ["ops", "phone"],
          escalate: { after: "1m", to: [] },
        },
      ),
    ).toEqual([
      { subject: "channel:chat", text: "channel chat is added: slack" },
      { subject: "channel:gone", text: "channel gone is removed: what waits for it is given up" },
      {
        subject: "channel:ops",
        text: "channel ops posts to an address in the fleet file, where something that is not shown has changed",
      },
      { subject: "channel:ops", text: "channel ops is signed with ${env:B} (now ${env:A})" },
      { subject: "channel:phone", text: "channel phone writes to 2 recipients (now 1 recipient)" },
      { subject: "channel:phone", text: "channel phone goes through any line (now sales)" },
      { subject: "alerts:fleet", text: "alerts: warnings go to terminal, ops, chat (now terminal, ops, gone)" },
      { subject: "alerts:fleet", text: "alerts: critical alerts go to ops, phone (now ops)" },
      { subject: "alerts:fleet", text: "alerts: what nobody acknowledges goes to nobody (now to ops after 10m)" },
    ]);
    expect(changes({ channels: { ops } }, { channels: { ops: { kind: "slack", url: "${env:URL}" } } })).toEqual([
      { subject: "channel:ops", text: "channel ops is of the kind slack (now webhook)" },
    ]);
  });

  it("is said where only the numbers that are written to differ, and not which they are", () => {
    const phone = (to: string) => ({ channels: { phone: { kind: "whatsapp", to: [to] } } });
    expect(changes(phone("+491701234567"), phone("+491709999999"))).toEqual([
      { subject: "channel:phone", text: "channel phone writes to 1 recipient, where something that is not shown has changed" },
    ]);
  });

  it("is said rule by rule", () => {
    const rules = {
      "queue.age": { warning: 120, critical: null, for: "1m" },
      "disk.low": { warning: 500 },
      "device.failed": { for: "20s", channels: { critical: [] }, escalate: { after: "1m", to: ["terminal"] } },
    };
    expect(changes({}, { rules, flapping: { times: 2 } }).map(({ subject, text }) => [subject, text])).toEqual([
      [
        "alerts:fleet",
        "alerts: what comes and goes does so 2 times within 10m, until it is steady for 5m (now 4 times within 10m, until it is steady for 5m)",
      ],
      ["alerts:queue.age", "alerts: queue.age: warning above 120 (now above 60)"],
      ["alerts:queue.age", "alerts: queue.age: critical never (now above 300)"],
      ["alerts:queue.age", "alerts: queue.age: has to hold for 1m (now 15s)"],
      ["alerts:disk.low", "alerts: disk.low: warning below 500 (now below 1000)"],
      ["alerts:device.failed", "alerts: device.failed: has to hold for 20s (now no time)"],
      ["alerts:device.failed", "alerts: device.failed: critical alerts go to nobody (now where it goes for all rules)"],
      [
        "alerts:device.failed",
        "alerts: device.failed: what nobody acknowledges goes to terminal after 1m (now where it goes for all rules)",
      ],
    ]);
  });

  it("is said if and only if something differs, also in what a secret says, shows nothing of that, and needs no restart", () => {
    const url = fc.constantFrom("https://hidden.example/1", "https://hidden.example/2", "${env:URL}");
    const secret = fc.constantFrom("${env:A}", "${env:B}");
    const channel = fc.oneof(
      fc.record({ kind: fc.constant("webhook"), url, secret }, { requiredKeys: ["kind", "url"] }),
      fc.record({ kind: fc.constant("slack"), url: fc.constant("${env:URL}") }),
      fc.record({
        kind: fc.constant("whatsapp"),
        to: fc.subarray(["+4917011111", "+4917022222"], { minLength: 1 }),
        lines: fc.subarray(["sales", "help"]),
      }),
    );
    const told = fc.subarray(["terminal", "ops"]);
    const section = fc.record(
      {
        channels: fc.record({ ops: channel, chat: channel }, { requiredKeys: ["ops"] }),
        warning: told,
        critical: told,
        escalate: fc.record({ after: fc.constantFrom("1m", "2m"), to: told }, { requiredKeys: ["after"] }),
        rules: fc.record(
          {
            "queue.age": fc.record({ warning: fc.constantFrom(60, 61, null), for: fc.constantFrom("15s", "20s") }),
            "device.failed": fc.record(
              { channels: fc.record({ warning: told }), for: fc.constantFrom("10s", "20s") },
              { requiredKeys: ["channels"] },
            ),
          },
          { requiredKeys: [] },
        ),
      },
      { requiredKeys: ["channels"] },
    );
    const env = fc.record({
      A: fc.constantFrom("hidden1", "hidden2"),
      B: fc.constantFrom("hidden1", "hidden2"),
      URL: fc.constantFrom("https://hidden.example/1", "https://hidden.example/2"),
    });
    fc.assert(
      fc.property(section, env, fc.option(section, { freq: 1 }), env, (one, envOfOne, other, envOfOther) => {
        // Often the same section, where only secrets differ.
        const [from, to] = [fleetOf(one, envOfOne), fleetOf(other ?? one, envOfOther)];
        const said = diffFleet(from, to);
        expect(said.length === 0).toBe(meantBy(from) === meantBy(to));
        expect(JSON.stringify(said)).not.toMatch(/hidden|49170/);
        expect(diffFleet(liveFleet(from, to), to)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it("needs a restart, all of it, where it names a channel of plugins that are not loaded", () => {
    const mine = { channels: { mine: { kind: "plugin" } } };
    const [from, to] = [fleetOf({}, ENV, { plugins: "./old.ts" }), fleetOf(mine, ENV, { plugins: "./new.ts" })];
    expect(diffFleet(from, liveFleet(from, to))).toEqual([]);
    expect(diffFleet(liveFleet(from, to), to).map(({ subject }) => subject)).toContain("channel:mine");
    const again = fleetOf({ ...mine, warning: [] }, ENV, { plugins: "./newer.ts" });
    expect(diffFleet(liveFleet(to, again), again).map(({ text }) => text)).toEqual(["the section plugins changes"]);
  });
});

/** All that counts, by name. */
const meantBy = ({ alerts: { channels, policy, limits } }: FleetConfig): string =>
  JSON.stringify([
    channels
      .map((each) => ({
        ...each,
        ...("url" in each ? { url: typeof each.url === "string" ? each.url : each.url.reveal() } : {}),
        ...("secret" in each ? { secret: each.secret?.reveal() ?? null } : {}),
      }))
      .toSorted((one, other) => (one.name < other.name ? -1 : 1)),
    { ...policy, rules: Object.entries(policy.rules).filter(([, routing]) => JSON.stringify(routing) !== '{"channels":{}}') },
    limits,
  ]);
