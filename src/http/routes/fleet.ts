/** The fleet as a whole: its status, and whether seats move by themselves. */
import { z } from "zod";
import { devicesView } from "./devices.ts";
import { accountsView } from "./accounts.ts";
import { ok, route, type Route } from "../route.ts";
import { account, alert, device, line, list, mode, seat } from "../schemas.ts";

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
  })
  .meta({ id: "Status" });

export const fleetRoutes: readonly Route[] = [
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
