/** What a person should know: now, and before; who looks after it, what is silenced, and how it went. */
import { useState } from "preact/hooks";
import { Acknowledge, Silences } from "./alert-acts.tsx";
import { AlertReport } from "./alert-report.tsx";
import type { PageProps } from "./app.tsx";
import { get } from "./api.ts";
import { At, Badge, Complaint, Field, More, Since, Table, useAnswer, usePages } from "./parts.tsx";
import type { Alert, AlertRecord } from "./types.ts";
import { spanText } from "./words.ts";

type Shown = Alert & { readonly acknowledged?: AlertRecord["acknowledged"] | undefined };
interface Acts {
  readonly live: PageProps["live"];
  readonly mayAct: boolean;
}

export const Alerts = ({ live, mayAct, isWhole }: PageProps) => {
  const { model } = live;
  const open = [...model.alerts.values()].sort((one, other) => other.raisedAt - one.raisedAt);
  return (
    <>
      <h2>Alerts</h2>
      <Open live={live} mayAct={mayAct} alerts={open} />
      {isWhole && <Silences live={live} mayAct={mayAct} />}
      <History live={live} openKeys={open.map(({ key }) => key).join()} />
      {isWhole && <AlertReport />}
    </>
  );
};

/** Those that are known at once, and of each what only the record knows: who looks after it. */
const Open = ({ live, mayAct, alerts }: Acts & { readonly alerts: readonly Alert[] }) => {
  const what = [alerts.map(({ key, raisedAt }) => `${key} ${raisedAt}`).join(), live.model.acknowledged];
  const { answer } = useAnswer(openRecords, what);
  const seen = new Map(answer?.map(({ key, raisedAt, acknowledged }) => [`${key} ${raisedAt}`, acknowledged]));
  const shown = alerts.map((alert) => ({ ...alert, acknowledged: seen.get(`${alert.key} ${alert.raisedAt}`) }));
  return <AlertTable label="Open alerts" alerts={shown} live={live} mayAct={mayAct} none="Nothing is wrong." />;
};

const openRecords = async (): Promise<readonly AlertRecord[]> => {
  const records: AlertRecord[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const page: { alerts: readonly AlertRecord[]; next: string | null } = await get(
      `/v1/alerts?limit=200${cursor === "" ? "" : `&cursor=${cursor}`}`,
    );
    records.push(...page.alerts);
    cursor = page.next;
  }
  return records;
};

const History = ({ live, openKeys }: { readonly live: PageProps["live"]; readonly openKeys: string }) => {
  const [rule, setRule] = useState("");
  const [subject, setSubject] = useState("");
  const [from, setFrom] = useState("");
  const wanted = { rule: rule.trim(), subject: subject.trim(), from: from === "" ? "" : String(new Date(from).getTime()) };
  const { rows, next, more, complaint } = usePages(
    async (cursor) => {
      const given = Object.entries({ ...wanted, cursor: cursor ?? "" }).filter(([, value]) => value !== "");
      const query = new URLSearchParams([["state", "all"], ...given]);
      const page = await get<{ alerts: readonly AlertRecord[]; next: string | null }>(`/v1/alerts?${query}`);
      return { rows: page.alerts, next: page.next };
    },
    [openKeys, live.model.acknowledged, ...Object.values(wanted)],
  );
  return (
    <section aria-label="History">
      <h3>History</h3>
      <p class="tools">
        <Field name="Rule, or device.* for a family" value={rule} onChange={setRule} />
        <Field name="About: an account, device, line or seat" value={subject} onChange={setSubject} />
        <label>
          Raised since <input type="date" value={from} onInput={({ currentTarget }) => setFrom(currentTarget.value)} />
        </label>
      </p>
      <Complaint text={complaint} />
      {rows && (
        <AlertTable label="History of alerts" alerts={rows} live={live} mayAct={false} none="There was none of that kind." />
      )}
      <More next={next} more={more} />
    </section>
  );
};

interface TableProps extends Acts {
  readonly label: string;
  readonly alerts: readonly Shown[];
  readonly none: string;
}
const AlertTable = ({ label, alerts, live, mayAct, none }: TableProps) =>
  alerts.length === 0 ? (
    <p>{none}</p>
  ) : (
    <Table label={label} heads={["Level", "What", "About", "Raised", "Resolved", "Looked after by", "Rule"]}>
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
          <td>{alert.state === "open" ? <Since at={alert.raisedAt} skew={live.model.skew} /> : <At at={alert.raisedAt} />}</td>
          <td>
            {alert.resolvedAt === null ? (
              "open"
            ) : (
              <>
                <At at={alert.resolvedAt} /> <span class="soft">after {spanText(alert.resolvedAt - alert.raisedAt)}</span>
              </>
            )}
          </td>
          <td>
            {alert.acknowledged ? (
              <>
                {alert.acknowledged.by} <span class="soft">after {spanText(alert.acknowledged.at - alert.raisedAt)}</span>
              </>
            ) : mayAct && alert.acknowledged === null ? (
              <Acknowledge alert={alert} live={live} />
            ) : (
              "nobody"
            )}
          </td>
          <td>{alert.rule}</td>
        </tr>
      ))}
    </Table>
  );
