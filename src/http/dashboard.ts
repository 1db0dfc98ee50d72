/** The dashboard: its page at `/`, and what exchanges a key for a login. Everything else it asks of `ROUTES`, as any client does. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import type { FastifyRequest, RouteOptions } from "fastify";
import { z } from "zod";
import type { AuditDraft } from "../../machines/ports/records.ts";
import { type Logins, mustBeOwnPage } from "./dashboard-logins.ts";
import { badRequest } from "./errors.ts";
import { policyOf } from "./page-policy.ts";
import type { KeyRow } from "./store.ts";

interface Options {
  readonly logins: Logins;
  /** Throws unless it is a key that counts; who guesses is slowed down. */
  readonly authenticate: (request: FastifyRequest, secret: string) => KeyRow;
  readonly note: (entry: Omit<AuditDraft, "at">) => void;
}

const PAGE = new URL("../dashboard/app.html", import.meta.url);
const login = z.strictObject({ key: z.string().trim().min(1).max(200) });

export const dashboardPages = ({ logins, authenticate, note }: Options): RouteOptions[] => {
  const page = readFileSync(PAGE);
  const packed = gzipSync(page, { level: 9 });
  const headers = {
    "cache-control": "no-cache",
    "content-security-policy": policyOf(page.toString()),
    "content-type": "text/html; charset=utf-8",
    etag: `"${createHash("sha256").update(page).digest("base64url")}"`,
    vary: "accept-encoding",
  };
  const tell = (key: KeyRow, action: string, text: string): void =>
    note({ actor: `key:${key.name}`, action, subject: `key:${key.id}`, text, evidence: { role: key.role } });
  return [
    {
      method: "GET",
      url: "/",
      handler: (request, reply) => {
        void reply.headers(headers);
        if (request.headers["if-none-match"] === headers.etag) return reply.code(304).send();
        if (!request.headers["accept-encoding"]?.includes("gzip")) return reply.send(page);
        return reply.header("content-encoding", "gzip").send(packed);
      },
    },
    {
      // Whether there is one. A refusal would be written into the audit.
      method: "GET",
      url: "/login",
      handler: (request, reply) => reply.send({ key: logins.keyOf(request) ?? null }),
    },
    {
      method: "POST",
      url: "/login",
      bodyLimit: 1024,
      handler: (request, reply) => {
        mustBeOwnPage(request.headers);
        const body = login.safeParse(request.body);
        if (!body.success) throw badRequest("body", body.error);
        const key = authenticate(request, body.data.key);
        tell(key, "dashboard.login", `${key.name} logged in to the dashboard, as ${key.role}`);
        return reply.header("set-cookie", logins.open(key, request)).send(key);
      },
    },
    {
      method: "POST",
      url: "/logout",
      handler: (request, reply) => {
        mustBeOwnPage(request.headers);
        const key = logins.keyOf(request);
        if (key) tell(key, "dashboard.logout", `${key.name} logged out of the dashboard`);
        return reply.header("set-cookie", logins.close(request)).code(204).send();
      },
    },
  ];
};
