/** Groups: those of the account that speaks for a seat, asked of WhatsApp. */
import { z } from "zod";
import type { SeatId } from "../../../machines/ports/ids.ts";
import { groupSettings } from "../../runtime/control-protocol.ts";
import { answer, type Caller, ok, route, type Route } from "../route.ts";
import { list, seatName } from "../schemas.ts";

const member = z
  .strictObject({
    id: z.string(),
    lid: z.string().nullable(),
    pn: z.string().nullable(),
    role: z.enum(["member", "admin", "superadmin"]),
  })
  .meta({ id: "GroupMember" });
const group = z
  .strictObject({
    id: z.string().describe("What a message is sent `to`."),
    subject: z.string(),
    description: z.string().nullable(),
    owner: z.string().nullable(),
    createdAt: z.number().nullable().describe("Milliseconds since the epoch."),
    announce: z.boolean().describe("Only admins write."),
    locked: z.boolean().describe("Only admins change subject, description and picture."),
    members: list(member),
  })
  .meta({ id: "Group" });
const change = z
  .strictObject({
    id: z.string(),
    done: z.boolean(),
    code: z
      .string()
      .nullable()
      .describe("WhatsApp's, where it was not done: 403 asks for an invitation, 404 nobody, 409 nothing to change."),
  })
  .meta({ id: "MemberChange" });
const invitation = z
  .strictObject({ code: z.string(), link: z.string().describe("Whoever has it may join.") })
  .meta({ id: "GroupInvitation" });

const seat = seatName.describe("`line/account`: whose holder asks.");
const params = z.strictObject({ group: z.string().regex(/^[\d-]{5,40}@g\.us$/) });
const numbers = z.array(z.string().min(1).max(100)).min(1).max(100).describe("Numbers with their country's code, or addresses.");
const refuses = ["E_UNKNOWN_SEAT", "E_SCOPE", "E_REFUSED", "E_UNREACHABLE"] as const;

/** All groups of the account are seen, whatever lines it works for. */
const named = ({ scope, groups }: Caller, name: string): SeatId => {
  const id = scope.seatNamed(name);
  if (!scope.isWhole) scope.mayMove(groups.account(id));
  return id;
};

export const groupRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/v1/groups",
    id: "listGroups",
    tag: "groups",
    summary: "Groups of the account that speaks for a seat",
    role: "operator",
    query: z.strictObject({ seat }),
    answers: { 200: z.strictObject({ groups: list(group) }) },
    refuses,
    handle: async (caller, { query }) => ok({ groups: await caller.groups.list(named(caller, query.seat)) }),
  }),
  route({
    method: "GET",
    path: "/v1/groups/{group}",
    id: "getGroup",
    tag: "groups",
    summary: "One group with its members",
    role: "operator",
    params,
    query: z.strictObject({ seat }),
    answers: { 200: group },
    refuses,
    handle: async (caller, { params: { group: id }, query }) => ok(await caller.groups.info(named(caller, query.seat), id)),
  }),
  route({
    method: "POST",
    path: "/v1/groups",
    id: "createGroup",
    tag: "groups",
    summary: "Make a group",
    role: "operator",
    body: z.strictObject({ seat, subject: z.string().min(1).max(100), members: numbers }),
    answers: { 201: group },
    refuses,
    handle: async (caller, { body }) =>
      answer(201, await caller.groups.create(named(caller, body.seat), body.subject, body.members, caller.by)),
  }),
  route({
    method: "POST",
    path: "/v1/groups/{group}/members",
    id: "changeMembers",
    tag: "groups",
    summary: "Add members, remove them, or make them admins or not",
    description: "Each member has an answer of its own. Only admins may.",
    role: "operator",
    params,
    body: z.strictObject({ seat, action: z.enum(["add", "remove", "promote", "demote"]), members: numbers }),
    answers: { 200: z.strictObject({ members: list(change) }) },
    refuses,
    handle: async (caller, { params: { group: id }, body }) =>
      ok({ members: await caller.groups.change(named(caller, body.seat), id, body.action, body.members, caller.by) }),
  }),
  route({
    method: "POST",
    path: "/v1/groups/{group}/settings",
    id: "changeGroup",
    tag: "groups",
    summary: "Change a group's subject, its description, or who may write and change it",
    description: "What is left out stays. One after the other: after a refusal those before it stay. Only admins may.",
    role: "operator",
    params,
    body: groupSettings.extend({ seat }),
    answers: { 200: group },
    refuses,
    handle: async (caller, { params: { group: id }, body: { seat: by, ...settings } }) =>
      ok(await caller.groups.set(named(caller, by), id, settings, caller.by)),
  }),
  route({
    method: "POST",
    path: "/v1/groups/{group}/leave",
    id: "leaveGroup",
    tag: "groups",
    summary: "Leave a group",
    role: "operator",
    params,
    body: z.strictObject({ seat }),
    answers: { 200: z.strictObject({ group: z.string() }) },
    refuses,
    handle: async (caller, { params: { group: id }, body }) => {
      await caller.groups.leave(named(caller, body.seat), id, caller.by);
      return ok({ group: id });
    },
  }),
  route({
    method: "GET",
    path: "/v1/groups/{group}/invitation",
    id: "getInvitation",
    tag: "groups",
    summary: "The link by which people join a group",
    description: "Only admins may.",
    role: "operator",
    params,
    query: z.strictObject({ seat }),
    answers: { 200: invitation },
    refuses,
    handle: async (caller, { params: { group: id }, query }) => ok(await caller.groups.invitation(named(caller, query.seat), id)),
  }),
  route({
    method: "POST",
    path: "/v1/groups/{group}/invitation/renew",
    id: "renewInvitation",
    tag: "groups",
    summary: "Revoke the link by which people join a group, and get a new one",
    role: "operator",
    params,
    body: z.strictObject({ seat }),
    answers: { 200: invitation },
    refuses,
    handle: async (caller, { params: { group: id }, body }) =>
      ok(await caller.groups.renewInvitation(named(caller, body.seat), id, caller.by)),
  }),
  route({
    method: "GET",
    path: "/v1/invitations/{code}",
    id: "lookAtInvitation",
    tag: "groups",
    summary: "The group that an invitation leads to; nobody joins it",
    role: "operator",
    params: z.strictObject({ code: z.string().regex(/^[\w-]{6,64}$/) }),
    query: z.strictObject({ seat }),
    answers: { 200: group },
    refuses,
    handle: async (caller, { params: { code }, query }) => ok(await caller.groups.invited(named(caller, query.seat), code)),
  }),
  route({
    method: "POST",
    path: "/v1/groups/join",
    id: "joinGroup",
    tag: "groups",
    summary: "Join a group by an invitation",
    description: "WhatsApp restricts accounts that join many.",
    role: "operator",
    body: z.strictObject({ seat, invitation: z.string().min(6).max(200).describe("The link, or its code.") }),
    answers: {
      200: z.strictObject({ group: z.string().nullable().describe("null: its admins have been asked to let the account in.") }),
    },
    refuses,
    handle: async (caller, { body }) =>
      ok({ group: await caller.groups.join(named(caller, body.seat), body.invitation, caller.by) }),
  }),
];
