/** The API on a real store and a real supervisor; connections that the test plays: they link, serve, ack and answer probes at once. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { InjectOptions } from "fastify";
import { pino } from "pino";
import { balanceOf } from "../../machines/delivery/balance/settings.ts";
import type { Region } from "../../machines/delivery/balance/strategy.ts";
import type { NodeConfig } from "../../machines/driver/boot.ts";
import type { ConnectionCommand, ConnectionFact } from "../../machines/ports/connection.ts";
import { accountId, type DeviceId, type LineId, nodeId, type RequestId } from "../../machines/ports/ids.ts";
import type { FleetDeclaration } from "../../machines/ports/store.ts";
import { MediaFolder } from "../../src/adapters/media/media-folder.ts";
import { type Alerts, createAlerts } from "../../src/alerts/assemble.ts";
import { alertsOf } from "../../src/config/alerts.ts";
import { openSqliteStore } from "../../src/adapters/sqlite/store.ts";
import type { ApiConfig, FleetConfig, FleetEdit } from "../../src/config/index.ts";
import { problemSchema } from "../../src/http/errors.ts";
import { EventFeed } from "../../src/http/event-feed.ts";
import { KeyRing } from "../../src/http/keys.ts";
import type { Route } from "../../src/http/route.ts";
import { ROUTES } from "../../src/http/routes/index.ts";
import { type Api, type ApiOptions, createApi } from "../../src/http/server.ts";
import type { KeyRole } from "../../src/http/store.ts";
import { createMetrics } from "../../src/metrics/metrics.ts";
import { Arrivals } from "../../src/runtime/arrivals.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import {
  type GroupCalls,
  GroupError,
  type GroupInfo,
  type GroupSettings,
  type Invitation,
} from "../../src/adapters/baileys/group-calls.ts";
import { ControlError } from "../../src/runtime/control-protocol.ts";
import { GroupDesk } from "../../src/runtime/group-desk.ts";
import { LinkDesk } from "../../src/runtime/link-desk.ts";
import { MediaDesk } from "../../src/runtime/media-desk.ts";
import { defaultNodeConfig } from "../../src/runtime/node-config.ts";
import type { WebhookConfig } from "../../src/webhooks/courier.ts";
import { WebhookDesk } from "../../src/webhooks/desk.ts";
import type { WebhookStore } from "../../src/webhooks/store.ts";
import { Services } from "../../src/runtime/services.ts";
import type { SlaStore } from "../../src/adapters/sqlite/sla-store.ts";
import { SlaDesk } from "../../src/runtime/sla-desk.ts";
import { Supervisor } from "../../src/runtime/supervisor.ts";
import { Views } from "../../src/runtime/views.ts";

const device = (name: string): DeviceId => name as DeviceId;
/** Two lines that share nothing but a servant; sales-1 has a twin, sales-2/a is not linked. */
const DECLARATION: FleetDeclaration = {
  accounts: [
    { id: accountId("sales-1"), role: "master", devices: [device("sales-1/a"), device("sales-1/b")] },
    { id: accountId("sales-2"), role: "master", devices: [device("sales-2/a")] },
    { id: accountId("help-1"), role: "master", devices: [device("help-1/a")] },
    { id: accountId("bulk-1"), role: "servant", devices: [device("bulk-1/a")] },
  ],
  lines: [
    {
      id: "sales" as LineId,
      masters: [accountId("sales-1"), accountId("sales-2")],
      servants: [accountId("bulk-1")],
      strategy: "round-robin",
    },
    { id: "help" as LineId, masters: [accountId("help-1")], servants: [accountId("bulk-1")], strategy: "round-robin" },
  ],
};
const UNLINKED = device("sales-2/a");
/** As of the phone of sales-2; the others have confirmed all that they were sent. */
export const PHONE = { seenAt: Date.parse("2025-10-09T08:00:00Z"), unseenSince: Date.parse("2025-10-10T08:00:00Z") };
const EU: Region = { name: "eu", countries: ["DE"], masters: [accountId("help-1")], distances: {} };
/** `help` knows where its contacts are. */
const NODE: NodeConfig = {
  ...defaultNodeConfig(DECLARATION),
  balance: (line) =>
    line === "help" ? balanceOf(line, [accountId("help-1")], { geo: { regions: [EU], otherwise: null } }) : undefined,
};

