/**
 * Which addresses a webhook may reach. Whoever may name a URL must not be able to make the supervisor knock on doors inside: what is
 * private, of this machine or of nobody is refused, unless the operator has allowed it for that webhook. The check is made on the address
 * that is really connected to, so a name that changes its mind after it was looked up does not help.
 */
import { lookup as lookupAny, type LookupAddress, type LookupAllOptions } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";

/** IANA's special-purpose registries, as far as something may answer there. */
const INSIDE = new BlockList();
for (const [net, bits] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
] as const)
  INSIDE.addSubnet(net, bits, "ipv4");
for (const [net, bits] of [
  ["::", 128],
  ["::1", 128],
  ["64:ff9b::", 96],
  ["100::", 64],
  ["2002::", 16],
  ["fc00::", 7],
  ["fe80::", 10],
  ["ff00::", 8],
] as const)
  INSIDE.addSubnet(net, bits, "ipv6");

export const isInside = (address: string): boolean => {
  const family = isIP(address);
  if (family === 4) return INSIDE.check(address, "ipv4");
  // An IPv4 address in IPv6 clothes counts as what it is: BlockList sees through `::ffff:`.
  return family === 6 ? INSIDE.check(address, "ipv6") : false;
};

export class InsideError extends Error {
  constructor(host: string) {
    super(`${host} is an address of this network or machine: set allowPrivate for this webhook if that is meant`);
    this.name = "InsideError";
  }
}

/** For `net.connect`: as the system looks names up, but never to an address inside. */
export const outsideOnly: LookupFunction = (hostname, options, callback) => {
  const all: LookupAllOptions = { ...options, all: true };
  lookupAny(hostname, all, (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => {
    if (error) return callback(error, []);
    const outside = addresses.filter(({ address }) => !isInside(address));
    const [first] = outside;
    if (!first) return callback(new InsideError(hostname), []);
    if (options.all) return callback(null, outside);
    callback(null, first.address, first.family);
  });
};

/** An address without what may be secret in it. */
export const shownAddress = (url: string): string => {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
};
