/** Changes of the fleet while it runs: each is written into the fleet file and taken up at once. */
import { z } from "zod";
import { EDITS, type FleetEditInput } from "../../config/index.ts";
import { matchOf, planned } from "../etag.ts";
import { type Caller, ok, route, type Route } from "../route.ts";
import { account, deviceParams, device, fleetPlan, list, name } from "../schemas.ts";
import { accountsView } from "./accounts.ts";
import { devicesView } from "./devices.ts";

const order = {
  dryRun: z.boolean().default(false).describe("Only say what would change."),
  force: z
    .boolean()
    .default(false)
    .describe("Also where a seat would have nobody to speak for it, or messages wait on a line that goes."),
};
const flag = z.enum(["true", "false"]).default("false");
const orderQuery = z.strictObject({ dryRun: flag, force: flag });

const params = { account: z.strictObject({ account: name }), line: z.strictObject({ line: name }), device: deviceParams };
type Shape = z.ZodObject;
interface Change<P extends Shape, B extends Shape> {
  readonly path: string;
  readonly id: string;
  readonly tag: "accounts" | "devices" | "lines";
  readonly summary: string;
  readonly description?: string;
  readonly params?: P;
  readonly body?: B;
  /** Names are looked up: what is not there is refused as such. */
  readonly edit: (caller: Caller, params: z.output<P>, body: z.output<B>) => FleetEditInput;
}
const REFUSES = ["E_UNKNOWN_ACCOUNT", "E_UNKNOWN_DEVICE", "E_UNKNOWN_LINE", "E_SCOPE", "E_REFUSED", "E_CHANGED"] as const;
const NONE = z.strictObject({});

/** Of the fleet's shape: for an admin of the whole. */
const change = <P extends Shape = typeof NONE, B extends Shape = typeof NONE>({ edit, body, ...rest }: Change<P, B>): Route =>
  route({
    ...rest,
    method: "POST",
    role: "admin",
    isWhole: true,
    body: (body ?? NONE).extend(order),
    answers: { 200: fleetPlan },
    refuses: REFUSES,
    handle: async (caller, { params: where, body: { dryRun, force, ...given }, headers }) =>
      planned(
        await caller.handlers.edit({
          edit: edit(caller, where, given as unknown as z.output<B>) as never,
          dryRun,
          force,
          match: matchOf(headers),
        }),
      ),
  });
const removal = <P extends Shape>({ edit, ...rest }: Change<P, typeof NONE>): Route =>
  route({
    ...rest,
    method: "DELETE",
    role: "admin",
    isWhole: true,
    query: orderQuery,
    answers: { 200: fleetPlan },
    refuses: REFUSES,
    handle: async (caller, { params: where, query: { dryRun, force }, headers }) =>
      planned(
        await caller.handlers.edit({
          edit: edit(caller, where, {}) as never,
          dryRun: dryRun === "true",
          force: force === "true",
          match: matchOf(headers),
        }),
      ),
  });
/** Of names and labels, which nothing that runs depends on: for an operator of all its lines. */
const description = <P extends Shape>({
  path,
  id,
  tag,
  summary,
  params: where,
  subject,
}: Omit<Change<P, typeof NONE>, "edit" | "body"> & {
  readonly subject: (caller: Caller, params: z.output<P>) => string;
}): Route =>
  route({
    method: "POST",
    path,
    id,
    tag,
    summary,
    description: "What is left out stays; `name` null: none. Nothing that runs is touched.",
    role: "operator",
    params: where ?? (NONE as unknown as P),
    body: EDITS.describe.omit({ subject: true }),
    answers: { 200: fleetPlan },
    refuses: REFUSES,
    handle: async (caller, { params: given, body, headers }) =>
      planned(
        await caller.handlers.edit({
          edit: { kind: "describe", subject: subject(caller, given), ...body },
          dryRun: false,
          force: false,
          match: matchOf(headers),
        }),
      ),
  });

const SETTINGS = "What is left out stays. Links are not touched.";

