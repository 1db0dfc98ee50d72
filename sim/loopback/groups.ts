/** Groups: who is in them, what members are told, and how one ciphertext reaches all devices of all members. */
import type { Account, Device } from "./directory.ts";
import { lidJid, parseJid, pnJid } from "./jids.ts";
import { bytes, child, children, el, type Node, stamp, withAttrs } from "./node.ts";
import { Refusal } from "./queries.ts";
import { hand, withIdentity } from "./routing.ts";
import type { Service } from "./service.ts";

export type Role = "member" | "admin" | "superadmin";

export interface Group {
  readonly jid: string;
  readonly creator: Account;
  readonly createdAt: number;
  /** Which of a member's two addresses the group uses. */
  readonly addressing: "lid" | "pn";
  subject: string;
  description: { id: string; text: string } | undefined;
  /** Only admins write; only admins change it; who comes by the invitation has to be let in. */
  announce: boolean;
  locked: boolean;
  approval: boolean;
  /** Of the invitation. */
  code: string;
  readonly members: Map<Account, Role>;
}

export function createGroup(service: Service, creator: Account, subject: string, members: Account[], approval = false): Group {
  const jid = `120363${String(Date.now()).slice(-9)}${String(service.groups.size).padStart(3, "0")}@g.us`;
  const roles = new Map<Account, Role>([[creator, "superadmin"]]);
  for (const member of members) if (!roles.has(member)) roles.set(member, "member");
  const group: Group = {
    jid,
    creator,
    createdAt: Date.now(),
    addressing: "lid",
    subject,
    description: undefined,
    announce: false,
    locked: false,
    approval,
    code: codeOf(service),
    members: roles,
  };
  service.groups.set(jid, group);
  announce(service, group, creator, [el("create", { type: "new", key: service.nextId() }, [groupNode(group)])]);
  return group;
}

/** 22 characters, as WhatsApp's. */
const codeOf = (service: Service): string => `Loopback${service.nextId().replace(/\W/g, "").padStart(14, "0")}`;

/** Tells all members' linked devices. `only`: just these members. */
function announce(service: Service, group: Group, actor: Account, content: Node[], only?: Iterable<Account>): void {
  const attrs = { from: group.jid, participant: address(group, actor), type: "w:gp2", t: stamp(), notify: actor.name };
  for (const member of only ?? group.members.keys()) {
    for (const device of member.devices.values())
      service.deliver(device, el("notification", { id: service.nextId(), ...attrs }, content));
  }
}

const address = (group: Group, account: Account): string => (group.addressing === "lid" ? account.lid : account.jid);

function participantNode(group: Group, account: Account, role: Role): Node {
  const alias = group.addressing === "lid" ? { phone_number: account.jid } : { lid: account.lid };
  return el("participant", { jid: address(group, account), ...alias, type: role === "member" ? undefined : role });
}

function groupNode(group: Group): Node {
  const attrs = {
    id: group.jid.split("@")[0],
    subject: group.subject,
    s_t: stamp(group.createdAt),
    s_o: address(group, group.creator),
    creation: stamp(group.createdAt),
    creator: address(group, group.creator),
    addressing_mode: group.addressing,
    size: String(group.members.size),
  };
  const content = [...group.members].map(([account, role]) => participantNode(group, account, role));
  if (group.description)
    content.push(el("description", { id: group.description.id }, [el("body", {}, Buffer.from(group.description.text))]));
  if (group.announce) content.push(el("announcement"));
  if (group.locked) content.push(el("locked"));
  if (group.approval) content.push(el("membership_approval_mode", {}, [el("group_join", { state: "on" })]));
  return el("group", attrs, content);
}

/** `<iq xmlns="w:g2">` to the group service or to one group. */
export function answerGroups(service: Service, device: Device, iq: Node): Node[] | undefined {
  const { account } = device;
  const create = child(iq, "create");
  if (create) {
    const members = children(create, "participant").flatMap(({ attrs }) => service.directory.find(attrs.jid) ?? []);
    return [groupNode(createGroup(service, account, create.attrs.subject ?? "", members))];
  }
  if (child(iq, "participating")) {
    const own = [...service.groups.values()].filter((group) => group.members.has(account));
    return [el("groups", {}, own.map(groupNode))];
  }
  const leaving = children(child(iq, "leave"), "group");
  if (leaving.length > 0) {
    for (const { attrs } of leaving) leave(service, account, attrs.id);
    return [el("leave", {}, leaving)];
  }
  const invite = child(iq, "invite");
  if (invite?.attrs.code !== undefined) return [byInvitation(service, account, invite.attrs.code, iq.attrs.type === "set")];
  const group = service.groups.get(iq.attrs.to ?? "");
  if (!group) throw new Refusal(404, "item-not-found");
  if (!group.members.has(account)) throw new Refusal(403, "forbidden");
  if (child(iq, "query")) return [groupNode(group)];
  const isAdmin = group.members.get(account) !== "member";
  if (invite) {
    if (!isAdmin) throw new Refusal(401, "not-authorized");
    if (iq.attrs.type === "set") group.code = codeOf(service);
    return [el("invite", { code: group.code })];
  }
  const setting = children(iq).find(({ tag }) => tag in SETTINGS);
  if (setting) {
    if (!isAdmin) throw new Refusal(403, "forbidden");
    const [key, value] = SETTINGS[setting.tag] as (typeof SETTINGS)[string];
    group[key] = value;
    announce(service, group, account, [setting]);
    return undefined;
  }
  const subject = child(iq, "subject");
  const description = child(iq, "description");
  if ((subject || description) && group.locked && !isAdmin) throw new Refusal(403, "forbidden");
  if (subject) {
    group.subject = bytes(subject)?.toString() ?? "";
    announce(service, group, account, [el("subject", { subject: group.subject, s_t: stamp(), s_o: address(group, account) })]);
    return undefined;
  }
  if (description) {
    const text = bytes(child(description, "body"))?.toString();
    group.description = text === undefined ? undefined : { id: description.attrs.id ?? service.nextId(), text };
    announce(service, group, account, [description]);
    return undefined;
  }
  return changeMembers(service, group, account, iq);
}

