/**
 * A linked device without the dialogue. Linking one over the wire costs 200 ms of processor in each process, nearly all of it for 812
 * pre-keys; here its keys are made with few pre-keys and published at the peer. From there on it is a device like any other that
 * was linked a while ago.
 */
import { Curve, initAuthCreds, proto } from "@whiskeysockets/baileys";
import type { Peer } from "./peer/index.ts";

/** Enough that the server asks for no new ones. */
const PRE_KEYS = 30;
const DEVICE_PREFIX = Buffer.from([6, 1]);

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
const number = (value: number, length: number): Buffer => {
  const bytes = Buffer.alloc(length);
  bytes.writeUIntBE(value, 0, length);
  return bytes;
};

/** Makes a device's keys, publishes them, and has the phone of this number vouch for it. */
export const adopt = async (peer: Pick<Peer, "call">, phone: string) => {
  const creds = initAuthCreds();
  const preKeys = Array.from({ length: PRE_KEYS }, (_, index) => ({ id: index + 1, pair: Curve.generateKeyPair() }));
  const { signedPreKey, signedIdentityKey, noiseKey, registrationId } = creds;
  const answer = await peer.call({
    op: "adopt",
    number: phone,
    keys: {
      noiseKey: text(noiseKey.public),
      identity: text(signedIdentityKey.public),
      registration: text(number(registrationId, 4)),
      signedPreKey: {
        id: text(number(signedPreKey.keyId, 3)),
        value: text(signedPreKey.keyPair.public),
        signature: text(signedPreKey.signature),
      },
      preKeys: preKeys.map(({ id, pair }) => ({ id: text(number(id, 3)), value: text(pair.public) })),
    },
  });
  const { device, signed, lid } = answer as { device: number; signed: string; lid: string };
  const account = proto.ADVSignedDeviceIdentity.decode(Buffer.from(signed, "base64"));
  const { details, accountSignatureKey } = account;
  if (!details || !accountSignatureKey) throw new Error("the phone vouched for nothing");
  account.deviceSignature = Curve.sign(
    signedIdentityKey.private,
    Buffer.concat([DEVICE_PREFIX, details, signedIdentityKey.public, accountSignatureKey]),
  );
  const me = { id: `${phone}:${device}@s.whatsapp.net`, lid: lid.replace("@", `:${device}@`), name: phone };
  Object.assign(creds, {
    me,
    account,
    nextPreKeyId: PRE_KEYS + 1,
    firstUnuploadedPreKeyId: PRE_KEYS + 1,
    // As if history had come: the first login waits for it otherwise.
    accountSyncCounter: 1,
  });
  return { device, me, creds, preKeys };
};
