/**
 * A test peer that speaks WhatsApp's protocol on 127.0.0.1, so that unmodified Baileys can be linked, used and broken offline.
 *
 * It is no simulation of WhatsApp's behaviour towards people: it has no limits, no spam detection and no memory beyond its process.
 */
import { serveAdmin } from "./admin.ts";
import { adopt, scanQr } from "./registration.ts";
import { unlink } from "./devices.ts";
import { LOOPBACK_ROOT_PUBLIC_KEY } from "./certificates.ts";
import type { Account, Credentials } from "./directory.ts";
import type { EventName, Listener } from "./events.ts";
import { Faults } from "./faults/index.ts";
import { createGroup } from "./groups.ts";
import { HOST, openDoors } from "./listener.ts";
import { serveMedia } from "./media.ts";
import { pushCapping } from "./mex.ts";
import { servePage } from "./page.ts";
import { enterPairingCode } from "./pairing-code.ts";
import { Person, type PersonOptions } from "./person.ts";
import type { Latency } from "./random.ts";
import { Service } from "./service.ts";
import { selfSigned } from "./tls.ts";

export { LOOPBACK_ROOT_PUBLIC_KEY } from "./certificates.ts";
export type { Faults } from "./faults/index.ts";
export type { Credentials } from "./directory.ts";
export type { Person, PersonOptions } from "./person.ts";

export interface LoopbackOptions {
  /** 0, the default, takes any free port. */
  port?: number;
  /** Given, TLS is offered too; 0 takes any free port. Media needs it. */
  tlsPort?: number;
  /** For each frame in each direction. */
  latencyMs?: Latency;
  seed?: number;
  /** Who drops a repeated message id: "client" (default; a `Person` does, Baileys does not), the "server", or nobody. */
  dedupe?: "client" | "server" | "off";
  log?: (line: string) => void;
}

export interface AccountOptions {
  /** What others see as its name. */
  name?: string;
  /** Linked devices at most; WhatsApp's limit, 4, by default. */
  deviceLimit?: number;
  /** Where WhatsApp's media server has its history, as its phone says to devices that are linked; left out: the phone sends it along. */
  historyPath?: string;
}

export interface LoopbackAccount {
  readonly number: string;
  readonly jid: string;
  readonly lid: string;
  /** Links the client that shows this QR code. */
  scanQr(qr: string): Promise<{ device: number }>;
  /** Links the client that asked for a code for this number. */
  enterPairingCode(code: string): Promise<{ device: number }>;
  /** Links a device of which the published keys are known, without the dialogue. `signed`: ADVSignedDeviceIdentity, as the phone vouches. */
  adopt(credentials: Credentials): { device: number; signed: Uint8Array };
  devices(): number[];
  /** Devices that have not confirmed this message yet, and whether what comes for them is written to a link. */
  waiting(messageId: string): { readonly device: number; readonly live: boolean }[];
  unlink(device: number): void;
  /** The phone has no network until it is switched on again: what comes for it waits, and it confirms nothing. */
  switchOff(): void;
  switchOn(): void;
  /** From now on it may begin so many more chats, of which its devices are told; what it writes to others after that is refused (463). */
  allowNewChats(left: number): void;
  /** Creates a group with these numbers (accounts that exist) and tells all members. Returns its jid. `approval`: who joins has to be let in. */
  createGroup(subject: string, members: string[], approval?: boolean): string;
  /** The code of a group's invitation, for who may join it. */
  invitationTo(group: string): string;
}

export interface ConnectionView {
  readonly account: string;
  readonly device: number;
  readonly since: number;
  /** Stanzas pass in both directions and the client is past its login. */
  readonly serving: boolean;
}

export interface Loopback {
  readonly url: string;
  readonly tlsUrl: string | undefined;
  /** PEM of the self-signed certificate, to be trusted by whoever dials `tlsUrl`. */
  readonly tlsCertificate: string | undefined;
  readonly adminUrl: string;
  readonly rootPublicKey: Buffer<ArrayBuffer>;
  readonly faults: Faults;
  /** An account with its phone. Idempotent: later options change it. */
  account(number: string, options?: AccountOptions): LoopbackAccount;
  /** An account whose phone is a scripted person. Idempotent: the first call's options hold. */
  person(number: string, options?: PersonOptions): Person;
  on<K extends EventName>(name: K, listener: Listener<K>): () => void;
  connections(): ConnectionView[];
  /** The longest that a stanza was kept back on its way to a client, in milliseconds, by whatever fault or latency. */
  longestStall(): number;
  close(): Promise<void>;
}

