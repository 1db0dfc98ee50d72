/** Changes of holder: all of them, and one as a waterfall against what is owed, with its steps in words. */
import { useState } from "preact/hooks";
import { moveOf, OUTCOMES } from "../../cli/sentences.ts";
import { isWithin, phasesOf } from "../viewer/waterfall.ts";
import type { PageProps } from "./app.tsx";
import { get } from "./api.ts";
import { causeOf } from "./model.ts";
import { At, Badge, Complaint, More, Table, useAnswer, usePages } from "./parts.tsx";
import type { Failover } from "./types.ts";
import { spanText, timeText } from "./words.ts";

export const Failovers = ({ live }: PageProps) => {
  const [seat, setSeat] = useState("");
  const newest = [...live.model.lastMoves.values()].reduce((last, { detectedAt }) => Math.max(last, detectedAt), 0);
  const { rows, next, more, complaint } = usePages(
    async (cursor) => {
      const query = new URLSearchParams({ ...(seat === "" ? {} : { seat }), ...(cursor === null ? {} : { cursor }) });
      const page = await get<{ failovers: readonly Failover[]; next: string | null }>(`/v1/failovers?${query}`);
      return { rows: page.failovers, next: page.next };
    },
    [seat, newest],
  );
  return (
    <>
      <h2>Failovers</h2>
      <p>
        <label>
          Seat{" "}
          <select value={seat} onChange={({ currentTarget }) => setSeat(currentTarget.value)}>
            <option value="">all</option>
            {[...live.model.seats.keys()].map((id) => (
              <option key={id}>{id}</option>
            ))}
          </select>
        </label>
      </p>
      <Complaint text={complaint} />
      {rows && <FailoverTable failovers={rows} />}
      <More next={next} more={more} />
    </>
  );
};

export const FailoverTable = ({ failovers }: { readonly failovers: readonly Failover[] }) =>
  failovers.length === 0 ? (
    <p class="soft">There was none.</p>
  ) : (
    <Table label="Changes of holder" heads={["When", "Seat", "Move", "Why", "Outcome", "Took"]}>
      {failovers.map((record) => (
        <tr key={record.id}>
          <th scope="row">
            <a href={`#/failover/${encodeURIComponent(record.id)}`}>
              <At at={record.detectedAt} />
            </a>
          </th>
          <td>{record.seat}</td>
          <td>{moveOf(record as never)}</td>
          <td>{causeOf(record)}</td>
          <td>
            <Badge state={record.outcome} />
          </td>
          <td>{tookOf(record)}</td>
        </tr>
      ))}
    </Table>
  );

/** Nothing had failed, and nothing was detected. */
const wasPlanned = ({ cause }: Failover): boolean => cause === "operator" || cause === "failback" || cause === "startup";
const beganAt = (record: Failover): number =>
  wasPlanned(record) ? record.detectedAt : (record.lastEvidenceAt ?? record.detectedAt);
const tookOf = (record: Failover): string => {
  if (record.inServiceAt === null) return "";
  return spanText(record.inServiceAt - beganAt(record));
};

export const FailoverPage = ({ about, isWhole }: PageProps) => {
  const { answer: record, complaint } = useAnswer(() => get<Failover>(`/v1/failovers/${encodeURIComponent(about)}`), [about]);
  if (!record) return <Complaint text={complaint} />;
  return (
    <>
      <h2>
        {record.seat}: {moveOf(record as never)}
      </h2>
      <p class="lead">
        <Badge state={record.outcome} label={OUTCOMES[record.outcome]} />{" "}
        {record.outcome === "averted" ? "It had begun because" : "Because"} {causeOf(record)}. Term {record.termBefore}
        {record.termAfter === null ? " stays" : ` → ${record.termAfter}`}. <a href={`#/seat/${record.seat}`}>The seat</a>
      </p>
      {isWhole && (
        <p>
          <a href={`/v1/failovers/${encodeURIComponent(record.id)}/replay#failover=${encodeURIComponent(record.id)}`}>
            Open in the replay viewer
          </a>{" "}
          <span class="soft">what every machine took in around it, step by step</span>
        </p>
      )}
      <h3>How long each phase took</h3>
      <Waterfall record={record} />
      <h3>Step by step</h3>
      <ol class="steps">
        {record.steps.map(({ at, text }, place) => (
          <li key={place}>
            <time dateTime={new Date(at).toISOString()} title={timeText(at)}>
              +{spanText(at - beganAt(record))}
            </time>{" "}
            {text}
          </li>
        ))}
      </ol>
    </>
  );
};

const Waterfall = ({ record }: { readonly record: Failover }) => {
  // Neither is told by a supervisor: when the fault struck, and which ack came first.
  const film = { ...record, faultAt: null, firstAckAt: null, closed: null } as unknown as Parameters<typeof phasesOf>[0];
  const isPlanned = wasPlanned(record);
  const phases = phasesOf(film, isPlanned).map((phase) =>
    isPlanned ? { ...phase, name: phase.name.replace("detected", "asked for") } : phase,
  );
  const began = Math.min(...phases.map(({ from }) => from));
  const length = Math.max(1, Math.max(...phases.map(({ to }) => to)) - began);
  if (phases.length === 0) return <p class="soft">It did not get as far as choosing anybody.</p>;
  const part = (ms: number): string => `${((100 * ms) / length).toFixed(2)}%`;
  return (
    <table class="waterfall">
      <caption class="unseen">Phases, each with what it took and what is owed</caption>
      <tbody>
        {phases.map((phase) => (
          <tr key={phase.name} class={isWithin(phase) ? "" : "late"}>
            <th scope="row">{phase.name}</th>
            <td>
              {spanText(phase.to - phase.from)}
              {phase.bound !== null && ` of ${spanText(phase.bound)}${isWithin(phase) ? "" : ": late"}`}
            </td>
            <td class="bar" aria-hidden="true">
              <i style={{ marginLeft: part(phase.from - began), width: part(phase.to - phase.from) }} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
};
