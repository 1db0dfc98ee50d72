/** What an operator may do to the fleet: each with its plan first, who to whom. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { moveOf, OUTCOMES } from "../../cli/sentences.ts";
import { post } from "./api.ts";
import type { Live } from "./live.ts";
import { accountOf, type Model } from "./model.ts";
import { Confirm } from "./parts.tsx";
import type { Account, Device, Failover, Seat } from "./types.ts";

const HOWS = {
  switchover: {
    name: "Switch over",
    says: "Nothing new is sent until all that is under way has its answer, then the seat moves: no message is lost, doubled or reordered. If the target can't deliver, nothing changes.",
  },
  failover: {
    name: "Fail over now",
    says: "The seat moves at once, whatever is under way. What was not answered is resolved by the other device, or held for a word.",
  },
  failback: { name: "Fail back", says: "A switchover to the seat's own account." },
} as const;
type How = keyof typeof HOWS;

export const MoveButton = ({ seat, live }: { readonly seat: Seat; readonly live: Live }) => {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button type="button" class="move" onClick={() => setOpen(true)}>
        Move…<span class="unseen"> {seat.id}</span>
      </button>
      {isOpen && <MoveDialog seat={seat} live={live} onClose={() => setOpen(false)} />}
    </>
  );
};

const MoveDialog = ({ seat, live, onClose }: { readonly seat: Seat; readonly live: Live; readonly onClose: () => void }) => {
  const { model } = live;
  const [how, setHow] = useState<How>("switchover");
  // What was looked at: whoever moves it meanwhile changes the term.
  const [seen] = useState(seat);
  const [standbys] = useState(() => model.standbysOf(seat));
  const [to, setTo] = useState(standbys[0]?.id ?? "");
  const home = seen.id.slice(seen.id.indexOf("/") + 1);
  const isHome = seen.holder !== null && accountOf(seen.holder) === home;
  const target = how === "failback" ? home : to === "" ? "whoever ranks first" : to;
  return (
    <Confirm
      title={`Move ${seen.id}`}
      verb={`${HOWS[how].name}: ${seen.holder ?? "nobody"} → ${target}`}
      danger={how === "failover"}
      onClose={onClose}
      act={async () => {
        const end = await post<Failover | { detail: string }>(
          `/v1/seats/${seen.id}/${how}`,
          how === "failback" || to === "" ? {} : { to },
          { "if-match": `"${seen.term}"` },
        );
        live.lookSoon(0);
        return "id" in end ? <Ended record={end} /> : <p>{end.detail}: look at the seat again in a moment.</p>;
      }}
    >
      <fieldset>
        <legend>How</legend>
        {(Object.keys(HOWS) as How[]).map((each) => (
          <label key={each}>
            <input
              type="radio"
              name="how"
              checked={how === each}
              disabled={each === "failback" && isHome}
              onChange={() => setHow(each)}
            />{" "}
            {HOWS[each].name}
          </label>
        ))}
      </fieldset>
      {how !== "failback" && (
        <label>
          To{" "}
          <select value={to} onChange={({ currentTarget }) => setTo(currentTarget.value)}>
            {standbys.map((device) => (
              <option key={device.id} value={device.id}>
                {device.id} {accountOf(device.id) === accountOf(seen.holder ?? "/") ? "(same number)" : "(another number)"}
              </option>
            ))}
            <option value="">whoever ranks first at that moment</option>
          </select>
        </label>
      )}
      <Plan>
        <p>
          <strong>{seen.id}</strong>: {seen.holder ?? "nobody"} → <strong>{target}</strong>
        </p>
        <p>{HOWS[how].says}</p>
        <p>
          {queueWords(seen)} {numberWords(seen, target)}
        </p>
      </Plan>
    </Confirm>
  );
};

const queueWords = ({ queue: { open, held } }: Seat): string =>
  open + held === 0
    ? "Nothing waits in its queue."
    : `${open} messages wait in its queue and go with the seat${held > 0 ? `, and ${held} that are held` : ""}.`;
const numberWords = ({ holder }: Seat, target: string): string => {
  if (holder === null || !target.includes("/")) return "";
  return accountOf(holder) === accountOf(target)
    ? "The number stays the same."
    : "The number changes: contacts hear from another one.";
};
const Plan = ({ children }: { readonly children: ComponentChildren }) => (
  <section class="plan" aria-label="Plan">
    {children}
  </section>
);
const Ended = ({ record }: { readonly record: Failover }) => (
  <p>
    {record.seat}: {moveOf(record as never)}: {OUTCOMES[record.outcome]}.{" "}
    <a href={`#/failover/${encodeURIComponent(record.id)}`}>Step by step</a>
  </p>
);

/** Automatic failover off and on. */
export const Modes = ({ live }: { readonly live: Live }) => {
  const [isOpen, setOpen] = useState(false);
  const { model } = live;
  const [wasPaused, setWas] = useState(false);
  const open = (): void => {
    setWas(model.mode === "paused");
    setOpen(true);
  };
  return (
    <>
      <button type="button" onClick={open}>
        {model.mode === "paused" ? "Resume…" : "Pause…"}
      </button>
      {isOpen && (
        <Confirm
          title={wasPaused ? "Resume automatic failover" : "Pause automatic failover"}
          verb={wasPaused ? "Resume" : "Pause"}
          danger={!wasPaused}
          onClose={() => setOpen(false)}
          act={async () => {
            const { mode } = await post<{ mode: string }>(wasPaused ? "/v1/resume" : "/v1/pause");
            live.lookSoon(0);
            return <p>The fleet is {mode} now.</p>;
          }}
        >
          <Plan>
            <p>
              {wasPaused
                ? `From now on each of the ${model.seats.size} seats moves by itself again when its holder fails.`
                : `None of the ${model.seats.size} seats moves by itself any more, not even when its holder fails: until somebody resumes. It holds through a restart.`}
            </p>
          </Plan>
        </Confirm>
      )}
    </>
  );
};

