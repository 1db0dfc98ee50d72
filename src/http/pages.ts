/** What needs no key, and tells nothing about the fleet: a sign of life, the OpenAPI document, and its page. */
import type { RouteOptions } from "fastify";
import { DOCS_CSP, type Document, docsPage } from "./docs-page.ts";
import { openApiDocument } from "./openapi.ts";
import type { Route } from "./route.ts";
import { CHARTS_JSON } from "./viewer.ts";
import { version } from "../version.ts";

export const openPages = (routes: readonly Route[]): RouteOptions[] => {
  const made = openApiDocument(routes, version());
  const document = JSON.stringify(made);
  const page = docsPage(made as unknown as Document);
  return [
    {
      method: "GET",
      url: "/healthz",
      handler: (_request, reply) => reply.send({ status: "ok" }),
    },
    {
      method: "GET",
      url: "/openapi.json",
      handler: (_request, reply) => reply.type("application/json").send(document),
    },
    {
      // The same for every fleet: as docs/machines shows them.
      method: "GET",
      url: "/charts.json",
      handler: (_request, reply) => reply.header("cache-control", "no-cache").type("application/json").send(CHARTS_JSON),
    },
    {
      method: "GET",
      url: "/docs",
      handler: (_request, reply) => reply.header("content-security-policy", DOCS_CSP).type("text/html; charset=utf-8").send(page),
    },
  ];
};
