/**
 * WhatsApp's side: accounts with their companion devices, one session a device, a queue of what a device has not receipted,
 * fan-out to twins, standing, and the phones of people.
 */
import type { Finding } from "../../machines/ports/connection.ts";
import type { AccountId, DeviceId, Millis, WaId } from "../../machines/ports/ids.ts";
import type { Standing } from "../../machines/ports/store.ts";
import type { WorldClock } from "./clock.ts";
import type { Ledger, PersonId } from "./ledger.ts";
import type { Endpoint, Envelope, Outgoing } from "./parcels.ts";
import { type Habits, Phone, silentHabits } from "./people.ts";
import type { Random, RandomSource } from "./random.ts";
import { Reputation } from "./standing.ts";
import type { Tuning } from "./tuning.ts";

interface Account {
  readonly id: AccountId;
  readonly region: string;
  readonly devices: Device[];
  readonly reputation: Reputation;
}
interface Device {
  readonly id: DeviceId;
  readonly account: Account;
  linked: boolean;
  /** Counts linkings: credentials of an earlier one are dead. */
  generation: number;
  session: Session | null;
  readonly queue: Map<number, Envelope>;
  readonly network: Random;
  readonly chatter: Random;
  /** So many times will somebody with the same credentials log in after us. */
  intruder: number;
}
interface Session {
  readonly endpoint: Endpoint;
  /** The offline queue was sent: what comes now is live. */
  replayed: boolean;
}
/** Envelopes without their number. */
type Draft = Envelope extends infer E ? (E extends unknown ? Omit<E, "no"> : never) : never;

/** Companions of one account, at most (faq.whatsapp.com/378279804439436). */
const COMPANIONS = 4;

export interface ServiceOptions {
  readonly clock: WorldClock;
  readonly random: RandomSource;
  readonly ledger: Ledger;
  readonly tuning: Tuning;
}

export class Service implements ServiceOptions {
  readonly clock: WorldClock;
  readonly random: RandomSource;
  readonly ledger: Ledger;
  readonly tuning: Tuning;
  readonly #accounts = new Map<AccountId, Account>();
  readonly #devices = new Map<DeviceId, Device>();
  readonly #phones = new Map<PersonId, Phone>();
  /** Companions that wait to be linked, and what they show at present. */
  readonly #linking = new Map<Endpoint, string | null>();
  /** Whose end of the connection is known to be closed. */
  readonly #gone = new WeakSet<Endpoint>();
  #envelopes = 0;
  #inboundIds = 0;
  /** When the last message of each person will have got here: a phone sends one after the other. */
  readonly #writtenAt = new Map<PersonId, Millis>();

  constructor({ clock, random, ledger, tuning }: ServiceOptions) {
    this.clock = clock;
    this.random = random;
    this.ledger = ledger;
    this.tuning = tuning;
  }

  // ---- who there is ----

  addAccount(id: AccountId, region: string, devices: readonly DeviceId[], linked = true): void {
    const account: Account = { id, region, devices: [], reputation: new Reputation(this.tuning) };
    for (const device of devices) {
      const added: Device = {
        id: device,
        account,
        linked,
        generation: linked ? 1 : 0,
        session: null,
        queue: new Map(),
        network: this.random.stream(`service:${device}`),
        chatter: this.random.stream(`chatter:${device}`),
        intruder: 0,
      };
      account.devices.push(added);
      this.#devices.set(device, added);
    }
    this.#accounts.set(id, account);
  }

  addPerson(id: PersonId, habits: Habits = silentHabits): Phone {
    const phone = new Phone(id, habits, this.clock, this.random.stream(`person:${id}`), this.ledger, {
      receipt: (account, waId, receipt) => this.#statusOf(account, waId, receipt),
      write: (from, account, text) => void this.write(from, account, text),
    });
    this.#phones.set(id, phone);
    return phone;
  }

  hasPerson(id: PersonId): boolean {
    return this.#phones.has(id);
  }

