/** Each command about a running fleet, against a socket that answers what a supervisor would. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Silence } from "../../machines/alerts/silence.ts";
import type { AlertHistoryRow } from "../../src/alerts/store.ts";
import type {
  AccountId,
  ConversationId,
  DeviceId,
  FailoverId,
  LineId,
  MessageId,
  SeatId,
  SeatTerm,
} from "../../machines/ports/ids.ts";
import type { KeyRow } from "../../src/http/store.ts";
import type { AuditRow, FailoverRecord } from "../../machines/ports/records.ts";
import {
  type ControlAnswers,
  ControlError,
  type ControlHandlers,
  type ControlOp,
  type DeviceStatus,
  REQUESTS,
  resolveName,
  type SeatStatus,
} from "../../src/runtime/control-protocol.ts";
import { type ControlServer, serveControl } from "../../src/runtime/control-server.ts";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { slaReport } from "../../src/sla/report.ts";
import { hashOf } from "../../src/adapters/sqlite/audit-chain.ts";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { text as textOf } from "node:stream/consumers";
import { inside } from "./inside.ts";
import { type Ended, FLEET, greenroom, makeFleet, makeFolder } from "./process.ts";

const NOW = Date.parse("2026-11-25T12:00:00Z");
const seat: SeatStatus = {
  id: "sales/sales-1" as SeatId,
  line: "sales" as LineId,
  holder: "sales-1/b" as DeviceId,
  term: 4 as SeatTerm,
  phase: "serving",
  queue: { open: 3, oldestMs: 1_500, held: 2 },
  last: { at: NOW - 5_000, text: "sales-1/b speaks for sales/sales-1" },
};
const device = (id: string, more: Partial<DeviceStatus> = {}): DeviceStatus => ({
  id: id as DeviceId,
  name: null,
  labels: [],
  link: "linked",
  state: "serving",
  health: "healthy",
  lastEvidenceMs: 300,
  cordoned: false,
  holds: [],
  ...more,
});
const devices = [
  device("sales-1/a", { state: "backingOff", health: "failed", lastEvidenceMs: 61_000 }),
  device("sales-1/b", { holds: [seat.id] }),
];
const accounts: ControlAnswers["accounts"]["accounts"] = [
  {
    id: "sales-1" as AccountId,
    name: "Sales, Berlin",
    labels: ["north"],
    role: "master",
    standing: "restricted",
    standingUntil: NOW + 3_600_000,
    phone: { seenAt: NOW - 1_000_000_000, unseenSince: NOW - 900_000_000 },
  },
];
const record: FailoverRecord = {
  id: "f1" as FailoverId,
  seat: seat.id,
  cause: "silent",
  from: "sales-1/a" as DeviceId,
  to: "sales-1/b" as DeviceId,
  termBefore: 3 as SeatTerm,
  termAfter: 4 as SeatTerm,
  outcome: "inService",
  ladder: "twin",
  lastEvidenceAt: NOW - 10_000,
  detectedAt: NOW - 5_500,
  chosenAt: NOW - 5_490,
  committedAt: NOW - 4_500,
  inServiceAt: NOW - 4_437,
  endedAt: NOW - 4_437,
  steps: [{ at: NOW - 5_490, text: "chose sales-1/b (twin: same number, heard 210 ms ago)" }],
};
const alert: AlertHistoryRow = {
  key: "device.failed:sales-1/a",
  rule: "device.failed",
  subject: "sales-1/a",
  level: "warning",
  state: "open",
  text: "sales-1/a failed: nothing is heard from it",
  raisedAt: NOW - 5_500,
  resolvedAt: null,
  repeats: 1,
  acknowledged: null,
};
const silence: Silence = {
  id: "3fa90c12",
  rule: null,
  subject: "sales-1",
  from: NOW,
  until: NOW + 7_200_000,
  by: "ann",
  why: "phone",
};
const audit: AuditRow = {
  seq: 7,
  at: NOW,
  actor: "operator:ann",
  action: "failover.demanded",
  subject: seat.id,
  text: "failover of sales/sales-1 demanded",
  evidence: { holder: "sales-1/a" },
};

const key: KeyRow = {
  id: "abcdefghjk",
  name: "shop",
  role: "operator",
  lines: null,
  createdAt: NOW - 86_400_000,
  createdBy: "operator:ann",
  expiresAt: null,
  revokedAt: null,
};

const GROUP = {
  id: "120363000000000001@g.us",
  subject: "Orders",
  description: null,
  owner: null,
  createdAt: NOW,
  announce: true,
  locked: false,
  members: [{ id: "9@lid", lid: "9@lid", pn: "491701234567@s.whatsapp.net", role: "admin" as const }],
};
const CONTACT: ControlAnswers["contact"] = {
  id: "c:1" as ControlAnswers["contact"]["id"],
  lid: "9@lid",
  pn: "491701234567@s.whatsapp.net",
  country: "DE",
  tier: null,
};
const ANSWERS: ControlAnswers = {
  status: {
    fleet: "acme",
    pid: 4711,
    now: NOW,
    startedAt: NOW - 7_500_000,
    mode: "automatic",
    lines: [],
    seats: [seat],
    accounts,
    devices,
    alerts: [alert],
    drift: { changes: 0, restart: 0, isWrong: false },
  },
  why: { now: NOW, seat, holder: devices[1] ?? null, speaker: accounts[0] ?? null, failovers: [record], audit: [audit] },
  failover: { inTime: true, record },
  switchover: { inTime: true, record },
  failback: { inTime: true, record },
  drain: { account: "sales-1" as AccountId, cordoned: true, moved: [record], stays: [] },
  accounts: { accounts, devices },
  send: { id: "m0abc", seat: seat.id, duplicate: false },
  held: {
    now: NOW,
    messages: [{ id: "m0held", seat: seat.id, acceptedAt: NOW, attempts: 1, reason: "another number" }],
    more: false,
  },
  release: { released: ["m0held", "m1held"] },
  message: {
    now: NOW,
    id: "m0abc" as MessageId,
    line: "sales" as LineId,
    seat: seat.id,
    kind: "text",
    state: "acknowledged",
    reason: null,
    priority: 5,
    acceptedAt: NOW - 2_000,
    expiresAt: NOW + 60_000,
    attempts: [
      {
        number: 1,
        device: "sales-1/a" as DeviceId,
        seatTerm: 1 as SeatTerm,
        at: NOW - 1_900,
        outcome: "unanswered",
        detail: null,
      },
      {
        number: 2,
        device: "sales-1/b" as DeviceId,
        seatTerm: 2 as SeatTerm,
        at: NOW - 900,
        outcome: "acknowledged",
        detail: "ack",
      },
    ],
  },
  cancel: { id: "m0abc" as MessageId, seat: seat.id },
  services: {
    services: [{ kind: "adapter", name: "store.sqlite", state: "open", version: "3.50.4", detail: "/srv/acme.db" }],
  },
  history: { now: NOW, failovers: [record] },
  alerts: { now: NOW, alerts: [alert] },
  alertShow: {
    now: NOW,
    alert,
    silencedBy: [silence],
    notices: [
      {
        id: "acme.1",
        at: NOW - 5_100,
        channel: "ops",
        items: [{ ...alert, kind: "raised", flaps: false }],
        state: "delivered",
        attempts: 2,
        outcome: "answered 204",
        endedAt: NOW - 4_000,
      },
    ],
  },
  alertAcknowledge: { now: NOW, alert: { ...alert, acknowledged: { at: NOW, by: "ann" } } },
  alertSilences: {
    now: NOW,
    silences: [silence],
    channels: [{ name: "ops", kind: "webhook", waiting: 3, failing: true }],
  },
  alertSilence: { silence },
  alertUnsilence: { silence },
  alertTest: { tested: [{ channel: "ops", kind: "webhook", ok: true, outcome: "answered 204", took: 120 }] },
  alertReport: {
    now: NOW,
    rows: [
      {
        name: "device.failed",
        alerts: 7,
        critical: 1,
        open: 1,
        acknowledged: 3,
        toAcknowledge: 45_000,
        toResolve: 12_300,
        longest: 7_200_000,
      },
    ],
  },
  audit: { now: NOW, audit: [audit] },
  events: {
    last: 9,
    events: [{ seq: 9, at: NOW, type: "seat.serving", subject: seat.id, data: { device: "sales-1/b", term: 4 } }],
  },
  copyStore: { to: "/somewhere" },
  webhooks: {
    webhooks: [
      {
        name: "crm",
        url: "https://crm.example/hook",
        events: ["message.received", "failover.*"],
        lines: [],
        signed: true,
        dead: 2,
        log: [{ at: NOW, id: "acme.in.7", type: "message.received", tookMs: 12, failure: "it answered 500" }],
      },
    ],
  },
  webhookTest: { webhook: "crm", failure: null },
  webhookDead: {
    letters: [{ webhook: "crm", source: "inbox", seq: 7, type: "message.received", at: NOW, tries: 11, why: "it answered 500" }],
    more: false,
  },
  webhookRedrive: { webhook: "crm", delivered: 1, gone: 0, failed: null, left: 0 },
  sla: slaReport(
    { from: NOW - 30 * 86_400_000, to: NOW },
    NOW,
    0.9999,
    [{ seat: seat.id, since: 0, goneAt: null }],
    [{ seat: seat.id, from: NOW - 600_000, to: NOW - 300_000, blame: "seat" }],
  ),
  metrics: { contentType: "text/plain", text: "greenroom_failover_automatic 1\n" },
  auditVerify: { entries: 2, anchor: { seq: 0, hash: "" }, head: { seq: 2, hash: "ab12" }, broken: null },
  auditPage: { anchor: { seq: 0, hash: "" }, entries: [{ ...audit, seq: 1, hash: "cd34" }] },
  auditPrune: { removed: 3 },
  pause: { mode: "paused" },
  resume: { mode: "automatic" },
  links: { links: [{ device: "sales-2/a" as DeviceId, state: "unlinked", offer: null }] },
  link: { device: "sales-2/a" as DeviceId, linked: false, offer: { kind: "qr", text: "2@abc", at: NOW } },
  apply: { file: "/fleet.yaml", changes: [], applied: true, tag: "t1" },
  edit: {
    file: "/fleet.yaml",
    changes: [{ subject: "sales-3", text: "account sales-3 (master) is added, with sales-3/a", isLive: true }],
    applied: true,
    tag: "t2",
  },
  unlinkAccount: { accounts, devices },
  unlink: device("sales-1/b", { link: "loggedOut", state: "loggedOut" }),
  restart: device("sales-1/a", { state: "waiting" }),
  keys: { now: NOW, keys: [key, { ...key, id: "oldoldold0", name: "old", lines: ["sales" as LineId], revokedAt: NOW - 1000 }] },
  keyCreate: { key, secret: "gr_abcdefghjk_secret" },
  keyRevoke: { ...key, revokedAt: NOW },
  line: {
    line: seat.line,
    strategy: "least-loaded",
    seats: [
      {
        seat: seat.id,
        isEligible: true,
        weight: 0.5,
        begun: 30,
        waiting: 4,
        underWay: 1,
        expectedWait: 420.6,
        handedOver: 100,
        answered: 97,
        failed: 2,
        p50: 210,
        p99: 1_900,
      },
    ],
    posts: [],
  },
  performance: {
    line: seat.line,
    since: NOW - 3_600_000,
    until: NOW,
    groups: [
      {
        seat: seat.id,
        account: "sales-1" as AccountId,
        role: "master",
        strategy: "least-loaded",
        begun: 3,
        sent: 90,
        acked: 88,
        failed: 1,
        p50: 200.4,
        p99: null,
        share: 0.75,
      },
    ],
    imbalance: 1.5,
    minutes: [],
    damaged: 0,
  },
  rebalance: {
    line: seat.line,
    moves: [{ conversation: "sales|c:7" as ConversationId, from: seat.id, to: "sales/sales-2" as SeatId, waiting: 3 }],
    seats: [{ seat: seat.id, before: 8, after: 5 }],
  },
  groups: { groups: [GROUP] },
  group: GROUP,
  groupCreate: GROUP,
  groupChange: {
    members: [
      { id: "9@lid", done: true, code: null },
      { id: "8@lid", done: false, code: "403" },
    ],
  },
  groupSet: GROUP,
  groupLeave: { group: GROUP.id },
  groupInvitation: { code: "AbCdEf123", link: "https://chat.whatsapp.com/AbCdEf123" },
  groupInvited: GROUP,
  groupJoin: { group: null },
  contacts: { contacts: [CONTACT], next: "sales|c:1" as ConversationId },
  contact: CONTACT,
  mediaUpload: { id: "a".repeat(64), bytes: 3, mimetype: "image/png" },
  mediaDownload: { to: "/tmp/picture.png", bytes: 12_345, mimetype: "image/png" },
  stop: { stopping: true },
};

let folder: string;
let socket: string;
let server: ControlServer;
/** What the last command asked for. */
let asked: { op: ControlOp; request: unknown } | undefined;
let answers: Partial<ControlAnswers> = {};