function leave(service: Service, account: Account, jid: string | undefined): void {
  const group = service.groups.get(jid ?? "");
  const role = group?.members.get(account);
  if (!group || !role) return;
  announce(service, group, account, [el("remove", {}, [participantNode(group, account, role)])]);
  group.members.delete(account);
}

const SETTINGS: Record<string, ["announce" | "locked", boolean]> = {
  announcement: ["announce", true],
  not_announcement: ["announce", false],
  locked: ["locked", true],
  unlocked: ["locked", false],
};

/** Looking at a group, or joining it. */
function byInvitation(service: Service, account: Account, code: string, isJoining: boolean): Node {
  const group = [...service.groups.values()].find((each) => each.code === code);
  if (!group) throw new Refusal(406, "not-acceptable");
  if (!isJoining) return groupNode(group);
  if (group.members.has(account)) throw new Refusal(409, "conflict");
  if (group.approval) return el("membership_approval_request", { jid: group.jid });
  group.members.set(account, "member");
  announce(service, group, account, [el("add", { reason: "invite" }, [participantNode(group, account, "member")])]);
  return el("group", { jid: group.jid });
}

const ROLE_AFTER: Record<string, Role> = { add: "member", promote: "admin", demote: "member" };

function changeMembers(service: Service, group: Group, actor: Account, iq: Node): Node[] | undefined {
  const change = children(iq).find((node) => node.tag === "remove" || node.tag in ROLE_AFTER);
  if (!change) return undefined;
  if (group.members.get(actor) === "member") throw new Refusal(403, "not-authorized");
  const results: Node[] = [];
  for (const { attrs } of children(change, "participant")) {
    const account = service.directory.find(attrs.jid);
    const isMember = account !== undefined && group.members.has(account);
    if (!account || isMember === (change.tag === "add")) {
      results.push(el("participant", { jid: attrs.jid, error: account ? "409" : "404" }));
      continue;
    }
    const role = ROLE_AFTER[change.tag] ?? "member";
    if (change.tag === "add") group.members.set(account, role);
    announce(service, group, actor, [el(change.tag, {}, [participantNode(group, account, role)])]);
    if (change.tag === "add") announce(service, group, actor, [el("create", { type: "new" }, [groupNode(group)])], [account]);
    if (change.tag === "remove") group.members.delete(account);
    else group.members.set(account, role);
    results.push(el("participant", { jid: attrs.jid }));
  }
  return [el(change.tag, {}, results)];
}

/** A sender, linked device or phone, as a group sees it. */
export interface GroupSender {
  readonly account: Account;
  readonly deviceId: number;
}

/** Copies a group message to every device of every member but the sender. False: no such group, not a member, or one who may not write. */
export function acceptGroupMessage(
  service: Service,
  sender: Device,
  node: Node,
  sealed: Node | undefined,
  envelopes: Node[],
): boolean {
  const group = service.groups.get(node.attrs.to ?? "");
  const role = group?.members.get(sender.account);
  if (!group || !role || !sealed || (group.announce && role === "member")) return false;
  spread(service, group, { account: sender.account, deviceId: sender.id }, node, sealed, envelopes);
  return true;
}

/** `forPhones`: what phones get instead of ciphertext. Between two of them nobody checks the encryption, so it is left out. */
export function spread(
  service: Service,
  group: Group,
  sender: GroupSender,
  node: Node,
  sealed: Node,
  envelopes: Node[],
  forPhones?: Node,
): void {
  const keys = new Map<string, Node>();
  for (const envelope of envelopes) {
    const account = service.directory.find(envelope.attrs.jid);
    const enc = child(envelope, "enc");
    if (account && enc) keys.set(`${account.number}:${parseJid(envelope.attrs.jid)?.device ?? 0}`, enc);
  }
  const stanza = groupStanza(group, sender, node);
  for (const member of group.members.keys()) {
    for (const id of [0, ...member.devices.keys()]) {
      if (member === sender.account && id === sender.deviceId) continue;
      const key = keys.get(`${member.number}:${id}`);
      const content = id === 0 && forPhones ? [forPhones] : withIdentity(node, key ? [key, sealed] : [sealed]);
      hand(service, member, id, el("message", stanza.attrs, content));
    }
  }
}

/** An answer to one member's retry receipt. */
export function resendToMember(service: Service, sender: Device, node: Node, enc: Node): void {
  const group = service.groups.get(node.attrs.to ?? "");
  const account = service.directory.find(node.attrs.participant);
  if (!group || !account) return;
  const stanza = groupStanza(group, { account: sender.account, deviceId: sender.id }, node);
  hand(service, account, parseJid(node.attrs.participant)?.device ?? 0, el("message", stanza.attrs, withIdentity(node, [enc])));
}

function groupStanza(group: Group, { account, deviceId }: GroupSender, { attrs }: Node): Node {
  const pn = pnJid(account.number, deviceId);
  const lid = lidJid(account.lidUser, deviceId);
  const inLid = group.addressing === "lid";
  return withAttrs(el("message"), {
    id: attrs.id,
    type: attrs.type,
    t: stamp(),
    notify: account.name,
    edit: attrs.edit,
    from: group.jid,
    participant: inLid ? lid : pn,
    addressing_mode: group.addressing,
    [inLid ? "participant_pn" : "participant_lid"]: inLid ? account.jid : account.lid,
  });
}