export const NO_ALERTS = alertsOf(undefined, null, "/", {}).alerts;
const CONFIG: ApiConfig = {
  host: "127.0.0.1",
  port: 0,
  tls: null,
  maxBody: 200_000,
  rateLimit: { perSecond: 100_000, burst: 100_000 },
};

/** Nothing is delivered to it: the desk is not begun. */
const CRM: WebhookConfig = {
  name: "crm",
  url: "http://127.0.0.1:1/",
  secrets: [],
  events: ["*"],
  lines: [],
  allowPrivate: true,
  concurrency: 1,
};

/** WhatsApp, as far as the API sees it. */
export class Links {
  #tell: (fact: ConnectionFact) => void = () => undefined;
  readonly #dials = new Map<DeviceId, number>();
  dialled = 0;
  /** Sends that are being prepared for as long as it takes; null: they leave at once. */
  preparing: Extract<ConnectionCommand, { op: "send" }>[] | null = null;

  onFact(listener: (fact: ConnectionFact) => void): void {
    this.#tell = listener;
  }
  shutdown(): Promise<void> {
    return Promise.resolve();
  }

  perform(command: ConnectionCommand): void {
    const { device: id } = command;
    const at = systemClock.now();
    if (command.op === "open" || command.op === "link") this.#dials.set(id, command.dial);
    const dial = this.#dials.get(id) ?? 0;
    switch (command.op) {
      case "open":
        this.dialled++;
        this.#say({ kind: "opened", device: id, dial, at });
        this.#say({ kind: "serving", device: id, dial, at });
        return this.#say({ kind: "evidence", device: id, dial, at });
      case "link":
        this.#say({
          kind: "linkOffer",
          device: id,
          dial,
          at,
          offer: { kind: command.method.kind, text: "2@offer,of,the,test" },
        });
        if (command.method.kind === "code" || command.method.phone === undefined) return;
        this.#say({ kind: "linkOffer", device: id, dial, at, offer: { kind: "code", text: "ABCD1234" } });
        // QR codes go on changing beside it.
        return this.#say({ kind: "linkOffer", device: id, dial, at, offer: { kind: "qr", text: "2@next,of,the,test" } });
      case "terminate":
        if (this.#dials.delete(id))
          this.#say({ kind: "closed", device: id, dial, at, reason: "dropped", code: null, until: null });
        return;
      case "unlink":
        if (this.#dials.delete(id))
          this.#say({ kind: "closed", device: id, dial, at, reason: "loggedOut", code: 401, until: null });
        return;
      case "probe":
        if (!this.#dials.has(id)) return;
        this.#say({ kind: "evidence", device: id, dial, at });
        return this.#say({ kind: "probed", device: id, dial, at, probe: command.probe, rtt: 1 });
      case "send":
        if (this.preparing) return void this.preparing.push(command);
        this.#say({ kind: "sent", device: id, at, message: command.message, attempt: command.attempt });
        this.#say({ kind: "acked", device: id, at, waId: command.waId });
        return;
      case "check":
        return this.#say({
          kind: "checked",
          device: id,
          at,
          reqId: command.reqId,
          finding: { standing: "good", until: null, cap: null, preKeys: null },
        });
      case "grant":
      case "revoke":
    }
  }

  received(id: DeviceId, seq: number): void {
    this.#say({ kind: "received", device: id, at: systemClock.now(), seq });
  }

  /** What was being prepared may not be sent, as the store says. */
  refuse(): void {
    for (const { device: id, message, attempt } of this.preparing ?? [])
      this.#say({ kind: "unsent", device: id, at: systemClock.now(), message, attempt, why: "stale", detail: "not open" });
    this.preparing = null;
  }

  /** In a turn of its own. */
  #say(fact: ConnectionFact): void {
    setImmediate(() => this.#tell({ ...fact, at: systemClock.now() }));
  }
}

