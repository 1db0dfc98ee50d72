/** Two that begin a session with each other at the same time, and go on as the messages cross: libsignal alone loses some. */
import {
  DEFAULT_CONNECTION_CONFIG,
  generateSignalPubKey,
  initAuthCreds,
  proto,
  writeRandomPadMax16,
} from "@whiskeysockets/baileys";
import { describe, expect, it } from "vitest";
import type { DeviceId, LeaseTerm } from "../../../machines/ports/ids.ts";
import type { StoreOps } from "../../../machines/ports/store.ts";
import { SignalEndpoint } from "../../../sim/loopback/signal-endpoint.ts";
import type { Ask } from "../../../src/adapters/baileys/ask.ts";
import { DeviceKeys } from "../../../src/adapters/baileys/keys/device-keys.ts";
import { type BaileysLogger, silenceLibsignal } from "../../../src/adapters/baileys/quiet.ts";
import { openAlone } from "../../../src/adapters/baileys/sessions.ts";
import { makeSignal } from "../../../src/adapters/baileys/signal.ts";

silenceLibsignal();

const PHONE = "800000000001@lid";
const DEVICE = "800000000002:1@lid";
type Sealed = { readonly type: "pkmsg" | "msg"; readonly ciphertext: Uint8Array };

const quiet: BaileysLogger = {
  level: "silent",
  child: () => quiet,
  trace: () => undefined,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
const storing: Ask = ((op: string, { ids }: StoreOps["keys.load"]["in"]) =>
  Promise.resolve(
    op === "keys.load" ? { kind: "keys", values: ids.map(() => null) } : { kind: "committed", inbound: [] },
  )) as unknown as Ask;
const bytesOf = (text: string): Uint8Array => proto.Message.encode({ conversation: text }).finish();
const threeBytes = (id: number): Buffer => Buffer.from([id >> 16, id >> 8, id]);

/** Our side, as the adapter makes it or as Baileys does, and a phone. */
const pair = ({ isBare }: { readonly isBare: boolean }) => {
  const creds = initAuthCreds();
  const keys = new DeviceKeys(storing, "sales-1/a" as DeviceId, 1 as LeaseTerm, {
    onInbound: () => undefined,
    onBroken: () => undefined,
  });
  const { repository: own } = makeSignal({
    creds,
    keys,
    logger: quiet,
    pnToLid: undefined,
    drafts: () => null,
    ending: (work) => work,
    asked: () => undefined,
  });
  const repository = isBare ? DEFAULT_CONNECTION_CONFIG.makeSignalRepository({ creds, keys: keys.outside }, quiet) : own;
  const phone = new SignalEndpoint();
  const registration = Buffer.alloc(4);
  registration.writeUInt32BE(creds.registrationId);
  const { keyId, keyPair, signature } = creds.signedPreKey;
  return {
    ours: {
      begin: () => {
        const { registration: id, identity, signedPreKey } = phone.bundle();
        return repository.injectE2ESession({
          jid: PHONE,
          session: {
            registrationId: id.readUInt32BE(0),
            identityKey: generateSignalPubKey(identity),
            signedPreKey: {
              keyId: signedPreKey.id.readUIntBE(0, 3),
              publicKey: generateSignalPubKey(signedPreKey.value),
              signature: signedPreKey.signature,
            },
          },
        });
      },
      seal: (text: string): Promise<Sealed> =>
        repository.encryptMessage({ jid: PHONE, data: writeRandomPadMax16(bytesOf(text)) }),
      open: ({ type, ciphertext }: Sealed) => repository.decryptMessage({ jid: PHONE, type, ciphertext }),
    },
    phone: {
      begin: () =>
        phone.startSession(DEVICE, {
          registration,
          identity: Buffer.from(creds.signedIdentityKey.public),
          signedPreKey: { id: threeBytes(keyId), value: Buffer.from(keyPair.public), signature: Buffer.from(signature) },
          preKey: undefined,
        }),
      seal: (text: string): Promise<Sealed> => phone.encrypt(DEVICE, writeRandomPadMax16(bytesOf(text))),
      open: ({ type, ciphertext }: Sealed) => phone.decrypt(DEVICE, type, ciphertext),
    },
  };
};

/** Messages that could not be read, when both begin at once, go on as their messages cross, and one then speaks more often. */
const unreadable = async ({ ours, phone }: ReturnType<typeof pair>): Promise<number> => {
  let count = 0;
  const failed = (): void => void (count += 1);
  await Promise.all([ours.begin(), phone.begin()]);
  for (let round = 0; round < 6; round += 1) {
    const [there, back] = [await ours.seal(`there ${round}`), await phone.seal(`back ${round}`)];
    await phone.open(there).catch(failed);
    await ours.open(back).catch(failed);
  }
  for (let round = 0; round < 3; round += 1) {
    for (let more = 0; more <= round; more += 1) await ours.open(await phone.seal("again")).catch(failed);
    await phone.open(await ours.seal("and again")).catch(failed);
  }
  return count;
};

describe("sessions that both sides have begun", () => {
  it("read whatever crosses, each in the session that the other has closed; libsignal spoils those that it tries in vain", async () => {
    expect(await unreadable(pair({ isBare: false }))).toBe(0);
    expect(await unreadable(pair({ isBare: true }))).toBeGreaterThan(0);
  });

  it("are as they were where none fits", async () => {
    const before = { version: "v1", _sessions: { one: { step: 1 }, two: { step: 1, indexInfo: { used: 5 } } } };
    let record: unknown = before;
    const tried: unknown[] = [];
    const place = {
      get: () => Promise.resolve(record),
      set: (next: unknown) => {
        record = next;
        return Promise.resolve();
      },
    };
    const failing = (): Promise<Uint8Array> => {
      tried.push(Object.keys((record as typeof before)["_sessions"]));
      record = { version: "v1", _sessions: {} };
      return Promise.reject(new Error("no"));
    };
    await expect(openAlone(place, failing)).rejects.toThrow("no");
    expect(tried).toEqual([["two"], ["one"]]);
    expect(record).toEqual(before);
  });
});
