/** Addresses: a phone number (PN) or a hidden id (LID), with or without a device number. */

export type Domain = "pn" | "lid";
export interface Address {
  readonly user: string;
  readonly domain: Domain;
  /** 0 is the phone, also when the address names no device. */
  readonly device: number;
}

const DOMAIN: Record<string, Domain> = { "s.whatsapp.net": "pn", "c.us": "pn", lid: "lid" };

/** undefined for anything that is not a person: groups, the server itself, broadcasts. */
export function parseJid(jid: string | undefined): Address | undefined {
  if (!jid) return undefined;
  const at = jid.indexOf("@");
  if (at < 1) return undefined;
  const domain = DOMAIN[jid.slice(at + 1)];
  if (!domain) return undefined;
  const colon = jid.indexOf(":");
  if (colon < 0 || colon > at) return { user: jid.slice(0, at), domain, device: 0 };
  return { user: jid.slice(0, colon), domain, device: Number(jid.slice(colon + 1, at)) };
}

export const isGroup = (jid: string | undefined): jid is string => jid?.endsWith("@g.us") ?? false;
export const pnJid = (number: string, device = 0): string =>
  device === 0 ? `${number}@s.whatsapp.net` : `${number}:${device}@s.whatsapp.net`;
export const lidJid = (lid: string, device = 0): string => (device === 0 ? `${lid}@lid` : `${lid}:${device}@lid`);

/** Injective, so that servers in different processes give the same account the same LID. */
export const lidOf = (number: string): string => `8${number.padStart(14, "0")}`;

export function checkNumber(number: string): string {
  if (!/^[1-9][0-9]{4,14}$/.test(number))
    throw new Error(`a phone number is 5 to 15 digits without plus or leading zero, not "${number}"`);
  return number;
}
