/** Linking a companion: by QR, by code, interrupted, again; and what of it lies on the disk. */
import { spawnSync } from "node:child_process";
import type { AuthenticationCreds } from "@whiskeysockets/baileys";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { type Loopback, startLoopback } from "../../../sim/loopback/index.ts";
import type { LinkMethod } from "../../../machines/ports/connection.ts";
import { decodeCreds, encodeCreds } from "../../../src/adapters/baileys/keys/codec.ts";
import { Client, until } from "../../sim/loopback/client.ts";
import { HoldingStore } from "./holding-store.ts";
import { device, Rig, sleep } from "./rig.ts";

const a = device("sales-1/a");
const MASTER = "4915550000001";
const CUSTOMER = "4915550000901";

describe("linking", () => {
  let loopback: Loopback;
  let rig: Rig;
  beforeAll(async () => {
    loopback = await startLoopback();
    loopback.account(MASTER);
  });
  beforeEach(async () => {
    rig = await Rig.start({ loopback, devices: [a] });
  });
  afterEach(() => rig.close());
  afterAll(() => loopback.close());

  const dialToLink = (method: LinkMethod): number => {
    const leaseTerm = rig.terms.get(a);
    if (leaseTerm === undefined) throw new Error("no lease");
    const dial = rig.nextDial(a);
    rig.port.perform({ op: "link", device: a, dial, leaseTerm, method, connectTimeout: 10_000 });
    return dial;
  };
  const offerOf = async (dial: number): Promise<string> => (await rig.fact("linkOffer", (fact) => fact.dial === dial)).offer.text;
  const closing = (dial: number) => rig.fact("closed", (fact) => fact.dial === dial);
  const storedCreds = async (): Promise<Uint8Array | null> => {
    const answer = await rig.ask("creds.load", { device: a });
    if (answer.kind !== "creds") throw new Error("the store gave no answer");
    return answer.value;
  };
  const linkByCode = async (): Promise<number> => {
    const dial = dialToLink({ kind: "code", phone: MASTER });
    await loopback.account(MASTER).enterPairingCode(await offerOf(dial));
    await rig.fact("linked", (fact) => fact.dial === dial);
    expect(await closing(dial)).toMatchObject({ reason: "restartRequired", code: 515 });
    return dial;
  };
  const unlinkAll = (): void => {
    for (const each of loopback.account(MASTER).devices()) loopback.account(MASTER).unlink(each);
  };
  afterEach(unlinkAll);

  it("by QR: offered, scanned, restarted, in service", async () => {
    await rig.link(a, MASTER);
    await rig.serve(a);
    expect(rig.facts.filter(({ kind }) => kind === "linkOffer")).toMatchObject([{ offer: { kind: "qr" } }]);
  });

  it("dialled again and again before the first login: its pre-keys are made once, and who is new can write to it", async () => {
    let made = 0;
    const store = new HoldingStore();
    store.hold(({ keys }) => {
      if (keys.filter(({ type }) => type === "pre-key").length > 100) made += 1;
      return false;
    });
    const hasty = await Rig.start({ loopback, devices: [a], wrap: store.wrap });
    onTestFinished(() => hasty.close());
    await hasty.link(a, MASTER);
    for (const pause of [0, 60, 40, 20]) {
      hasty.open(a);
      await sleep(pause);
    }
    await hasty.serve(a);
    const stranger = loopback.person("4915550000902");
    const id = stranger.send(MASTER, "hello");
    await until(() => stranger.receipts.some((receipt) => receipt.id === id), 20_000);
    expect(stranger.askedAgain).toEqual([]);
    expect(made).toBe(1);
  });

  it("by code: offered once for the number that was named, entered at the phone, restarted, in service", async () => {
    await linkByCode();
    await rig.serve(a);
    const offers = rig.facts.filter((fact) => fact.kind === "linkOffer");
    expect(offers).toMatchObject([{ offer: { kind: "code", text: expect.stringMatching(/^[0-9A-Z]{8}$/) } }]);
  });

  it.each(["qr", "code"] as const)("by a QR code with a pairing code beside it, on one link: the %s is taken", async (taken) => {
    const dial = dialToLink({ kind: "qr", phone: MASTER });
    const offer = async (kind: "qr" | "code"): Promise<string> =>
      (await rig.fact("linkOffer", (fact) => fact.dial === dial && fact.offer.kind === kind)).offer.text;
    const offers = { qr: await offer("qr"), code: await offer("code") };
    expect(offers.code).toMatch(/^[0-9A-Z]{8}$/);
    const phone = loopback.account(MASTER);
    await (taken === "qr" ? phone.scanQr(offers.qr) : phone.enterPairingCode(offers.code));
    await rig.fact("linked", (fact) => fact.dial === dial);
    expect(await closing(dial)).toMatchObject({ reason: "restartRequired", code: 515 });
    await rig.serve(a);
  });

  it("by code, interrupted halfway: nothing is left to log in with, and linking starts anew; Baileys is left with half a login", async () => {
    const dial = dialToLink({ kind: "code", phone: MASTER });
    await offerOf(dial);
    rig.port.perform({ op: "terminate", device: a });
    await closing(dial);
    expect(await storedCreds()).toBeNull();
    expect(await closing(rig.open(a))).toMatchObject({ reason: "unlinked" });
    await linkByCode();
    await rig.serve(a);

    const raw = new Client(loopback.url);
    raw.start();
    await raw.qr();
    await raw.live.requestPairingCode("4915550000003");
    raw.stop();
    expect([raw.creds.me?.id, raw.creds.account]).toEqual(["4915550000003@s.whatsapp.net", undefined]);
    raw.start();
    expect(await raw.closed()).toBe(401);
  });

  it("interrupted between storing and signing: the phone knows of no device, the login says so, and linking starts anew", async () => {
    const store = new HoldingStore();
    const other = await Rig.start({ loopback, devices: [a], wrap: store.wrap });
    onTestFinished(() => other.close());
    store.hold(({ creds }) => creds !== null);
    const leaseTerm = other.terms.get(a);
    if (leaseTerm === undefined) throw new Error("no lease");
    other.port.perform({
      op: "link",
      device: a,
      dial: other.nextDial(a),
      leaseTerm,
      method: { kind: "qr" },
      connectTimeout: 10_000,
    });
    const { offer } = await other.fact("linkOffer");
    const scanned = loopback.account(MASTER).scanQr(offer.text);
    await other.until(() => store.held.length === 1, "the commit of the credentials");
    other.port.perform({ op: "terminate", device: a });
    await expect(scanned).rejects.toThrow("went away");
    store.release();
    const dial = other.open(a);
    expect(await other.fact("closed", (fact) => fact.dial === dial)).toMatchObject({ reason: "loggedOut", code: 401 });
    await other.link(a, MASTER);
    await other.serve(a);
    expect(other.facts.filter(({ kind }) => kind === "linked")).toHaveLength(1);
  });

  it("half a login that lies in the store, from whatever time, is wiped instead of tried", async () => {
    await rig.link(a, MASTER);
    const stored = await storedCreds();
    const leaseTerm = rig.terms.get(a);
    if (!stored || leaseTerm === undefined) throw new Error("nothing stored");
    const { account: _account, ...half } = decodeCreds(stored) as Record<string, unknown>;
    const commit = { device: a, leaseTerm, keys: [], inbound: [], attempt: null };
    await rig.ask("keys.commit", { ...commit, creds: encodeCreds(half) });
    expect(await closing(rig.open(a))).toMatchObject({ reason: "unlinked" });
    expect(await storedCreds()).toBeNull();
    expect(await rig.ask("audit.read", { subject: a, limit: 1 })).toMatchObject({ rows: [{ action: "device.keysWiped" }] });
  });

  it("again, interrupted: the device that was linked before still is", async () => {
    await rig.link(a, MASTER);
    const dial = dialToLink({ kind: "code", phone: MASTER });
    await offerOf(dial);
    rig.port.perform({ op: "terminate", device: a });
    await closing(dial);
    const { jid } = await rig.fact("linked");
    await rig.serve(a);
    expect(loopback.connections()).toMatchObject([{ account: MASTER, device: Number(/:(\d+)@/.exec(jid)?.[1]), serving: true }]);
  });

  it("again, completed: keys of the earlier companion are forgotten", async () => {
    await rig.link(a, MASTER);
    await rig.serve(a);
    rig.port.perform({ op: "terminate", device: a });
    const before = await storedCreds();
    await linkByCode();
    expect(await storedCreds()).not.toEqual(before);
    const left = await rig.ask("keys.load", { device: a, type: "pre-key", ids: ["1", "2", "812"] });
    expect(left).toMatchObject({ values: [null, null, null] });
    await rig.serve(a);
  });

  it("over TLS: with a certificate that only we know, if we say so; otherwise it is a wrong peer", async () => {
    const secure = await startLoopback({ tlsPort: 0 });
    onTestFinished(() => secure.close());
    const url = secure.tlsUrl ?? "";
    const open = await Rig.start({ loopback: secure, url, devices: [a], allowSelfSigned: true });
    onTestFinished(() => open.close());
    secure.account(MASTER);
    await open.link(a, MASTER);
    await open.serve(a);
    const strict = await Rig.start({ loopback: secure, url, devices: [a] });
    onTestFinished(() => strict.close());
    const leaseTerm = strict.terms.get(a);
    if (leaseTerm === undefined) throw new Error("no lease");
    strict.port.perform({ op: "link", device: a, dial: 1, leaseTerm, method: { kind: "qr" }, connectTimeout: 60_000 });
    expect(await strict.fact("closed")).toMatchObject({ reason: "badPeer", code: null });
  });

  it("leaves nothing readable on the disk: neither credentials nor Signal keys, in no spelling", async () => {
    await rig.link(a, MASTER);
    await rig.serve(a);
    await rig.seat(a);
    const customer = loopback.person(CUSTOMER);
    const { command } = await rig.send(a, await rig.contact(customer.jid), "a message that is not secret here");
    await until(() => customer.received.some(({ id }) => id === command.waId), 20_000);
    const answer = customer.send(MASTER, "so that sessions are stored");
    await until(() => customer.receipts.some(({ id }) => id === answer), 20_000);

    const creds = decodeCreds((await storedCreds()) ?? new Uint8Array()) as AuthenticationCreds;
    const address = `${(customer.lid.split("@")[0] ?? "").replace(/:.*/, "")}_1.0`;
    const session = await rig.ask("keys.load", { device: a, type: "session", ids: [address] });
    const preKey = await rig.ask("keys.load", { device: a, type: "pre-key", ids: ["5"] });
    if (session.kind !== "keys" || preKey.kind !== "keys") throw new Error("no keys");
    const [storedSession, storedPreKey] = [session.values[0], preKey.values[0]];
    if (!storedSession || !storedPreKey) throw new Error(`no session of ${address}`);
    const secrets = [
      Buffer.from(creds.noiseKey.private),
      Buffer.from(creds.signedIdentityKey.private),
      Buffer.from(creds.signedPreKey.keyPair.private),
      Buffer.from(creds.advSecretKey, "base64"),
      // Parts of what is stored as text: too long to be there by chance.
      Buffer.from(storedSession).subarray(0, 40),
      Buffer.from(storedSession).subarray(-40),
      Buffer.from(storedPreKey).subarray(0, 40),
    ];
    await rig.port.shutdown();
    // Another process reads: opening the file here would give away its lock.
    const disk = spawnSync("cat", [rig.file, `${rig.file}-wal`], { maxBuffer: 1e9 }).stdout;
    const found = (what: Buffer | string): boolean => disk.includes(what);
    expect(found(a)).toBe(true);
    for (const secret of secrets) {
      expect([found(secret), found(secret.toString("base64")), found(secret.toString("hex"))]).toEqual([false, false, false]);
    }
    expect([found("privKey"), found("currentRatchet"), found("noiseKey")]).toEqual([false, false, false]);
  });
});
