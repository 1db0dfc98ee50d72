/** What a person says to alerts: I look after this one; tell nobody of those for a while. */
import { useState } from "preact/hooks";
import type { PageProps } from "./app.tsx";
import { get, post, remove, settle } from "./api.ts";
import { At, Complaint, Field, Table, useAnswer } from "./parts.tsx";
import type { Alert, Silence } from "./types.ts";

interface Acts {
  readonly live: PageProps["live"];
  readonly mayAct: boolean;
}
const MINUTE = 60_000;
const SPANS: readonly (readonly [name: string, minutes: number])[] = [
  ["15 minutes", 15],
  ["1 hour", 60],
  ["4 hours", 240],
  ["1 day", 1440],
  ["7 days", 10_080],
];

export const Acknowledge = ({ alert, live }: { readonly alert: Alert; readonly live: PageProps["live"] }) => {
  const [complaint, setComplaint] = useState<string | null>(null);
  const acknowledge = (): void => {
    const path = `/v1/alerts/${encodeURIComponent(alert.key)}/acknowledge`;
    void settle(post(path), () => live.noteAcknowledged(), setComplaint);
  };
  return (
    <>
      <button type="button" onClick={acknowledge}>
        Acknowledge<span class="unseen"> {alert.key}</span>
      </button>
      <Complaint text={complaint} />
    </>
  );
};

export const Silences = ({ live, mayAct }: Acts) => {
  const [complaint, setComplaint] = useState<string | null>(null);
  const { answer, again, complaint: lost } = useAnswer(() => get<{ silences: readonly Silence[] }>("/v1/silences"), []);
  const end = ({ id }: Silence): void => void settle(remove(`/v1/silences/${id}`), again, setComplaint);
  return (
    <section aria-label="Silences">
      <h3>Silences</h3>
      <Complaint text={lost ?? complaint} />
      {answer?.silences.length === 0 && <p class="soft">Nothing is silenced.</p>}
      {answer && answer.silences.length > 0 && (
        <Table label="Silences in force" heads={["Rule", "About", "From", "Until", "By", "Why", ...(mayAct ? ["Actions"] : [])]}>
          {answer.silences.map((silence) => (
            <tr key={silence.id}>
              <th scope="row">{silence.rule ?? "every rule"}</th>
              <td>{silence.subject ?? "everybody"}</td>
              <td>
                <At at={silence.from} />
              </td>
              <td>
                <At at={silence.until} />
              </td>
              <td>{silence.by}</td>
              <td>{silence.why}</td>
              {mayAct && (
                <td>
                  <button type="button" onClick={() => end(silence)}>
                    End it<span class="unseen"> {silence.id}</span>
                  </button>
                </td>
              )}
            </tr>
          ))}
        </Table>
      )}
      {mayAct && <NewSilence live={live} onMade={again} />}
    </section>
  );
};

const NewSilence = ({ live, onMade }: { readonly live: PageProps["live"]; readonly onMade: () => void }) => {
  const { model } = live;
  const [rule, setRule] = useState("");
  const [subject, setSubject] = useState("");
  const [minutes, setMinutes] = useState(60);
  const [why, setWhy] = useState("");
  const [complaint, setComplaint] = useState<string | null>(null);
  const submit = (event: Event): void => {
    event.preventDefault();
    const body = { rule: rule.trim() || null, subject: subject || null, for: minutes * MINUTE, why };
    void settle(
      post("/v1/silences", body),
      () => {
        setWhy("");
        setComplaint(null);
        onMade();
      },
      setComplaint,
    );
  };
  return (
    <details>
      <summary>Silence something for a while</summary>
      <form class="new" onSubmit={submit} aria-label="New silence">
        <p class="soft">The record goes on. What still holds when the silence ends is told then.</p>
        <Field name="Rule (empty: every rule)" value={rule} onChange={setRule} />
        <label>
          About{" "}
          <select value={subject} onChange={({ currentTarget }) => setSubject(currentTarget.value)}>
            <option value="">everybody</option>
            {[...model.lines.keys(), ...model.accounts.keys(), ...model.devices.keys(), ...model.seats.keys()].map((id) => (
              <option key={id}>{id}</option>
            ))}
          </select>
        </label>
        <label>
          For{" "}
          <select value={minutes} onChange={({ currentTarget }) => setMinutes(Number(currentTarget.value))}>
            {SPANS.map(([name, length]) => (
              <option key={name} value={length}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <Field name="Why" value={why} onChange={setWhy} />
        <button type="submit" class="main">
          Silence
        </button>
        <Complaint text={complaint} />
      </form>
    </details>
  );
};
