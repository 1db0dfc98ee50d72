/** Groups of the account that speaks for a seat. */
import { accountOf, type AccountId, type DeviceId, type SeatId } from "../../machines/ports/ids.ts";
import type {
  GroupAction,
  GroupCalls,
  GroupInfo,
  GroupSettings,
  Invitation,
  MemberChange,
} from "../adapters/baileys/group-calls.ts";
import { ControlError } from "./control-protocol.ts";
import { addressOf } from "./sending.ts";
import type { Supervisor } from "./supervisor.ts";
import type { Views } from "./views.ts";

export interface GroupDeskOptions {
  readonly supervisor: Supervisor;
  readonly views: Views;
  readonly calls: (device: DeviceId) => GroupCalls;
}

export class GroupDesk {
  readonly #options: GroupDeskOptions;
  constructor(options: GroupDeskOptions) {
    this.#options = options;
  }

  /** Whose groups they are. Throws E_REFUSED where nobody speaks for the seat. */
  account(seat: SeatId): AccountId {
    return accountOf(this.#holder(seat));
  }
  list(seat: SeatId): Promise<readonly GroupInfo[]> {
    return this.#asked(seat, (calls) => calls.list());
  }
  info(seat: SeatId, group: string): Promise<GroupInfo> {
    return this.#asked(seat, (calls) => calls.info(group));
  }
  async create(seat: SeatId, subject: string, members: readonly string[], by: string): Promise<GroupInfo> {
    const jids = members.map(jidOf);
    const group = await this.#asked(seat, (calls) => calls.create(subject, jids));
    await this.#note(seat, by, "group.created", `a group of ${group.members.length}`);
    return group;
  }
  async change(
    seat: SeatId,
    group: string,
    action: GroupAction,
    members: readonly string[],
    by: string,
  ): Promise<readonly MemberChange[]> {
    const jids = members.map(jidOf);
    const changes = await this.#asked(seat, (calls) => calls.change(group, action, jids));
    const done = changes.filter((change) => change.done).length;
    await this.#note(seat, by, "group.changed", `${action}: ${done} of ${members.length} members of a group`);
    return changes;
  }
  async set(seat: SeatId, group: string, settings: GroupSettings, by: string): Promise<GroupInfo> {
    const what = Object.entries(settings).flatMap(([key, value]) => (value === undefined ? [] : [key]));
    if (what.length === 0)
      throw new ControlError("E_BAD_REQUEST", "nothing to change: give a subject, a description, announce or locked");
    const info = await this.#asked(seat, (calls) => calls.set(group, settings));
    await this.#note(seat, by, "group.set", `${what.join(", ")} of a group`);
    return info;
  }
  async leave(seat: SeatId, group: string, by: string): Promise<void> {
    await this.#asked(seat, (calls) => calls.leave(group));
    await this.#note(seat, by, "group.left", "left a group");
  }
  invitation(seat: SeatId, group: string): Promise<Invitation> {
    return this.#asked(seat, (calls) => calls.invitation(group));
  }
  async renewInvitation(seat: SeatId, group: string, by: string): Promise<Invitation> {
    const invitation = await this.#asked(seat, (calls) => calls.renewInvitation(group));
    await this.#note(seat, by, "group.invitation-renewed", "a new invitation to a group");
    return invitation;
  }
  invited(seat: SeatId, invitation: string): Promise<GroupInfo> {
    const code = codeIn(invitation);
    return this.#asked(seat, (calls) => calls.invited(code));
  }
  async join(seat: SeatId, invitation: string, by: string): Promise<string | null> {
    const code = codeIn(invitation);
    const group = await this.#asked(seat, (calls) => calls.join(code));
    await this.#note(seat, by, "group.joined", group === null ? "asked to join a group" : "joined a group by its invitation");
    return group;
  }

  #holder(seat: SeatId): DeviceId {
    const holder = this.#options.supervisor.node.seat(seat)?.row.holder;
    if (holder) return holder;
    throw new ControlError("E_REFUSED", `nobody speaks for ${seat} at present: its groups are asked over its holder`);
  }

  async #asked<T>(seat: SeatId, work: (calls: GroupCalls) => Promise<T>): Promise<T> {
    const holder = this.#holder(seat);
    try {
      return await work(this.#options.calls(holder));
    } catch (error) {
      const refused = error instanceof Error && "refused" in error ? error.refused : null;
      const why = error instanceof Error ? error.message : String(error);
      if (refused === null) throw new ControlError("E_UNREACHABLE", `${holder}: ${why}. Ask again in a moment`, error);
      throw new ControlError("E_REFUSED", `${holder}: ${why}: the group is not there, or ${accountOf(holder)} may not`, error);
    }
  }

  /** Without names and numbers: who looks at the audit need not see them. */
  async #note(seat: SeatId, by: string, action: string, what: string): Promise<void> {
    const entry = { at: this.#options.views.now(), actor: by, action, subject: seat, text: `${by}: ${what}`, evidence: {} };
    await this.#options.views.ask("audit.append", { entries: [entry] });
  }
}

/** Of a link as people send it, or of itself. */
const codeIn = (invitation: string): string => {
  const code = /^(?:(?:https?:\/\/)?chat\.whatsapp\.com\/(?:invite\/)?)?([\w-]{6,64})(?:\?.*)?$/.exec(invitation.trim())?.[1];
  if (code !== undefined) return code;
  throw new ControlError("E_BAD_REQUEST", "that is no invitation: expected https://chat.whatsapp.com/CODE, or the code");
};

const jidOf = (to: string): string => {
  const { lid, pn } = addressOf(to);
  const jid = lid ?? pn ?? "";
  if (jid.endsWith("@g.us")) throw new ControlError("E_BAD_REQUEST", `${to} is a group, and no member of one`);
  return jid;
};
