/**
 * Two devices of one account on the adapter (the first holds the seat), a device of another account on bare Baileys, and a customer
 * who has talked with both: what a finding about Baileys is shown with.
 */
import { proto } from "@whiskeysockets/baileys";
import type { ContactId } from "../../../machines/ports/ids.ts";
import { type Loopback, type Person, startLoopback } from "../../../sim/loopback/index.ts";
import { Client, until } from "../../sim/loopback/client.ts";
import { HoldingStore } from "./holding-store.ts";
import { device, Rig } from "./rig.ts";

export const a = device("sales-1/a");
export const b = device("sales-1/b");
export const MASTER = "4915550000001";
const RAW = "4915550000002";
const CUSTOMER = "4915550000901";
export const onMaster = { account: MASTER };
export const onRaw = { account: RAW };
/** For look-ups that nobody answers. */
const QUERY_TIMEOUT = 400;

/** What is tested of Baileys' websocket, which it does not show. */
interface RawSocket {
  once(event: "open", listener: () => void): void;
  on(event: "unexpected-response", listener: () => void): void;
  send: (...args: readonly unknown[]) => void;
}
export const socketOf = (client: Client): RawSocket => (client.live.ws as unknown as { socket: RawSocket }).socket;
export const isClosed = (client: Client): boolean => client.states.some(({ connection }) => connection === "close");
export const turns = async (): Promise<void> => {
  for (let n = 0; n < 3; n += 1) await new Promise((resolve) => setImmediate(resolve));
};

export class World {
  readonly loopback: Loopback;
  readonly rig: Rig;
  readonly raw: Client;
  readonly store: HoldingStore;
  readonly customer: Person;
  readonly contact: ContactId;

  static async make(): Promise<World> {
    const loopback = await startLoopback();
    loopback.account(MASTER);
    const store = new HoldingStore();
    const rig = await Rig.start({ loopback, devices: [a, b], wrap: store.wrap, queryTimeout: QUERY_TIMEOUT });
    const raw = new Client(`${loopback.url}?client=raw`, { keepAliveIntervalMs: 1000, defaultQueryTimeoutMs: QUERY_TIMEOUT });
    await raw.pair(loopback, RAW);
    for (const each of [a, b]) {
      await rig.link(each, MASTER);
      await rig.serve(each);
    }
    await rig.seat(a);
    const world = new World(loopback, rig, raw, store, await rig.contact(loopback.person(CUSTOMER).jid));
    await world.talk("hello");
    const greeting = await raw.sendText(CUSTOMER, "hello");
    await until(() => world.atPhone(greeting).length > 0, 20_000);
    const answer = world.customer.send(RAW, "hello");
    await until(() => raw.textOf(answer), 20_000);
    return world;
  }

  private constructor(loopback: Loopback, rig: Rig, raw: Client, store: HoldingStore, contact: ContactId) {
    this.loopback = loopback;
    this.rig = rig;
    this.raw = raw;
    this.store = store;
    this.contact = contact;
    this.customer = loopback.person(CUSTOMER);
  }

  async close(): Promise<void> {
    this.raw.stop();
    await this.rig.close();
    await this.loopback.close();
  }

  /** Everything heals, and whoever is down comes back. */
  async recover(): Promise<void> {
    const { rig, raw } = this;
    this.store.release();
    this.loopback.faults.healAll();
    for (const each of [a, b]) {
      rig.port.perform({ op: "terminate", device: each });
      await rig.serve(each);
    }
    if (raw.sock === undefined || isClosed(raw)) await raw.restart();
  }

  /** A message there and one back. Gives the id of the answer. */
  async talk(text: string): Promise<string> {
    const { command } = await this.rig.send(a, this.contact, text);
    await this.rig.fact("acked", ({ waId }) => waId === command.waId);
    await until(() => this.atPhone(command.waId).length > 0, 20_000);
    const id = this.customer.send(MASTER, `answer to ${text}`);
    await until(() => this.isConfirmed(id), 20_000);
    return id;
  }

  /** The round trip of a stanza; null if none came in time. */
  async probe(deadline: number): Promise<number | null> {
    const since = this.rig.mark;
    this.rig.port.perform({ op: "probe", device: a, probe: since, deadline });
    return (await this.rig.fact("probed", (fact) => fact.probe === since, { since })).rtt;
  }

  /** Has one of our devices confirmed that it has the customer's message? */
  isConfirmed(id: string): boolean {
    return this.customer.receipts.some((receipt) => receipt.id === id);
  }

  /** What the customer has read under this id. */
  atPhone(id: string): string[] {
    return this.customer.received.filter((each) => each.id === id).map(({ text }) => text);
  }

  /** What the inbox holds under this id. */
  async inInbox(id: string): Promise<(string | null | undefined)[]> {
    const rows = await this.rig.inbox();
    return rows.filter(({ waId }) => waId === id).map((row) => proto.Message.decode(row.proto).conversation);
  }
}