beforeAll(async () => {
  process.env["TZ"] = "UTC";
  folder = mkdtempSync(join(tmpdir(), "greenroom-asking-"));
  socket = join(folder, "g.sock");
  const handler = (op: ControlOp) => (request: { seat?: string }) => {
    asked = { op, request };
    if (request.seat !== undefined) resolveName("seat", request.seat, [seat.id, "sales/sales-2"]);
    return answers[op] ?? ANSWERS[op];
  };
  const handlers = Object.fromEntries((Object.keys(REQUESTS) as ControlOp[]).map((op) => [op, handler(op)]));
  server = await serveControl({ path: socket, handlers: handlers as unknown as ControlHandlers });
});
afterAll(async () => {
  await server.close(0);
  rmSync(folder, { recursive: true, force: true });
});

const run = async (line: string, overrides: Partial<ControlAnswers> = {}, input?: string): Promise<Ended> => {
  asked = undefined;
  answers = overrides;
  const args = line.match(/'[^']*'|\S+/g)?.map((word) => word.replaceAll("'", "")) ?? [];
  const env = { GREENROOM_SOCKET: socket, TZ: "UTC" };
  return input === undefined ? inside(args, env) : greenroom(args, { env, input });
};

let lastHash = "";
const chained = (row: AuditRow, before: string | null) => {
  lastHash = hashOf(before ?? lastHash, row);
  return { ...row, hash: lastHash };
};

const edit = (change: object, force = false): object => ({ edit: change, dryRun: false, force, match: null });