  accountIds(): readonly AccountId[] {
    return [...this.#accounts.keys()];
  }

  devicesOf(account: AccountId): readonly DeviceId[] {
    return this.#accounts.get(account)?.devices.map(({ id }) => id) ?? [];
  }

  regionOf(device: DeviceId): string {
    return this.#device(device).account.region;
  }

  isLinked(device: DeviceId): boolean {
    return this.#device(device).linked;
  }

  standingOf(account: AccountId): Finding {
    return this.#account(account).reputation.finding(this.clock.now());
  }

  /** It may begin so many more chats, and is not told. */
  allowNewChats(id: AccountId, left: number): void {
    this.#account(id).reputation.leave(left, this.clock.now());
  }

  /** The chat exists: no message in it is cold. */
  warm(account: AccountId, person: PersonId): void {
    this.#account(account).reputation.warm(person);
  }

  /** What a linked device's credentials look like in our store. */
  credentials(device: DeviceId): Uint8Array {
    return credentialsOf(this.#device(device), 0);
  }

  addresses(device: DeviceId): { jid: string; lid: string } {
    const known = this.#device(device);
    const no = [...this.#accounts.keys()].indexOf(known.account.id) + 1;
    const companion = known.account.devices.indexOf(known) + 1;
    return {
      jid: `1555${String(no).padStart(7, "0")}:${companion}@s.whatsapp.net`,
      lid: `9${String(no).padStart(12, "0")}:${companion}@lid`,
    };
  }

  // ---- sessions ----

  /** A login has come. Answers with success or failure, each on the wire. */
  login(endpoint: Endpoint, credentials: string): void {
    const device = this.#device(endpoint.wire.device);
    const { reputation } = device.account;
    const fail = (code: number, until: Millis | null = null) =>
      endpoint.wire.down("failure", () => endpoint.failure(code, until));
    this.clock.setTimeout(() => {
      if (this.#gone.has(endpoint)) return;
      if (!device.linked || credentials !== `${device.id}#${device.generation}`) return fail(401);
      if (reputation.phoneGone) return fail(403);
      if (reputation.standing === "banned") return fail(reputation.banCode, reputation.until);
      if (device.session) this.endSession(device.id, 440);
      const session: Session = { endpoint, replayed: false };
      device.session = session;
      this.ledger.record({ kind: "loggedIn", link: endpoint.wire.id, device: device.id });
      endpoint.wire.down("success", () => endpoint.success());
      const start = this.tuning.offlineStart(device.network);
      this.clock.setTimeout(() => this.#replay(device, session), start);
      this.#chat(device, session);
      if (device.intruder > 0) this.#intrude(device, session);
    }, this.tuning.login(device.network));
  }

  /** Is this still the session of its device? What an ended one still sends is not read. */
  #isCurrent(endpoint: Endpoint): boolean {
    return this.#device(endpoint.wire.device).session?.endpoint === endpoint;
  }

  /** The client's end of the connection has reached us. */
  hangUp(endpoint: Endpoint): void {
    this.#gone.add(endpoint);
    this.#linking.delete(endpoint);
    if (this.#isCurrent(endpoint)) this.#device(endpoint.wire.device).session = null;
  }

  /** We end the session and say why. False if there was none. */
  endSession(id: DeviceId, code: number, until: Millis | null = null): boolean {
    const device = this.#device(id);
    if (!device.session) return false;
    const { endpoint } = device.session;
    device.session = null;
    endpoint.wire.down("failure", () => endpoint.failure(code, until));
    return true;
  }

  hasSession(id: DeviceId): boolean {
    return this.#device(id).session !== null;
  }

  #replay(device: Device, session: Session): void {
    if (device.session !== session) return;
    const { endpoint } = session;
    for (const envelope of device.queue.values()) endpoint.wire.down("offline", () => endpoint.envelope(envelope));
    endpoint.wire.down("offline", () => endpoint.offlineDone());
    session.replayed = true;
  }

  #chat(device: Device, session: Session): void {
    const mean = this.tuning.chatterMean;
    if (mean <= 0) return;
    const wait = 1 + Math.round(device.chatter.exponential(mean));
    this.clock.setTimeout(() => {
      if (device.session !== session) return;
      session.endpoint.wire.down("notice", () => session.endpoint.notice());
      this.#chat(device, session);
    }, wait);
  }

  // ---- messages ----

  /** A `<message>` frame has come. */
  send(endpoint: Endpoint, parcel: Outgoing): void {
    if (!this.#isCurrent(endpoint)) return;
    const device = this.#device(parcel.device);
    const { account } = device;
    const { reputation } = account;
    const cold = reputation.isCold(parcel.to);
    const verdict = reputation.judge(parcel.to, this.clock.now());
    const took = this.tuning.accept(device.network);
    if (verdict !== "take") {
      this.#refuse(endpoint, parcel, took);
      if (verdict === "restrict")
        this.restrict(account.id, this.clock.now() + this.tuning.restrictFor, true, "too many new chats");
      if (verdict === "ban") this.ban(account.id, 406, null, "went on with new chats while restricted");
      return;
    }
    const { message, waId, attempt, to } = parcel;
    this.ledger.record({ kind: "accepted", account: account.id, device: device.id, message, waId, attempt, to, cold });
    if (cold && reputation.judged(this.clock.now()).standing === "capped") this.#recordStanding(account.id, "the last new chat");
    this.clock.setTimeout(
      () =>
        endpoint.wire.down("ack", () => {
          this.ledger.record({ kind: "ackTold", device: device.id, waId });
          endpoint.acked(waId);
        }),
      took,
    );
    for (const twin of account.devices) {
      if (twin !== device && twin.linked) this.#push(twin, { kind: "copy", waId, to });
    }
    this.#phones.get(to)?.deliver(parcel, device.generation, this.tuning.deliver(device.network));
  }

  /** A person writes to a number; returns the id of the message. */
  write(from: PersonId, to: AccountId, text: string): WaId {
    const account = this.#account(to);
    const waId = `3A${String(++this.#inboundIds).padStart(10, "0")}` as WaId;
    account.reputation.warm(from);
    this.ledger.record({ kind: "wrote", person: from, account: to, waId });
    const sentAt = this.clock.now();
    const drawn = sentAt + this.tuning.deliver(this.random.stream(`person:${from}`));
    const at = Math.max(drawn, this.#writtenAt.get(from) ?? 0);
    this.#writtenAt.set(from, at);
    this.clock.setTimeout(() => {
      for (const device of account.devices) {
        if (device.linked) this.#push(device, { kind: "inbound", waId, from, text, sentAt });
      }
    }, at - sentAt);
    return waId;
  }

  /** The device has receipted what we kept for it. */
  receipted(endpoint: Endpoint, envelope: Envelope): void {
    if (!this.#isCurrent(endpoint)) return;
    const device = this.#device(endpoint.wire.device);
    if (!device.queue.delete(envelope.no)) return;
    if (envelope.kind === "inbound") this.ledger.record({ kind: "receipted", device: device.id, waId: envelope.waId });
  }

  /** What is still kept for a device. */
  waiting(id: DeviceId): number {
    return this.#device(id).queue.size;
  }

  #push(device: Device, draft: Draft): void {
    const envelope: Envelope = { ...draft, no: ++this.#envelopes };
    device.queue.set(envelope.no, envelope);
    const { session } = device;
    if (!session?.replayed) return;
    const { endpoint } = session;
    endpoint.wire.down(envelope.kind === "standing" ? "notice" : envelope.kind, () => endpoint.envelope(envelope));
  }

  #refuse(endpoint: Endpoint, { account, device, message, waId }: Outgoing, took: Millis): void {
    const code = 463;
    this.ledger.record({ kind: "refused", account, device, message, waId, code });
    this.clock.setTimeout(() => endpoint.wire.down("refusal", () => endpoint.refused(waId, code)), took);
  }

  #statusOf(id: AccountId, waId: WaId, receipt: "delivered" | "read"): void {
    const account = this.#account(id);
    const [first] = account.devices;
    if (!first) return;
    const after = this.tuning.deliver(first.network);
    this.clock.setTimeout(() => {
      for (const device of account.devices) if (device.linked) this.#push(device, { kind: "status", waId, receipt });
    }, after);
  }

  // ---- standing and credentials ----

  restrict(id: AccountId, until: Millis | null, announced: boolean, why: string): boolean {
    const { reputation } = this.#account(id);
    if (reputation.standing === "banned") return false;
    reputation.announced = announced;
    this.#setStanding(id, "restricted", until, why);
    return true;
  }

  ban(id: AccountId, code: 402 | 406, until: Millis | null, why: string): void {
    const account = this.#account(id);
    account.reputation.banCode = code;
    // Its links' ends say so.
    account.reputation.announced = false;
    this.#setStanding(id, "banned", until, why);
    for (const device of account.devices) this.endSession(device.id, code, until);
  }

  pardon(id: AccountId): void {
    if (this.#account(id).reputation.standing !== "good") this.#setStanding(id, "good", null, "lifted");
  }

  phoneGone(id: AccountId, gone: boolean): boolean {
    const account = this.#account(id);
    if (account.reputation.phoneGone === gone) return false;
    account.reputation.phoneGone = gone;
    if (gone) for (const device of account.devices) this.endSession(device.id, 403);
    return true;
  }

  /** The companion is removed: its credentials are dead, and what was kept for it is gone. */
  logOut(id: DeviceId): boolean {
    const device = this.#device(id);
    if (!device.linked) return false;
    device.linked = false;
    device.queue.clear();
    this.ledger.record({ kind: "credentials", device: id, state: "loggedOut" });
    this.endSession(id, 401);
    return true;
  }

  /** Somebody opens the same credentials elsewhere, and again `returns` times after us. */
  replace(id: DeviceId, returns: number): boolean {
    const device = this.#device(id);
    device.intruder = Math.max(device.intruder, returns);
    return this.endSession(id, 440);
  }

  /** Whoever had the same credentials is gone. */
  leaveAlone(id: DeviceId): void {
    this.#device(id).intruder = 0;
  }

  #intrude(device: Device, session: Session): void {
    const wait = this.random.stream(`intruder:${device.id}`).int(500, 3_000);
    this.clock.setTimeout(() => {
      if (device.session !== session || device.intruder === 0) return;
      device.intruder--;
      this.endSession(device.id, 440);
    }, wait);
  }

  #setStanding(id: AccountId, standing: Standing, until: Millis | null, why: string): void {
    const { reputation, devices } = this.#account(id);
    reputation.set(standing, until);
    this.#recordStanding(id, why);
    if (until !== null) {
      this.clock.setTimeout(
        () => {
          if (reputation.standing === standing && reputation.until === until) this.#setStanding(id, "good", null, "served");
        },
        Math.max(0, until - this.clock.now()),
      );
    }
    if (!reputation.announced) return;
    for (const device of devices) if (device.linked) this.#push(device, { kind: "standing", standing, until });
  }

  /** That its new chats are used up the account hears from nobody: it has to ask. */
  #recordStanding(id: AccountId, why: string): void {
    const { standing, until } = this.#account(id).reputation.judged(this.clock.now());
    this.ledger.record({ kind: "standing", account: id, standing, until, why });
    if (standing !== "capped" || until === null) return;
    this.clock.setTimeout(() => this.#recordStanding(id, "new chats again"), until - this.clock.now());
  }

  // ---- linking ----

  /** A new companion asks to be linked: one offer after another until it is taken, or until there are none left (408). */
  askToLink(endpoint: Endpoint, method: "qr" | "code"): void {
    const device = this.#device(endpoint.wire.device);
    this.#linking.set(endpoint, null);
    let shown = 0;
    let text = "";
    const show = (): void => {
      if (!this.#linking.has(endpoint)) return;
      if (shown >= this.tuning.offers) {
        this.#linking.delete(endpoint);
        return endpoint.wire.down("failure", () => endpoint.failure(408, null));
      }
      shown++;
      // A code is shown once, and holds for as long as QR codes would have followed each other.
      if (method === "qr" || shown === 1) {
        text = `${method}:${device.id}:${device.generation + 1}:${shown}`;
        this.#linking.set(endpoint, text);
        const offer = text;
        endpoint.wire.down("notice", () => endpoint.offer(offer));
      }
      this.clock.setTimeout(show, shown === 1 ? this.tuning.firstOfferFor : this.tuning.offerFor);
    };
    show();
  }

  /** The account's phone scans a QR or enters a code. False: expired, or the account has its four companions already. */
  take(text: string): boolean {
    const endpoint = [...this.#linking].find(([, offer]) => offer === text)?.[0];
    if (!endpoint) return false;
    const device = this.#device(endpoint.wire.device);
    if (device.account.devices.filter((other) => other !== device && other.linked).length >= COMPANIONS) return false;
    this.#linking.delete(endpoint);
    const { jid, lid } = this.addresses(device.id);
    const creds = credentialsOf(device, 1);
    endpoint.wire.down("success", () => endpoint.paired(jid, lid, creds));
    return true;
  }

  /** The new companion has signed: only now is it one, and is told to come back with its credentials. */
  signedUp(endpoint: Endpoint): void {
    const device = this.#device(endpoint.wire.device);
    device.linked = true;
    device.generation++;
    device.queue.clear();
    this.ledger.record({ kind: "credentials", device: device.id, state: "linked" });
    endpoint.wire.down("failure", () => endpoint.failure(515, null));
  }

  #account(id: AccountId): Account {
    const account = this.#accounts.get(id);
    if (!account) throw new Error(`WhatsApp knows no account "${id}"`);
    return account;
  }

  #device(id: DeviceId): Device {
    const device = this.#devices.get(id);
    if (!device) throw new Error(`WhatsApp knows no device "${id}"`);
    return device;
  }
}

/** What a device logs in with. `next`: after so many further linkings. */
const credentialsOf = ({ id, generation }: Device, next: 0 | 1): Uint8Array =>
  new TextEncoder().encode(`${id}#${generation + next}`);