export const changeRoutes: readonly Route[] = [
  change({
    path: "/v1/accounts",
    id: "addAccount",
    tag: "accounts",
    summary: "Add an account, with its devices",
    description: "Its devices are not linked yet: POST /v1/devices/{account}/{device}/link.",
    body: EDITS["account.add"],
    edit: (_, __, body) => ({ kind: "account.add", ...body }),
  }),
  change({
    path: "/v1/accounts/{account}/settings",
    id: "changeAccount",
    tag: "accounts",
    summary: "Change an account's role or pacing",
    description: SETTINGS,
    params: params.account,
    body: EDITS["account.change"].omit({ account: true }),
    edit: ({ scope }, where, body) => ({ kind: "account.change", account: scope.accountNamed(where.account), ...body }),
  }),
  removal({
    path: "/v1/accounts/{account}",
    id: "removeAccount",
    tag: "accounts",
    summary: "Remove an account from the fleet; its seats move first",
    description: "Its devices stay linked at WhatsApp, unless they are unlinked before.",
    params: params.account,
    edit: ({ scope }, where) => ({ kind: "account.remove", account: scope.accountNamed(where.account) }),
  }),
  change({
    path: "/v1/accounts/{account}/devices",
    id: "addDevice",
    tag: "devices",
    summary: "Add a device to an account",
    params: params.account,
    body: EDITS["device.add"].omit({ account: true }),
    edit: ({ scope }, where, body) => ({ kind: "device.add", account: scope.accountNamed(where.account), ...body }),
  }),
  removal({
    path: "/v1/devices/{account}/{device}",
    id: "removeDevice",
    tag: "devices",
    summary: "Remove a device from the fleet; its seats move first",
    params: params.device,
    edit: ({ scope }, where) => ({ kind: "device.remove", device: scope.deviceNamed(`${where.account}/${where.device}`) }),
  }),
  change({
    path: "/v1/lines",
    id: "addLine",
    tag: "lines",
    summary: "Add a line",
    body: EDITS["line.add"],
    edit: (_, __, body) => ({ kind: "line.add", ...body }),
  }),
  change({
    path: "/v1/lines/{line}/settings",
    id: "changeLine",
    tag: "lines",
    summary: "Change a line's accounts or settings",
    description: SETTINGS,
    params: params.line,
    body: EDITS["line.change"].omit({ line: true }),
    edit: ({ scope }, where, body) => ({ kind: "line.change", line: scope.lineNamed(where.line), ...body }),
  }),
  removal({
    path: "/v1/lines/{line}",
    id: "removeLine",
    tag: "lines",
    summary: "Remove a line; its accounts stay",
    description: "Refused while messages of it are not sent. What happened on it stays in the store.",
    params: params.line,
    edit: ({ scope }, where) => ({ kind: "line.remove", line: scope.lineNamed(where.line) }),
  }),
  change({
    path: "/v1/lines/{line}/servants",
    id: "addServant",
    tag: "lines",
    summary: "Give a line a servant; its account is added, unless it is there",
    params: params.line,
    body: EDITS["servant.add"].omit({ line: true }),
    edit: ({ scope }, where, body) => ({ kind: "servant.add", line: scope.lineNamed(where.line), ...body }),
  }),
  removal({
    path: "/v1/lines/{line}/servants/{account}",
    id: "removeServant",
    tag: "lines",
    summary: "Take a servant off a line; its account stays",
    params: z.strictObject({ line: name, account: name }),
    edit: ({ scope }, where) => ({
      kind: "servant.remove",
      line: scope.lineNamed(where.line),
      account: scope.accountNamed(where.account),
    }),
  }),
  description({
    path: "/v1/accounts/{account}/about",
    id: "describeAccount",
    tag: "accounts",
    summary: "Name or label an account, for people",
    params: params.account,
    subject: ({ scope }, where) => {
      const id = scope.accountNamed(where.account);
      scope.mayMove(id);
      return id;
    },
  }),
  description({
    path: "/v1/devices/{account}/{device}/about",
    id: "describeDevice",
    tag: "devices",
    summary: "Name or label a device, for people",
    params: params.device,
    subject: ({ scope }, where) => {
      scope.mayMove(scope.accountNamed(where.account));
      return scope.deviceNamed(`${where.account}/${where.device}`);
    },
  }),
  description({
    path: "/v1/lines/{line}/about",
    id: "describeLine",
    tag: "lines",
    summary: "Name or label a line, for people",
    params: params.line,
    subject: ({ scope }, where) => scope.lineNamed(where.line),
  }),
  route({
    method: "POST",
    path: "/v1/accounts/{account}/unlink",
    id: "unlinkAccount",
    tag: "accounts",
    summary: "Remove all devices of an account from it, at WhatsApp and here",
    description: "Their keys are forgotten. Refused while one speaks for a seat: drain the account first.",
    role: "operator",
    params: params.account,
    answers: { 200: z.strictObject({ account, devices: list(device) }) },
    refuses: ["E_UNKNOWN_ACCOUNT", "E_SCOPE", "E_REFUSED", "E_UNREACHABLE"],
    handle: async ({ handlers, scope }, { params: { account: named } }) => {
      const id = scope.accountNamed(named);
      scope.mayMove(id);
      const answer = await handlers.unlinkAccount({ account: id });
      const [one] = accountsView(answer, scope);
      return ok({ account: one as z.input<typeof account>, devices: devicesView(answer.devices, scope) });
    },
  }),
];