describe("--json prints the supervisor's answer and nothing else:", () => {
  it.each<[string, ControlOp, object]>([
    ["status --json", "status", {}],
    ["why sales-1 --json", "why", { seat: "sales-1" }],
    ["failover sales-1 --to sales-1/b --json", "failover", { seat: "sales-1", to: "sales-1/b" }],
    ["switchover sales-1 --json", "switchover", { seat: "sales-1" }],
    ["failback sales-1 --json", "failback", { seat: "sales-1" }],
    ["drain sales-1 --json", "drain", { account: "sales-1", undo: false, keep: false }],
    ["account drain sales-1 --undo --json", "drain", { account: "sales-1", undo: true, keep: false }],
    ["account cordon sales-1 --json", "drain", { account: "sales-1", undo: false, keep: true }],
    ["account list --json", "accounts", {}],
    ["account show sales-1 --json", "accounts", {}],
    ["account unlink sales-1 --json", "unlinkAccount", { account: "sales-1" }],
    [
      "account add sales-3 --devices a,b --lines sales --dry-run --json",
      "edit",
      {
        edit: { kind: "account.add", account: "sales-3", role: "master", devices: ["a", "b"], lines: ["sales"] },
        dryRun: true,
        force: false,
        match: null,
      },
    ],
    ["account remove sales-3 --force --json", "edit", edit({ kind: "account.remove", account: "sales-3" }, true)],
    [
      "account set sales-1 --per-second 0.5 --burst 10 --json",
      "edit",
      edit({ kind: "account.change", account: "sales-1", pacing: { perSecond: 0.5, burst: 10 } }),
    ],
    [
      "account rename sales-1 'Sales, Berlin' --json",
      "edit",
      edit({ kind: "describe", subject: "sales-1", name: "Sales, Berlin" }),
    ],
    ["account label sales-1 north vip --json", "edit", edit({ kind: "describe", subject: "sales-1", labels: ["north", "vip"] })],
    ["device list --json", "accounts", {}],
    ["device add sales-1/c --json", "edit", edit({ kind: "device.add", account: "sales-1", device: "c" })],
    ["device rename sales-1/b --json", "edit", edit({ kind: "describe", subject: "sales-1/b", name: null })],
    ["device remove sales-1/b --json", "edit", edit({ kind: "device.remove", device: "sales-1/b" })],
    [
      "line add help --masters sales-1 --failback automatic --json",
      "edit",
      edit({ kind: "line.add", line: "help", masters: ["sales-1"], failback: "automatic" }),
    ],
    [
      "line set sales --work bulk,overflow --strategy least-loaded --when-refused fail --outbox-limit 5 --json",
      "edit",
      edit({
        kind: "line.change",
        line: "sales",
        work: ["bulk", "overflow"],
        strategy: "least-loaded",
        whenRefused: "fail",
        outboxLimit: 5,
      }),
    ],
    ["line remove help --json", "edit", edit({ kind: "line.remove", line: "help" })],
    ["servant add bulk-1 sales --json", "edit", edit({ kind: "servant.add", account: "bulk-1", line: "sales", devices: ["a"] })],
    ["servant remove bulk-1 sales --json", "edit", edit({ kind: "servant.remove", account: "bulk-1", line: "sales" })],
    ["accounts --json", "accounts", {}],
    ["send sales +49170123456 hello --key k --json", "send", { line: "sales", to: "+49170123456", text: "hello", key: "k" }],
    [
      "send sales +49170123456 hello --priority 0 --region eu --expires 12h --json",
      "send",
      { line: "sales", to: "+49170123456", text: "hello", priority: 0, region: "eu", expiresIn: 43_200_000 },
    ],
    ["held --json", "held", { limit: 50 }],
    ["held release --all --json", "release", { message: null, send: true }],
    ["held drop m0held --json", "release", { message: "m0held", send: false }],
    ["services --kind adapter --json", "services", { kind: "adapter" }],
    ["message m0abc --json", "message", { message: "m0abc" }],
    ["cancel m0abc --json", "cancel", { message: "m0abc" }],
    ["history sales-1 -n 3 --json", "history", { seat: "sales-1", limit: 3 }],
    ["alerts --all --json", "alerts", { all: true, rule: null, subject: null, from: null, to: null, limit: 50 }],
    [
      "alerts list --rule device.* --subject sales-1 --from 2026-01-01T00:00:00Z --json",
      "alerts",
      { all: false, rule: "device.*", subject: "sales-1", from: Date.parse("2026-01-01"), to: null, limit: 50 },
    ],
    ["alerts show sales-1/a --json", "alertShow", { alert: "sales-1/a" }],
    ["alerts ack device.failed:sales-1/a --json", "alertAcknowledge", { alert: "device.failed:sales-1/a" }],
    ["alerts silences --json", "alertSilences", {}],
    [
      "alerts silence --subject sales-1 --for 2h --why phone --json",
      "alertSilence",
      { rule: null, subject: "sales-1", from: null, for: 7_200_000, why: "phone" },
    ],
    ["alerts unsilence 3fa90c12 --json", "alertUnsilence", { silence: "3fa90c12" }],
    ["alerts test ops --json", "alertTest", { channel: "ops" }],
    ["alerts report --by day --json", "alertReport", { by: "day", rule: null, subject: null, from: null, to: null }],
    ["audit sales-1/a --json", "audit", { subject: "sales-1/a", limit: 30 }],
    ["top --json", "status", {}],
    [
      "sla report --from 2026-11-01 --to 2026-11-02 --target 99.9 --json",
      "sla",
      { from: Date.parse("2026-11-01T00:00:00Z"), to: Date.parse("2026-11-02T00:00:00Z"), target: 0.9990000000000001 },
    ],
    ["metrics --json", "metrics", {}],
    ["audit verify --json", "auditVerify", {}],
    ["audit prune --before 2026-01-01T00:00:00Z --json", "auditPrune", { before: Date.parse("2026-01-01T00:00:00Z") }],
    ["line rebalance sales --dry-run -n 5 --json", "rebalance", { line: "sales", most: 5 }],
    ["line rebalance sales --json", "rebalance", { line: "sales", most: 20, move: true }],
    ["pause --json", "pause", {}],
    ["resume --json", "resume", {}],
    ["device link --json", "links", {}],
    ["device link sales-2/a --code '+49 170 123456' --json", "link", { device: "sales-2/a", phone: "49170123456" }],
    ["config apply --dry-run --json", "apply", { dryRun: true, force: false, match: null }],
    ["config apply --force --json", "apply", { dryRun: false, force: true, match: null }],
    ["config diff --json", "apply", { dryRun: true, force: false, match: null }],
    ["device unlink sales-1/b --json", "unlink", { device: "sales-1/b" }],
    ["device restart sales-1/b --json", "restart", { device: "sales-1/b" }],
    ["key --json", "keys", {}],
    ["key create shop --json", "keyCreate", { name: "shop", role: "viewer", lines: null, expiresIn: null }],
    [
      "key create shop --role operator --lines sales,help --expires 90d --json",
      "keyCreate",
      { name: "shop", role: "operator", lines: ["sales", "help"], expiresIn: 90 * 86_400_000 },
    ],
    ["key revoke gr_abcdefghjk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA --json", "keyRevoke", { key: "abcdefghjk" }],
    ["group list sales-1 --json", "groups", { seat: "sales-1" }],
    [`group info sales-1 ${GROUP.id} --json`, "group", { seat: "sales-1", group: GROUP.id }],
    [
      "group create sales-1 Orders +491701234567 +491701234568 --json",
      "groupCreate",
      { seat: "sales-1", subject: "Orders", members: ["+491701234567", "+491701234568"] },
    ],
    [`group participants sales-1 ${GROUP.id} --json`, "group", { seat: "sales-1", group: GROUP.id }],
    [
      `group set sales-1 ${GROUP.id} --subject Orders --description '' --announce on --locked off --json`,
      "groupSet",
      {
        seat: "sales-1",
        group: GROUP.id,
        settings: { subject: "Orders", description: null, announce: true, locked: false },
      },
    ],
    [`group invite sales-1 ${GROUP.id} --json`, "groupInvitation", { seat: "sales-1", group: GROUP.id, renew: false }],
    [`group invite sales-1 ${GROUP.id} --renew --json`, "groupInvitation", { seat: "sales-1", group: GROUP.id, renew: true }],
    ["group join sales-1 AbCdEf123 --look --json", "groupInvited", { seat: "sales-1", invitation: "AbCdEf123" }],
    ["group join sales-1 AbCdEf123 --json", "groupJoin", { seat: "sales-1", invitation: "AbCdEf123" }],
    [`group leave sales-1 ${GROUP.id} --json`, "groupLeave", { seat: "sales-1", group: GROUP.id }],
    ["contact list sales --after 'sales|c:1' --json", "contacts", { line: "sales", after: "sales|c:1", limit: 50 }],
    ["contact show +491701234567 --json", "contact", { contact: "+491701234567" }],
    ["media upload /srv/picture.png --json", "mediaUpload", { file: "/srv/picture.png" }],
    ["media download 7 /tmp/picture.png --json", "mediaDownload", { media: "7", to: "/tmp/picture.png" }],
    ["stop --json", "stop", {}],
  ])("%s", async (line, op, request) => {
    const { code, stdout, stderr } = await run(line);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(JSON.parse(stdout)).toEqual(ANSWERS[op]);
    expect(asked).toEqual({ op, request });
  });
});

