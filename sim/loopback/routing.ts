/** A message from a linked device: accepted or not, copied to every device it was encrypted for, acknowledged. */
import type { Account, Device } from "./directory.ts";
import { acceptGroupMessage, resendToMember } from "./groups.ts";
import { isGroup, parseJid } from "./jids.ts";
import { child, children, el, type Node, stamp } from "./node.ts";
import type { Service } from "./service.ts";

/** Malformed, or encrypted for nobody: a client whose device lookup timed out sends such stanzas. */
const INVALID = "479";
const UNKNOWN_RECIPIENT = "404";
/** To a contact without a chat, from an account that may begin none. */
const COLD = "463";

export function acceptMessage(service: Service, device: Device, node: Node): void {
  const { id, to } = node.attrs;
  if (id === undefined || to === undefined) return;
  const group = isGroup(to);
  const account = group ? undefined : service.directory.find(to);
  const contact = group ? to : account?.number;
  const fate = service.faults.sends(device, contact ?? to);
  if (fate?.kind === "swallow") return;
  const refuse = (error: string): void => acknowledge(service, device, node, error);
  if (fate?.kind === "error") return refuse(String(fate.code));
  if (!contact) return refuse(UNKNOWN_RECIPIENT);
  if (account && account !== device.account && device.account.isCapped && !device.account.warm.has(contact)) return refuse(COLD);
  const direct = child(node, "enc");
  const envelopes = children(child(node, "participants"), "to");
  if (!direct && envelopes.length === 0) return refuse(INVALID);

  const repeated = service.options.dedupe === "server" && !device.account.acceptedIds.add(`${id} ${direct?.attrs.count ?? "0"}`);
  if (!repeated) {
    if (group) {
      if (node.attrs.participant && direct) resendToMember(service, device, node, direct);
      else if (!acceptGroupMessage(service, device, node, direct, envelopes)) return refuse(UNKNOWN_RECIPIENT);
    } else if (account) {
      if (direct) passDirect(service, device, node, direct, account);
      for (const envelope of envelopes) passEnvelope(service, device, node, envelope, account);
      if (account !== device.account && !direct) warm(device.account, account);
    }
  }
  service.events.emit("accepted", { at: Date.now(), account: device.account.number, device: device.id, waId: id, to: contact });
  acknowledge(service, device, node);
}

/** From now on the two have a chat: a restriction of either does not touch it. */
export function warm(sender: Account, recipient: Account): void {
  if (!sender.warm.has(recipient.number)) {
    sender.coldSends++;
    sender.warm.add(recipient.number);
  }
  recipient.warm.add(sender.number);
}

function acknowledge(service: Service, device: Device, { attrs }: Node, error?: string): void {
  service.transmit(
    device,
    el("ack", { class: "message", id: attrs.id, from: attrs.to, participant: attrs.participant, t: stamp(), error }),
  );
}

/** `<participants><to jid><enc/></to>`: one ciphertext for one device. */
function passEnvelope(service: Service, device: Device, node: Node, envelope: Node, chat: Account): void {
  const enc = child(envelope, "enc");
  if (enc) passTo(service, device, node, envelope.attrs.jid, [enc], chat);
}

/** An `<enc>` of its own: an answer to a retry receipt, or a message among the account's own devices. */
function passDirect(service: Service, device: Device, node: Node, enc: Node, chat: Account): void {
  const recipient = service.directory.find(node.attrs.recipient);
  passTo(service, device, node, node.attrs.to, [enc], recipient ?? chat);
}

function passTo(service: Service, device: Device, node: Node, jid: string | undefined, encs: Node[], chat: Account): void {
  const address = parseJid(jid);
  const account = service.directory.find(jid);
  if (!address || !account) return;
  const own = account === device.account;
  const pn = address.domain === "pn";
  const isPeer = node.attrs.category === "peer";
  const attrs = {
    id: node.attrs.id,
    type: node.attrs.type,
    t: stamp(),
    notify: device.account.name,
    from: pn ? device.jid : device.lid,
    category: node.attrs.category,
    edit: node.attrs.edit,
    // A copy for an own device names the chat. It must not carry sender_lid: the client would take it for the chat's.
    ...(own &&
      !isPeer && {
        recipient: pn ? chat.jid : chat.lid,
        [pn ? "peer_recipient_lid" : "peer_recipient_pn"]: pn ? chat.lid : chat.jid,
      }),
    ...(!own && { [pn ? "sender_lid" : "sender_pn"]: pn ? device.account.lid : device.account.jid }),
  };
  hand(service, account, address.device, el("message", attrs, withIdentity(node, encs)));
}

/** The sender's identity goes along with whatever starts a session. */
export function withIdentity(node: Node, encs: Node[]): Node[] {
  const identity = child(node, "device-identity");
  return identity && encs.some((enc) => enc.attrs.type === "pkmsg") ? [...encs, identity] : encs;
}

export function hand(service: Service, account: Account, deviceId: number, stanza: Node): void {
  if (deviceId === 0) {
    account.phone.receive(stanza);
    return;
  }
  const target = account.devices.get(deviceId);
  if (target) service.deliver(target, stanza);
}
