/** Accounts: standing, devices, and taking them out of service. */
import { z } from "zod";
import type { AccountsAnswer } from "../../runtime/control-protocol.ts";
import { accountOf } from "../../../machines/ports/ids.ts";
import { devicesView } from "./devices.ts";
import { withTag } from "../etag.ts";
import { ok, route, type Route } from "../route.ts";
import { account, device, failover, list, name } from "../schemas.ts";
import type { Scope } from "../scope.ts";

const params = z.strictObject({ account: name });
const drained = z
  .strictObject({
    account: z.string(),
    cordoned: z.boolean(),
    moved: list(failover),
    stays: list(z.strictObject({ seat: z.string(), why: z.string() })).describe("Seats that nobody else could take."),
  })
  .meta({ id: "Drain" });

const DRAINS = {
  drain: "Take an account out of service, each of its seats by a switchover",
  cordon: "Let an account take no further seat; those that it has stay",
  undrain: "Let it hold seats again, after a drain or a cordon",
} as const;

export const accountsView = ({ accounts, devices }: AccountsAnswer, scope: Scope): z.input<typeof account>[] =>
  accounts
    .filter(({ id }) => scope.account(id))
    .map((one) => ({ ...one, devices: devices.filter(({ id }) => accountOf(id) === one.id).map(({ id }) => id) }));

export const accountRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/v1/accounts",
    id: "listAccounts",
    tag: "accounts",
    summary: "All accounts",
    role: "viewer",
    answers: { 200: z.strictObject({ accounts: list(account) }) },
    handle: async ({ handlers, scope, fleetTag }) => {
      const tag = fleetTag();
      return ok({ accounts: accountsView(await handlers.accounts({}), scope) }, withTag(tag));
    },
  }),
  route({
    method: "GET",
    path: "/v1/accounts/{account}",
    id: "getAccount",
    tag: "accounts",
    summary: "One account with its devices",
    role: "viewer",
    params,
    answers: { 200: z.strictObject({ account, devices: list(device) }) },
    refuses: ["E_UNKNOWN_ACCOUNT"],
    handle: async ({ handlers, scope, fleetTag }, { params: { account: named } }) => {
      const tag = fleetTag();
      const id = scope.accountNamed(named);
      const all = await handlers.accounts({});
      const [one] = accountsView({ ...all, accounts: all.accounts.filter((each) => each.id === id) }, scope);
      const devices = devicesView(all.devices, scope).filter((each) => accountOf(each.id as never) === id);
      return ok({ account: one as z.input<typeof account>, devices }, withTag(tag));
    },
  }),
  ...(["drain", "cordon", "undrain"] as const).map((how) =>
    route({
      method: "POST",
      path: `/v1/accounts/{account}/${how}`,
      id: how,
      tag: "accounts",
      summary: DRAINS[how],
      role: "operator",
      params,
      answers: { 200: drained },
      refuses: ["E_UNKNOWN_ACCOUNT", "E_SCOPE"],
      handle: async ({ handlers, scope }, { params: { account: named } }) => {
        const id = scope.accountNamed(named);
        scope.mayMove(id);
        return ok(await handlers.drain({ account: id, undo: how === "undrain", keep: how === "cordon" }));
      },
    }),
  ),
];
