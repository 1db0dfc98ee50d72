/** How many alerts there were, and how soon they were seen and over. */
import { useState } from "preact/hooks";
import { get } from "./api.ts";
import { Complaint, Table, useAnswer } from "./parts.tsx";
import type { AlertReportRow } from "./types.ts";
import { spanText } from "./words.ts";

const DAY = 86_400_000;
const BY = ["day", "account", "rule"] as const;
const spanOf = (ms: number | null): string => (ms === null ? "—" : spanText(ms));

export const AlertReport = () => {
  const [by, setBy] = useState<(typeof BY)[number]>("rule");
  const [days, setDays] = useState(30);
  const { answer, complaint } = useAnswer(
    () => get<{ rows: readonly AlertReportRow[] }>(`/v1/alert-report?by=${by}&from=${Math.floor(Date.now() / DAY - days) * DAY}`),
    [by, days],
  );
  return (
    <section aria-label="Report">
      <h3>Report</h3>
      <p class="tools">
        <label>
          By{" "}
          <select value={by} onChange={({ currentTarget }) => setBy(currentTarget.value as typeof by)}>
            {BY.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <label>
          Of the last{" "}
          <select value={days} onChange={({ currentTarget }) => setDays(Number(currentTarget.value))}>
            {[1, 7, 30, 90].map((one) => (
              <option key={one} value={one}>
                {one === 1 ? "day" : `${one} days`}
              </option>
            ))}
          </select>
        </label>
      </p>
      <Complaint text={complaint} />
      {answer?.rows.length === 0 && <p class="soft">There was none.</p>}
      {answer && answer.rows.length > 0 && (
        <Table
          label="Alerts summed up"
          heads={["Of", "Alerts", "Critical", "Open", "Acknowledged", "Until seen", "Until over", "Longest"]}
        >
          {answer.rows.map((row) => (
            <tr key={row.name}>
              <th scope="row">{row.name}</th>
              <td>{row.alerts}</td>
              <td>{row.critical}</td>
              <td>{row.open}</td>
              <td>{row.acknowledged}</td>
              <td>{spanOf(row.toAcknowledge)}</td>
              <td>{spanOf(row.toResolve)}</td>
              <td>{spanOf(row.longest)}</td>
            </tr>
          ))}
        </Table>
      )}
    </section>
  );
};
