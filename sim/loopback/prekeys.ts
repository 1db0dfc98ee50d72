/** Published keys: uploading, counting, and handing them out to whoever starts a session. */
import type { Account, Device, PublicKey, SignedKey } from "./directory.ts";
import { parseJid } from "./jids.ts";
import { bytes, child, children, el, type Node, requiredBytes, SERVER } from "./node.ts";
import type { Service } from "./service.ts";
import type { Bundle } from "./signal-endpoint.ts";

/** Below this many one-time keys the server asks for more. */
const LOW = 5;

const publicKey = (node: Node): PublicKey => ({
  id: requiredBytes(child(node, "id"), "key id"),
  value: requiredBytes(child(node, "value"), "key"),
});
const signedKey = (node: Node): SignedKey => ({
  ...publicKey(node),
  signature: requiredBytes(child(node, "signature"), "key signature"),
});

/** `iq set encrypt`: new one-time keys, or a new signed key. */
export function upload(device: Device, iq: Node): void {
  const { credentials } = device;
  const rotate = child(iq, "rotate");
  const skey = child(rotate ?? iq, "skey");
  if (skey) credentials.signedPreKey = signedKey(skey);
  const registration = bytes(child(iq, "registration"));
  if (registration) credentials.registration = Buffer.from(registration);
  const known = new Set(credentials.preKeys.map((key) => key.id.readUIntBE(0, 3)));
  for (const key of children(child(iq, "list"), "key").map(publicKey))
    if (!known.has(key.id.readUIntBE(0, 3))) credentials.preKeys.push(key);
}

/** A bundle with one one-time key, which nobody else gets. */
export function bundleOf(service: Service, device: Device): Bundle {
  const { credentials } = device;
  const preKey = credentials.preKeys.shift();
  if (preKey && credentials.preKeys.length < LOW) {
    service.notify(device, "encrypt", [el("count", { value: String(credentials.preKeys.length) })], `@${SERVER}`);
  }
  return {
    registration: credentials.registration,
    identity: credentials.identity,
    signedPreKey: credentials.signedPreKey,
    preKey,
  };
}

/** `iq get encrypt <key>`. Unknown devices are left out: one error would make the client reject the whole answer. */
export function answerKeys(service: Service, query: Node): Node {
  const users: Node[] = [];
  for (const { attrs } of children(query, "user")) {
    const bundle = bundleFor(service, attrs.jid);
    if (bundle && attrs.jid) users.push(userNode(attrs.jid, bundle));
  }
  return el("list", {}, users);
}

function bundleFor(service: Service, jid: string | undefined): Bundle | undefined {
  const account: Account | undefined = service.directory.find(jid);
  const id = parseJid(jid)?.device ?? 0;
  if (!account) return undefined;
  if (id === 0) return account.phone.signal.bundle();
  const device = account.devices.get(id);
  return device && bundleOf(service, device);
}

const keyNodes = (key: PublicKey): Node[] => [el("id", {}, key.id), el("value", {}, key.value)];

export function bundleNodes(bundle: Bundle): Node[] {
  const { signedPreKey, preKey } = bundle;
  const nodes = [
    el("identity", {}, bundle.identity),
    el("skey", {}, [...keyNodes(signedPreKey), el("signature", {}, signedPreKey.signature)]),
  ];
  if (preKey) nodes.push(el("key", {}, keyNodes(preKey)));
  return nodes;
}

const userNode = (jid: string, bundle: Bundle): Node =>
  el("user", { jid }, [el("registration", {}, bundle.registration), ...bundleNodes(bundle)]);