export async function startLoopback(options: LoopbackOptions = {}): Promise<Loopback> {
  const service = new Service({
    seed: options.seed ?? 1,
    latency: options.latencyMs,
    dedupe: options.dedupe ?? "client",
    log: options.log ?? (() => undefined),
  });
  const people = new Map<string, Person>();
  const certificate = options.tlsPort === undefined ? undefined : selfSigned();
  const account: Loopback["account"] = (number, { name, deviceLimit, historyPath } = {}) => {
    const found = service.directory.create(number, name);
    if (deviceLimit !== undefined) found.deviceLimit = deviceLimit;
    if (historyPath !== undefined) found.historyPath = historyPath;
    return accountView(service, found);
  };
  const person: Loopback["person"] = (number, personOptions = {}) => {
    const known = people.get(number);
    if (known) return known;
    const made = new Person(service, service.directory.create(number), personOptions);
    people.set(number, made);
    return made;
  };
  const faults = new Faults(service);
  const doors = await openDoors(service, {
    port: options.port ?? 0,
    tls: certificate && { port: options.tlsPort ?? 0, ...certificate },
    onRequest: (request, response) => {
      if (
        serveMedia(service, request, response) ||
        servePage(service, request, response) ||
        serveAdmin(service, loopback, request, response)
      )
        return;
      response.writeHead(404).end();
    },
  });
  if (doors.tlsPort !== undefined) service.mediaHost = `${HOST}:${doors.tlsPort}`;
  const loopback: Loopback = {
    url: `ws://${HOST}:${doors.port}/ws/chat`,
    tlsUrl: doors.tlsPort === undefined ? undefined : `wss://${HOST}:${doors.tlsPort}/ws/chat`,
    tlsCertificate: certificate?.cert,
    adminUrl: `http://${HOST}:${doors.port}/admin`,
    rootPublicKey: LOOPBACK_ROOT_PUBLIC_KEY,
    faults,
    account,
    person,
    on: (name, listener) => service.events.on(name, listener),
    longestStall: () => service.longestStall,
    connections: () => connections(service),
    close: async () => {
      service.faults.close();
      await doors.close();
    },
  };
  return loopback;
}

function connections(service: Service): ConnectionView[] {
  const views: ConnectionView[] = [];
  for (const link of service.links) {
    const { device } = link;
    if (!device) continue;
    const serving = link.flows && device.link === link && device.stage === "live";
    views.push({ account: device.account.number, device: device.id, since: link.since, serving });
  }
  return views;
}

function accountView(service: Service, account: Account): LoopbackAccount {
  return {
    number: account.number,
    jid: account.jid,
    lid: account.lid,
    scanQr: (qr) => scanQr(service, account, qr),
    enterPairingCode: (code) => enterPairingCode(service, account, code),
    adopt: (credentials) => adopt(account, credentials),
    devices: () => [...account.devices.keys()],
    waiting: (messageId) =>
      [...account.devices.values()]
        .filter(({ mailbox }) => mailbox.has("message", messageId))
        .map(({ id, stage }) => ({ device: id, live: stage === "live" })),
    unlink: (id) => {
      const device = account.devices.get(id);
      if (device) unlink(service, device);
    },
    switchOff: () => account.phone.goOffline(),
    switchOn: () => account.phone.goOnline(),
    allowNewChats: (left) => {
      account.standing = { ...account.standing, quota: account.coldSends + left };
      pushCapping(service, account);
    },
    createGroup: (subject, numbers, approval) => {
      const members = numbers.map((number) => {
        const member = service.directory.accounts.get(number);
        if (!member) throw new Error(`nobody has the number ${number}: create the account first`);
        return member;
      });
      return createGroup(service, account, subject, members, approval).jid;
    },
    invitationTo: (group) => service.groups.get(group)?.code ?? "",
  };
}