describe("on a terminal of 80 columns", () => {
  /** Of names as long as may be. */
  const long = JSON.parse(
    JSON.stringify(ANSWERS)
      .replaceAll("sales-1", `sales-${"1".repeat(58)}`)
      .replaceAll('"shop"', `"${"shop".repeat(16)}"`),
  ) as ControlAnswers;
  it.each([
    "accounts",
    "account list",
    "queue",
    "history",
    "held",
    "key list",
    "device link",
    "contact list sales",
    "webhook list",
    "webhook dead",
    "services",
    "line list",
    "line show sales",
    "line rebalance sales --dry-run",
    "group list sales-1",
    `group participants sales-1 ${GROUP.id}`,
    "alerts silences",
    "alerts test",
    "alerts report",
  ])("%s fits", async (line) => {
    const { code, stdout } = await run(line, long);
    expect(code).toBe(0);
    expect(stdout.split("\n").filter(({ length }) => length > 80)).toEqual([]);
  });
});

it("held shows the whole id on a terminal of 80 columns, also of a servant's message: it has to be typed", async () => {
  const id = "m0mwxxnm910000ykbvjnt";
  const reason = "WhatsApp did not answer, and another number took over meanwhile";
  const messages = [{ id, seat: "sales/sales-1#bulk-1" as SeatId, acceptedAt: NOW, attempts: 3, reason }];
  const { stdout } = await run("held", { held: { now: NOW, messages, more: false } });
  expect(stdout).toContain(` ${id} `);
  expect(stdout.split("\n").filter(({ length }) => length > 80)).toEqual([]);
});

it("services shows versions on a terminal of 80 columns", async () => {
  const service = {
    kind: "actor",
    name: "sender:sales/sales-1#bulk-1",
    state: "recovering",
    version: "7.0.0-rc14",
    detail: "x".repeat(60),
  };
  const { stdout } = await run("services", { services: { services: [service as never] } });
  expect(stdout).toContain("7.0.0-rc14");
  expect(stdout.split("\n").filter(({ length }) => length > 80)).toEqual([]);
});

