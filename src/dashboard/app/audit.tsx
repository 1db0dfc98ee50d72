/** Who decided what, and on which evidence. */
import { useState } from "preact/hooks";
import type { PageProps } from "./app.tsx";
import { get } from "./api.ts";
import { At, Complaint, More, Table, usePages } from "./parts.tsx";
import type { AuditEntry } from "./types.ts";

export const Audit = ({ live }: PageProps) => {
  const [subject, setSubject] = useState("");
  const { model } = live;
  const { rows, next, more, again, complaint } = usePages(
    async (cursor) => {
      const query = new URLSearchParams({ ...(subject === "" ? {} : { subject }), ...(cursor === null ? {} : { cursor }) });
      const page = await get<{ audit: readonly AuditEntry[]; next: string | null }>(`/v1/audit?${query}`);
      return { rows: page.audit, next: page.next };
    },
    [subject],
  );
  const subjects = ["fleet", ...model.lines.keys(), ...model.seats.keys(), ...model.accounts.keys(), ...model.devices.keys()];
  return (
    <>
      <h2>Audit</h2>
      <p class="tools">
        <label>
          About{" "}
          <select value={subject} onChange={({ currentTarget }) => setSubject(currentTarget.value)}>
            <option value="">everything</option>
            {subjects.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <button type="button" onClick={again}>
          Look again
        </button>
      </p>
      <Complaint text={complaint} />
      {rows && <AuditTable entries={rows} />}
      <More next={next} more={more} />
    </>
  );
};

export const AuditTable = ({ entries }: { readonly entries: readonly AuditEntry[] }) =>
  entries.length === 0 ? (
    <p class="soft">Nothing was written.</p>
  ) : (
    <Table label="Audit" heads={["When", "Who", "About", "What", "Evidence"]}>
      {entries.map(({ seq, at, actor, action, subject, text, evidence }) => (
        <tr key={seq}>
          <td>
            <At at={at} />
          </td>
          <td>{actor}</td>
          <td>{subject}</td>
          <th scope="row">
            {text} <span class="soft">{action}</span>
          </th>
          <td class="evidence">
            {Object.entries(evidence)
              .filter(([, value]) => value !== null)
              .map(([name, value]) => `${name}: ${String(value)}`)
              .join(", ")}
          </td>
        </tr>
      ))}
    </Table>
  );
