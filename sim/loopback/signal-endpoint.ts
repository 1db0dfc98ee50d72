/**
 * A Signal endpoint in memory: what a phone needs to read what linked devices encrypt, and to write to them.
 *
 * Everything is addressed by LID, as the devices themselves do it, so that no address ever has to be looked up.
 * Callers keep one operation at a time per endpoint: the ratchet has no lock of its own.
 */
import { randomBytes } from "node:crypto";
import {
  Curve,
  DEFAULT_CONNECTION_CONFIG,
  generateSignalPubKey,
  type KeyPair,
  type SignalDataSet,
  type SignalDataTypeMap,
  type SignalRepositoryWithLIDStore,
  type SignedKeyPair,
  signedKeyPair,
} from "@whiskeysockets/baileys";
import { pino } from "pino";
import type { PublicKey, SignedKey } from "./directory.ts";
import { bigEndian } from "./node.ts";

const quiet = pino({ level: "silent" });

export interface Bundle {
  readonly registration: Buffer;
  readonly identity: Buffer;
  readonly signedPreKey: SignedKey;
  readonly preKey: PublicKey | undefined;
}

/** What libsignal says of a ciphertext that it has read before, or whose key another one has used. */
export const KEY_USED = "Key used already or never filled";

interface StoredChain {
  readonly chainKey: { readonly counter: number };
  readonly messageKeys: object;
}
/** Sessions as libsignal stores them: chains by key, with the number reached and the keys of those that were passed over. */
type StoredRecord = Partial<Record<string, Record<string, Partial<Record<string, Record<string, StoredChain>>>>>>;

/** Made on first use: a signature costs ten milliseconds, and most phones of a large fleet never need one. */
class Lazy<T> {
  private value: T | undefined;
  private readonly make: () => T;
  constructor(make: () => T) {
    this.make = make;
  }
  get(): T {
    this.value ??= this.make();
    return this.value;
  }
}

export class SignalEndpoint {
  private readonly identityKeys = new Lazy<KeyPair>(() => Curve.generateKeyPair());
  private readonly signedPreKey = new Lazy<SignedKeyPair>(() => signedKeyPair(this.identityKeys.get(), 1));
  private readonly registrationId = (randomBytes(2).readUInt16BE(0) & 16_383) + 1;
  private readonly store = new Map<string, unknown>();
  private readonly repository = new Lazy<SignalRepositoryWithLIDStore>(() => this.makeRepository());

  get identity(): KeyPair {
    return this.identityKeys.get();
  }

  /** What others need to start a session. Without one-time key: the protocol allows it, and nothing runs out. */
  bundle(): Bundle {
    const signed = this.signedPreKey.get();
    return {
      registration: bigEndian(this.registrationId, 4),
      identity: Buffer.from(this.identity.public),
      signedPreKey: {
        id: bigEndian(signed.keyId, 3),
        value: Buffer.from(signed.keyPair.public),
        signature: Buffer.from(signed.signature),
      },
      preKey: undefined,
    };
  }

  hasSession(lid: string): boolean {
    return this.store.has(`session ${this.repository.get().jidToSignalProtocolAddress(lid)}`);
  }

  async startSession(lid: string, bundle: Bundle): Promise<void> {
    await this.repository.get().injectE2ESession({
      jid: lid,
      session: {
        registrationId: bundle.registration.readUInt32BE(0),
        identityKey: generateSignalPubKey(bundle.identity),
        signedPreKey: {
          keyId: bundle.signedPreKey.id.readUIntBE(0, 3),
          publicKey: generateSignalPubKey(bundle.signedPreKey.value),
          signature: bundle.signedPreKey.signature,
        },
        ...(bundle.preKey && {
          preKey: { keyId: bundle.preKey.id.readUIntBE(0, 3), publicKey: generateSignalPubKey(bundle.preKey.value) },
        }),
      },
    });
  }

  /** As after a reinstallation: what others encrypt in their old sessions can't be read. */
  forgetSessions(): void {
    for (const key of this.store.keys()) if (key.startsWith("session ")) this.store.delete(key);
  }

  async endSession(lid: string): Promise<void> {
    await this.repository.get().deleteSession([lid]);
  }

  async encrypt(lid: string, data: Uint8Array): Promise<{ type: "pkmsg" | "msg"; ciphertext: Buffer }> {
    const { type, ciphertext } = await this.repository.get().encryptMessage({ jid: lid, data });
    return { type, ciphertext: Buffer.from(ciphertext) };
  }