describe("as text,", () => {
  it("alerts show who was told, what is silenced, which channels get through, and how soon alerts were over", async () => {
    expect((await run("alerts show sales-1/a")).stdout).toBe(`device.failed:sales-1/a
WARNING   2026-11-25 11:59:54 (2 times)  sales-1/a failed: nothing is heard from it
silenced by ann until 2026-11-25 14:00:00 (phone): greenroom alerts unsilence 3fa90c12
TOLD                 CHANNEL  WHAT    STATE      TRIES  OUTCOME
2026-11-25 11:59:54  ops      raised  delivered  2      answered 204
`);
    expect((await run("alerts ack sales-1/a")).stdout).toBe("device.failed:sales-1/a is acknowledged by ann.\n");
    expect(
      (await run("alerts silences")).stdout,
    ).toBe(`ID        RULE        ABOUT    FROM                 UNTIL                WHY
3fa90c12  every rule  sales-1  2026-11-25 12:00:00  2026-11-25 14:00:00  phone

CHANNEL  KIND     WAITING  STATE
ops      webhook  3        failing
`);
    expect((await run("alerts report")).stdout).toBe(`RULE           ALERTS  CRITICAL  OPEN  SEEN  UNTIL SEEN  UNTIL OVER  LONGEST
device.failed  7       1         1     3     45 s        12 s        2 h
`);
  });

  it("alerts test ends with 1 if a channel does not get through", async () => {
    expect((await run("alerts test")).code).toBe(0);
    const tested = [{ channel: "ops", kind: "webhook" as const, ok: false, outcome: "it answered 500", took: 120 }];
    const { code, stdout } = await run("alerts test", { alertTest: { tested } });
    expect(code).toBe(1);
    expect(stdout).toContain("ops      webhook  FAILED  0.1 s  it answered 500");
  });

  it("alerts silence says what, or is refused", async () => {
    expect(await run("alerts silence --for 2h")).toMatchObject({ code: 2, stderr: expect.stringContaining("--everything") });
    expect(await run("alerts silence --subject x --for 2y")).toMatchObject({ code: 2 });
  });

  it("message says where it is, and how each attempt ended", async () => {
    expect((await run("message m0abc")).stdout).toBe(`m0abc is acknowledged
text of sales/sales-1, accepted 2026-11-25 11:59:58 (2.0 s ago), expires in 1 min
  2026-11-25 11:59:58  attempt 1 from sales-1/a: unanswered
  2026-11-25 11:59:59  attempt 2 from sales-1/b: acknowledged (ack)
`);
    const { expiresAt: _, ...rest } = ANSWERS.message;
    const failed = { ...rest, state: "failed", reason: "expired", expiresAt: rest.now - 1_000, attempts: [] } as const;
    expect((await run("message m0abc", { message: failed })).stdout).toBe(`m0abc is failed: expired
text of sales/sales-1, accepted 2026-11-25 11:59:58 (2.0 s ago), expired 1.0 s ago
not tried yet
`);
  });

  it("status shows seats, devices that are not well, and alerts", async () => {
    const { code, stdout } = await run("status");
    expect(code).toBe(0);
    expect(stdout).toBe(`acme  process 4711, up 2 h 5 min, failover automatic, 1 of 1 seat in service

SEAT           HOLDER     STATE    WAITING            LAST DECISION
sales/sales-1  sales-1/b  serving  3 (1.5 s), 2 held  11:59:55 sales-1/b speaks…

DEVICES TO LOOK AT  LINK    CONNECTION  HEALTH  HEARD
sales-1/a           linked  backingOff  failed  1 min ago

WARNING   since 11:59:54  sales-1/a failed: nothing is heard from it
`);
  });

  it("status --check tells a script whether all is well", async () => {
    expect((await run("status --check")).code).toBe(0);
    const stranded = { ...ANSWERS.status, seats: [{ ...seat, phase: "stranded" }] };
    expect((await run("status --check", { status: stranded })).code).toBe(1);
  });

  it("why tells the story of a seat", async () => {
    const { stdout } = await run("why sales-1");
    expect(stdout).toContain("sales/sales-1 is serving: sales-1/b speaks for it (term 4, heard 0.3 s ago); 3 waiting, 2 held");
    expect(stdout).toContain("silent: sales-1/a → sales-1/b (twin), in service");
    expect(stdout).toContain("11:59:54  chose sales-1/b (twin: same number, heard 210 ms ago)");
    expect(stdout).toContain("operator:ann: failover of sales/sales-1 demanded");
  });

  it.each([
    ["good", ""],
    ["capped", "sales-1 has begun as many chats as WhatsApp allows it until 2026-11-25 13:00:00\n"],
    ["restricted", "sales-1 is restricted by WhatsApp until 2026-11-25 13:00:00\n"],
  ] as const)("why tells of a seat that gets no new conversations: its account is %s", async (standing, told) => {
    const speaker = { id: "sales-1" as AccountId, standing, standingUntil: NOW + 3_600_000 };
    const { stdout } = await run("why sales-1", { why: { ...ANSWERS.why, speaker } });
    expect(/it gets no new conversations: (.*\n)/.exec(stdout)?.[1] ?? "").toBe(told);
  });

  it("failover says what came of it, and exits with 1 if the seat did not move", async () => {
    expect(await run("failover sales-1")).toMatchObject({
      code: 0,
      stdout: "sales/sales-1: sales-1/a → sales-1/b (twin), in service after 1063 ms\n",
    });
    const failed = { inTime: true, record: { ...record, to: null, outcome: "exhausted", inServiceAt: null } } as const;
    expect(await run("failover sales-1", { failover: failed })).toMatchObject({
      code: 1,
      stdout: "sales/sales-1: sales-1/a, nobody was able\n",
    });
    const slow = { inTime: false, seat: seat.id } as const;
    expect(await run("failover sales-1", { failover: slow })).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/still being moved/),
    });
  });

  it("drain says which seats went where, and which stay, for which it exits with 1", async () => {
    expect(await run("drain sales-1")).toMatchObject({
      code: 0,
      stdout:
        "sales/sales-1: sales-1/a → sales-1/b (twin)\nsales-1 speaks for no seat, and takes none until: greenroom drain sales-1 --undo\n",
    });
    const stays = { ...ANSWERS.drain, moved: [], stays: [{ seat: seat.id, why: "sales-2/a: not linked" }] };
    expect(await run("drain sales-1", { drain: stays })).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^sales\/sales-1 stays: sales-2\/a: not linked\nsales-1 takes no further seat until/),
    });
    const undone = { ...ANSWERS.drain, cordoned: false, moved: [] };
    expect(await run("drain sales-1 --undo", { drain: undone })).toMatchObject({
      code: 0,
      stdout: "sales-1 may take seats again.\n",
    });
  });

  it("metrics export writes the minutes of all lines as a table or as JSON, and says what can't be true", async () => {
    const minute = { at: NOW - 120_000, line: seat.line, seat: seat.id, account: "sales-1" as AccountId, strategy: 'a,"b"' };
    const counts = { begun: 1, sent: 2, acked: 1, failed: 1, p50: 210, p99: null };
    const minutes = [
      { ...minute, ...counts },
      { ...minute, ...counts, at: NOW - 60_000 },
    ];
    const answers = { performance: { ...ANSWERS.performance, minutes, damaged: 3 } };
    const { stdout, stderr } = await run("metrics export --line sales --to 2026-11-25T11:58:30Z", answers);
    expect(stdout).toBe(`time,line,seat,account,strategy,begun,sent,acked,failed,ack_p50_ms,ack_p99_ms
2026-11-25T11:58:00.000Z,sales,sales/sales-1,sales-1,"a,""b""",1,2,1,1,210,
`);
    expect(stderr).toContain("3 minutes in the store can't be true");
    const json = await run("metrics export --format json --line sales", answers);
    expect(JSON.parse(json.stdout)).toMatchObject({
      schema: "greenroom.metrics/1",
      rows: [{ time: "2026-11-25T11:58:00.000Z", ack_p99_ms: null }, { time: "2026-11-25T11:59:00.000Z" }],
      damaged: 3,
    });
    expect(JSON.parse((await run("metrics export --json", answers)).stdout)).toHaveProperty("schema");
    expect((await run("metrics export --from 2026-11-25 --to 2026-11-24", answers)).code).toBe(2);
  });

  it("line shows how its seats do, and what a rebalance would move", async () => {
    expect((await run("line show sales")).stdout).toBe(`sales: least-loaded, 30 conversations begun since the start
SEAT           ABLE  BEGUN  SHARE    WAITING  ACKED  FAILED  P99      NEXT WAITS
sales/sales-1  yes   30     100.0 %  4        97     2       1900 ms  421 ms

LAST HOUR      SPOKEN BY  BEGUN  SENT  ACKED  FAILED  P50     P99  SHARE
sales/sales-1  sales-1    3      90    88     1       200 ms  -    75.0 %
The busiest seat sent 1.50 times what its weight gives it (1 is even).
`);
    expect(JSON.parse((await run("line show sales --json")).stdout)).toEqual({ ...ANSWERS.line, lastHour: ANSWERS.performance });
    const quiet = { performance: { ...ANSWERS.performance, groups: [], imbalance: null } };
    expect((await run("line show sales", quiet)).stdout).toMatch(/\nNothing was sent in the last hour\.\n$/);
    expect(
      (await run("line rebalance sales --dry-run")).stdout,
    ).toBe(`sales: 1 conversation could go to another seat. Nothing was moved.
CONVERSATION  MESSAGES  FROM           TO
sales|c:7     3         sales/sales-1  sales/sales-2

Messages that wait, for each unit of weight:
SEAT           WAITING  AFTERWARDS
sales/sales-1  8.0      5.0
`);
    const plan = ANSWERS.rebalance;
    const ends = [{ conversation: "sales|c:7", kind: "stayed" as const, why: "its contact knows a number of the line" }];
    expect(
      (await run("line rebalance sales", { rebalance: { ...plan, ends } })).stdout,
    ).toContain(`sales: 0 conversations of 1 went to another seat.
CONVERSATION  MESSAGES  FROM           TO             OUTCOME
sales|c:7     3         sales/sales-1  sales/sales-2  stayed: its contact knows…
`);
  });

  it("what takes no seat by somebody's word is told, where accounts are and where all is well", async () => {
    const cordoned = [device("sales-1/a", { cordoned: true }), device("sales-1/b")];
    const shown = await run("account list", { accounts: { ...ANSWERS.accounts, devices: cordoned } });
    expect(shown.stdout).toMatch(/sales-1\/a +cordoned\b/);
    expect(shown.stdout).toMatch(/sales-1\/b +healthy$/m);
    const status = await run("status", { status: { ...ANSWERS.status, devices: cordoned } });
    expect(status.stdout).toContain("\nCordoned, so they take no seat: sales-1/a\n");
  });

  it("status shows the worst alerts first, with their day, and counts what is beyond a screen", async () => {
    const [alert] = ANSWERS.status.alerts;
    const many = Array.from(
      { length: 25 },
      (_, no) => ({ ...alert, key: `k${no}`, text: `matter ${no}` }) as NonNullable<typeof alert>,
    );
    const old = { ...many[24], level: "critical", raisedAt: NOW - 3 * 86_400_000 } as NonNullable<typeof alert>;
    const { stdout } = await run("status", { status: { ...ANSWERS.status, alerts: [...many.slice(0, 24), old] } });
    expect(stdout).toMatch(/^CRITICAL {2}since 2026-11-22 12:00:00 {2}matter 24\nWARNING {3}since 11:59:54 {2}matter 0\n/m);
    expect(stdout).toMatch(/matter 17\nand 6 alerts more: greenroom alerts/);
  });

  it("history, accounts, alerts, audit and held are tables and lines", async () => {
    expect((await run("history")).stdout).toMatch(/sales\/sales-1 +sales-1\/a → sales-1\/b \(twin\) +\+1063 ms/);
    expect((await run("account show sales-1")).stdout).toMatch(
      /^sales-1 "Sales, Berlin" \[north\]: master, restricted until 2026-11-25 13:00:00; its phone was seen 2026-11-13 22:13:20 and has confirmed nothing since 2026-11-15 02:00:00\n/,
    );
    expect((await run("accounts")).stdout).toMatch(/^sales-1 +restricted +sales-1\/a +backingOff, failed/m);
    expect((await run("alerts")).stdout).toBe(
      "WARNING   2026-11-25 11:59:54 (2 times)  sales-1/a failed: nothing is heard from it\n",
    );
    expect((await run("audit")).stdout).toBe(
      "2026-11-25 12:00:00  operator:ann  failover.demanded sales/sales-1: failover of sales/sales-1 demanded  [holder sales-1/a]\n",
    );
    expect((await run("held")).stdout).toMatch(/2026-11-25 12:00:00 +sales\/sales-1 +m0held +1 +another number/);
  });

  it("audit verify says whether it holds, and exits with 1 if not; an export can be verified without the supervisor", async () => {
    expect(await run("audit verify")).toMatchObject({
      code: 0,
      stdout: "The audit is as it was written: entries 1 to 2.\nhead ab12\n",
    });
    expect(await run("audit verify --head ab13")).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/ends with ab12, not with ab13/),
    });
    const broken = { ...ANSWERS.auditVerify, broken: { seq: 2, why: "entry 2 is missing" } };
    expect(await run("audit verify", { auditVerify: broken })).toMatchObject({
      code: 1,
      stdout: "The audit is NOT as it was written: entry 2 is missing.\n",
    });
    const [first, second] = [chained({ ...audit, seq: 1 }, ""), chained({ ...audit, seq: 2, text: '=1+1, said "ann"' }, null)];
    const page = { auditPage: { anchor: { seq: 0, hash: "" }, entries: [first, second] } };
    const file = join(makeFolder(), "audit.jsonl");
    expect(await run(`audit export --out ${file}`, page)).toMatchObject({ code: 0, stderr: `2 entries written to ${file}\n` });
    expect(await run(`audit verify ${file} --json`)).toMatchObject({ code: 0, stdout: expect.stringContaining(second.hash) });
    writeFileSync(file, readFileSync(file, "utf8").replace("operator:ann", "operator:bob"));
    expect(await run(`audit verify ${file}`)).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/entry 1 is not what was written/),
    });
    expect(await run(`audit export --out ${file}`, page)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^E_FILE .*EEXIST/),
    });
    expect((await run("audit export --format csv --to 2026-11-25T12:00:01Z", page)).stdout).toBe(
      `seq,time,actor,action,subject,text,evidence,hash
1,2026-11-25T12:00:00.000Z,operator:ann,failover.demanded,sales/sales-1,failover of sales/sales-1 demanded,"{""holder"":""sales-1/a""}",${first.hash}
2,2026-11-25T12:00:00.000Z,operator:ann,failover.demanded,sales/sales-1,"'=1+1, said ""ann""","{""holder"":""sales-1/a""}",${second.hash}
`,
    );
    expect((await run("audit export --from 2026-11-26", page)).stdout).toBe("");
    expect((await run("audit prune --before 2026-01-01")).stdout).toBe("Removed 3 entries.\n");
    expect(asked).toEqual({ op: "auditPrune", request: { before: Date.parse("2026-01-01T00:00:00Z") } });
    expect((await run("audit prune --before yesterday")).code).toBe(2);
  });

  it("audit export of a time is in one piece, though the clock was set meanwhile: it can be verified", async () => {
    const days = ["2026-11-24", "2026-11-25", "2027-03-01", "2026-11-25", "2026-11-27"];
    const entries = days.map((day, no) =>
      chained({ ...audit, seq: no + 1, at: Date.parse(`${day}T12:00:00Z`) }, no === 0 ? "" : null),
    );
    const page = { auditPage: { anchor: { seq: 0, hash: "" }, entries } };
    const file = join(makeFolder(), "november.jsonl");
    const made = await run(`audit export --from 2026-11-25 --to 2026-11-26 --out ${file}`, page);
    expect(made).toMatchObject({ code: 0, stderr: `3 entries written to ${file}\n` });
    expect(await run(`audit verify ${file}`)).toMatchObject({ code: 0, stdout: expect.stringContaining("entries 2 to 4") });
  });

  it("key create prints the key alone, so that a script can keep it", async () => {
    const { stdout, stderr } = await run("key create shop --role operator");
    expect(stdout).toBe("gr_abcdefghjk_secret\n");
    expect(stderr).toMatch(/only time that it is shown\. Its id is abcdefghjk: shop, operator of the whole fleet\./);
  });

  it("key list says which keys count", async () => {
    expect((await run("key list")).stdout).toBe(`ID          NAME  ROLE      LINES  MADE        STATE
abcdefghjk  shop  operator  all    2026-11-24  good
oldoldold0  old   operator  sales  2026-11-24  revoked 2026-11-25 11:59:59
`);
    expect((await run("key list", { keys: { now: NOW, keys: [] } })).stdout).toMatch(/greenroom key create NAME/);
    expect((await run("key revoke abcdefghjk")).stdout).toBe("abcdefghjk (shop) is revoked.\n");
    expect((await run("device restart sales-1/a")).stdout).toBe("sales-1/a is dialled anew.\n");
    expect(await run("key create shop --expires soon")).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/such as 12h or 90d/),
    });
  });

  it("config diff says what a running fleet would change, and ends with 1 if there is anything", async () => {
    expect(await run("config diff")).toMatchObject({ code: 0, stdout: "What runs is what /fleet.yaml says.\n" });
    const changes = [
      { subject: "sales-3", text: "account sales-3 (master) is added, with sales-3/a", isLive: true },
      { subject: "timers", text: "the section timers changes", isLive: false },
    ];
    const plan = { file: "/fleet.yaml", changes, applied: false, tag: "t1" };
    expect(await run("config diff", { apply: plan })).toMatchObject({
      code: 1,
      stdout: `Without a restart:
  account sales-3 (master) is added, with sales-3/a
Needs a restart:
  the section timers changes
`,
    });
    expect((await run("config apply", { apply: { ...plan, applied: true, tag: "t1" } })).stdout).toMatch(
      /^Done:\n {2}account sales-3/,
    );
  });

  it("sla report says how available seats were, and writes a page and a table", async () => {
    expect((await run("sla report --month 2026-11")).stdout).toMatch(
      /fleet +99\.9884 % +5 min +1 +-41 s +1\.16 +30 d\nline sales/,
    );
    expect(asked?.request).toMatchObject({
      from: Date.parse("2026-11-01T00:00:00Z"),
      to: Date.parse("2026-12-01T00:00:00Z"),
      target: 0.9999,
    });
    const later = slaReport(
      { from: NOW, to: NOW + 86_400_000 },
      NOW,
      0.9999,
      [{ seat: "sales/sales-1" as SeatId, since: 0, goneAt: null }],
      [],
    );
    expect((await run("sla report --month 2026-12", { sla: later })).stdout).toMatch(
      /target 99\.9900 %\n\nNothing was measured in that time/,
    );
    const [page, sheet] = [join(folder, "sla.html"), join(folder, "sla.csv")];
    const both = await run(`sla report --days 7 --html ${page} --csv ${sheet} --json`);
    expect(JSON.parse(both.stdout)).toMatchObject({ target: 0.9999 });
    expect(both.stderr).toBe(`written to ${page}\nwritten to ${sheet}\n`);
    expect(readFileSync(page, "utf8")).toMatch(
      /^<!doctype html>[\s\S]*<th scope="row">seat sales\/sales-1<\/th><td>99\.9884 %<\/td>/,
    );
    expect(readFileSync(sheet, "utf8")).toMatch(/^kind,name,[\s\S]*\nseat,sales\/sales-1,2026-10-26T12:00:00\.000Z,[^\n]+\n$/);
    expect((await run(`sla report --html ${folder}`)).stderr).toContain("E_FILE");
    for (const bad of ["--month 2026-13", "--target 100", "--days 0", "--from 2026-11-02 --to 2026-11-01"])
      expect((await run(`sla report ${bad}`)).code).toBe(2);
  });

  it("webhook shows deliveries and dead letters, and exits with 1 if a test or a redrive fails", async () => {
    expect((await run("webhook")).stdout).toMatch(/crm +it answered 500 +2 +https:\/\/crm\.example\/hook/);
    expect((await run("webhook log crm")).stdout).toBe(
      "2026-11-25 12:00:00  message.received  acme.in.7  it answered 500 (12 ms)\n",
    );
    expect((await run("webhook dead")).stdout).toMatch(/crm +message\.received +inbox 7 +11 +it answered 500/);
    expect(await run("webhook test crm")).toMatchObject({ code: 0, stdout: "crm: delivered.\n" });
    expect(await run("webhook test crm", { webhookTest: { webhook: "crm", failure: "it answered 500" } })).toMatchObject({
      code: 1,
    });
    expect((await run("webhook redrive crm -n 5")).stdout).toBe("1 delivery made.\n");
    expect(asked).toEqual({ op: "webhookRedrive", request: { webhook: "crm", limit: 5 } });
    const failed = { webhook: "crm", delivered: 0, gone: 1, failed: "it answered 500", left: 4 };
    expect(await run("webhook redrive crm", { webhookRedrive: failed })).toMatchObject({
      code: 1,
      stdout: "0 deliveries made, 1 gone for good, 4 left; then: it answered 500.\n",
    });
  });

  it("tail tells what happened, and top shows it beside the seats", async () => {
    expect(await run("tail --no-follow -n 5")).toMatchObject({
      code: 0,
      stdout: "2026-11-25 12:00:00  sales-1/b speaks for sales/sales-1 (term 4)\n",
    });
    expect(asked).toEqual({ op: "events", request: { after: null, limit: 5 } });
    expect(JSON.parse((await run("tail --no-follow --json")).stdout)).toMatchObject({ seq: 9, type: "seat.serving" });
    expect((await run("tail --no-follow --type alert")).stdout).toBe("");
    expect((await run("tail --no-follow --about sales-2/a")).stdout).toBe("");
    expect((await run("top --once")).stdout).toMatch(
      /^acme[\s\S]*> sales\/sales-1 +sales-1\/b +serving[\s\S]*12:00:00 {2}sales-1\/b speaks/,
    );
    expect(await run("top")).toMatchObject({ code: 2, stderr: expect.stringMatching(/^E_NO_TERMINAL/) });
  });

  it("send takes its text from stdin, too", async () => {
    const { code, stdout } = await run("send sales 49170123456", {}, "from a pipe\n");
    expect({ code, stdout }).toEqual({ code: 0, stdout: "Accepted: m0abc, by sales/sales-1\n" });
    expect(asked?.request).toMatchObject({ text: "from a pipe" });
    expect(await run("send sales 49170123456", {}, "")).toMatchObject({ code: 2, stderr: expect.stringMatching(/^E_NO_TEXT/) });
  });

  it("device link asks for a QR code, a pairing code, or both", async () => {
    const asks: readonly (readonly [string, object])[] = [
      ["", {}],
      ["--qr", {}],
      ["--code '+49 170 1234567'", { phone: "491701234567" }],
      ["--phone '+49 170 1234567'", { phone: "491701234567", qr: true }],
      ["--qr --phone '+49 170 1234567'", { phone: "491701234567", qr: true }],
    ];
    for (const [options, request] of asks) {
      expect((await run(`device link sales-2/a --json ${options}`)).code).toBe(0);
      expect(asked?.request).toEqual({ device: "sales-2/a", ...request });
    }
    expect((await run("device link sales-2/a --phone 49170 --code 491701234567")).code).toBe(2);
    expect((await run("device link sales-2/a --phone 0170")).code).toBe(2);
  });

  it("device link of a device that is linked says how to link it anew", async () => {
    const answer = await run("device link sales-2/a", { link: { device: "sales-2/a" as DeviceId, linked: true, offer: null } });
    expect(answer).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/linked already\. To link it anew, remove it on the phone/),
    });
  });
});

