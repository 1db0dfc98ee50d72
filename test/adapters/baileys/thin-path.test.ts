import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { device, Rig } from "./rig.ts";
import { turns } from "./world.ts";

const a = device("sales-1/a");
const MASTER = "4915550000001";
const CUSTOMER = "4915550000901";

describe("one device, from QR to conversation", () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await Rig.start();
    rig.loopback.account(MASTER);
  });
  afterAll(() => rig.close());

  it("is linked by QR, and WhatsApp asks for a restart", async () => {
    await rig.link(a, MASTER);
    expect((await rig.fact("linked")).jid).toContain(MASTER);
    expect(await rig.fact("closed")).toMatchObject({ reason: "restartRequired", code: 515 });
  });

  it("opens, then serves once the offline queue is replayed", async () => {
    await rig.serve(a);
    const kinds = rig.facts.map(({ kind }) => kind);
    expect(kinds.indexOf("opened")).toBeLessThan(kinds.indexOf("serving"));
  });

  it("sends what the seat's holder may send, and hears WhatsApp's ack and the recipient's receipt", async () => {
    const customer = rig.loopback.person(CUSTOMER);
    await rig.seat(a);
    const contact = await rig.contact(customer.jid);
    const { command, fact } = await rig.send(a, contact, "hello");
    expect(fact).toMatchObject({ kind: "sent" });
    await rig.fact("acked", ({ waId }) => waId === command.waId);
    await rig.fact("receipt", ({ waId, receipt }) => waId === command.waId && receipt === "delivered");
    expect(customer.received.map(({ text, id }) => [text, id])).toEqual([["hello", command.waId]]);
  });

  it("makes a durable row of what arrives", async () => {
    const customer = rig.loopback.person(CUSTOMER);
    const id = customer.send(MASTER, "good day");
    await rig.fact("received");
    expect((await rig.inbox()).map(({ waId, fromMe }) => [waId, fromMe])).toEqual([[id, false]]);
  });

  it("answers a probe with its round trip, and ends at once when told to", async () => {
    rig.port.perform({ op: "probe", device: a, probe: 7, deadline: 1000 });
    const { rtt } = await rig.fact("probed", ({ probe }) => probe === 7);
    expect(rtt).not.toBeNull();
    const since = rig.mark;
    rig.port.perform({ op: "terminate", device: a });
    await turns();
    expect(rig.facts.slice(since)).toMatchObject([{ kind: "closed", reason: "dropped", code: null }]);
  });
});
