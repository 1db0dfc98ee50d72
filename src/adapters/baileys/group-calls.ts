/** Groups as WhatsApp has them, asked over a device's link. What it does not answer is no answer: Baileys says nothing then, or throws. */
import type { GroupMetadata, ParticipantAction, WASocket } from "@whiskeysockets/baileys";

export type GroupAction = "add" | "remove" | "promote" | "demote";
export interface GroupMember {
  /** In the group's own kind of address. */
  readonly id: string;
  readonly lid: string | null;
  readonly pn: string | null;
  readonly role: "member" | "admin" | "superadmin";
}
export interface GroupInfo {
  /** What a message is sent `to`. */
  readonly id: string;
  readonly subject: string;
  readonly description: string | null;
  readonly owner: string | null;
  readonly createdAt: number | null;
  /** Only admins write. */
  readonly announce: boolean;
  /** Only admins change subject, description and picture. */
  readonly locked: boolean;
  readonly members: readonly GroupMember[];
}
/** What is left out stays. */
export interface GroupSettings {
  readonly subject?: string | undefined;
  /** null: none. */
  readonly description?: string | null | undefined;
  readonly announce?: boolean | undefined;
  readonly locked?: boolean | undefined;
}
/** Whoever has it may join. */
export interface Invitation {
  readonly code: string;
  readonly link: string;
}
export interface MemberChange {
  readonly id: string;
  readonly done: boolean;
  /** WhatsApp's code, where it was not done: 403 asks for an invitation, 404 nobody of that address, 409 nothing to change. */
  readonly code: string | null;
}
export interface GroupCalls {
  list(): Promise<readonly GroupInfo[]>;
  info(group: string): Promise<GroupInfo>;
  create(subject: string, members: readonly string[]): Promise<GroupInfo>;
  change(group: string, action: GroupAction, members: readonly string[]): Promise<readonly MemberChange[]>;
  /** One after the other: after a refusal those before it stay. The group as it is then. */
  set(group: string, settings: GroupSettings): Promise<GroupInfo>;
  leave(group: string): Promise<void>;
  invitation(group: string): Promise<Invitation>;
  /** The one before it lets nobody in any more. */
  renewInvitation(group: string): Promise<Invitation>;
  /** The group that a code leads to, without joining it. */
  invited(code: string): Promise<GroupInfo>;
  /** The group's address; null: its admins have been asked to let the account in. */
  join(code: string): Promise<string | null>;
}

/** `refused`: WhatsApp's code of its no; null: it did not answer, or there is no link. */
export class GroupError extends Error {
  readonly refused: number | null;
  constructor(message: string, refused: number | null, cause?: unknown) {
    super(message, { cause });
    this.name = "GroupError";
    this.refused = refused;
  }
}

/** `changed`: what was remembered of a group is old. */
export const groupCalls = (sock: () => WASocket | null, changed: (group: string) => void): GroupCalls => {
  const asked = async <T>(work: (open: WASocket) => Promise<T>): Promise<T> => {
    const open = sock();
    if (!open) throw new GroupError("the device has no open link", null);
    try {
      return await work(open);
    } catch (error) {
      const code = codeOf(error);
      throw code === null
        ? new GroupError("WhatsApp did not answer", null, error)
        : new GroupError(`WhatsApp refused it (${code})`, code, error);
    }
  };
  return {
    list: () => asked(async (open) => Object.values(await open.groupFetchAllParticipating()).map(infoOf)),
    info: (group) => asked(async (open) => infoOf(await open.groupMetadata(group))),
    create: (subject, members) => asked(async (open) => infoOf(await open.groupCreate(subject, [...members]))),
    change: (group, action, members) =>
      asked(async (open) => {
        const results = await open.groupParticipantsUpdate(group, [...members], action satisfies ParticipantAction);
        changed(group);
        return results.map(({ jid, status }) => ({
          id: jid ?? "",
          done: status === "200",
          code: status === "200" ? null : status,
        }));
      }),
    set: (group, settings) =>
      asked(async (open) => {
        // Even if it breaks off midway.
        changed(group);
        const { subject, description, announce, locked } = settings;
        if (subject !== undefined) await open.groupUpdateSubject(group, subject);
        if (description !== undefined) await open.groupUpdateDescription(group, description ?? undefined);
        if (announce !== undefined) await open.groupSettingUpdate(group, announce ? "announcement" : "not_announcement");
        if (locked !== undefined) await open.groupSettingUpdate(group, locked ? "locked" : "unlocked");
        return infoOf(await open.groupMetadata(group));
      }),
    leave: (group) =>
      asked(async (open) => {
        await open.groupLeave(group);
        changed(group);
      }),
    invitation: (group) => asked(async (open) => invitationOf(await open.groupInviteCode(group))),
    renewInvitation: (group) => asked(async (open) => invitationOf(await open.groupRevokeInvite(group))),
    invited: (code) => asked(async (open) => infoOf(await open.groupGetInviteInfo(code))),
    // Who is only asked for is no group in Baileys' eyes.
    join: (code) => asked(async (open) => (await open.groupAcceptInvite(code)) ?? null),
  };
};

/** Of a no that WhatsApp said: a Boom with the code as its data, or as its status. */
export const codeOf = (error: unknown): number | null => {
  if (!(error instanceof Error)) return null;
  const { data, output } = error as { readonly data?: unknown; readonly output?: { readonly statusCode?: number } };
  if (typeof data === "number") return data;
  const status = output?.statusCode;
  return status !== undefined && status >= 400 && status < 500 && status !== 408 && status !== 428 ? status : null;
};

const invitationOf = (code: string | undefined): Invitation => {
  if (code === undefined) throw new Error("WhatsApp named no code");
  return { code, link: `https://chat.whatsapp.com/${code}` };
};

const infoOf = ({ id, subject, desc, owner, creation, announce, restrict, participants }: GroupMetadata): GroupInfo => ({
  id,
  subject,
  description: desc ?? null,
  owner: owner ?? null,
  createdAt: creation ? creation * 1000 : null,
  announce: announce === true,
  locked: restrict === true,
  members: participants.map(({ id: member, lid, phoneNumber, admin }) => ({
    id: member,
    lid: lid ?? (member.endsWith("@lid") ? member : null),
    pn: phoneNumber ?? (member.endsWith("@s.whatsapp.net") ? member : null),
    role: admin ?? "member",
  })),
});