describe("what goes wrong", () => {
  it("an unknown name exits with 2 and says which names exist", async () => {
    const { code, stdout, stderr } = await run("why sales/sale-1 --json");
    expect(code).toBe(2);
    expect(stderr).toBe(
      'E_UNKNOWN_SEAT there is no seat sales/sale-1. Did you mean "sales/sales-1"? There are: sales/sales-1, sales/sales-2\n',
    );
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "E_UNKNOWN_SEAT" } });
  });

  it("what the supervisor refuses exits with 1", async () => {
    const refusing = await serveControl({
      path: join(makeFolder(), "g.sock"),
      handlers: {
        pause: () => {
          throw new ControlError("E_REFUSED", "not now");
        },
      } as unknown as ControlHandlers,
    });
    const ended = await inside(["pause", "--socket", refusing.path], {});
    await refusing.close(0);
    expect(ended).toEqual({ code: 1, stdout: "", stderr: "E_REFUSED not now\n" });
  });

  it("no running supervisor exits with 3 and says how to start one", async () => {
    const path = join(makeFolder(), "none.sock");
    expect(await inside(["status", "--socket", path], {})).toEqual({
      code: 3,
      stdout: "",
      stderr: `E_NOT_RUNNING no supervisor listens on ${path}. Start it: greenroom up FLEET\n`,
    });
  });

  it("a fleet file that is wrong, or wants secrets that this terminal has not, keeps nobody from asking what runs", async () => {
    const wrong = `${FLEET}colour: green\nwebhooks: { crm: { url: "https://crm.example", secret: "\${env:CRM_SECRET}" } }\n`;
    const { folder: place, file } = makeFleet(wrong);
    expect((await inside(["config", "check", file], {})).code).toBe(2);
    const handlers = { pause: () => ({ mode: "paused" }) } as unknown as ControlHandlers;
    const running = await serveControl({ path: join(place, "acme.db.sock"), handlers });
    const ended = await inside(["pause", "--json", "--fleet", file], {});
    await running.close(0);
    expect(ended).toMatchObject({ code: 0, stdout: expect.stringContaining("paused") });
    for (const text of ["accounts: [", "fleet: acme\nstore: 7\n", ""]) {
      writeFileSync(file, text);
      expect(await inside(["pause", "--fleet", file], {})).toMatchObject({ code: 2, stderr: expect.stringMatching(/^E_CONFIG/) });
    }
  });

  it("a number that is none exits with 2", async () => {
    expect(await run("device link sales-2/a --code 0170")).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/is no phone number/),
    });
    expect(await run("held release")).toMatchObject({ code: 2, stderr: expect.stringMatching(/name one message, or say --all/) });
  });
});

