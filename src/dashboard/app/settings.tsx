/** API keys: which there are, a new one, and the end of one. Alert channels and webhooks: whether they get through. */
import { useState } from "preact/hooks";
import type { PageProps } from "./app.tsx";
import { get, post, remove, settle } from "./api.ts";
import { At, Badge, Complaint, Confirm, Dialog, Table, useAnswer } from "./parts.tsx";
import type { Key } from "./types.ts";
import { Channels, Webhooks } from "./webhooks.tsx";

const ROLES = ["viewer", "operator", "admin"] as const;
const DAY = 86_400_000;

export const Settings = ({ live, mayAct, isAdmin, isWhole }: PageProps) => (
  <>
    <h2>Settings</h2>
    <h3>API keys</h3>
    {isAdmin ? (
      <Keys lines={[...live.model.lines.keys()]} />
    ) : (
      <p>Only an admin of the whole fleet sees the keys, and makes new ones.</p>
    )}
    <h3>Alert channels</h3>
    {isWhole ? (
      <Channels mayAct={mayAct} changed={live.model.changed} />
    ) : (
      <p>Only a key of the whole fleet sees the channels.</p>
    )}
    <h3>Webhooks</h3>
    {mayAct && isWhole ? (
      <Webhooks changed={live.model.changed} />
    ) : (
      <p>Only an operator of the whole fleet sees the webhooks.</p>
    )}
    <h3>More</h3>
    <p>
      <a href="/docs">The API's documentation</a>
    </p>
  </>
);

const Keys = ({ lines }: { readonly lines: readonly string[] }) => {
  const { answer, complaint, again } = useAnswer(() => get<{ keys: readonly Key[] }>("/v1/keys"), []);
  const [leaving, setLeaving] = useState<Key | null>(null);
  const [secret, setSecret] = useState<{ key: Key; secret: string | null } | null>(null);
  return (
    <>
      <Complaint text={complaint} />
      {answer && (
        <Table label="API keys" heads={["Name", "Id", "Role", "Lines", "Made", "Expires", "State", "Actions"]}>
          {answer.keys.map((key) => (
            <tr key={key.id}>
              <th scope="row">{key.name}</th>
              <td>
                <code>{key.id}</code>
              </td>
              <td>{key.role}</td>
              <td>{key.lines === null ? "all" : key.lines.join(", ")}</td>
              <td>
                <At at={key.createdAt} /> <span class="soft">by {key.createdBy}</span>
              </td>
              <td>{key.expiresAt === null ? "never" : <At at={key.expiresAt} />}</td>
              <td>
                <Badge state={stateOf(key)} />
              </td>
              <td>
                {key.revokedAt === null && (
                  <button type="button" onClick={() => setLeaving(key)}>
                    Revoke…<span class="unseen"> {key.name}</span>
                  </button>
                )}
              </td>
            </tr>
          ))}
        </Table>
      )}
      <NewKey
        lines={lines}
        onMade={(made) => {
          setSecret(made);
          again();
        }}
      />
      {secret && (
        <Dialog title={`The key ${secret.key.name}`} onClose={() => setSecret(null)}>
          <p>It is shown this once. Keep it now: nobody can look it up later.</p>
          <p>
            <code class="secret">{secret.secret}</code>
          </p>
          <p class="buttons">
            <button type="button" onClick={() => setSecret(null)}>
              I have kept it
            </button>
          </p>
        </Dialog>
      )}
      {leaving && (
        <Confirm
          title={`Revoke ${leaving.name}`}
          verb="Revoke"
          danger
          onClose={() => setLeaving(null)}
          act={async () => {
            await remove(`/v1/keys/${leaving.id}`);
            again();
            return <p>{leaving.name} opens nothing any more.</p>;
          }}
        >
          <p>
            Whoever uses the key <code>{leaving.id}</code> ({leaving.role}) is refused from the next request on, and logged out
            here. It can't be undone.
          </p>
        </Confirm>
      )}
    </>
  );
};

const stateOf = ({ revokedAt, expiresAt }: Key): string => {
  if (revokedAt !== null) return "revoked";
  return expiresAt !== null && expiresAt <= Date.now() ? "expired" : "good";
};

interface Made {
  readonly key: Key;
  readonly secret: string | null;
}
const NewKey = ({ lines, onMade }: { readonly lines: readonly string[]; readonly onMade: (made: Made) => void }) => {
  const [name, setName] = useState("");
  const [role, setRole] = useState<string>("viewer");
  const [line, setLine] = useState("");
  const [days, setDays] = useState("");
  const [complaint, setComplaint] = useState<string | null>(null);
  const submit = (event: Event): void => {
    event.preventDefault();
    const expiresIn = days === "" ? null : Number(days) * DAY;
    const made = post<Made>("/v1/keys", { name, role, lines: line === "" ? null : [line], expiresIn });
    void settle(
      made,
      (answer) => {
        setName("");
        setComplaint(null);
        onMade(answer);
      },
      setComplaint,
    );
  };
  return (
    <form class="new" onSubmit={submit} aria-label="New key">
      <h3>New key</h3>
      <label>
        Name <input required value={name} onInput={({ currentTarget }) => setName(currentTarget.value)} />
      </label>
      <label>
        Role{" "}
        <select value={role} onChange={({ currentTarget }) => setRole(currentTarget.value)}>
          {ROLES.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </label>
      <label>
        Line{" "}
        <select value={line} onChange={({ currentTarget }) => setLine(currentTarget.value)}>
          <option value="">the whole fleet</option>
          {lines.map((id) => (
            <option key={id}>{id}</option>
          ))}
        </select>
      </label>
      <label>
        Days until it expires (empty: it does not)
        <input type="number" min="1" max="3650" value={days} onInput={({ currentTarget }) => setDays(currentTarget.value)} />
      </label>
      <button type="submit" class="main">
        Make the key
      </button>
      <Complaint text={complaint} />
    </form>
  );
};
