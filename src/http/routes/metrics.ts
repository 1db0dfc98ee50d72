/** For Prometheus: `authorization: { credentials_file: … }` with a viewer's key. */
import { z } from "zod";
import { OPEN_METRICS, openMetrics, wantsOpenMetrics } from "../../metrics/openmetrics.ts";
import { ok, route, type Route } from "../route.ts";

export const metricsRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/metrics",
    id: "getMetrics",
    tag: "fleet",
    summary: "Metrics, as Prometheus scrapes them",
    description: "As OpenMetrics where `Accept` names it, otherwise as Prometheus' text.",
    role: "viewer",
    isWhole: true,
    types: ["text/plain", "application/openmetrics-text"],
    answers: { 200: z.string() },
    handle: async ({ handlers }, { headers }) => {
      const { text, contentType } = await handlers.metrics({});
      const { accept } = headers;
      return wantsOpenMetrics(typeof accept === "string" ? accept : undefined)
        ? ok(openMetrics(text), { "content-type": OPEN_METRICS, vary: "accept" })
        : ok(text, { "content-type": contentType, vary: "accept" });
    },
  }),
];
