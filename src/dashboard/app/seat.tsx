/** One seat: who speaks for it and why, who could, and everything that was decided about it. */
import type { PageProps } from "./app.tsx";
import { MoveButton } from "./act.tsx";
import { get } from "./api.ts";
import { AuditTable } from "./audit.tsx";
import { FailoverTable } from "./failovers.tsx";
import { accountOf, causeOf } from "./model.ts";
import { Badge, Complaint, Since, Table, useAnswer } from "./parts.tsx";
import type { AuditEntry, Device, Failover, Seat } from "./types.ts";
import { ageText } from "./words.ts";

interface Why {
  readonly seat: Seat;
  readonly holder: Device | null;
  readonly failovers: readonly Failover[];
  readonly audit: readonly AuditEntry[];
}

export const SeatPage = ({ live, mayAct, about }: PageProps) => {
  const { model } = live;
  const seat = model.seats.get(about);
  const { answer, complaint } = useAnswer(() => get<Why>(`/v1/seats/${about}`), [about, seat?.term, seat?.phase]);
  if (!seat) return <Complaint text={`there is no seat ${about} in this fleet: go back to Fleet`} />;
  const known = model.lastMoves.get(about);
  const moves = [...(answer?.failovers ?? []), ...(known ? [known] : [])];
  const move = moves.find(({ inServiceAt, termAfter }) => inServiceAt !== null && termAfter === seat.term);
  const standbys = model.standbysOf(seat);
  return (
    <>
      <h2>
        {seat.id} <Badge state={seat.phase} />
      </h2>
      <p class="lead">
        {seat.holder === null ? (
          <strong class="alarm">Nobody speaks for it.</strong>
        ) : (
          <>
            <a href={`#/account/${accountOf(seat.holder)}`}>{seat.holder}</a> speaks for it
            {move && move.inServiceAt !== null && (
              <>
                {" "}
                since <Since at={move.inServiceAt} skew={model.skew} />, because {causeOf(move)}
              </>
            )}
            . Term {seat.term}.
          </>
        )}
      </p>
      {mayAct && <MoveButton seat={seat} live={live} />}
      <h3>Stands by</h3>
      {standbys.length === 0 && <p class="alarm">Nobody: if the holder fails, the seat can go nowhere.</p>}
      {standbys.length > 0 && (
        <Table label="Standbys" heads={["Device", "State", "Number", "Holds", "Heard"]}>
          {standbys.map((device) => (
            <tr key={device.id}>
              <th scope="row">
                <a href={`#/account/${accountOf(device.id)}`}>{device.id}</a>
              </th>
              <td>
                <Badge state={device.status} />
              </td>
              <td>{seat.holder !== null && accountOf(seat.holder) === accountOf(device.id) ? "the same" : "another"}</td>
              <td>{device.holds.join(", ") || "nothing"}</td>
              <td>{device.lastEvidenceMs === null ? "never" : `${ageText(device.lastEvidenceMs)} ago`}</td>
            </tr>
          ))}
        </Table>
      )}
      <Complaint text={complaint} />
      {answer && (
        <>
          <h3>Changes of holder</h3>
          <FailoverTable failovers={answer.failovers} />
          <h3>What was decided about it</h3>
          <AuditTable entries={answer.audit} />
        </>
      )}
    </>
  );
};
