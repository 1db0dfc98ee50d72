/** For Prometheus: `authorization: { credentials_file: … }` with a viewer's key. */
import { z } from "zod";
import { route, type Route } from "../route.ts";

export const metricsRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/metrics",
    id: "getMetrics",
    tag: "fleet",
    summary: "Metrics, as Prometheus scrapes them",
    role: "viewer",
    isWhole: true,
    types: ["text/plain"],
    answers: { 200: z.string() },
    handle: async ({ handlers }) => {
      const { text, contentType } = await handlers.metrics({});
      return { status: 200 as const, body: text, headers: { "content-type": contentType } };
    },
  }),
];
