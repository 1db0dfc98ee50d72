/** What a terminal or the API may ask about alerts, where there were many. */
import { expect, it } from "vitest";
import { fits } from "../../machines/alerts/silence.ts";
import { type AlertParts, alertHandlers } from "../../src/alerts/control.ts";
import type { AlertHistoryRow, AlertSearch } from "../../src/alerts/store.ts";

it("an alert is found by its key, however many there were since", async () => {
  const rows = Array.from({ length: 3000 }, (_, no) => {
    const [rule, subject] = ["device.failed", `sales-${3000 - no}/a`];
    return { key: `${rule}:${subject}`, rule, subject, state: "resolved" } as AlertHistoryRow;
  });
  const store = {
    history: async ({ openOnly, limit, ...wanted }: AlertSearch) =>
      rows.filter((row) => (!openOnly || row.state === "open") && fits(wanted, row)).slice(0, limit),
    notices: async () => [],
  };
  const parts = { store, desk: { silences: [] }, views: { now: () => 0 }, by: () => "ann" } as unknown as AlertParts;
  const { alertShow } = alertHandlers(parts);
  expect(await alertShow({ alert: "device.failed:sales-1/a" })).toMatchObject({ alert: { subject: "sales-1/a" } });
  await expect(alertShow({ alert: "device.failed:sales-0/a" })).rejects.toThrow("there is no alert");
});
