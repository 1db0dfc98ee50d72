/** The machines themselves: any chart of the running fleet, with the state that it is in lit, and the arrow that led there. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Drawing } from "../../drawing/layout.ts";
import { svgOf } from "../../drawing/svg.ts";
import { bringIntoView } from "../viewer/into-view.ts";
import { lightsOf } from "../viewer/lights.ts";
import { toneOf } from "../viewer/tones.ts";
import type { PageProps } from "./app.tsx";
import { get } from "./api.ts";
import { Badge, Complaint, Field, useAnswer } from "./parts.tsx";
import type { Actor } from "./types.ts";
import { ageText, spelled } from "./words.ts";

type Charts = Readonly<Record<string, Drawing>>;
interface Found {
  readonly actors: readonly Actor[];
  readonly more: boolean;
}
/** Milliseconds between two looks. */
const EVERY = 1000;

export const Machines = ({ about, isWhole, live }: PageProps) => {
  const [search, setSearch] = useState("");
  const [round, setRound] = useState(0);
  const { answer: charts } = useAnswer(() => get<Charts>("/charts.json"), []);
  const { answer, complaint } = useAnswer(() => {
    if (!isWhole) throw new Error("the machines belong to the whole fleet: this key is bound to lines");
    return get<Found>(`/v1/actors?search=${encodeURIComponent(search)}`);
  }, [search, round]);
  useEffect(() => {
    const timer = setInterval(() => setRound((before) => before + 1), EVERY);
    return () => clearInterval(timer);
  }, []);
  const seats = [...live.model.seats.keys()];
  const chosen = about === "" ? `seat:${seats[0] ?? ""}` : about;
  return (
    <>
      <h2>Machines</h2>
      <p class="lead">Every account, device and seat is a state machine: the chart on the drawing is the one that runs.</p>
      <Complaint text={complaint} />
      <div class="machines">
        <section aria-label="Actors">
          <Field name="Find: seat, health sales-1, failover …" value={search} onChange={setSearch} />
          <ul class="actors">
            {answer?.actors.map(({ address, state }) => (
              <li key={address}>
                <a href={`#/machines/${encodeURIComponent(address)}`} aria-current={address === chosen ? "true" : undefined}>
                  {address}
                </a>{" "}
                <Badge state={state} tone={toneOf(state)} />
              </li>
            ))}
          </ul>
          {answer?.more && <p class="soft">There are more: write more of what you look for.</p>}
        </section>
        {charts && isWhole && <Chosen key={chosen} address={chosen} charts={charts} />}
      </div>
    </>
  );
};

interface Stand {
  readonly state: string | null;
  readonly before: string | null;
  readonly since: number;
}
/** Asks by itself, so that it goes on while the list is about others. */
const Chosen = ({ address, charts }: { readonly address: string; readonly charts: Charts }) => {
  const [stand, setStand] = useState<Stand | null>(null);
  useEffect(() => {
    let isOver = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async (): Promise<void> => {
      const found = await get<Found>(`/v1/actors?search=${encodeURIComponent(address)}&limit=1000`).catch(() => null);
      if (isOver) return;
      const state = found?.actors.find((actor) => actor.address === address)?.state ?? null;
      if (found)
        setStand((known) => (known?.state === state ? known : { state, before: known?.state ?? null, since: performance.now() }));
      timer = setTimeout(() => void look(), EVERY);
    };
    void look();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [address]);
  const drawing = charts[address.split(":", 1)[0] ?? ""];
  if (!drawing) return <p>There is no chart of {address}.</p>;
  return (
    <section aria-label={address} class="chosen">
      <h3>{address}</h3>
      <p role="status">
        {stand === null ? "…" : stand.state === null ? "It is not there, or no longer." : <StandWords stand={stand} />}
      </p>
      <Chart drawing={drawing} stand={stand} />
    </section>
  );
};
const StandWords = ({ stand }: { readonly stand: Stand }) => (
  <>
    It is <Badge state={stand.state ?? ""} tone={toneOf(stand.state ?? "")} />
    {stand.before !== null && `, and was ${spelled(stand.before)} until ${ageText(performance.now() - stand.since)} ago`}.
  </>
);

/** As a picture: what is drawn needs no trust. */
const Chart = ({ drawing, stand }: { readonly drawing: Drawing; readonly stand: Stand | null }) => {
  const box = useRef<HTMLDivElement>(null);
  const [isWide, setWide] = useState(false);
  const state = stand?.state ?? null;
  const highlight = lightsOf(drawing, { state, before: stand?.before ?? null, since: 0 });
  useEffect(() => {
    bringIntoView(box.current, "img", drawing, state);
  }, [drawing, state, isWide]);
  const words = `The ${drawing.name} chart; ${state ?? "no state"} is lit`;
  return (
    <>
      <button type="button" aria-pressed={isWide} onClick={() => setWide(!isWide)}>
        Real size
      </button>
      <div class={isWide ? "chart wide" : "chart"} ref={box} role="region" aria-label={words} tabIndex={0}>
        <img
          alt={words}
          data-state={state ?? ""}
          width={Math.round(drawing.width)}
          height={Math.round(drawing.height)}
          src={`data:image/svg+xml,${encodeURIComponent(svgOf(drawing, { highlight }))}`}
        />
      </div>
    </>
  );
};