/** What an account holds, and who could take it. */
const leaving = (model: Model, devices: readonly Device[]): { readonly seat: Seat; readonly to: Device | undefined }[] => {
  const own = new Set(devices.map(({ id }) => id));
  return devices
    .flatMap(({ holds }) => holds)
    .flatMap((id) => model.seats.get(id) ?? [])
    .map((seat) => ({ seat, to: model.standbysOf(seat).find(({ id }) => !own.has(id)) }));
};

interface Drained {
  readonly moved: readonly Failover[];
  readonly stays: readonly { readonly seat: string; readonly why: string }[];
}
export const Drain = ({
  account,
  devices,
  live,
}: {
  readonly account: Account;
  readonly devices: readonly Device[];
  readonly live: Live;
}) => {
  const [how, setHow] = useState<"drain" | "undrain" | null>(null);
  const { model } = live;
  const seats = leaving(model, devices);
  return (
    <>
      <button type="button" onClick={() => setHow("drain")}>
        Drain…
      </button>{" "}
      <button type="button" onClick={() => setHow("undrain")}>
        Undo drain…
      </button>
      {how !== null && (
        <Confirm
          title={how === "drain" ? `Take ${account.id} out of service` : `Let ${account.id} hold seats again`}
          verb={how === "drain" ? "Drain" : "Undo drain"}
          danger={how === "drain"}
          onClose={() => setHow(null)}
          act={async () => {
            const { moved, stays } = await post<Drained>(`/v1/accounts/${account.id}/${how}`);
            live.lookSoon(0);
            if (how === "undrain") return <p>{account.id} may hold seats again. None moved: fail back what should.</p>;
            return (
              <ul>
                {moved.map((record) => (
                  <li key={record.id}>
                    <Ended record={record} />
                  </li>
                ))}
                {stays.map(({ seat, why }) => (
                  <li key={seat}>
                    {seat} stays: {why}
                  </li>
                ))}
                {moved.length + stays.length === 0 && <li>It held no seat; none will come to it.</li>}
              </ul>
            );
          }}
        >
          <Plan>
            {how === "undrain" && <p>Its devices count as standbys again. No seat moves now.</p>}
            {how === "drain" && (
              <>
                <p>No seat may come to it any more. Those that it holds leave by a switchover, one after the other:</p>
                <ul>
                  {seats.map(({ seat, to }) => (
                    <li key={seat.id}>
                      <strong>{seat.id}</strong>: {seat.holder} →{" "}
                      {to ? `${to.id}, as it looks now` : "nobody could take it: it stays"}
                    </li>
                  ))}
                  {seats.length === 0 && <li>it holds none</li>}
                </ul>
              </>
            )}
          </Plan>
        </Confirm>
      )}
    </>
  );
};
