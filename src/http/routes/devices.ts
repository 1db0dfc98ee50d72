/** Devices: how they are, linking and restarting them. */
import { z } from "zod";
import { accountOf, type DeviceId } from "../../../machines/ports/ids.ts";
import { type DeviceStatus, type PendingLink, PHONE } from "../../runtime/control-protocol.ts";
import { deviceStatus } from "../device-status.ts";
import { ApiError } from "../errors.ts";
import { withTag } from "../etag.ts";
import { qrPng, qrSvg } from "../qr-image.ts";
import { answer, type Caller, ok, route, type Route } from "../route.ts";
import { device, deviceParams, list, offer } from "../schemas.ts";
import type { Scope } from "../scope.ts";

export const deviceView = ({ state, holds, ...rest }: DeviceStatus, scope: Scope): z.input<typeof device> => ({
  ...rest,
  connection: state,
  status: deviceStatus({ ...rest, state }),
  holds: holds.filter(scope.seat),
});
export const devicesView = (devices: readonly DeviceStatus[], scope: Scope): z.input<typeof device>[] =>
  devices.filter(({ id }) => scope.device(id)).map((one) => deviceView(one, scope));

const named = ({ scope }: Caller, params: z.output<typeof deviceParams>): DeviceId =>
  scope.deviceNamed(`${params.account}/${params.device}`);
/** Whoever acts on a device acts on every line of its account. */
const movable = (caller: Caller, params: z.output<typeof deviceParams>): DeviceId => {
  const id = named(caller, params);
  caller.scope.mayMove(accountOf(id));
  return id;
};

const phone = z.string().regex(PHONE, { error: "expected the account's number: digits with the country's code" });
const METHODS = z.union([
  z.strictObject({
    method: z.literal("qr").default("qr"),
    phone: phone.optional().describe("With it there is a pairing code beside the QR code; whichever is taken first holds."),
  }),
  z.strictObject({ method: z.literal("code"), phone }),
]);
const begun = z.strictObject({ device: z.string(), linked: z.boolean(), offer: offer.nullable() }).meta({ id: "LinkBegun" });
const pending = z
  .strictObject({ device: z.string(), connection: z.string(), hasOffer: z.boolean(), kind: z.enum(["qr", "code"]).nullable() })
  .meta({ id: "PendingLink" });

const IMAGES = {
  svg: { type: "image/svg+xml", draw: (text: string): string | Buffer => qrSvg(text) },
  png: { type: "image/png", draw: (text: string): string | Buffer => qrPng(text) },
  text: { type: "text/plain; charset=utf-8", draw: (text: string): string | Buffer => text },
} as const;
const NOT_KEPT = { "cache-control": "no-store" };

export const deviceRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/v1/devices",
    id: "listDevices",
    tag: "devices",
    summary: "All devices",
    role: "viewer",
    answers: { 200: z.strictObject({ devices: list(device) }) },
    handle: async ({ handlers, scope, fleetTag }) => {
      const tag = fleetTag();
      return ok({ devices: devicesView((await handlers.accounts({})).devices, scope) }, withTag(tag));
    },
  }),
  route({
    method: "GET",
    path: "/v1/devices/{account}/{device}",
    id: "getDevice",
    tag: "devices",
    summary: "One device",
    role: "viewer",
    params: deviceParams,
    answers: { 200: device },
    refuses: ["E_UNKNOWN_DEVICE"],
    handle: (caller, { params }) =>
      ok(deviceView(caller.views.device(named(caller, params)), caller.scope), withTag(caller.fleetTag())),
  }),
  route({
    method: "GET",
    path: "/v1/links",
    id: "listLinks",
    tag: "devices",
    summary: "Devices that are not linked",
    role: "viewer",
    answers: { 200: z.strictObject({ links: list(pending) }) },
    handle: async ({ handlers, scope }) => {
      const { links } = await handlers.links({});
      return ok({ links: links.filter((one) => scope.device(one.device)).map(pendingView) });
    },
  }),
  route({
    method: "POST",
    path: "/v1/devices/{account}/{device}/link",
    id: "linkDevice",
    tag: "devices",
    summary: "Begin linking a device, by QR code or by pairing code",
    description:
      "Answered when there is something to scan or to enter. A QR code changes every few seconds: ask again, or fetch its image, until `linked`.",
    role: "operator",
    params: deviceParams,
    body: METHODS,
    answers: { 200: begun },
    refuses: ["E_UNKNOWN_DEVICE", "E_SCOPE", "E_REFUSED", "E_UNREACHABLE"],
    // The code of a minute ago is worth nothing.
    repeats: "own",
    handle: async (caller, { params, body }) => {
      const id = movable(caller, params);
      const beside = body.phone === undefined ? {} : { phone: body.phone, qr: body.method === "qr" };
      return ok(await caller.handlers.link({ device: id, ...beside }), NOT_KEPT);
    },
  }),
  route({
    method: "GET",
    path: "/v1/devices/{account}/{device}/qr",
    id: "getQr",
    tag: "devices",
    summary: "The QR code to be scanned at present, as an image",
    description: "Whoever scans it links their number's device: hence the role.",
    role: "operator",
    params: deviceParams,
    query: z.strictObject({ format: z.enum(["svg", "png", "text"]).default("svg") }),
    answers: { 200: z.string() },
    types: Object.values(IMAGES).map(({ type }) => type),
    refuses: ["E_UNKNOWN_DEVICE", "E_SCOPE", "E_NO_OFFER"],
    handle: async (caller, { params, query }) => {
      const id = movable(caller, params);
      const { links } = await caller.handlers.links({});
      const shown = links.find((link) => link.device === id)?.offer;
      if (shown?.kind !== "qr")
        throw new ApiError(
          "E_NO_OFFER",
          `no QR code is on show for ${id}: begin with POST /v1/devices/${id}/link, unless it is linked`,
        );
      const { type, draw } = IMAGES[query.format];
      return ok(draw(shown.text) as string, { ...NOT_KEPT, "content-type": type });
    },
  }),
  route({
    method: "POST",
    path: "/v1/devices/{account}/{device}/unlink",
    id: "unlinkDevice",
    tag: "devices",
    summary: "Remove a device from its account, at WhatsApp and here",
    description: "Its keys are forgotten. Refused while it speaks for a seat: switch over first.",
    role: "operator",
    params: deviceParams,
    answers: { 200: device },
    refuses: ["E_UNKNOWN_DEVICE", "E_SCOPE", "E_REFUSED", "E_UNREACHABLE"],
    handle: async (caller, { params }) => {
      const status = await caller.handlers.unlink({ device: movable(caller, params) });
      return ok(deviceView(status, caller.scope));
    },
  }),
  route({
    method: "POST",
    path: "/v1/devices/{account}/{device}/restart",
    id: "restartDevice",
    tag: "devices",
    summary: "Dial a device anew, at once",
    description: "Refused while it speaks for a seat: switch over first.",
    role: "operator",
    params: deviceParams,
    answers: { 202: device },
    refuses: ["E_UNKNOWN_DEVICE", "E_SCOPE", "E_REFUSED"],
    handle: async (caller, { params }) => {
      const status = await caller.handlers.restart({ device: movable(caller, params) });
      return answer(202, deviceView(status, caller.scope));
    },
  }),
];

const pendingView = ({ device: id, state, offer: shown }: PendingLink): z.input<typeof pending> => ({
  device: id,
  connection: state,
  hasOffer: shown !== null,
  kind: shown?.kind ?? null,
});
