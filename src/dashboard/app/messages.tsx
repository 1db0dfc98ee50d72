/** Conversations and the queue, by their ids: no numbers, no names, no texts. */
import { useState } from "preact/hooks";
import type { PageProps } from "./app.tsx";
import { get, post } from "./api.ts";
import { At, Badge, Complaint, Confirm, More, Table, usePages } from "./parts.tsx";
import type { Conversation, Message } from "./types.ts";

const STATES = ["accepted", "dispatched", "unanswered", "held", "acknowledged", "failed"] as const;

export const Messages = (props: PageProps) => {
  const lines = [...props.live.model.lines.keys()];
  const [line, setLine] = useState(lines[0] ?? "");
  return (
    <>
      <h2>Conversations and queue</h2>
      <p>
        <label>
          Line{" "}
          <select value={line} onChange={({ currentTarget }) => setLine(currentTarget.value)}>
            {lines.map((id) => (
              <option key={id}>{id}</option>
            ))}
          </select>
        </label>
      </p>
      {line !== "" && (
        <>
          <Queue line={line} {...props} />
          <Conversations line={line} />
        </>
      )}
    </>
  );
};

const Queue = ({ line, live, mayAct }: PageProps & { readonly line: string }) => {
  const [state, setState] = useState("");
  const [asked, setAsked] = useState<{ message: Message; word: "release" | "drop" } | null>(null);
  const waiting = [...live.model.seats.values()].map(({ queue }) => `${queue.open} ${queue.held}`).join();
  const { rows, next, more, again, complaint } = usePages(
    async (cursor) => {
      const query = new URLSearchParams({ line, ...(state === "" ? {} : { state }), ...(cursor === null ? {} : { cursor }) });
      const page = await get<{ messages: readonly Message[]; next: string | null }>(`/v1/messages?${query}`);
      return { rows: page.messages, next: page.next };
    },
    [line, state, waiting],
  );
  return (
    <section>
      <h3>Messages</h3>
      <p class="tools">
        <label>
          State{" "}
          <select value={state} onChange={({ currentTarget }) => setState(currentTarget.value)}>
            <option value="">any</option>
            {STATES.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <button type="button" onClick={again}>
          Look again
        </button>
      </p>
      <Complaint text={complaint} />
      {rows?.length === 0 && <p class="soft">There is none.</p>}
      {rows && rows.length > 0 && (
        <Table
          label="Messages"
          heads={["Message", "State", "Seat", "Contact", "Accepted", "Attempts", ...(mayAct ? ["Word"] : [])]}
        >
          {rows.map((message) => (
            <tr key={message.id}>
              <th scope="row">{message.id}</th>
              <td>
                <Badge state={message.state} /> <span class="soft">{message.reason}</span>
              </td>
              <td>{message.seat}</td>
              <td>{message.contact}</td>
              <td>
                <At at={message.acceptedAt} />
              </td>
              <td>{message.attempts.map(({ device, outcome }) => `${device} ${outcome}`).join(", ") || "none yet"}</td>
              {mayAct && (
                <td>
                  {message.state === "held" && (
                    <>
                      <button type="button" onClick={() => setAsked({ message, word: "release" })}>
                        Send
                      </button>{" "}
                      <button type="button" onClick={() => setAsked({ message, word: "drop" })}>
                        Drop
                      </button>
                    </>
                  )}
                </td>
              )}
            </tr>
          ))}
        </Table>
      )}
      <More next={next} more={more} />
      {asked && (
        <Confirm
          title={`${asked.word === "release" ? "Send" : "Drop"} ${asked.message.id}`}
          verb={asked.word === "release" ? "Send it" : "Drop it"}
          danger
          onClose={() => setAsked(null)}
          act={async () => {
            await post(`/v1/messages/${asked.message.id}/${asked.word}`);
            again();
            return <p>Done.</p>;
          }}
        >
          <p>
            {asked.word === "release"
              ? `It is sent through ${asked.message.seat}. An earlier attempt has no answer: the contact may see it twice.`
              : "It counts as failed, and is not sent again."}
          </p>
        </Confirm>
      )}
    </section>
  );
};

const Conversations = ({ line }: { readonly line: string }) => {
  const { rows, next, more, complaint } = usePages(
    async (cursor) => {
      const query = new URLSearchParams({ line, ...(cursor === null ? {} : { cursor }) });
      const page = await get<{ conversations: readonly Conversation[]; next: string | null }>(`/v1/conversations?${query}`);
      return { rows: page.conversations, next: page.next };
    },
    [line],
  );
  return (
    <section>
      <h3>Conversations</h3>
      <Complaint text={complaint} />
      {rows?.length === 0 && <p class="soft">There is none.</p>}
      {rows && rows.length > 0 && (
        <Table label="Conversations" heads={["Contact", "Seat"]}>
          {rows.map(({ id, contact, seat }) => (
            <tr key={id}>
              <th scope="row">{contact}</th>
              <td>{seat}</td>
            </tr>
          ))}
        </Table>
      )}
      <More next={next} more={more} />
    </section>
  );
};
