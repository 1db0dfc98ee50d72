/** API keys, for whoever may give them out. */
import { z } from "zod";
import { REQUESTS } from "../../runtime/control-protocol.ts";
import { answer, ok, route, type Route } from "../route.ts";
import { key, list } from "../schemas.ts";

const created = z
  .strictObject({
    key,
    secret: z.string().nullable().describe("Shown this once: keep it now. null when the request is repeated."),
  })
  .meta({ id: "KeyCreated" });

export const keyRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/v1/key",
    id: "getOwnKey",
    tag: "keys",
    summary: "The key that is used to ask this",
    role: "viewer",
    answers: { 200: key },
    handle: (caller) => ok(caller.key),
  }),
  route({
    method: "GET",
    path: "/v1/keys",
    id: "listKeys",
    tag: "keys",
    summary: "All keys, without their secrets",
    role: "admin",
    isWhole: true,
    answers: { 200: z.strictObject({ keys: list(key) }) },
    handle: async ({ handlers }) => ok({ keys: (await handlers.keys({})).keys }),
  }),
  route({
    method: "POST",
    path: "/v1/keys",
    id: "createKey",
    tag: "keys",
    summary: "Make a key",
    role: "admin",
    isWhole: true,
    body: REQUESTS.keyCreate,
    answers: { 201: created },
    refuses: ["E_UNKNOWN_LINE", "E_REFUSED"],
    // The secret is kept nowhere.
    repeats: (body) => ({ ...(body as object), secret: null }),
    handle: async ({ handlers }, { body }) => answer(201, await handlers.keyCreate(body)),
  }),
  route({
    method: "DELETE",
    path: "/v1/keys/{key}",
    id: "revokeKey",
    tag: "keys",
    summary: "Revoke a key: it counts from the next request on",
    role: "admin",
    isWhole: true,
    params: z.strictObject({ key: z.string().regex(/^[0-9a-z]{1,20}$/) }),
    answers: { 200: key },
    refuses: ["E_UNKNOWN_KEY"],
    handle: async ({ handlers }, { params }) => ok(await handlers.keyRevoke({ key: params.key })),
  }),
];
