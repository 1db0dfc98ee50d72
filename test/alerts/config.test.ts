import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { configErrorText, fleetAsData, type FleetConfig, parseFleet } from "../../src/config/index.ts";

const FLEET = `fleet: acme
accounts:
  sales-1: { role: master, devices: [a] }
lines:
  sales: { masters: [sales-1] }
`;
const ALERTS = `alerts:
  channels:
    ops: { kind: webhook, url: "https://ops.example/hook", secret: "\${env:OPS_SECRET}" }
    chat: { kind: slack, url: "\${file:slack.url}" }
    phone: { kind: whatsapp, to: ["+491701234567"], lines: [sales] }
  warning: [chat]
  escalate: { after: 2m, to: [phone] }
  flapping: { within: 1h }
  rules:
    queue.age: { warning: 120, critical: null, for: 1m }
    device.failed: { for: 20s, channels: { critical: [phone] }, escalate: { to: [] } }
`;
const SECRETS = { OPS_SECRET: "opsy-secret" };
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "greenroom-alerts-"));
  writeFileSync(join(folder, "slack.url"), "https://hooks.example/T0/slacky\n");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the alerts of a fleet file", () => {
  it("do without any: everything goes to the terminal, and critical alerts once more after ten minutes", () => {
    const { policy, channels, limits } = loaded(FLEET).alerts;
    expect(channels).toEqual([]);
    expect(policy).toEqual({
      channels: { warning: ["terminal"], critical: ["terminal"] },
      escalation: { after: 600_000, to: ["terminal"] },
      flapping: { times: 4, within: 600_000, steady: 300_000 },
      rules: {},
    });
    expect(limits["queue.age"]).toMatchObject({ warning: 60, critical: 300, holds: 15_000 });
  });

  it("name channels, and what differs from the defaults", () => {
    const { policy, channels, limits } = loaded(FLEET + ALERTS).alerts;
    expect(policy).toEqual({
      channels: { warning: ["chat"], critical: ["terminal", "ops", "chat", "phone"] },
      escalation: { after: 120_000, to: ["phone"] },
      flapping: { times: 4, within: 3_600_000, steady: 300_000 },
      rules: {
        "queue.age": { channels: {} },
        "device.failed": { channels: { critical: ["phone"] }, holds: 20_000, escalation: { after: 600_000, to: [] } },
      },
    });
    expect(limits["queue.age"]).toMatchObject({ warning: 120, critical: null, holds: 60_000 });
    expect(channels.map(({ name, kind }) => `${name} ${kind}`)).toEqual(["ops webhook", "chat slack", "phone whatsapp"]);
    expect(channels[0]).toMatchObject({ url: "https://ops.example/hook", secret: { reference: "${env:OPS_SECRET}" } });
  });

  it("are shown without their secrets, unless those are asked for", () => {
    const fleet = loaded(FLEET + ALERTS);
    expect(JSON.stringify(fleet)).not.toMatch(/opsy|slacky/);
    expect(JSON.stringify(fleetAsData(fleet, { redacted: true }))).not.toMatch(/opsy|slacky/);
    expect(JSON.stringify(fleetAsData(fleet, { redacted: false }))).toMatch(/opsy-secret.*slacky/);
    const again = parseFleet(join(folder, "fleet.yaml"), JSON.stringify(fleetAsData(fleet, { redacted: true })), SECRETS);
    expect(again).toMatchObject({ ok: true, fleet: { alerts: { policy: fleet.alerts.policy, limits: fleet.alerts.limits } } });
  });

  it("are refused with all that is wrong, each in its place", () => {
    const wrong = `alerts:
  channels:
    terminal: { kind: slack, url: "\${env:X}" }
  warning: [opps]
`;
    expect(errors(FLEET + wrong)).toEqual([
      "fleet.yaml:8:5 alerts.channels: terminal is there already: name yours differently",
      "fleet.yaml:9:13 alerts.warning.0: there is no channel opps. There are: terminal",
    ]);
    const more = `alerts:
  channels:
    ops: { kind: webhook, url: "ftp://x" }
    chat: { kind: slack, url: "https://hooks.example/secret-path" }
    phone: { kind: whatsapp, to: ["12"], lines: [sale] }
    gone: { kind: webhook, url: "https://x", secret: "\${env:NOT_SET}" }
  rules:
    queue.agee: { warning: 1 }
    device.failed: { warning: 1 }
`;
    const told = errors(FLEET + more);
    expect(told.join("\n")).not.toContain("secret-path");
    expect(told.map((line) => line.slice(line.indexOf(" ") + 1))).toEqual([
      "alerts.channels.ops.url: this is no http:// or https:// address without a password, and no reference to one, ${env:NAME} or ${file:PATH}",
      "alerts.channels.chat.url: a secret does not belong in this file: expected a reference, ${env:NAME} or ${file:PATH}",
      expect.stringMatching(/^alerts\.channels\.phone\.to\.0: expected a phone number/),
      'alerts.channels.phone.lines.0: there is no line sale. Did you mean "sales"? There are: sales',
      'alerts.rules.queue.agee: there is no rule queue.agee. Did you mean "queue.age"? docs/alerts.md lists them',
      "alerts.rules.device.failed.warning: device.failed has no limit of its own: it is said, not measured. To choose who is told, write channels",
    ]);
    const noAddress = `${FLEET}alerts:\n  channels:\n    chat: { kind: slack, url: "\${env:OPS_SECRET}" }\n`;
    expect(errors(noAddress)).toEqual([
      "fleet.yaml:8:31 alerts.channels.chat.url: ${env:OPS_SECRET} holds no http:// or https:// address",
    ]);
    const unset = errors(
      `${FLEET}alerts:\n  channels:\n    ops: { kind: webhook, url: "https://x", secret: "\${env:NOT_SET}" }\n`,
    );
    expect(unset).toEqual(["fleet.yaml:8:53 alerts.channels.ops.secret: the environment variable NOT_SET is not set"]);
  });
});

function loaded(text: string): FleetConfig {
  const fleet = parseFleet(join(folder, "fleet.yaml"), text, SECRETS);
  if (!fleet.ok) throw new Error(fleet.errors.map(configErrorText).join("\n"));
  return fleet.fleet;
}
function errors(text: string): string[] {
  const fleet = parseFleet(join(folder, "fleet.yaml"), text, SECRETS);
  return fleet.ok ? [] : fleet.errors.map((error) => configErrorText(error).replace(`${folder}/`, ""));
}