interface RigOptions extends Partial<Pick<ApiOptions, "streams" | "answerWithin" | "arrivesWithin">> {
  readonly config?: Partial<ApiConfig>;
}
interface Asked {
  readonly api?: Api;
  /** Left out: one that has not been seen. */
  readonly from?: string;
  readonly key?: string | null;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}
interface Answered {
  readonly status: number;
  // What a route declares is checked here; what a test wants of it is the test's business.
  readonly body: Record<string, never> & { readonly code?: string; readonly detail?: string };
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

const groupOf = (id: string, { subject, description, announce, locked }: GroupSettings): GroupInfo => ({
  id,
  subject: subject ?? "Friends",
  description: description ?? null,
  owner: null,
  createdAt: 1,
  announce: announce ?? false,
  locked: locked ?? false,
  members: [],
});
const invitationOf = (code: string): Invitation => ({ code, link: `https://chat.whatsapp.com/${code}` });

export class ApiRig {
  readonly folder = mkdtempSync(join(tmpdir(), "greenroom-http-"));
  readonly links = new Links();
  /** Everything that was logged. */
  readonly log: string[] = [];
  /** Changes of the fleet that were asked for. */
  readonly edits: FleetEdit[] = [];
  /** Of the fleet file. */
  readonly tag = "tag-1";
  /** What WhatsApp answers about groups. */
  groups: GroupCalls = {
    list: async () => [],
    info: () => Promise.reject(new GroupError("WhatsApp refused it (404)", 404)),
    create: async (subject) => groupOf("120363000000000009@g.us", { subject }),
    change: async (_group, _action, members) => members.map((id) => ({ id, done: true, code: null })),
    set: async (group, settings) => groupOf(group, settings),
    leave: async () => undefined,
    invitation: async () => invitationOf("loopback1"),
    renewInvitation: async () => invitationOf("loopback2"),
    invited: async () => groupOf("120363000000000009@g.us", {}),
    join: async () => null,
  };
  /** What lies on WhatsApp's servers for a message. */
  download: (proto: Uint8Array) => AsyncIterable<Uint8Array> | null = () => null;
  readonly #store;
  #strangers = 0;
  readonly feed = new EventFeed();
  readonly #media: MediaDesk;
  supervisor!: Supervisor;
  alerts!: Alerts;
  keys!: KeyRing;
  api!: Api;
  readonly #apis: Api[] = [];
  readonly #closing: (() => void)[] = [];
  #make: ((options: RigOptions) => Api) | undefined;
  admin = "";

