/**
 * The server's half of Noise_XX_25519_AESGCM_SHA256, as WhatsApp uses it.
 *
 * | from    | message      | to        |
 * | waiting | client hello | greeted   |
 * | greeted | client final | transport |
 */
import { createCipheriv, createDecipheriv, createHash, createSecretKey, hkdfSync, type KeyObject } from "node:crypto";
import { Curve, type KeyPair, NOISE_MODE, proto } from "@whiskeysockets/baileys";
import { introHeader } from "./frames.ts";

const TAG = 16;
const NOTHING = Buffer.alloc(0);

function ivOf(counter: number): Buffer {
  const iv = Buffer.alloc(12);
  iv.writeUInt32BE(counter, 8);
  return iv;
}

function seal(key: Buffer | KeyObject, counter: number, plain: Uint8Array, aad: Buffer): Buffer {
  const cipher = createCipheriv("aes-256-gcm", key, ivOf(counter));
  if (aad.length > 0) cipher.setAAD(aad);
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function open(key: Buffer | KeyObject, counter: number, sealed: Uint8Array, aad: Buffer): Buffer {
  const decipher = createDecipheriv("aes-256-gcm", key, ivOf(counter));
  if (aad.length > 0) decipher.setAAD(aad);
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG));
  return Buffer.concat([decipher.update(sealed.subarray(0, sealed.length - TAG)), decipher.final()]);
}

function expand(salt: Buffer, input: Uint8Array): [Buffer, Buffer] {
  const out = Buffer.from(hkdfSync("sha256", input, salt, NOTHING, 64));
  return [out.subarray(0, 32), out.subarray(32)];
}

/** What the client said of itself once the handshake is over. */
export interface Introduction {
  readonly payload: proto.ClientPayload;
  /** The client's long-lived Noise key: its login credential. */
  readonly noiseKey: Buffer;
}

export class NoiseServer {
  private hash: Buffer = Buffer.from(NOISE_MODE);
  private chain: Buffer = this.hash;
  private key: Buffer = this.hash;
  private counter = 0;
  private ephemeral: KeyPair | undefined;
  // Key objects: with a raw key, preparing it costs four times as much as the encryption of a frame.
  private readKey: KeyObject | undefined;
  private writeKey: KeyObject | undefined;
  private reads = 0;
  private writes = 0;
  private readonly statics: KeyPair;
  private readonly certificates: Buffer;

  constructor(statics: KeyPair, certificates: Buffer) {
    this.statics = statics;
    this.certificates = certificates;
    this.mixHash(introHeader());
  }

  /** Answers the client's first frame. */
  greet(hello: Buffer): Buffer {
    const theirs = proto.HandshakeMessage.decode(hello).clientHello?.ephemeral;
    if (!theirs) throw new Error("the first frame is no client hello");
    this.ephemeral = Curve.generateKeyPair();
    this.mixHash(theirs);
    this.mixHash(this.ephemeral.public);
    this.mixKey(Curve.sharedKey(this.ephemeral.private, theirs));
    const statics = this.sealHandshake(this.statics.public);
    this.mixKey(Curve.sharedKey(this.statics.private, theirs));
    const payload = this.sealHandshake(this.certificates);
    return Buffer.from(
      proto.HandshakeMessage.encode({ serverHello: { ephemeral: this.ephemeral.public, static: statics, payload } }).finish(),
    );
  }

  /** Reads the client's second frame; from here on `encrypt` and `decrypt` carry the stream. */
  finish(final: Buffer): Introduction {
    const message = proto.HandshakeMessage.decode(final).clientFinish;
    if (!message?.static || !message.payload || !this.ephemeral) throw new Error("the second frame is no client finish");
    const noiseKey = this.openHandshake(message.static);
    this.mixKey(Curve.sharedKey(this.ephemeral.private, noiseKey));
    const payload = proto.ClientPayload.decode(this.openHandshake(message.payload));
    const [readKey, writeKey] = expand(this.chain, NOTHING);
    this.readKey = createSecretKey(readKey);
    this.writeKey = createSecretKey(writeKey);
    return { payload, noiseKey };
  }

  encrypt(plain: Uint8Array): Buffer {
    if (!this.writeKey) throw new Error("the handshake is not over");
    return seal(this.writeKey, this.writes++, plain, NOTHING);
  }

  decrypt(sealed: Uint8Array): Buffer {
    if (!this.readKey) throw new Error("the handshake is not over");
    return open(this.readKey, this.reads++, sealed, NOTHING);
  }

  private mixHash(data: Uint8Array): void {
    this.hash = createHash("sha256").update(this.hash).update(data).digest();
  }

  private mixKey(secret: Uint8Array): void {
    [this.chain, this.key] = expand(this.chain, secret);
    this.counter = 0;
  }

  private sealHandshake(plain: Uint8Array): Buffer {
    const sealed = seal(this.key, this.counter++, plain, this.hash);
    this.mixHash(sealed);
    return sealed;
  }

  private openHandshake(sealed: Uint8Array): Buffer {
    const plain = open(this.key, this.counter++, sealed, this.hash);
    this.mixHash(sealed);
    return plain;
  }
}