describe("queue", () => {
  it("shows what waits, seat by seat", async () => {
    const { code, stdout } = await run("queue");
    expect(code).toBe(0);
    expect(stdout).toContain("sales/sales-1  sales-1/b      serving  3        1.5 s   2");
    expect(JSON.parse((await run("queue --json")).stdout)).toEqual({
      now: NOW,
      seats: [{ seat: seat.id, holder: seat.holder, phase: seat.phase, ...seat.queue }],
    });
  });
});

describe("account link", () => {
  it("links the device of the account that is not linked", async () => {
    const unlinked = { ...ANSWERS.accounts, devices: [devices[0], device("sales-1/c", { link: "unlinked" })] as DeviceStatus[] };
    const { code, stdout } = await run("account link sales-1 --json", { accounts: unlinked });
    expect([code, JSON.parse(stdout)]).toEqual([0, ANSWERS.link]);
    expect(asked).toEqual({ op: "link", request: { device: "sales-1/c" } });
  });
});

describe("groups, contacts and media", () => {
  it("a change of members that was not done for all of them says for whom, and exits 1", async () => {
    const { code, stdout } = await run(`group participants sales-1 ${GROUP.id} --add +491701234567 +491701234568`);
    expect(code).toBe(1);
    expect(asked?.request).toEqual({
      seat: "sales-1",
      group: GROUP.id,
      action: "add",
      members: ["+491701234567", "+491701234568"],
    });
    expect(stdout).toContain("9@lid   yes");
    expect(stdout).toContain("8@lid   no: asks for an invitation");
  });

  it("takes one change at a time", async () => {
    const { code, stderr } = await run(`group participants sales-1 ${GROUP.id} --add 1 --remove 2`);
    expect([code, stderr]).toEqual([2, expect.stringContaining("one change at a time")]);
  });

  it("says who they are, in a table", async () => {
    expect((await run(`group info sales-1 ${GROUP.id}`)).stdout).toContain("9@lid   491701234567@s.whatsapp.net  admin");
    expect((await run("group list sales-1")).stdout).toContain(`${GROUP.id}  1        Orders`);
    const { stdout, stderr } = await run("contact list sales");
    expect(stdout).toContain("c:1      491701234567@s.whatsapp.net  9@lid  DE       -");
    expect(stderr).toContain("--after 'sales|c:1'");
  });
  it("a group's settings and invitation: what was asked for, and who has to say yes", async () => {
    expect((await run(`group set sales-1 ${GROUP.id} --announce on`)).stdout).toMatch(
      /^120363000000000001@g\.us: Orders, 1 member, made .*\nOnly admins write\.\n$/,
    );
    expect((await run(`group invite sales-1 ${GROUP.id}`)).stdout).toBe("https://chat.whatsapp.com/AbCdEf123\n");
    expect((await run("group join sales-1 AbCdEf123")).stdout).toBe("Its admins have been asked to let the account in.\n");
    expect(await run(`group set sales-1 ${GROUP.id}`)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/nothing to change/),
    });
    expect((await run(`group set sales-1 ${GROUP.id} --announce maybe`)).code).toBe(2);
  });
});

