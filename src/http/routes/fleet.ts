/** The fleet as a whole: its status, and whether seats move by themselves. */
import { z } from "zod";
import { devicesView } from "./devices.ts";
import { accountsView } from "./accounts.ts";
import { matchOf, planned } from "../etag.ts";
import { ok, route, type Route } from "../route.ts";
import { account, alert, device, fleetPlan, line, list, mode, seat } from "../schemas.ts";

export const status = z
  .strictObject({
    fleet: z.string(),
    now: z.number(),
    startedAt: z.number(),
    mode: z.string().describe("automatic, braked, outage or paused."),
    lines: list(line),
    seats: list(seat),
    accounts: list(account),
    devices: list(device),
    alerts: list(alert).describe("Open ones."),
    drift: z
      .strictObject({
        changes: z.int().min(0),
        restart: z.int().min(0).describe("Those of them that need a restart."),
        isWrong: z.boolean().describe("The file can't be read as a fleet."),
      })
      .describe("Where the fleet file says something else than what runs: GET /v1/fleet/plan."),
  })
  .meta({ id: "Status" });

export const fleetRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/v1/fleet/plan",
    id: "planFleet",
    tag: "fleet",
    summary: "Where the running fleet and its file differ",
    role: "operator",
    isWhole: true,
    answers: { 200: fleetPlan },
    refuses: ["E_REFUSED"],
    handle: async ({ handlers }) => planned(await handlers.apply({ dryRun: true, force: false, match: null })),
  }),
  route({
    method: "POST",
    path: "/v1/fleet/apply",
    id: "applyFleet",
    tag: "fleet",
    summary: "Take up the fleet file, as far as that needs no restart",
    description: "Seats whose holder is to go are moved first. Refused as a whole if one would have nobody to speak for it.",
    role: "admin",
    isWhole: true,
    body: z.strictObject({ force: z.boolean().default(false) }),
    answers: { 200: fleetPlan },
    refuses: ["E_REFUSED", "E_CHANGED"],
    handle: async ({ handlers }, { body: { force }, headers }) =>
      planned(await handlers.apply({ dryRun: false, force, match: matchOf(headers) })),
  }),
  route({
    method: "GET",
    path: "/v1/status",
    id: "getStatus",
    tag: "fleet",
    summary: "The whole fleet at a glance",
    role: "viewer",
    answers: { 200: status },
    handle: async ({ handlers, scope }) => {
      const { pid: _, lines, seats, accounts, devices, alerts, ...rest } = await handlers.status({});
      return ok({
        ...rest,
        lines: lines.filter(({ id }) => scope.line(id)),
        seats: seats.filter(({ id }) => scope.seat(id)),
        accounts: accountsView({ accounts, devices }, scope),
        devices: devicesView(devices, scope),
        alerts: alerts.filter(({ subject }) => scope.subject(subject)),
      });
    },
  }),
  route({
    method: "POST",
    path: "/v1/pause",
    id: "pause",
    tag: "fleet",
    summary: "Switch automatic failover off",
    description: "For maintenance. It holds through a restart, until `resume`.",
    role: "operator",
    isWhole: true,
    answers: { 200: mode },
    handle: async ({ handlers }) => ok(await handlers.pause({})),
  }),
  route({
    method: "POST",
    path: "/v1/resume",
    id: "resume",
    tag: "fleet",
    summary: "Switch automatic failover on",
    role: "operator",
    isWhole: true,
    answers: { 200: mode },
    handle: async ({ handlers }) => ok(await handlers.resume({})),
  }),
];
