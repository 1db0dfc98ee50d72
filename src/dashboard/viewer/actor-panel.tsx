/** The chosen actor: its state in words, what it took in last, and its chart with the state and the last transition lit. */
import { memo } from "preact/compat";
import { useEffect, useRef, useState } from "preact/hooks";
import { GONE, NOBODY } from "../../../machines/driver/film.ts";
import type { Drawing } from "../../drawing/layout.ts";
import { svgOf } from "../../drawing/svg.ts";
import { bringIntoView } from "./into-view.ts";
import { lightsOf } from "./lights.ts";
import { ownRowsUpTo, type Reel, type Stand, standAt } from "./reel.ts";
import { clockText, spanText } from "./times.ts";

interface Props {
  readonly reel: Reel;
  readonly charts: Readonly<Record<string, Drawing>>;
  readonly actor: number | null;
  readonly time: number;
  readonly onTime: (time: number) => void;
}

const SHOWN = 8;

export const ActorPanel = ({ reel, charts, actor, time, onTime }: Props) => {
  const who = actor === null ? undefined : reel.film.actors[actor];
  if (actor === null || !who) return <p class="hint">Choose a lane to see its chart, its state, and what it took in.</p>;
  const stand = standAt(reel, actor, time);
  const drawing = charts[who.kind];
  return (
    <>
      <h2>{who.address}</h2>
      <p class="stand">{standText(stand, time)}</p>
      <h3>What it took in, newest first</h3>
      <ol class="steps">
        {ownRowsUpTo(reel, actor, time, SHOWN).map((row) => (
          <li key={row}>
            <button type="button" onClick={() => onTime(reel.at[row] as number)}>
              {clockText((reel.at[row] as number) - reel.film.from)}
            </button>{" "}
            {stepText(reel, row)}
          </li>
        ))}
      </ol>
      {drawing ? <Chart drawing={drawing} stand={stand} /> : <p class="hint">{who.kind} has no chart: it is no state machine.</p>}
    </>
  );
};

const standText = (stand: Stand | undefined, time: number): string => {
  if (!stand) return "not there yet";
  const { state, since, before } = stand;
  if (state === null) return `gone for ${spanText(time - since)}${before === null ? "" : `; it was ${before}`}`;
  return `${state} for ${spanText(time - since)}${before === null ? "" : `; before that ${before}`}`;
};

const stepText = ({ film, event, state, cause }: Reel, row: number): string => {
  const name = (film.events[event[row] ?? -1] ?? "")
    .replace(/^xstate\.after\.([^.]+)\..*$/, "after $1")
    .replace(/^xstate\.done\..*/, "done");
  const by = cause[row] === NOBODY ? "" : ` from ${film.actors[cause[row] ?? -1]?.address ?? ""}`;
  const to = state[row] === GONE ? "" : (film.states[state[row] ?? -1] ?? "");
  return `${name}${by}${to === "" ? "" : ` → ${to}`}`;
};

const Chart = ({ drawing, stand }: { readonly drawing: Drawing; readonly stand: Stand | undefined }) => {
  const [isWide, setWide] = useState(false);
  const state = stand?.state ?? null;
  const before = stand?.before ?? null;
  return (
    <>
      <h3>
        Its chart{" "}
        <button type="button" aria-pressed={isWide} onClick={() => setWide(!isWide)}>
          real size
        </button>
      </h3>
      <Drawn drawing={drawing} state={state} before={before} isWide={isWide} />
    </>
  );
};

/** Drawn anew only when something else is to be lit, and the state is brought into view. */
const Drawn = memo(
  ({ drawing, state, before, isWide }: { drawing: Drawing; state: string | null; before: string | null; isWide: boolean }) => {
    const box = useRef<HTMLDivElement>(null);
    const highlight = lightsOf(drawing, { state, before, since: 0 });
    useEffect(() => {
      bringIntoView(box.current, "svg", drawing, state);
    }, [drawing, state, isWide]);
    return (
      <div
        class={isWide ? "chart wide" : "chart"}
        ref={box}
        role="region"
        aria-label={`The ${drawing.name} chart; ${state ?? "no state"} is lit`}
        tabIndex={0}
        data-state={state ?? ""}
        dangerouslySetInnerHTML={{ __html: svgOf(drawing, { highlight }) }}
      />
    );
  },
);
