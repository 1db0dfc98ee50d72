/** One account: its standing, its devices, and linking them. */
import { useState } from "preact/hooks";
import type { PageProps } from "./app.tsx";
import { Drain } from "./act.tsx";
import { get, post, settle } from "./api.ts";
import { AuditTable } from "./audit.tsx";
import { LinkDialog } from "./link.tsx";
import { At, Badge, Complaint, Named, Since, Table, useAnswer } from "./parts.tsx";
import { Trend } from "./trend.tsx";
import type { Account, AuditEntry, Device } from "./types.ts";
import { ageText, spelled } from "./words.ts";

export const AccountPage = ({ live, mayAct, about }: PageProps) => {
  const { model } = live;
  const account = model.accounts.get(about);
  const [said, say] = useState<string | null>(null);
  const [linking, setLinking] = useState<string | null>(null);
  const { answer, complaint } = useAnswer(() => decidedAbout([about, ...(account?.devices ?? [])]), [about]);
  if (!account) return <Complaint text={`there is no account ${about} in this fleet: go back to Fleet`} />;
  const devices = account.devices.flatMap((id) => model.devices.get(id) ?? []);
  const lines = [...model.lines.values()].filter(({ masters, servants }) => masters.includes(about) || servants.includes(about));
  const alerts = [...model.alerts.values()].filter(({ subject }) => subject === about || subject.startsWith(`${about}/`));
  const restart = (device: Device): void => {
    say(null);
    void settle(post(`/v1/devices/${device.id}/restart`), () => say(`${device.id} is dialled anew`), say);
  };
  return (
    <>
      <h2>
        {account.id}
        <Named of={account} /> <Badge state={account.standing} />
      </h2>
      <p class="lead">
        A {account.role} of {lines.map(({ id }) => id).join(", ") || "no line"}.
        {account.standingUntil !== null && (
          <>
            {" "}
            {spelled(account.standing)} until <At at={account.standingUntil} />.
          </>
        )}{" "}
        <PhoneSeen phone={account.phone} skew={model.skew} />
      </p>
      {mayAct && (
        <p>
          <Drain account={account} devices={devices} live={live} />
        </p>
      )}
      <h3>Devices</h3>
      <Table
        label="Devices"
        heads={["Device", "State", "Connection", "Health", "Last heard", "Speaks for", ...(mayAct ? ["Actions"] : [])]}
      >
        {devices.map((device) => (
          <tr key={device.id}>
            <th scope="row">
              {device.id}
              <Named of={device} />{" "}
              <a class="soft" href={`#/machines/${encodeURIComponent(`connection:${device.id}`)}`}>
                chart<span class="unseen"> of {device.id}</span>
              </a>
            </th>
            <td>
              <Badge state={device.status} />
              {device.cordoned && <span class="soft"> takes no seat</span>}
            </td>
            <td>{spelled(device.connection)}</td>
            <td>{spelled(device.health)}</td>
            <td>{device.lastEvidenceMs === null ? "never" : `${ageText(device.lastEvidenceMs)} ago`}</td>
            <td>
              {device.holds.length === 0
                ? "nothing"
                : device.holds.map((seat) => (
                    <a key={seat} href={`#/seat/${seat}`}>
                      {seat}{" "}
                    </a>
                  ))}
            </td>
            {mayAct && (
              <td>
                {device.link === "linked" ? (
                  <button type="button" onClick={() => restart(device)}>
                    Restart<span class="unseen"> {device.id}</span>
                  </button>
                ) : (
                  <button type="button" onClick={() => setLinking(device.id)}>
                    Link…<span class="unseen"> {device.id}</span>
                  </button>
                )}
              </td>
            )}
          </tr>
        ))}
      </Table>
      {linking !== null && <LinkDialog id={linking} live={live} onClose={() => setLinking(null)} />}
      <p role="status">{said}</p>
      <Trend account={about} version={Math.floor(Date.now() / 30_000)} />
      <h3>Open alerts</h3>
      {alerts.length === 0 && <p class="soft">None.</p>}
      <ul>
        {alerts.map((alert) => (
          <li key={alert.key}>
            <Badge state={alert.level} /> {alert.text}, since <Since at={alert.raisedAt} skew={model.skew} />
          </li>
        ))}
      </ul>
      <h3>What was decided about it and its devices</h3>
      <Complaint text={complaint} />
      {answer && <AuditTable entries={answer} />}
    </>
  );
};

const PhoneSeen = ({ phone: { seenAt, unseenSince }, skew }: { readonly phone: Account["phone"]; readonly skew: number }) => (
  <>
    {seenAt === null ? (
      "Its phone was not seen yet."
    ) : (
      <>
        Its phone was seen at <Since at={seenAt} skew={skew} />.
      </>
    )}
    {unseenSince !== null && (
      <>
        {" "}
        <strong>
          It has confirmed nothing since <At at={unseenSince} />.
        </strong>
      </>
    )}
  </>
);

const SHOWN = 20;
/** The newest entries about any of them. */
const decidedAbout = async (subjects: readonly string[]): Promise<readonly AuditEntry[]> => {
  const pages = await Promise.all(
    subjects.map((subject) =>
      get<{ audit: readonly AuditEntry[] }>(`/v1/audit?subject=${encodeURIComponent(subject)}&limit=${SHOWN}`),
    ),
  );
  return pages
    .flatMap(({ audit }) => audit)
    .sort((one, other) => other.seq - one.seq)
    .slice(0, SHOWN);
};
