/** What a person should know: now, and before. */
import { useState } from "preact/hooks";
import type { PageProps } from "./app.tsx";
import { get } from "./api.ts";
import { At, Badge, Complaint, More, Since, Table, usePages } from "./parts.tsx";
import type { Alert } from "./types.ts";
import { spanText } from "./words.ts";

export const Alerts = ({ live }: PageProps) => {
  const { model } = live;
  const [isAll, setAll] = useState(false);
  const open = [...model.alerts.values()].sort((one, other) => other.raisedAt - one.raisedAt);
  return (
    <>
      <h2>Alerts</h2>
      <p>
        <label>
          <input type="checkbox" checked={isAll} onChange={({ currentTarget }) => setAll(currentTarget.checked)} /> resolved ones,
          too
        </label>
      </p>
      {isAll ? (
        <History live={live} openKeys={open.map(({ key }) => key).join()} />
      ) : (
        <AlertTable alerts={open} skew={model.skew} />
      )}
    </>
  );
};

const History = ({ live, openKeys }: { readonly live: PageProps["live"]; readonly openKeys: string }) => {
  const { rows, next, more, complaint } = usePages(
    async (cursor) => {
      const page = await get<{ alerts: readonly Alert[]; next: string | null }>(
        `/v1/alerts?state=all${cursor === null ? "" : `&cursor=${cursor}`}`,
      );
      return { rows: page.alerts, next: page.next };
    },
    [openKeys],
  );
  return (
    <>
      <Complaint text={complaint} />
      {rows && <AlertTable alerts={rows} skew={live.model.skew} />}
      <More next={next} more={more} />
    </>
  );
};

const AlertTable = ({ alerts, skew }: { readonly alerts: readonly Alert[]; readonly skew: number }) =>
  alerts.length === 0 ? (
    <p>Nothing is wrong.</p>
  ) : (
    <Table label="Alerts" heads={["Level", "What", "About", "Raised", "Resolved", "Rule"]}>
      {alerts.map((alert) => (
        <tr key={`${alert.key} ${alert.raisedAt}`}>
          <td>
            <Badge state={alert.state === "resolved" ? "resolved" : alert.level} />
          </td>
          <th scope="row">
            {alert.text}
            {alert.repeats > 0 && <span class="soft"> (raised {alert.repeats + 1} times)</span>}
          </th>
          <td>{alert.subject}</td>
          <td>{alert.state === "open" ? <Since at={alert.raisedAt} skew={skew} /> : <At at={alert.raisedAt} />}</td>
          <td>
            {alert.resolvedAt === null ? (
              "open"
            ) : (
              <>
                <At at={alert.resolvedAt} /> <span class="soft">after {spanText(alert.resolvedAt - alert.raisedAt)}</span>
              </>
            )}
          </td>
          <td>{alert.rule}</td>
        </tr>
      ))}
    </Table>
  );