describe("--url", () => {
  const KEY = "gr_abcdefghjk_secret";
  const seen: { path: string; headers: IncomingHttpHeaders; body: string }[] = [];
  let reply: { status: number; body: unknown } | null = null;
  let url: string;
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await textOf(request);
    const path = request.url ?? "";
    seen.push({ path, headers: request.headers, body });
    const { op } = path === "/v1/terminal" ? (JSON.parse(body) as { op: ControlOp }) : { op: "mediaUpload" as const };
    const said = path === "/v1/terminal" ? { answer: ANSWERS[op] } : ANSWERS[op];
    response.writeHead(reply?.status ?? 200, { "content-type": "application/json" });
    response.end(JSON.stringify(reply?.body ?? said));
  };
  const api = createServer((request, response) => void answer(request, response));
  beforeAll(async () => {
    await new Promise<void>((resolve) => api.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
  });
  afterAll(() => new Promise((resolve) => api.close(resolve)));
  const remote = (args: readonly string[], env: object = { GREENROOM_API_KEY: KEY }): Promise<Ended> => {
    seen.length = 0;
    return inside([...args, "--url", url], { TZ: "UTC", ...env });
  };

  it("asks the same of a supervisor elsewhere, with a key that stands in the environment", async () => {
    reply = null;
    const { code, stdout } = await remote(["why", "sales-1", "--json"]);
    expect([code, JSON.parse(stdout)]).toEqual([0, ANSWERS.why]);
    expect(seen).toMatchObject([{ path: "/v1/terminal", headers: { authorization: `Bearer ${KEY}` } }]);
    expect(JSON.parse(seen[0]?.body ?? "")).toEqual({ op: "why", request: { seat: "sales-1" } });
  });

  it("uploads the file that a message names, and names its id", async () => {
    reply = null;
    const file = join(folder, "hello.png");
    writeFileSync(file, "png");
    expect((await remote(["send", "sales", "491701234567", "--image", file])).code).toBe(0);
    expect(seen.map(({ path }) => path)).toEqual(["/v1/media", "/v1/terminal"]);
    expect(seen[0]?.body).toBe("png");
    expect(JSON.parse(seen[1]?.body ?? "")).toMatchObject({
      op: "send",
      request: { content: { kind: "image", media: ANSWERS.mediaUpload.id } },
    });
  });

  it.each<[string, string, number, string]>([
    ["the key is refused", "E_BAD_KEY", 401, "E_BAD_KEY"],
    ["the seat is unknown", "E_UNKNOWN_SEAT", 404, "E_UNKNOWN_SEAT"],
  ])("says so where %s", async (_, code, status, said) => {
    reply = { status, body: { code, status, title: "No", detail: "not like this" } };
    const ended = await remote(["why", "sales-1"]);
    expect([ended.code, ended.stderr]).toEqual([2, expect.stringMatching(`${said}.*not like this`)]);
  });

  it("asks for a key, for an address, and keeps what is only for the machine itself there", async () => {
    expect((await remote(["status"], {})).stderr).toContain("GREENROOM_API_KEY");
    expect((await inside(["status", "--url", "fleet.example"], { GREENROOM_API_KEY: KEY })).stderr).toContain(
      "--url fleet.example",
    );
    const elsewhere = [["stop"], ["media", "upload", "x"], ["backup", join(folder, "x.grb")], ["restore", join(folder, "x.grb")]];
    for (const args of elsewhere)
      expect(await remote(args)).toMatchObject({ code: 2, stderr: expect.stringContaining("E_LOCAL_ONLY") });
    expect((await inside(["backup", join(folder, "x.grb")], { GREENROOM_URL: url })).stderr).toContain("E_LOCAL_ONLY");
    expect((await inside(["status", "--url", "http://127.0.0.1:1"], { GREENROOM_API_KEY: KEY })).code).toBe(3);
    expect(seen).toEqual([]);
  });
});
