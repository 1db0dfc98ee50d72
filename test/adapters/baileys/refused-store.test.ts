/** A store that refuses in the middle of a message that arrives: WhatsApp must not be told that it may forget it. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { nodeId } from "../../../machines/ports/ids.ts";
import type { StoreAnswer, StoreCommand, StoreOp, StorePort } from "../../../machines/ports/store.ts";
import { type Loopback, type Person, startLoopback } from "../../../sim/loopback/index.ts";
import { until } from "../../sim/loopback/client.ts";
import { device, Rig, sleep } from "./rig.ts";

const a = device("sales-1/a");
const MASTER = "4915550000001";
const PATIENCE = 20_000;

/** Refuses the next command that fits, once. */
class RefusingStore {
  next: ((command: StoreCommand) => boolean) | null = null;

  readonly wrap = (store: StorePort): StorePort => ({
    ask: <K extends StoreOp>(command: StoreCommand<K>, reply: (answer: StoreAnswer<K>) => void): void => {
      if (!this.next?.(command as unknown as StoreCommand)) return store.ask(command, reply);
      this.next = null;
      const { op, reqId } = command;
      const failed = { op, reqId, at: Date.now(), kind: "failed", cause: "io", message: "refused" };
      setImmediate(() => reply(failed as unknown as StoreAnswer<K>));
    },
  });
}
const isCommit = (command: StoreCommand): command is StoreCommand<"keys.commit"> => command.op === "keys.commit";
const loads =
  (type: string) =>
  (command: StoreCommand): boolean =>
    command.op === "keys.load" && command.type === type;

describe("a message that arrives while the store refuses", () => {
  let loopback: Loopback;
  let rig: Rig;
  let store: RefusingStore;
  let person: Person;
  beforeEach(async () => {
    loopback = await startLoopback();
    loopback.account(MASTER);
    store = new RefusingStore();
    rig = await Rig.start({ loopback, devices: [a], wrap: store.wrap });
    person = loopback.person("4915550000901");
    await rig.link(a, MASTER);
    await rig.serve(a);
  }, 60_000);
  afterEach(async () => {
    await rig.close();
    await loopback.close();
  });

  /** Under another term nothing that was remembered of the keys counts. */
  const newLease = async (): Promise<void> => {
    const node = nodeId("n1");
    await rig.ask("lease.release", { node, leases: [...rig.terms].map(([of, term]) => ({ device: of, term })) });
    const answer = await rig.ask("lease.acquire", { devices: [a], node, ttl: 60_000 });
    if (answer.kind === "leases") for (const { device: of, term } of answer.granted) rig.terms.set(of, term);
  };
  const isStored = async (id: string): Promise<boolean> => (await rig.inbox()).some(({ waId }) => waId === id);
  /** The link ends, because nothing else keeps the message at WhatsApp; the next one brings it, and nobody is asked to repeat it. */
  const arrivesAnew = async (id: string, since: number): Promise<boolean> => {
    await rig.fact("closed", () => true, { since });
    await rig.serve(a);
    for (const end = Date.now() + PATIENCE; Date.now() < end && !(await isStored(id)); ) await sleep(10);
    return (await isStored(id)) && person.askedAgain.length === 0;
  };

  it("what is learned of its sender's addresses", async () => {
    store.next = (command) => isCommit(command) && command.keys.some(({ type }) => type === "lid-mapping");
    expect(await arrivesAnew(person.send(MASTER, "from somebody new"), rig.mark)).toBe(true);
  });

  it("the step of the ratchet, with the row", async () => {
    store.next = (command) => isCommit(command) && command.inbound.length > 0;
    expect(await arrivesAnew(person.send(MASTER, "hello"), rig.mark)).toBe(true);
  });

  it("the one-time key that it was encrypted with", async () => {
    store.next = loads("pre-key");
    expect(await arrivesAnew(person.send(MASTER, "hello"), rig.mark)).toBe(true);
  });

  it("the session of its sender", async () => {
    const first = person.send(MASTER, "hello");
    await until(() => person.receipts.some((receipt) => receipt.id === first), PATIENCE);
    rig.port.perform({ op: "terminate", device: a });
    await newLease();
    await rig.serve(a);
    store.next = loads("session");
    expect(await arrivesAnew(person.send(MASTER, "and again"), rig.mark)).toBe(true);
  });
});
