/** Receipts: they free the mailbox of the device that sends them, and reach whoever sent the message. */
import type { Account, Device } from "./directory.ts";
import { isGroup, parseJid } from "./jids.ts";
import { child, children, el, type Node, stamp } from "./node.ts";
import { hand } from "./routing.ts";
import type { Service } from "./service.ts";

/** What the sender of a message learns of, and as which type. `inactive`: delivered to a device nobody looks at. */
const PASSED: Record<string, string | undefined> = { delivered: undefined, inactive: undefined, read: "read", played: "played" };
/** What one device says to the one that wrote: it could not read that, or it is another of the account's and has it. */
const TO_A_DEVICE: ReadonlySet<string | undefined> = new Set(["retry", "sender", "peer_msg"]);

export function acceptReceipt(service: Service, device: Device, node: Node): void {
  const { id, to, type, participant } = node.attrs;
  if (id === undefined || to === undefined) return;
  // After a retry receipt the client also acks the stanza it could not read; by then the new one may be waiting under the same id.
  if (type !== "retry") for (const each of [id, ...listed(node)]) device.mailbox.confirm("message", each, participant ?? to);
  service.transmit(device, el("ack", { class: "receipt", id, from: to, type, participant, t: stamp() }));
  passReceipt(service, {
    node,
    jid: device.jid,
    lid: device.lid,
    ownNumber: device.account.number,
    bareJid: device.account.jid,
    bareLid: device.account.lid,
  });
}

export interface ReceiptSource {
  readonly node: Node;
  /** The device's own addresses, and its account's. */
  readonly jid: string;
  readonly lid: string;
  readonly bareJid: string;
  readonly bareLid: string;
  readonly ownNumber: string;
}

/** Also for phones, which are no linked devices. */
export function passReceipt(service: Service, source: ReceiptSource): void {
  const { to, type, participant } = source.node.attrs;
  const wanted = isGroup(to) ? participant : to;
  const account = service.directory.find(wanted);
  const address = parseJid(wanted);
  if (!account || !address) return;
  const pn = address.domain === "pn";
  if (TO_A_DEVICE.has(type)) {
    // What a phone wrote itself, nobody needs to confirm to it.
    if (type !== "retry" && address.device === 0) return;
    const from = isGroup(to) ? { from: to, participant: pn ? source.jid : source.lid } : { from: pn ? source.jid : source.lid };
    hand(service, account, address.device, forwarded(source.node, { ...from, type, recipient: source.node.attrs.recipient }));
    return;
  }
  if (!((type ?? "delivered") in PASSED) || account.number === source.ownNumber) return;
  const bare = pn ? source.bareJid : source.bareLid;
  const from = isGroup(to) ? { from: to, participant: bare } : { from: bare };
  service.deliverToAccount(account, forwarded(source.node, { ...from, type: PASSED[type ?? "delivered"] }));
}

/** A phone that has what a companion of its own account sent says so to that companion. */
export function confirmToCompanion(service: Service, account: Account, { tag, attrs }: Node): void {
  const { id, from, participant, recipient, category } = attrs;
  if (tag !== "message" || service.directory.find(participant ?? from) !== account) return;
  const type = category === "peer" ? "peer_msg" : "sender";
  const { jid, lid, number: ownNumber } = account;
  const node = el("receipt", { id, to: from, participant, recipient, type });
  passReceipt(service, { node, jid, lid, bareJid: jid, bareLid: lid, ownNumber });
}

function forwarded({ attrs, content }: Node, from: Record<string, string | undefined>): Node {
  return el("receipt", { id: attrs.id, t: stamp(), ...from }, content);
}

const listed = (node: Node): string[] => children(child(node, "list"), "item").flatMap(({ attrs }) => attrs.id ?? []);
