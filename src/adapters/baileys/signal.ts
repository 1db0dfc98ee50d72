/**
 * Signal with keys before bytes, in both directions.
 *
 * Outbound: `encryptMessage` gives ciphertext out only after the ratchet step that made it is durable. Inbound: plaintext comes out
 * only after it, the ratchet step and the inbox row are, in one transaction; Baileys sends its receipt after that. Baileys' own
 * repository does the cryptography, on a view of our keys that belongs to the running transaction.
 */
import { DEFAULT_CONNECTION_CONFIG, MISSING_KEYS_ERROR_TEXT, proto, unpadRandomMax16 } from "@whiskeysockets/baileys";
import type { AuthenticationCreds, SignalDataTypeMap, SignalRepositoryWithLIDStore } from "@whiskeysockets/baileys";
import type { AttemptDraft, InboundDraft } from "../../../machines/ports/store.ts";
import type { DeviceKeys } from "./keys/device-keys.ts";
import { type Ending, endingKeys } from "./keys/ending.ts";
import type { BaileysLogger } from "./quiet.ts";
import { openAlone, type RecordPlace } from "./sessions.ts";
import { isGroupKeyUsed, isKeyUsed } from "./used-key.ts";

/** What the link knows about a ciphertext from the stanza that carried it: who wrote it, and which rows its plaintext makes. */
export type Draftsman = (
  ciphertext: Uint8Array,
  plaintext: proto.IMessage,
  bytes: Uint8Array,
) => { readonly author: string; readonly rows: readonly InboundDraft[] } | null;
type PnToLid = (jids: string[]) => Promise<{ lid: string; pn: string }[] | undefined>;

export type Sealed = "msg" | "pkmsg" | "skmsg";
/** Who encrypted it, and for which group if it is a group's ciphertext. */
export interface SealedBy {
  readonly jid: string;
  readonly group: string | null;
}
export interface Ciphertext {
  readonly jid: string;
  readonly type: "pkmsg" | "msg";
  readonly bytes: Uint8Array;
}
export interface DirectJob {
  readonly kind: "direct";
  readonly parts: readonly { readonly jid: string; readonly data: () => Uint8Array }[];
}
export interface GroupJob {
  readonly kind: "group";
  readonly group: string;
  readonly sender: string;
  readonly data: Uint8Array;
  /** Devices that lack our sender key, each to get it in a message of its own. */
  readonly newcomers: readonly string[];
  readonly distribution: (key: Uint8Array) => () => Uint8Array;
}
export interface Encrypted {
  readonly parts: readonly Ciphertext[];
  /** The group's ciphertext, if it is a group job. */
  readonly group: Uint8Array | null;
}

export interface Signal {
  readonly repository: SignalRepositoryWithLIDStore;
  /**
   * Decrypts before Baileys asks: it asks for one message at a time and waits for each commit, while these share theirs. `sender` is
   * the address that the session is kept under; null if only Baileys can tell, and then what follows from the same author is left to
   * it as well until it has caught up. Call in the order of arrival.
   */
  readAhead(ciphertext: Uint8Array, type: Sealed, author: string, sender: () => Promise<SealedBy | null>): void;
  /** Encrypts a message for all its devices in one transaction with its attempt. `durable`: it may leave. */
  encrypt(job: DirectJob | GroupJob, attempt: () => AttemptDraft | null): Promise<{ value: Encrypted; durable: Promise<void> }>;
}

/** Encryptions (or decryptions) in a row before the event loop gets its turn: about 10 ms. */
const BREATH = 24;
const REMEMBERED_DISTRIBUTIONS = 64;
const REMEMBERED_AUTHORS = 1000;

