/** Who exists: accounts, their linked devices, and how to find them by address. */
import { randomBytes } from "node:crypto";
import type { Link } from "./connection.ts";
import { checkNumber, lidJid, lidOf, parseJid, pnJid } from "./jids.ts";
import type { Standing } from "./mex.ts";
import { Mailbox } from "./mailbox.ts";
import type { Phone } from "./phone.ts";

export interface PublicKey {
  readonly id: Buffer;
  readonly value: Buffer;
}
export interface SignedKey extends PublicKey {
  readonly signature: Buffer;
}

/** What a linked device published at registration and since. */
export interface Credentials {
  readonly noiseKey: Buffer;
  readonly identity: Buffer;
  registration: Buffer;
  signedPreKey: SignedKey;
  preKeys: PublicKey[];
}

/** A linked device (a companion): one Baileys connection at most. The phone, device 0, is a `Phone` instead. */
export class Device {
  readonly account: Account;
  readonly id: number;
  readonly credentials: Credentials;
  readonly mailbox = new Mailbox();
  link: Link | undefined;
  /** See login.ts. "replaying": what it missed goes first. "withheld": a fault keeps that back, new stanzas come. */
  stage: "offline" | "connected" | "replaying" | "withheld" | "live" = "offline";
  /** Whether the phone has already shared its app state key and history. */
  synced = false;

  constructor(account: Account, id: number, credentials: Credentials) {
    this.account = account;
    this.id = id;
    this.credentials = credentials;
  }

  get jid(): string {
    return pnJid(this.account.number, this.id);
  }

  get lid(): string {
    return lidJid(this.account.lidUser, this.id);
  }
}

export class Account {
  readonly number: string;
  readonly lidUser: string;
  name: string;
  deviceLimit = 4;
  historyPath: string | undefined;
  readonly phone: Phone;
  readonly devices = new Map<number, Device>();
  /** Contacts with an existing chat: they wrote first, or a message to them was accepted. */
  readonly warm = new Set<string>();
  /** For a server that drops repeated ids: id and retry count of what was accepted. */
  readonly acceptedIds = new RecentIds(100_000);
  /** App state patches by collection. */
  readonly appState = new Map<string, Buffer[]>();
  /** Shared with every device that is linked, so that they can read each other's patches. */
  readonly appStateKey = randomBytes(32);
  nextDevice = 1;
  standing: Standing = { restrictedUntil: undefined, enforcement: "DEFAULT", quota: 1000 };
  /** Messages accepted to contacts without a chat. */
  coldSends = 0;

  constructor(number: string, name: string, makePhone: (account: Account) => Phone) {
    this.number = number;
    this.lidUser = lidOf(number);
    this.name = name;
    this.phone = makePhone(this);
  }

  /** It has begun as many chats as it may. */
  get isCapped(): boolean {
    return this.coldSends >= this.standing.quota;
  }

  get jid(): string {
    return pnJid(this.number);
  }

  get lid(): string {
    return lidJid(this.lidUser);
  }
}

export class Directory {
  readonly accounts = new Map<string, Account>();
  private readonly byLid = new Map<string, Account>();
  private readonly makePhone: (account: Account) => Phone;

  constructor(makePhone: (account: Account) => Phone) {
    this.makePhone = makePhone;
  }

  create(number: string, name?: string): Account {
    const known = this.accounts.get(checkNumber(number));
    if (known) {
      if (name !== undefined) known.name = name;
      return known;
    }
    const account = new Account(number, name ?? `Phone ${number}`, this.makePhone);
    this.accounts.set(number, account);
    this.byLid.set(account.lidUser, account);
    return account;
  }

  /** The account behind a PN or LID address, whatever device it names. */
  find(jid: string | undefined): Account | undefined {
    const address = parseJid(jid);
    if (!address) return undefined;
    return address.domain === "pn" ? this.accounts.get(address.user) : this.byLid.get(address.user);
  }

  *devices(): Generator<Device> {
    for (const account of this.accounts.values()) yield* account.devices.values();
  }
}

/** Remembers at least the last `limit` ids, and at most twice as many. Two generations: forgetting costs nothing. */
export class RecentIds {
  private young = new Set<string>();
  private old = new Set<string>();
  private readonly limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** False when the id was known already. */
  add(id: string): boolean {
    if (this.has(id)) return false;
    this.young.add(id);
    if (this.young.size >= this.limit) {
      this.old = this.young;
      this.young = new Set();
    }
    return true;
  }

  has(id: string): boolean {
    return this.young.has(id) || this.old.has(id);
  }
}
