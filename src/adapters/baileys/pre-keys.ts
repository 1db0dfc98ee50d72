/**
 * A first login uploads 812 pre-keys, which Baileys makes in one go: 200 ms in which no other device of this process is heard. So
 * they are made before the dial, a few at a time; Baileys then finds them ready.
 */
import { Curve } from "@whiskeysockets/baileys";
import type { AuthenticationCreds, KeyPair } from "@whiskeysockets/baileys";
import { encodeCreds } from "./keys/codec.ts";
import type { DeviceKeys } from "./keys/device-keys.ts";

/** As many as Baileys uploads when the server has none. */
const FIRST_UPLOAD = 812;
/** About 5 ms of work. */
const AT_A_TIME = 20;

/** Changes the counters in `creds`, and stores keys and counters. Does nothing after the first login. */
export const preparePreKeys = async (creds: AuthenticationCreds, keys: DeviceKeys): Promise<void> => {
  if (creds.nextPreKeyId !== 1 || creds.firstUnuploadedPreKeyId !== 1) return;
  const made: { [id: string]: KeyPair } = {};
  for (let id = 1; id <= FIRST_UPLOAD; id += 1) {
    made[id] = Curve.generateKeyPair();
    if (id % AT_A_TIME === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await keys.outside.set({ "pre-key": made });
  creds.nextPreKeyId = FIRST_UPLOAD + 1;
  await keys.saveCreds(encodeCreds(creds));
};
