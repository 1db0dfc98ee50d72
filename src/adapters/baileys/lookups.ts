/**
 * What WhatsApp must tell before a message can be encrypted: the recipient's LID, its devices, and keys for those we have no
 * session with. An unanswered query is no answer: Baileys resolves it to nothing and would send a stanza without ciphertext.
 */
import {
  isHostedLidUser,
  isHostedPnUser,
  isLidUser,
  jidDecode,
  jidEncode,
  jidNormalizedUser,
  USyncQuery,
  USyncUser,
} from "@whiskeysockets/baileys";
import type { AuthenticationCreds, WASocket } from "@whiskeysockets/baileys";
import type { DeviceKeys } from "./keys/device-keys.ts";

/** WhatsApp did not answer what is needed to encrypt, or the answer leaves nobody to encrypt for. */
export class LookupError extends Error {
  constructor(text: string) {
    super(text);
    this.name = "LookupError";
  }
}

export interface Recipients {
  /** Device addresses of the recipient. */
  readonly others: readonly string[];
  /** Our own other devices, the phone among them. */
  readonly own: readonly string[];
}

interface StoredEntry {
  readonly registrationId?: number;
  readonly indexInfo?: { readonly closed?: number };
}
/** A session record as libsignal serialises it: entries by base key, of which at most one is open (`closed` -1). */
const isOpen = (record: unknown): boolean => {
  const entries = (record as Readonly<Record<string, Record<string, StoredEntry> | undefined>> | undefined)?.["_sessions"] ?? {};
  return Object.values(entries).some((entry) => entry.indexInfo?.closed === -1 && typeof entry.registrationId === "number");
};

/** Our own account's address in the domain of the chat. */
export const selfIn = (chat: string, { me }: Pick<AuthenticationCreds, "me">): string => {
  if (!me) throw new LookupError("the device is not linked");
  return isLidUser(chat) && me.lid !== undefined ? jidNormalizedUser(me.lid) : jidNormalizedUser(me.id);
};

export class Lookups {
  readonly #sock: WASocket;
  readonly #creds: AuthenticationCreds;
  readonly #keys: DeviceKeys;

  constructor(sock: WASocket, creds: AuthenticationCreds, keys: DeviceKeys) {
    this.#sock = sock;
    this.#creds = creds;
    this.#keys = keys;
  }

  get me(): { readonly id: string; readonly lid: string | null } {
    const { me } = this.#creds;
    if (!me) throw new LookupError("the device is not linked");
    return { id: me.id, lid: me.lid ?? null };
  }

  /** The address to write to: a LID if there is one. Writing to the number of a contact that moved to LIDs is refused with 463. */
  async address(lid: string | null, pn: string | null): Promise<string> {
    if (lid !== null) return jidNormalizedUser(lid);
    if (pn === null) throw new LookupError("the contact has no address");
    const found = await this.#sock.signalRepository.lidMapping.getLIDForPN(pn);
    return jidNormalizedUser(found ?? pn);
  }

  /** Devices of a chat's members. @throws LookupError if none is left to write to */
  async recipients(users: readonly string[]): Promise<Recipients> {
    const { id, lid } = this.me;
    const devices = await this.#sock.getUSyncDevices([...users], true, false);
    const mine = new Set([jidDecode(id)?.user, lid === null ? undefined : jidDecode(lid)?.user]);
    const others = new Set<string>();
    const own = new Set<string>();
    for (const { jid, user, device } of devices) {
      if (jid === id || jid === lid || device === 99 || isHostedLidUser(jid) || isHostedPnUser(jid)) continue;
      (mine.has(user) ? own : others).add(jid);
    }
    return { others: [...others], own: [...own] };
  }

  /** WhatsApp says that nobody has the number. An answer about something else, or none, says nothing. */
  async isNobody(pn: string): Promise<boolean> {
    const user = new USyncUser().withPhone(`+${jidDecode(pn)?.user ?? ""}`);
    const answer = await this.#sock
      .executeUSyncQuery(new USyncQuery().withContactProtocol().withUser(user))
      .catch(() => undefined);
    return answer?.list.some(({ contact }) => contact === false) ?? false;
  }

  /** Our own account in the domain of the chat. */
  self(chat: string): string {
    return selfIn(chat, this.#creds);
  }

  /** Fetches keys for those without a session; gives back those that can be encrypted for. */
  async withSessions(jids: readonly string[]): Promise<string[]> {
    const missing = await this.#without(jids);
    if (missing.size === 0) return [...jids];
    await this.#sock.assertSessions([...missing]).catch(() => false);
    const still = await this.#without([...missing]);
    return jids.filter((jid) => !still.has(jid));
  }

  async #without(jids: readonly string[]): Promise<Set<string>> {
    const names = new Map<string, string>();
    for (const jid of jids) names.set(jid, await this.#nameOf(jid));
    const sessions = await this.#keys.outside.get("session", [...new Set(names.values())]);
    return new Set(jids.filter((jid) => !isOpen(sessions[names.get(jid) ?? ""])));
  }

  /** Sessions are kept under the LID wherever it is known. */
  async #nameOf(jid: string): Promise<string> {
    const repository = this.#sock.signalRepository;
    if (isLidUser(jid)) return repository.jidToSignalProtocolAddress(jid);
    const user = jidDecode(jid)?.user ?? "";
    const stored = await this.#keys.outside.get("lid-mapping", [user]);
    const lidUser = stored[user];
    return repository.jidToSignalProtocolAddress(lidUser ? jidEncode(lidUser, "lid", jidDecode(jid)?.device) : jid);
  }
}