  /** @throws Error(KEY_USED) for a ciphertext whose key has been used: libsignal says so only of the first ones of a session. */
  async decrypt(lid: string, type: "pkmsg" | "msg", ciphertext: Uint8Array): Promise<Uint8Array> {
    if (type === "pkmsg") return this.repository.get().decryptMessage({ jid: lid, type, ciphertext });
    try {
      return await this.openAlone(lid, ciphertext);
    } catch (error) {
      if (this.hasUsed(lid, ciphertext)) throw new Error(KEY_USED, { cause: error });
      throw error;
    }
  }

  /**
   * On each session alone: libsignal keeps what a try on the wrong one has changed, and spoils it. A real phone does not.
   * There are several where both sides began one at the same time.
   */
  private async openAlone(lid: string, ciphertext: Uint8Array): Promise<Uint8Array> {
    const name = `session ${this.repository.get().jidToSignalProtocolAddress(lid)}`;
    const record = this.store.get(name) as StoredRecord | undefined;
    const decrypt = (): Promise<Uint8Array> => this.repository.get().decryptMessage({ jid: lid, type: "msg", ciphertext });
    const sessions = Object.entries(record?.["_sessions"] ?? {});
    if (sessions.length < 2) return decrypt();
    let failure: unknown;
    for (const [key, session] of sessions) {
      this.store.set(name, { ...record, _sessions: { [key]: session } });
      try {
        const plaintext = await decrypt();
        const stepped = this.store.get(name) as StoredRecord;
        this.store.set(name, { ...record, _sessions: { ...record?.["_sessions"], ...stepped["_sessions"] } });
        return plaintext;
      } catch (error) {
        failure = error;
        this.store.set(name, record);
      }
    }
    throw failure;
  }

  async encryptGroup(group: string, ownLid: string, data: Uint8Array): Promise<{ ciphertext: Buffer; distribution: Buffer }> {
    const sealed = await this.repository.get().encryptGroupMessage({ group, meId: ownLid, data });
    return { ciphertext: Buffer.from(sealed.ciphertext), distribution: Buffer.from(sealed.senderKeyDistributionMessage) };
  }

  async decryptGroup(group: string, authorJid: string, msg: Uint8Array): Promise<Uint8Array> {
    return this.repository.get().decryptGroupMessage({ group, authorJid, msg });
  }

  async learnGroupKey(group: string, authorJid: string, distribution: Uint8Array): Promise<void> {
    await this.repository.get().processSenderKeyDistributionMessage({
      authorJid,
      item: { groupId: group, axolotlSenderKeyDistributionMessage: distribution },
    });
  }

  /** The head of a ciphertext: version, 0x0a, length and key of the chain, 0x10, number in the chain (a varint). */
  private hasUsed(lid: string, ciphertext: Uint8Array): boolean {
    const length = ciphertext[2] ?? 0;
    const chainKey = Buffer.from(ciphertext.subarray(3, 3 + length)).toString("base64");
    let number = 0;
    for (let at = 4 + length, shift = 0; at < ciphertext.length; at++, shift += 7) {
      const byte = ciphertext[at] ?? 0;
      number |= (byte & 127) << shift;
      if (byte < 128) break;
    }
    const record = this.store.get(`session ${this.repository.get().jidToSignalProtocolAddress(lid)}`);
    return Object.values((record as StoredRecord | undefined)?.["_sessions"] ?? {}).some((session) => {
      const chain = session["_chains"]?.[chainKey];
      return chain !== undefined && chain.chainKey.counter >= number && !(number in chain.messageKeys);
    });
  }

  private makeRepository(): SignalRepositoryWithLIDStore {
    const { store } = this;
    const keys = {
      get: <T extends keyof SignalDataTypeMap>(type: T, ids: string[]) => {
        const found: Record<string, SignalDataTypeMap[T]> = {};
        for (const id of ids) {
          const value = store.get(`${type} ${id}`);
          if (value !== undefined) found[id] = value as SignalDataTypeMap[T];
        }
        return found;
      },
      set: (data: SignalDataSet) => {
        for (const [type, entries] of Object.entries(data)) {
          for (const [id, value] of Object.entries(entries ?? {})) {
            if (value === null) store.delete(`${type} ${id}`);
            else store.set(`${type} ${id}`, value);
          }
        }
      },
      isInTransaction: () => false,
      transaction: async <T>(work: () => Promise<T>): Promise<T> => work(),
    };
    const creds = {
      signedIdentityKey: this.identity,
      signedPreKey: this.signedPreKey.get(),
      registrationId: this.registrationId,
    };
    return DEFAULT_CONNECTION_CONFIG.makeSignalRepository({ creds, keys }, quiet);
  }
}
