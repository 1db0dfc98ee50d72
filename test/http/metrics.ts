/** What collectors are given, by what they ask for. */
import { describe, expect, it } from "vitest";
import type { ApiRig } from "./rig.ts";

export const metrics = (rigOf: () => ApiRig): void => {
  describe("the metrics", () => {
    it.each([
      ["as Prometheus' text", {}, "text/plain; version=0.0.4; charset=utf-8", "# TYPE greenroom_dials_total counter\n"],
      [
        "as OpenMetrics where that is asked for",
        { accept: "application/openmetrics-text;version=1.0.0,text/plain;q=0.3" },
        "application/openmetrics-text; version=1.0.0; charset=utf-8",
        "# TYPE greenroom_dials counter\n",
      ],
    ])("come %s", async (_, headers, type, part) => {
      const answer = await rigOf().ask("GET", "/metrics", { headers });
      expect(answer.headers).toMatchObject({ "content-type": type, vary: "accept" });
      expect(answer.text).toContain(part);
      expect(answer.text).toContain('greenroom_seat_in_service{seat="sales/sales-1"} 1');
    });
  });
};
