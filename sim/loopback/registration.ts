/**
 * Linking a device by QR: references out, the phone's vouching in, the device's signature back, then a restart.
 *
 * | from     | what happens                          | to       |
 * | waiting  | the phone scans (or enters the code)  | vouched  |
 * | vouched  | the device signs, the signature holds | linked   |
 * | any      | the link ends                         | gone     |
 */
import { createHmac, randomBytes } from "node:crypto";
import { Curve, proto } from "@whiskeysockets/baileys";
import type { Link } from "./connection.ts";
import { type Account, type Credentials, Device } from "./directory.ts";
import { lidJid, pnJid } from "./jids.ts";
import { child, el, type Node, requiredBytes, SERVER, stamp } from "./node.ts";
import type { Introduction } from "./noise.ts";
import type { Service } from "./service.ts";
import { announceDevices } from "./devices.ts";

const ACCOUNT_PREFIX = Buffer.from([6, 0]);
const DEVICE_PREFIX = Buffer.from([6, 1]);
const REFS = 6;
/** A client that goes silent in the middle of linking is given up after this. */
const LINKING_TIMEOUT_MS = 10_000;

export interface CodeRequest {
  readonly number: string;
  readonly wrappedEphemeral: Buffer;
  readonly ref: string;
}

export class Registration {
  readonly link: Link;
  readonly credentials: Credentials;
  readonly pushName: string | undefined;
  readonly refs: string[];
  /** Set when the client asked for a pairing code instead. */
  code: CodeRequest | undefined;
  /** Set while the phone waits for the client's half of the code exchange. */
  finishCode: ((node: Node) => void) | undefined;
  private vouched: { account: Account; id: number; details: Buffer; settle: (error?: Error) => void } | undefined;

  constructor(link: Link, introduction: Introduction) {
    const data = introduction.payload.devicePairingData;
    if (!data?.eIdent || !data.eRegid || !data.eSkeyId || !data.eSkeyVal || !data.eSkeySig)
      throw new Error("registration without keys");
    this.link = link;
    this.pushName = introduction.payload.pushName ?? undefined;
    this.refs = Array.from({ length: REFS }, () => `2@${randomBytes(24).toString("base64url")}`);
    this.credentials = {
      noiseKey: introduction.noiseKey,
      identity: Buffer.from(data.eIdent),
      registration: Buffer.from(data.eRegid),
      signedPreKey: { id: Buffer.from(data.eSkeyId), value: Buffer.from(data.eSkeyVal), signature: Buffer.from(data.eSkeySig) },
      preKeys: [],
    };
  }

  offer(service: Service): void {
    const refs = this.refs.map((ref) => el("ref", {}, Buffer.from(ref)));
    this.link.send(el("iq", { from: SERVER, type: "set", id: service.nextId(), xmlns: "md" }, [el("pair-device", {}, refs)]));
  }

  /** The phone vouches for this device. Resolves once the device has signed and is told to restart. */
  async vouch(service: Service, account: Account, advSecret: Buffer): Promise<{ device: number }> {
    if (this.vouched) throw new Error("this device is being linked already");
    if (account.devices.size >= account.deviceLimit)
      throw new Error(`${account.number} has ${account.devices.size} linked devices, which is its limit`);
    const id = account.nextDevice++;
    const { details, signed } = vouchFor(account, id, this.credentials.identity);
    const hmac = createHmac("sha256", advSecret).update(signed).digest();
    const container = proto.ADVSignedDeviceIdentityHMAC.encode({ details: signed, hmac }).finish();

    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => settle(new Error("the client did not finish linking")), LINKING_TIMEOUT_MS);
      const settle = (error?: Error): void => {
        clearTimeout(timer);
        this.vouched = undefined;
        if (error) reject(error);
        else resolve({ device: id });
      };
      this.vouched = { account, id, details, settle };
      this.link.send(
        el("iq", { from: SERVER, type: "set", id: service.nextId(), xmlns: "md", t: stamp() }, [
          el("pair-success", {}, [
            el("device-identity", {}, container),
            el("device", { jid: pnJid(account.number, id), lid: lidJid(account.lidUser, id) }),
            el("platform", { name: "android" }),
          ]),
        ]),
      );
    });
  }

  /** The device's answer to `pair-success`. */
  sign(service: Service, signNode: Node): void {
    const { vouched } = this;
    if (!vouched) return;
    const identity = proto.ADVSignedDeviceIdentity.decode(requiredBytes(child(signNode, "device-identity"), "device-identity"));
    const { account, id, details, settle } = vouched;
    const message = Buffer.concat([DEVICE_PREFIX, details, this.credentials.identity, account.phone.signal.identity.public]);
    if (!identity.deviceSignature || !Curve.verify(this.credentials.identity, message, identity.deviceSignature)) {
      settle(new Error("the device's signature does not hold"));
      this.link.destroy();
      return;
    }
    const device = new Device(account, id, this.credentials);
    account.devices.set(id, device);
    announceDevices(service, device, "add");
    service.events.emit("linked", { at: Date.now(), account: account.number, device: id });
    service.log(`linked ${account.number}:${id}`);
    this.link.bye(el("stream:error", { code: "515" }));
    settle();
  }

  gone(): void {
    this.vouched?.settle(new Error("the client went away while it was being linked"));
  }
}