  private constructor() {
    const key = Buffer.alloc(32, 1);
    this.#store = openSqliteStore({ file: join(this.folder, "acme.db"), key, clock: systemClock });
    this.#media = new MediaDesk({
      folder: new MediaFolder(join(this.folder, "media"), key),
      download: (proto) => this.download(proto),
      needed: (ids) => Promise.resolve(ids),
      now: () => systemClock.now(),
      onFault: () => undefined,
    });
  }

  static async start(options: RigOptions = {}): Promise<ApiRig> {
    const rig = new ApiRig();
    await rig.#begin(options);
    return rig;
  }

  async #begin(options: RigOptions): Promise<void> {
    const logger = pino({ level: "trace" }, { write: (line: string) => this.log.push(line) });
    let asked = 0;
    const store = this.feed.watching(this.#store);
    const ask = (question: object): Promise<unknown> =>
      new Promise((resolve) => store.ask({ ...question, reqId: `rig${++asked}` as RequestId } as never, resolve));
    await ask({ op: "fleet.declare", fleet: DECLARATION });
    for (const id of DECLARATION.accounts.flatMap(({ devices }) => devices)) {
      const audit = { at: 1, actor: "test", action: "device.linked", subject: id, text: `${id} was linked`, evidence: {} };
      if (id !== UNLINKED) await ask({ op: "device.update", device: id, link: "linked", jid: null, lid: null, audit });
    }
    const supervisor = new Supervisor({
      node: nodeId("test"),
      config: NODE,
      store,
      connections: this.links,
      clock: systemClock,
      logger,
    });
    const views = new Views(supervisor, {
      fleet: "acme",
      startedAt: systemClock.now(),
      now: () => systemClock.now(),
      phone: (account) => ({ ...PHONE, unseenSince: account === "sales-2" ? PHONE.unseenSince : null }),
    });
    const links = new LinkDesk(supervisor, () => DECLARATION.accounts.flatMap(({ devices }) => devices));
    const arrivals = new Arrivals({ supervisor, views, lines: DECLARATION.lines as unknown as FleetConfig["lines"] });
    this.keys = await KeyRing.open(this.#store.api, () => systemClock.now());
    const alerts = createAlerts({
      fleet: { fleet: "acme", alerts: NO_ALERTS, store: { file: this.#store.file, key: null, keyFile: "" } },
      supervisor,
      views,
      store: this.#store.alerts,
      clock: systemClock,
      draw: () => 0.5,
      logger,
    });
    this.feed.begin(await this.#store.api.lastEvent());
    await alerts.open();
    this.#closing.push(() => alerts.close());
    await supervisor.start();
    this.supervisor = supervisor;
    this.alerts = alerts;
    const webhooks = new WebhookDesk({
      fleet: "acme",
      webhooks: [CRM],
      store: this.#store.webhooks,
      clock: systemClock,
      draw: () => 0.5,
      inbox: { rows: (after, limit) => arrivals.rows(after, limit), message: (row) => arrivals.toMessage(row) },
      events: async (afterSeq, limit) => (await views.ask("events.read", { afterSeq, limit })).rows,
      concerns: () => true,
      cursor: async (reader, seq) => (await views.ask("inbox.cursor", { reader, seq })).seq,
      onDelivered: () => undefined,
      onDead: () => undefined,
      onFault: () => undefined,
    });
    const parts = {
      supervisor,
      views,
      links,
      keys: this.keys,
      fleet: {
        tag: this.tag,
        plan: () => ({ file: "fleet.yaml", changes: [], applied: false, tag: this.tag }),
        apply: async () => ({ file: "fleet.yaml", changes: [], applied: true, tag: this.tag }),
        edit: async (
          edit: FleetEdit,
          { dryRun, match }: { readonly dryRun: boolean; readonly match: readonly string[] | null },
        ) => {
          if (match !== null && !match.includes(this.tag))
            throw new ControlError("E_CHANGED", "fleet.yaml says something else by now");
          this.edits.push(edit);
          return { file: "fleet.yaml", changes: [], applied: !dryRun, tag: this.tag };
        },
      },
      media: this.#media,
      audit: this.#store.audit,
      alerts,
      metrics: createMetrics(),
      sla: new SlaDesk({
        store: this.#store.sla,
        now: () => systemClock.now(),
        oldest: () => supervisor.node.owesSince(),
        mode: () => views.mode(),
        onFault: () => undefined,
      }),
      webhooks,
      groups: new GroupDesk({ supervisor, views, calls: () => this.groups }),
      contacts: this.#store.api,
      arrivals,
      services: new Services({
        supervisor,
        webhooks,
        plugins: null,
        channels: () => [],
        doors: { socket: () => null, api: () => "http://127.0.0.1:1" },
        store: this.#store.file,
      }),
      copyStore: (to: string) => this.#store.copyTo(to),
      lastEvent: () => this.#store.api.lastEvent(),
      onStop: () => undefined,
    };
    this.#make = ({ config, ...rest }) =>
      createApi({ config: { ...CONFIG, ...config }, parts, store: this.#store.api, arrivals, feed: this.feed, logger, ...rest });
    this.api = this.make(options);
    this.admin = await this.key("admin");
    await this.until(() => supervisor.node.seat("help/help-1" as never)?.state === "serving");
    await this.until(() => supervisor.node.seat("sales/sales-1" as never)?.state === "serving");
  }

  /** Somebody writes to a device; it is durable, and told of. */
  async receive(to: string, sender: string, said: string | Uint8Array): Promise<void> {
    const bytes = Buffer.from(said);
    const inbound = {
      account: to.slice(0, to.indexOf("/")),
      device: to,
      waId: `3EB0${(++this.#strangers).toString(16)}`,
      chat: sender,
      sender,
      fromMe: false,
      proto: typeof said === "string" ? new Uint8Array([0x0a, bytes.length, ...bytes]) : said,
      sentAt: 1,
      receivedAt: systemClock.now(),
    };
    const commit = { device: to, leaseTerm: 1, keys: [], creds: null, inbound: [inbound], attempt: null };
    const answer = await this.supervisor.ask("keys.commit", commit as never);
    if (answer.kind !== "committed") throw new Error(JSON.stringify(answer));
    for (const { seq } of answer.inbound) this.links.received(device(to), seq);
  }

  /** Another door to the same fleet. */
  make(options: RigOptions): Api {
    const api = this.#make?.(options);
    if (!api) throw new Error("the rig has not begun");
    this.#apis.push(api);
    return api;
  }

  async key(role: KeyRole, lines: readonly string[] | null = null, expiresIn: number | null = null): Promise<string> {
    const name = `${role}-${this.keys.list().length}`;
    return (await this.keys.create({ name, role, lines: lines as LineId[] | null, expiresIn }, "operator:test")).secret;
  }

  /** Asks, and holds the answer to what its route declares. `key` left out: the admin's; null: none. */
  get deadLetters(): WebhookStore {
    return this.#store.webhooks;
  }

  /** When its seats were down, for pictures. */
  get downtimes(): SlaStore {
    return this.#store.sla;
  }

  async ask(
    method: "GET" | "POST" | "DELETE",
    url: string,
    { key = this.admin, body, headers = {}, from = this.#stranger(), api = this.api }: Asked = {},
  ): Promise<Answered> {
    const request: InjectOptions = {
      method,
      url,
      remoteAddress: from,
      headers: { ...(key === null ? {} : { authorization: `Bearer ${key}` }), ...headers },
      ...(body === undefined ? {} : { payload: body as object }),
    };
    const response = await api.app.inject(request);
    const isJson = String(response.headers["content-type"]).includes("json");
    const parsed: unknown = isJson && response.body !== "" ? JSON.parse(response.body) : {};
    if (response.statusCode >= 400) problemSchema.parse(parsed);
    else if (isJson) declaredAnswer(routeOf(method, url), response.statusCode)?.parse(parsed);
    return { status: response.statusCode, body: parsed as Answered["body"], headers: response.headers, text: response.body };
  }

  #stranger(): string {
    const number = ++this.#strangers;
    return `10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`;
  }

  async until(test: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await test())) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  async close(): Promise<void> {
    this.#media.stop();
    for (const close of this.#closing) close();
    for (const api of this.#apis) await api.close();
    await this.supervisor.stop();
    this.#store.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export const routeOf = (method: string, url: string): Route | undefined => {
  const path = url.split("?", 1)[0] ?? "";
  return ROUTES.find(
    (route) => route.method === method && new RegExp(`^${route.path.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(path),
  );
};
const declaredAnswer = (route: Route | undefined, status: number) => {
  if (!route) return undefined;
  const schema = route.answers[status];
  if (!schema) throw new Error(`${route.id} answers ${status}, and does not say so`);
  return schema;
};
