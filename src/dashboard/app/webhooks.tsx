/** Webhooks and channels: whether they get through, what was given up, and that once more. */
import { useState } from "preact/hooks";
import { get, post, settle } from "./api.ts";
import { At, Badge, Complaint, Table, useAnswer } from "./parts.tsx";
import type { Channel, DeadLetter, Webhook } from "./types.ts";

const said = (failure: string | null, name: string): string =>
  failure === null ? `${name} took the test` : `${name}: ${failure}`;

/** `changed`: another figure whenever the fleet file was taken up. */
interface Props {
  readonly changed: number;
}

export const Webhooks = ({ changed }: Props) => {
  const { answer, complaint, again } = useAnswer(() => get<{ webhooks: readonly Webhook[] }>("/v1/webhooks"), [changed]);
  const [words, say] = useState<string | null>(null);
  const [open, setOpen] = useState<string | null>(null);
  const test = (name: string): void =>
    void settle(post<{ failure: string | null }>(`/v1/webhooks/${name}/test`), ({ failure }) => say(said(failure, name)), say);
  const redrive = (name: string): void =>
    void settle(
      post<{ delivered: number; gone: number; failed: string | null }>(`/v1/webhooks/${name}/redrive`),
      ({ delivered, gone, failed }) => {
        say(`${name}: ${delivered} delivered${gone > 0 ? `, ${gone} gone` : ""}${failed === null ? "" : `, then ${failed}`}`);
        again();
      },
      say,
    );
  if (!answer) return <Complaint text={complaint} />;
  if (answer.webhooks.length === 0) return <p class="soft">There is none: they are named in the fleet file.</p>;
  return (
    <>
      <Table label="Webhooks" heads={["Name", "To", "Gets", "Signed", "Last delivery", "Given up", "Actions"]}>
        {answer.webhooks.map(({ name, url, events, lines, signed, dead, log: [last] }) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>{url}</td>
            <td>{[...events, ...(lines.length > 0 ? [`of ${lines.join(", ")}`] : [])].join(", ")}</td>
            <td>{signed ? "yes" : "no"}</td>
            <td>
              {last === undefined ? (
                "none yet"
              ) : (
                <>
                  <At at={last.at} /> {last.failure ?? <Badge state="good" label="delivered" />}
                </>
              )}
            </td>
            <td>{dead === 0 ? "none" : <Badge state="held" label={String(dead)} />}</td>
            <td>
              <button type="button" onClick={() => test(name)}>
                Test<span class="unseen"> {name}</span>
              </button>{" "}
              {dead > 0 && (
                <>
                  <button type="button" onClick={() => setOpen(name)}>
                    Show<span class="unseen"> what {name} did not get</span>
                  </button>{" "}
                  <button type="button" onClick={() => redrive(name)}>
                    Deliver again<span class="unseen"> to {name}</span>
                  </button>
                </>
              )}
            </td>
          </tr>
        ))}
      </Table>
      <p role="status">{words}</p>
      {open !== null && <Dead webhook={open} />}
    </>
  );
};

const Dead = ({ webhook }: { readonly webhook: string }) => {
  const { answer, complaint } = useAnswer(
    () => get<{ letters: readonly DeadLetter[] }>(`/v1/webhooks/${webhook}/dead`),
    [webhook],
  );
  if (!answer) return <Complaint text={complaint} />;
  return (
    <Table label={`Given up by ${webhook}`} heads={["When", "What", "Tries", "Why"]}>
      {answer.letters.map(({ source, seq, type, at, tries, why }) => (
        <tr key={`${source} ${seq}`}>
          <td>
            <At at={at} />
          </td>
          <th scope="row">{type}</th>
          <td>{tries}</td>
          <td>{why}</td>
        </tr>
      ))}
    </Table>
  );
};

export const Channels = ({ mayAct, changed }: Props & { readonly mayAct: boolean }) => {
  const { answer, complaint } = useAnswer(() => get<{ channels: readonly Channel[] }>("/v1/channels"), [changed]);
  const [words, say] = useState<string | null>(null);
  const test = (name: string): void =>
    void settle(
      post<{ ok: boolean; outcome: string }>(`/v1/channels/${encodeURIComponent(name)}/test`),
      ({ ok, outcome }) => say(`${name} ${ok ? "took the test" : "failed"}: ${outcome}`),
      say,
    );
  if (!answer) return <Complaint text={complaint} />;
  return (
    <>
      <Table label="Alert channels" heads={["Name", "Kind", "State", "Waiting", ...(mayAct ? ["Actions"] : [])]}>
        {answer.channels.map(({ name, kind, failing, waiting }) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>{kind}</td>
            <td>
              <Badge state={failing ? "failed" : "good"} />
            </td>
            <td>{waiting}</td>
            {mayAct && (
              <td>
                <button type="button" onClick={() => test(name)}>
                  Test<span class="unseen"> {name}</span>
                </button>
              </td>
            )}
          </tr>
        ))}
      </Table>
      <p role="status">{words}</p>
    </>
  );
};