/** What the phone says of a device that it links: an identity of this account, under this number. */
function vouchFor(account: Account, id: number, identity: Buffer): { details: Buffer; signed: Uint8Array } {
  const details = Buffer.from(
    proto.ADVDeviceIdentity.encode({
      rawId: randomBytes(4).readUInt32BE(0),
      timestamp: Math.floor(Date.now() / 1000),
      keyIndex: id,
      accountType: 0,
      deviceType: 0,
    }).finish(),
  );
  const keys = account.phone.signal.identity;
  const accountSignature = Curve.sign(keys.private, Buffer.concat([ACCOUNT_PREFIX, details, identity]));
  const signed = proto.ADVSignedDeviceIdentity.encode({ details, accountSignatureKey: keys.public, accountSignature }).finish();
  return { details, signed };
}

/** Links a device of which the keys are known, without the dialogue: for tests that need hundreds. */
export function adopt(account: Account, credentials: Credentials): { device: number; signed: Uint8Array } {
  const id = account.nextDevice++;
  account.devices.set(id, new Device(account, id, credentials));
  return { device: id, signed: vouchFor(account, id, credentials.identity).signed };
}

/** Stanzas of a client that is not linked yet. */
export function registrationStanza(service: Service, registration: Registration, node: Node): void {
  if (node.tag !== "iq") return;
  const sign = child(node, "pair-device-sign");
  if (sign) {
    registration.sign(service, sign);
    return;
  }
  const code = child(node, "link_code_companion_reg");
  if (code?.attrs.stage === "companion_hello") {
    const ref = registration.refs[0] ?? "";
    registration.code = {
      number: (code.attrs.jid ?? "").split("@")[0] ?? "",
      wrappedEphemeral: requiredBytes(
        child(code, "link_code_pairing_wrapped_companion_ephemeral_pub"),
        "companion ephemeral key",
      ),
      ref,
    };
    const answer = el("link_code_companion_reg", { stage: "companion_hello" }, [
      el("link_code_pairing_ref", {}, Buffer.from(ref)),
    ]);
    registration.link.send(el("iq", { from: SERVER, type: "result", id: node.attrs.id }, [answer]));
  } else if (code?.attrs.stage === "companion_finish") {
    registration.link.send(el("iq", { from: SERVER, type: "result", id: node.attrs.id }));
    registration.finishCode?.(code);
  } else if (node.attrs.type === "get" || node.attrs.type === "set") {
    registration.link.send(el("iq", { from: SERVER, type: "result", id: node.attrs.id }));
  }
}

/** The parts of a QR code. */
export function parseQr(qr: string): { ref: string; noiseKey: Buffer; advSecret: Buffer } {
  const parts = qr
    .slice(qr.indexOf("#") + 1)
    .trim()
    .split(",");
  const [ref, noiseKey, , advSecret] = parts;
  if (!ref || !noiseKey || !advSecret)
    throw new Error("a pairing QR code has the form https://wa.me/settings/linked_devices#ref,noise,identity,secret,platform");
  return { ref, noiseKey: Buffer.from(noiseKey, "base64"), advSecret: Buffer.from(advSecret, "base64") };
}

/** The waiting client that shows this QR code. */
export function findByQr(service: Service, qr: string): { registration: Registration; advSecret: Buffer } {
  const { ref, noiseKey, advSecret } = parseQr(qr);
  for (const registration of service.registrations.values()) {
    if (registration.refs.includes(ref) && registration.credentials.noiseKey.equals(noiseKey)) return { registration, advSecret };
  }
  throw new Error("no client is waiting with this QR code: it was used, it expired, or its connection ended");
}

export async function scanQr(service: Service, account: Account, qr: string): Promise<{ device: number }> {
  const { registration, advSecret } = findByQr(service, qr);
  return registration.vouch(service, account, advSecret);
}
