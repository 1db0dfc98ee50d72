/** What a terminal may ask about groups, contacts and media. Files are read and written by the supervisor, on its machine. */
import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { LineId, SeatId } from "../../machines/ports/ids.ts";
import type { Arrivals } from "./arrivals.ts";
import { contactNamed, contactsOf, type ContactStore } from "./contacts.ts";
import { ControlError, type ControlHandlers } from "./control-protocol.ts";
import type { GroupDesk } from "./group-desk.ts";
import type { Held, MediaDesk } from "./media-desk.ts";
import type { Views } from "./views.ts";

export interface TerminalDeskParts {
  readonly views: Views;
  readonly groups: GroupDesk;
  readonly contacts: ContactStore;
  readonly media: MediaDesk;
  readonly arrivals: Pick<Arrivals, "page">;
  readonly seatNamed: (name: string) => SeatId;
  readonly lineNamed: (name: string) => LineId;
  readonly by: () => string;
}
type Handlers = Pick<
  ControlHandlers,
  | "groups"
  | "group"
  | "groupCreate"
  | "groupChange"
  | "groupSet"
  | "groupLeave"
  | "groupInvitation"
  | "groupInvited"
  | "groupJoin"
  | "contacts"
  | "contact"
  | "mediaUpload"
  | "mediaDownload"
>;

export const terminalHandlers = (parts: TerminalDeskParts): Handlers => {
  const { views, groups, contacts, media, seatNamed, lineNamed, by } = parts;
  return {
    groups: async ({ seat }) => ({ groups: await groups.list(seatNamed(seat)) }),
    group: ({ seat, group }) => groups.info(seatNamed(seat), group),
    groupCreate: ({ seat, subject, members }) => groups.create(seatNamed(seat), subject, members, by()),
    groupChange: async ({ seat, group, action, members }) => ({
      members: await groups.change(seatNamed(seat), group, action, members, by()),
    }),
    groupSet: ({ seat, group, settings }) => groups.set(seatNamed(seat), group, settings, by()),
    groupLeave: async ({ seat, group }) => {
      await groups.leave(seatNamed(seat), group, by());
      return { group };
    },
    groupInvitation: ({ seat, group, renew }) =>
      renew ? groups.renewInvitation(seatNamed(seat), group, by()) : groups.invitation(seatNamed(seat), group),
    groupInvited: ({ seat, invitation }) => groups.invited(seatNamed(seat), invitation),
    groupJoin: async ({ seat, invitation }) => ({ group: await groups.join(seatNamed(seat), invitation, by()) }),
    contacts: ({ line, after, limit }) => contactsOf(views, contacts, { line: lineNamed(line), after: after as never, limit }),
    contact: async ({ contact }) => {
      const row = await contactNamed(views, contacts, contact);
      if (row) return row;
      throw new ControlError(
        "E_UNKNOWN_SUBJECT",
        `nobody of that name has written or been written to: greenroom contact list LINE`,
      );
    },
    mediaUpload: async ({ file }) => {
      if (!existsSync(file)) throw new ControlError("E_BAD_REQUEST", `there is no file ${file}`);
      return media.upload(createReadStream(file));
    },
    mediaDownload: async ({ media: named, to }) => {
      if (existsSync(to)) throw new ControlError("E_REFUSED", `${to} exists already: name another file`);
      const held = await found(parts, named);
      try {
        await pipeline(Readable.from(held.read()), createWriteStream(to, { flags: "wx", mode: 0o600 }));
      } catch (error) {
        await rm(to, { force: true });
        throw new ControlError(
          "E_REFUSED",
          `${to} could not be written: ${error instanceof Error ? error.message : "unknown"}`,
          error,
        );
      }
      return { to, bytes: held.bytes, mimetype: held.mimetype };
    },
  };
};

/** By the number of a message in the inbox, or the id of an upload. */
const found = async ({ media, arrivals }: TerminalDeskParts, named: string): Promise<Held> => {
  if (/^[0-9a-f]{64}$/.test(named)) {
    const held = await media.stored(named);
    if (held) return held;
    throw new ControlError(
      "E_UNKNOWN_MESSAGE",
      "there are no media of that id: unless a message needs them they are kept for an hour",
    );
  }
  const seq = Number(named);
  const [message] = (await arrivals.page(seq - 1, 1)).messages;
  if (message?.seq !== seq) throw new ControlError("E_UNKNOWN_MESSAGE", `there is no message ${named} in the inbox`);
  const held = message.media && (await media.received(message));
  if (!held) throw new ControlError("E_UNKNOWN_MESSAGE", `the message ${named} came without media`);
  return { ...held, mimetype: message.media?.mimetype ?? held.mimetype };
};
