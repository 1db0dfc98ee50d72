/** Changes of holder: how long each phase took against its bound, and why it was decided so. */
import type { FilmFailover, Ranking } from "../../../machines/driver/film.ts";
import type { Extent } from "./extent.ts";
import type { Reel } from "./reel.ts";
import { clockText, spanText } from "./times.ts";
import { beginOf, endOf, headOf, isAnotherTry, isWithin, outcomeOf, phasesOf, signsOf, untoldOf } from "./waterfall.ts";

interface Props {
  readonly reel: Reel;
  readonly time: number;
  readonly extent: Extent;
  readonly search: string;
  readonly onShow: (failover: FilmFailover) => void;
}

/** More at once help nobody: what lies in the stretch that is shown comes first. */
const SHOWN = 30;

export const Failovers = ({ reel, time, extent, search, onShow }: Props) => {
  const { film } = reel;
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const matching = film.failovers.filter(
    (each) =>
      words.every((word) =>
        `${each.seat} ${each.from} ${each.to} ${each.cause} failover:${each.seat}`.toLowerCase().includes(word),
      ) &&
      beginOf(each) <= extent.to &&
      endOf(each) >= extent.from,
  );
  const nearest = matching
    .toSorted((one, other) => Math.abs(one.detectedAt - time) - Math.abs(other.detectedAt - time))
    .slice(0, SHOWN);
  const shown = matching.filter((each) => nearest.includes(each));
  if (shown.length === 0) return <p class="hint">No change of holder in the stretch that is shown.</p>;
  return (
    <>
      <h2 class="unseen">Changes of holder</h2>
      {matching.length > shown.length && <p class="hint">{`The ${shown.length} nearest of ${matching.length}.`}</p>}
      {shown.map((failover) => (
        <article key={failover.id} class={time >= beginOf(failover) && time <= endOf(failover) ? "failover current" : "failover"}>
          <h3>
            <button type="button" onClick={() => onShow(failover)}>
              {clockText(failover.detectedAt - film.from)}
            </button>{" "}
            {headOf(failover)}
          </h3>
          <p>{outcomeOf(failover)}</p>
          {signsOf(film, failover).map((sign) => (
            <p key={sign}>{sign}</p>
          ))}
          {isAnotherTry(film.failovers, failover) && <p class="hint">Another try: it had been given up before.</p>}
          <Waterfall failover={failover} isAgain={isAnotherTry(film.failovers, failover)} />
          {untoldOf(film, failover) !== null && <p class="hint">{untoldOf(film, failover)}</p>}
          <Why
            failover={failover}
            ranking={rankingOf(film.rankings, failover)}
            from={film.from}
            isOpen={time >= beginOf(failover) && time <= endOf(failover)}
          />
        </article>
      ))}
    </>
  );
};

const Waterfall = ({ failover, isAgain }: { readonly failover: FilmFailover; readonly isAgain: boolean }) => {
  const [begin, length] = [beginOf(failover), Math.max(1, endOf(failover) - beginOf(failover))];
  const part = (ms: number): string => `${((100 * ms) / length).toFixed(2)}%`;
  return (
    <table class="waterfall">
      <caption class="unseen">How long each phase took</caption>
      <tbody>
        {phasesOf(failover, isAgain).map((phase) => (
          <tr key={phase.name} class={isWithin(phase) ? "" : "late"}>
            <th scope="row">{phase.name}</th>
            <td>
              {spanText(phase.to - phase.from)}
              {phase.bound === null ? "" : ` of ${spanText(phase.bound)}${isWithin(phase) ? "" : ": late"}`}
            </td>
            <td class="bar" aria-hidden="true">
              <i style={{ marginLeft: part(phase.from - begin), width: part(phase.to - phase.from) }} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
};

/** The last judgement of its candidates before it moved, or the first one if it never did. */
const rankingOf = (
  rankings: readonly Ranking[],
  { seat, detectedAt, committedAt, endedAt }: FilmFailover,
): Ranking | undefined => {
  const own = rankings.filter(
    (each) => each.seat === seat && each.at >= detectedAt && each.at <= (endedAt ?? Number.POSITIVE_INFINITY),
  );
  return own.findLast(({ at, ranked }) => at <= (committedAt ?? Number.POSITIVE_INFINITY) && ranked.length > 0) ?? own[0];
};

const Why = ({
  failover,
  ranking,
  from,
  isOpen,
}: {
  readonly failover: FilmFailover;
  readonly ranking: Ranking | undefined;
  readonly from: number;
  /** While it is under way; a reader may open and shut it. */
  readonly isOpen: boolean;
}) => (
  <details open={isOpen}>
    <summary>Why</summary>
    <ol class="why">
      {failover.steps.map(({ at, text }, place) => (
        <li key={place}>
          <time>{clockText(at - from)}</time> {text}
        </li>
      ))}
    </ol>
    {ranking && (
      <table class="ranking">
        <caption>{`Candidates as they were judged at ${clockText(ranking.at - from)}`}</caption>
        <tbody>
          {ranking.ranked.map(({ device, ladder, why }, place) => (
            <tr key={device}>
              <th scope="row">{device}</th>
              <td>{`${place + 1}. ${ladder === "twin" ? "twin" : "another number"}: ${why}`}</td>
            </tr>
          ))}
          {ranking.rejected.map(({ device, why }) => (
            <tr key={device} class="rejected">
              <th scope="row">{device}</th>
              <td>{`not: ${why}`}</td>
            </tr>
          ))}
        </tbody>
      </table>
    )}
  </details>
);
