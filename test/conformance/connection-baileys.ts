/** The suite's arm on real Baileys against the loopback server: its faults are asked for at the admin pages, as any test would. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises";
import pino from "pino";
import type { Clock } from "../../machines/ports/clock.ts";
import type { ConnectionFact } from "../../machines/ports/connection.ts";
import { accountOf, type AccountId, type DeviceId, type RequestId, type WaId } from "../../machines/ports/ids.ts";
import type { Target } from "../../sim/faults/rule.ts";
import { type Loopback, startLoopback } from "../../sim/loopback/index.ts";
import { createBaileysConnections } from "../../src/adapters/baileys/index.ts";
import { openSqliteStore } from "../../src/adapters/sqlite/store.ts";
import {
  ACCOUNTS,
  type Arm,
  type LinkFault,
  type LinkFaultKind,
  type LinkFaultOf,
  type Outside,
  PHONES,
  withFailingCommits,
} from "./connection-kit.ts";

const clock: Clock = {
  now: () => Date.now(),
  setTimeout: (fire, after) => setTimeout(fire, after),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};
const numberOf = (account: AccountId): string => PHONES[account] ?? "";

/** What the admin pages are asked for. */
type Requests = {
  readonly [K in LinkFaultKind]: (fault: LinkFaultOf<K>) => { readonly kind: string; readonly [field: string]: unknown };
};
const requests: Requests = {
  close: ({ code }) => ({ kind: "close", code }),
  "half-open-link": () => ({ kind: "halfOpenLink" }),
  "silent-path": ({ keeps }) => ({ kind: "silentPath", keeps }),
  "one-way": ({ dead }) => ({ kind: "oneWay", dead: dead === "down" ? "in" : "out" }),
  slow: ({ mean }) => ({ kind: "slow", minMs: mean / 2, maxMs: mean * 1.5 }),
  lossy: ({ loss }) => ({ kind: "lossy", rate: loss }),
  "upgrade-503": ({ status, closes }) => ({ kind: "upgrade503", status, closes }),
  "login-refused": ({ code, closes }) => ({ kind: "loginRefused", code, closes }),
  "ack-lost": ({ mute }) => ({ kind: "ackLost", mute }),
  "send-swallowed": ({ share }) => ({ kind: "sendSwallowed", share }),
  restricted: ({ announced }) => ({ kind: "restrict", announced }),
  banned: ({ code, for: span }) => ({ kind: "ban", code, ...(span === "permanent" ? {} : { expireS: span / 1000 }) }),
  "logged-out": () => ({ kind: "logout" }),
  replaced: ({ returns }) => ({ kind: "replaced", returns }),
  "phone-gone": () => ({ kind: "phoneGone" }),
  outage: ({ manner }) => ({ kind: "outage", manner }),
  "offline-replay": ({ late }) => ({ kind: "offlineReplay", ...(late === null ? { missing: true } : { delayMs: late }) }),
  repeated: ({ share, after }) => ({ kind: "duplicate", share, afterMs: after }),
  "late-events": ({ share, by }) => ({ kind: "lateEvents", share, byMs: by }),
};
const requestFor = (fault: LinkFault): object => (requests[fault.kind] as (fault: LinkFault) => object)(fault);

class Peer {
  readonly #loopback: Loopback;
  /** Which of its account's devices WhatsApp took each for. */
  readonly waDevices = new Map<DeviceId, number>();

  constructor(loopback: Loopback) {
    this.#loopback = loopback;
  }