export const makeSignal = (options: {
  creds: AuthenticationCreds;
  keys: DeviceKeys;
  logger: BaileysLogger;
  pnToLid: PnToLid | undefined;
  drafts: Draftsman;
  ending: Ending;
  /** Baileys has come to this ciphertext. */
  asked: (ciphertext: Uint8Array) => void;
}): Signal => {
  const { creds, keys, logger, drafts, ending, asked } = options;
  const build = DEFAULT_CONNECTION_CONFIG.makeSignalRepository;
  // No look-up over the network may hold up a transaction: inside, an unknown mapping is simply unknown.
  const inside = build({ creds, keys: keys.inside }, logger);
  const outside = build({ creds, keys: endingKeys(keys.outside, ending) }, logger, options.pnToLid);
  /** Sender keys stored together with the message that brought them; Baileys offers each a second time. */
  const distributed = new Set<string>();
  const nameOf = (author: string, item: proto.Message.ISenderKeyDistributionMessage): string =>
    `${author}\0${item.groupId ?? ""}\0${Buffer.from(item.axolotlSenderKeyDistributionMessage ?? []).toString("base64")}`;

  const durably = async <T>(work: () => Promise<T>): Promise<T> => {
    const { value, durable } = await ending(keys.begin(work));
    await ending(durable);
    return value;
  };

  /** Taken, and durable before anything that is built upon it. */
  const begun = async (work: () => Promise<void>): Promise<void> => {
    const { durable } = await keys.begin(work);
    durable.catch(() => undefined);
  };

  type Direct = Parameters<SignalRepositoryWithLIDStore["decryptMessage"]>[0];
  type Group = Parameters<SignalRepositoryWithLIDStore["decryptGroupMessage"]>[0];
  /** What has been read before must be told from what can't be read: Baileys drops the one and asks for the other again. */
  const open = async (sealed: Direct): Promise<Uint8Array> => {
    if (sealed.type !== "msg") return inside.decryptMessage(sealed);
    const address = inside.jidToSignalProtocolAddress(sealed.jid);
    const place: RecordPlace = {
      get: async () => (await keys.inside.get("session", [address]))[address],
      set: async (record) => keys.inside.set({ session: { [address]: record as SignalDataTypeMap["session"] } }),
    };
    try {
      return await openAlone(place, () => inside.decryptMessage(sealed));
    } catch (error) {
      throw isKeyUsed(await place.get(), sealed.ciphertext) ? new Error(MISSING_KEYS_ERROR_TEXT, { cause: error }) : error;
    }
  };
  const openGroup = async (sealed: Group): Promise<Uint8Array> => {
    try {
      return await inside.decryptGroupMessage(sealed);
    } catch (error) {
      throw isGroupKeyUsed(error) ? new Error(MISSING_KEYS_ERROR_TEXT, { cause: error }) : error;
    }
  };

  /**
   * Decrypts in a transaction with the rows. Resolves when the step is taken, with what waits for it to be durable. A failure to
   * decrypt still keeps what was learned about the sender's identity.
   */
  const stepped = async (ciphertext: Uint8Array, decrypt: () => Promise<Uint8Array>): Promise<() => Promise<Uint8Array>> => {
    const begun = keys.begin(async (draft) => {
      let padded: Uint8Array;
      try {
        padded = await decrypt();
      } catch (error) {
        return { error };
      }
      const bytes = unpadRandomMax16(padded);
      const message = proto.Message.decode(bytes);
      const drafted = drafts(ciphertext, message, bytes);
      if (drafted) draft.inbound.push(...drafted.rows);
      const item = (message.deviceSentMessage?.message ?? message).senderKeyDistributionMessage;
      if (drafted && item?.groupId) {
        await inside.processSenderKeyDistributionMessage({ item, authorJid: drafted.author });
        if (distributed.size >= REMEMBERED_DISTRIBUTIONS) distributed.clear();
        distributed.add(nameOf(drafted.author, item));
      }
      return { padded };
    });
    const { value, durable } = await ending(begun);
    const ended = ending(durable);
    // It may fail before anybody waits for it.
    ended.catch(() => undefined);
    return async () => {
      await ended;
      if ("padded" in value) return value.padded;
      // "Key used already" makes Baileys tell the server that the message may be forgotten: its first copy must be durable by then.
      await keys.barrier();
      throw value.error;
    };
  };
  const decrypting = async (ciphertext: Uint8Array, decrypt: () => Promise<Uint8Array>): Promise<Uint8Array> =>
    (await stepped(ciphertext, decrypt))();

  /** What has been decrypted ahead, or null where that was left to Baileys. */
  const ahead = new WeakMap<Uint8Array, Promise<Uint8Array | null>>();
  let line: Promise<unknown> = Promise.resolve();
  let inARow = 0;
  /** Ciphertexts left to Baileys and not yet decrypted, by author. */
  const left = new Map<string, Set<Uint8Array>>();
  const leave = (author: string, ciphertext: Uint8Array): void => {
    // Baileys may drop one without asking; that only costs its author the short cut.
    if (left.size >= REMEMBERED_AUTHORS) left.clear();
    left.set(author, (left.get(author) ?? new Set()).add(ciphertext));
  };
  const caughtUp = (ciphertext: Uint8Array): void => {
    for (const [author, waiting] of left) {
      if (waiting.delete(ciphertext) && waiting.size === 0) left.delete(author);
    }
  };
  const decryptInTurn = async (ciphertext: Uint8Array, decrypt: () => Promise<Uint8Array>): Promise<Uint8Array> => {
    asked(ciphertext);
    const result = await ahead.get(ciphertext);
    ahead.delete(ciphertext);
    if (result) return result;
    return decrypting(ciphertext, decrypt).finally(() => caughtUp(ciphertext));
  };
  const readAhead: Signal["readAhead"] = (ciphertext, type, author, sender) => {
    // Steps are taken in the order of arrival; only the commits are awaited side by side.
    const step = line.then(async () => {
      inARow += 1;
      if (inARow % BREATH === 0) await new Promise((resolve) => setImmediate(resolve));
      const by = left.has(author) ? null : await ending(sender());
      if (!by) {
        leave(author, ciphertext);
        return { whenDurable: null };
      }
      const { jid, group } = by;
      const work = (): Promise<Uint8Array> =>
        type !== "skmsg" ? open({ jid, type, ciphertext }) : openGroup({ group: group ?? "", authorJid: jid, msg: ciphertext });
      return { whenDurable: await stepped(ciphertext, work) };
    });
    line = step.catch(() => undefined);
    const finish = async (): Promise<Uint8Array | null> => {
      const { whenDurable } = await step;
      return whenDurable ? whenDurable() : null;
    };
    const result = finish();
    // Baileys may never ask; then nobody is told.
    result.catch(() => undefined);
    ahead.set(ciphertext, result);
  };

  const repository: SignalRepositoryWithLIDStore = {
    ...outside,
    lidMapping: outside.lidMapping,
    encryptMessage: (input) => durably(() => inside.encryptMessage(input)),
    encryptGroupMessage: (input) => durably(() => inside.encryptGroupMessage(input)),
    getSenderKeyDistributionMessage: (input) => durably(() => inside.getSenderKeyDistributionMessage(input)),
    injectE2ESession: (input) => begun(() => inside.injectE2ESession(input)),
    deleteSession: (jids) => durably(() => inside.deleteSession(jids)),
    migrateSession: (from, to) => durably(() => inside.migrateSession(from, to)),
    decryptMessage: (input) => decryptInTurn(input.ciphertext, () => open(input)),
    decryptGroupMessage: (input) => decryptInTurn(input.msg, () => openGroup(input)),
    processSenderKeyDistributionMessage: ({ item, authorJid }) => {
      if (distributed.delete(nameOf(authorJid, item))) return Promise.resolve();
      return durably(() => inside.processSenderKeyDistributionMessage({ item, authorJid }));
    },
    close: () => {
      inside.close?.();
      outside.close?.();
    },
  };

  /** A device whose session is missing or broken is left out: the others get the message. */
  const encryptEach = async (parts: DirectJob["parts"]): Promise<Ciphertext[]> => {
    const done: Ciphertext[] = [];
    for (const [index, { jid, data }] of parts.entries()) {
      if (index > 0 && index % BREATH === 0) await new Promise((resolve) => setImmediate(resolve));
      try {
        const { type, ciphertext } = await inside.encryptMessage({ jid, data: data() });
        done.push({ jid, type, bytes: ciphertext });
      } catch {
        logger.warn("a device of the recipient could not be encrypted for");
      }
    }
    return done;
  };

  return {
    repository,
    readAhead,
    encrypt: (job, attempt) =>
      keys.begin(async (draft) => {
        draft.attempt = attempt;
        if (job.kind === "direct") return { parts: await encryptEach(job.parts), group: null };
        const { ciphertext, senderKeyDistributionMessage } = await inside.encryptGroupMessage({
          group: job.group,
          meId: job.sender,
          data: job.data,
        });
        const data = job.distribution(senderKeyDistributionMessage);
        return { parts: await encryptEach(job.newcomers.map((jid) => ({ jid, data }))), group: ciphertext };
      }),
  };
};