  async inject(fault: LinkFault): Promise<() => Promise<void>> {
    const url = `${this.#loopback.adminUrl}/faults`;
    const body = JSON.stringify({ ...requestFor(fault), target: this.#aim(fault.target) });
    const response = await fetch(url, { method: "POST", body });
    const answer = (await response.json()) as { id?: number; error?: string };
    if (answer.id === undefined) throw new Error(`the server would not: ${answer.error ?? "no reason given"}`);
    const heal = async (): Promise<void> => {
      await (await fetch(`${url}/${answer.id}`, { method: "DELETE" })).text();
    };
    // What happens once is over: a later login works.
    if (fault.for === 0) await heal();
    return heal;
  }

  #aim(target: Target): unknown {
    if ("device" in target) return { account: numberOf(accountOf(target.device)), device: this.waDevices.get(target.device) };
    if ("account" in target) return { account: numberOf(target.account) };
    if ("region" in target)
      return { accounts: ACCOUNTS.filter(({ region }) => region === target.region).map(({ id }) => numberOf(id)) };
    if ("all" in target) return "all";
    throw new Error("the suite aims at devices, accounts, regions, or everybody");
  }
}

const start = async (): Promise<Outside> => {
  const loopback = await startLoopback();
  const directory = mkdtempSync(join(tmpdir(), "greenroom-conformance-"));
  const store = openSqliteStore({ file: join(directory, "store.db"), key: Buffer.alloc(32, 7), clock });
  const peer = new Peer(loopback);
  const people = new Map<string, string>();
  for (const { id } of ACCOUNTS) loopback.account(numberOf(id));
  let tell: (fact: ConnectionFact) => void = () => undefined;
  let failing = false;
  let asked = 0;
  let lastDialled: DeviceId | undefined;
  const boot = () => {
    const port = createBaileysConnections({
      store: withFailingCommits(
        store,
        () => failing,
        (then) => void setImmediate(then),
      ),
      clock,
      endpoint: { url: loopback.url, rootPublicKey: loopback.rootPublicKey },
      logger: pino({ level: process.env["GREENROOM_TEST_LOG"] ?? "silent" }),
      nextRequestId: () => `wa:${++asked}` as RequestId,
      clientHint: (device) => device,
    });
    port.onFact((fact) => tell(fact));
    return port;
  };
  let port = boot();
  const personOf = (name: string) => loopback.person(people.get(name) ?? "");
  return {
    store,
    perform: (command) => {
      if (command.op === "link") lastDialled = command.device;
      port.perform(command);
    },
    onFact: (listener) => {
      tell = listener;
    },
    now: () => clock.now(),
    // Longer than evidence is held back.
    lull: 60,
    pass: async (holds, within) => {
      const deadline = performance.now() + within;
      for (let turns = 0; !holds(); turns++) {
        if (performance.now() >= deadline) return false;
        await (turns < 10 ? turn() : sleep(5));
      }
      return true;
    },
    take: async (account, { kind, text }) => {
      const phone = loopback.account(numberOf(account));
      const { device } = await (kind === "qr" ? phone.scanQr(text) : phone.enterPairingCode(text));
      if (lastDialled) peer.waDevices.set(lastDialled, device);
    },
    companions: (account) => loopback.account(numberOf(account)).devices().length,
    person: (name, reads) => {
      const number = people.get(name) ?? `4915550${String(people.size + 1).padStart(6, "0")}`;
      people.set(name, number);
      return { lid: null, pn: loopback.person(number, { autoRead: reads }).jid };
    },
    nobody: { lid: null, pn: "4915559999999@s.whatsapp.net" },
    noGroup: { lid: null, pn: "120363999999999@g.us" },
    write: (person, account, text) => personOf(person).send(numberOf(account), text) as WaId,
    shown: (person) => personOf(person).received.map(({ id }) => id),
    allowNewChats: async (account, left) => {
      const url = `${loopback.adminUrl}/account/${numberOf(account)}/new-chats`;
      const response = await fetch(url, { method: "POST", body: JSON.stringify({ left }) });
      if (!response.ok) throw new Error(`the server would not: ${await response.text()}`);
    },
    inject: (fault) => peer.inject(fault),
    failCommits: (on) => {
      failing = on;
    },
    restart: async () => {
      await port.shutdown();
      port = boot();
    },
    close: async () => {
      await port.shutdown();
      store.close();
      await loopback.close();
      rmSync(directory, { recursive: true });
    },
  };
};

export const baileys: Arm = {
  name: "Baileys and the loopback server",
  shared: true,
  skips: {
    "ends as unlinked when nobody takes any of the offers": "Baileys shows six QR codes for 160 s, on timers of its own",
    "a send whose recipient nobody looks up for us is given back when we have waited for ten seconds":
      "Baileys asks for a number's LID and then for its devices, and waits for each on timers of its own",
    "shows one code and no other, until that ends as unlinked": "Baileys waits for 160 s, on timers of its own",
  },
  start,
};
