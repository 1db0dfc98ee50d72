/** The page: what is shown is a function of the moment, the stretch of time on the screen, the chosen actor and the search. */
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { FilmFailover } from "../../../machines/driver/film.ts";
import type { Drawing } from "../../drawing/layout.ts";
import { ActorPanel } from "./actor-panel.tsx";
import { clamped, type Extent, following, zoomed } from "./extent.ts";
import { Failovers } from "./failovers.tsx";
import { Happenings } from "./happenings.tsx";
import { actorFor, FIRST_KINDS, kindsOf, lanesOf, shownLanes, withFirst } from "./lanes.ts";
import { readLink, writeLink } from "./link.ts";
import { nextMoment, type Reel } from "./reel.ts";
import { type Happening, happeningAt, happeningsOf } from "./story.ts";
import { TimeLine } from "./time-line.tsx";
import { Transport } from "./transport.tsx";
import { beginOf, endOf } from "./waterfall.ts";

interface Props {
  readonly reel: Reel;
  readonly charts: Readonly<Record<string, Drawing>>;
  /** What is wrong with the film, if anything. */
  readonly complaint: string | null;
  /** HTML about more than the film: the many runs of which it is one. Empty: there is none. */
  readonly report: string;
}
const TABS = [
  ["happenings", "What happened"],
  ["failovers", "Changes of holder"],
  ["actor", "Chosen actor"],
  ["report", "All runs"],
] as const;
type Tab = (typeof TABS)[number][0];

export const App = ({ reel, charts, complaint, report }: Props) => {
  const { film } = reel;
  const lanes = useMemo(() => lanesOf(film), [film]);
  const happenings = useMemo(() => happeningsOf(film), [film]);
  const start = useMemo(() => startOf(reel, happenings), [reel, happenings]);
  const [time, setRawTime] = useState(start.time);
  const [actor, setActor] = useState<number | null>(start.actor);
  const [extent, setRawExtent] = useState<Extent>(() => clamped(start.failover ? around(start.failover) : film, film));
  const [isPlaying, setPlaying] = useState(false);
  const [speed, setSpeed] = useState(5);
  const [kinds, setKinds] = useState<ReadonlySet<string>>(new Set(FIRST_KINDS));
  const [search, setSearch] = useState("");
  const [tab, setTab] = useState<Tab>(start.failover ? "failovers" : start.actor === null ? "happenings" : "actor");
  const searchBox = useRef<HTMLInputElement>(null);
  const [concerned, setConcerned] = useState<ReadonlySet<string>>(() => concernedBy(start.failover));
  const shown = useMemo(() => withFirst(shownLanes(lanes, kinds, search), concerned), [lanes, kinds, search, concerned]);

  const setExtent = useCallback((to: Extent): void => setRawExtent(clamped(to, film)), [film]);
  const setTime = useCallback(
    (to: number): void => {
      const moment = Math.min(Math.max(to, film.from), film.to);
      setRawTime(moment);
      setRawExtent((extent) => following(extent, moment, film));
    },
    [film],
  );
  const choose = useCallback((to: number): void => {
    setActor(to);
    setTab("actor");
  }, []);
  const show = (at: number, subject: string): void => {
    setPlaying(false);
    setTime(at);
    const about = actorFor(lanes, subject);
    if (about !== null) setActor(about);
  };
  const showFailover = (failover: FilmFailover): void => {
    show(failover.detectedAt, failover.seat);
    setConcerned(concernedBy(failover));
    setExtent(around(failover));
  };
  const step = (direction: 1 | -1): void => {
    const next = nextMoment(reel, time, direction, tab === "actor" ? actor : null);
    if (next !== undefined) setTime(next);
  };
  const skip = (direction: 1 | -1): void => {
    const here = happeningAt(happenings, direction === 1 ? time : time - 0.5);
    const next = happenings[direction === 1 ? here + 1 : here];
    if (next) show(next.at, next.subject);
  };
  const zoom = (factor: number): void => setExtent(zoomed(extent, factor, time, film));
  const whole = (): void => setExtent(film);
  const play = (): void => {
    if (!isPlaying && time >= film.to) setTime(film.from);
    setPlaying(!isPlaying);
  };

  usePlaying(isPlaying, speed, time, setTime, film.to, () => setPlaying(false));
  useLink(reel, time, actor, isPlaying, setTime, setActor);
  useKeys({
    " ": play,
    ArrowRight: () => step(1),
    ArrowLeft: () => step(-1),
    n: () => skip(1),
    p: () => skip(-1),
    "+": () => zoom(0.5),
    "=": () => zoom(0.5),
    "-": () => zoom(2),
    "0": whole,
    Home: () => setTime(film.from),
    End: () => setTime(film.to),
    "/": () => searchBox.current?.focus(),
  });

  const broken = film.marks.filter(({ kind }) => kind === "property");
  return (
    <main>
      <header>
        <h1>{film.title}</h1>
        {broken.length > 0 && (
          <ul class="broken" aria-label="What broke">
            {broken.map(({ at, name, text, hits }, place) => (
              <li key={place}>
                <button type="button" onClick={() => show(at, hits[0] ?? "")}>
                  {name}
                </button>{" "}
                {text}
              </li>
            ))}
          </ul>
        )}
        {complaint !== null && <p role="alert">{complaint}</p>}
        {film.notes.map((note) => (
          <p key={note} class="note">
            {note}
          </p>
        ))}
      </header>
      <Transport
        reel={reel}
        time={time}
        isPlaying={isPlaying}
        speed={speed}
        onPlay={play}
        onStep={step}
        onSpeed={setSpeed}
        onTime={setTime}
        onZoom={zoom}
        onWhole={whole}
      />
      <div class="filter">
        <input
          ref={searchBox}
          type="search"
          aria-label="Search actors and happenings"
          placeholder="Search: sales-1"
          value={search}
          onInput={(event) => setSearch(event.currentTarget.value)}
        />
        <div class="kinds" role="group" aria-label="Lanes">
          {kindsOf(lanes).map((kind) => (
            <button key={kind} type="button" aria-pressed={kinds.has(kind)} onClick={() => setKinds(toggled(kinds, kind))}>
              {kind}
            </button>
          ))}
        </div>
      </div>
      <section class="film" aria-label="Time line">
        <TimeLine
          reel={reel}
          lanes={shown}
          extent={extent}
          time={time}
          chosen={actor}
          onTime={setTime}
          onExtent={setExtent}
          onChoose={choose}
        />
      </section>
      <section class="side" aria-label="Details">
        <div class="tabs" role="tablist" aria-label="Details">
          {TABS.filter(([id]) => id !== "report" || report !== "").map(([id, name]) => (
            <button
              key={id}
              type="button"
              role="tab"
              id={`tab-${id}`}
              aria-selected={tab === id}
              aria-controls="panel"
              onClick={() => setTab(id)}
            >
              {name}
            </button>
          ))}
        </div>
        <div class="panel" role="tabpanel" id="panel" aria-labelledby={`tab-${tab}`} tabIndex={0}>
          {tab === "actor" && <ActorPanel reel={reel} charts={charts} actor={actor} time={time} onTime={setTime} />}
          {tab === "failovers" && <Failovers reel={reel} time={time} extent={extent} search={search} onShow={showFailover} />}
          {tab === "report" && <div class="report" dangerouslySetInnerHTML={{ __html: report }} />}
          {tab === "happenings" && (
            <Happenings
              reel={reel}
              happenings={happenings}
              time={time}
              search={search}
              onShow={({ at, subject }) => show(at, subject)}
            />
          )}
        </div>
      </section>
      <footer>
        Space plays; ← → step (through the chosen actor's own steps while it is shown); n p next and former happening; + − 0
        closer, further, all; / searches. Press a lane to choose it. The address leads back to this moment.
      </footer>
    </main>
  );
};

const toggled = (kinds: ReadonlySet<string>, kind: string): ReadonlySet<string> =>
  kinds.has(kind) ? new Set([...kinds].filter((each) => each !== kind)) : new Set([...kinds, kind]);

const around = (failover: FilmFailover): Extent => ({ from: beginOf(failover) - 2_000, to: endOf(failover) + 3_000 });
const concernedBy = (failover: FilmFailover | undefined): ReadonlySet<string> =>
  new Set(failover ? ["orchestrator", "roster", failover.seat, failover.from ?? "", failover.to ?? ""] : []);

interface Start {
  readonly time: number;
  readonly actor: number | null;
  readonly failover: FilmFailover | undefined;
}
/** Where the link says; else where something broke; else where the first fault struck, or the first holder was given up; else the beginning. */
const startOf = ({ film }: Reel, happenings: readonly Happening[]): Start => {
  const { seconds, actor, failover: id } = readLink(location.hash);
  const failover = film.failovers.find((each) => each.id === id);
  const place = film.actors.findIndex(({ address }) => address === actor);
  const first = happenings.find(({ kind }) => kind === "property") ?? happenings.find(({ kind }) => kind === "fault");
  const given = film.failovers.find(({ cause }) => cause !== "startup")?.detectedAt;
  const time = seconds === null ? (failover?.detectedAt ?? first?.at ?? given ?? film.from) : film.from + seconds * 1000;
  return { time: Math.min(Math.max(time, film.from), film.to), actor: place < 0 ? null : place, failover };
};

const usePlaying = (
  isPlaying: boolean,
  speed: number,
  time: number,
  setTime: (time: number) => void,
  end: number,
  stop: () => void,
): void => {
  const now = useRef(time);
  now.current = time;
  // Before the page is painted, since frames that come between "Pause" and a later effect would still move the time.
  useLayoutEffect(() => {
    if (!isPlaying) return;
    let last = performance.now();
    let frame = requestAnimationFrame(function next(at) {
      const moment = now.current + Math.max(0, at - last) * speed;
      last = at;
      setTime(moment);
      if (moment >= end) stop();
      else frame = requestAnimationFrame(next);
    });
    return () => cancelAnimationFrame(frame);
  }, [isPlaying, speed, end]);
};

/** The address follows, but not at each frame: browsers refuse more than a few changes a second. */
const useLink = (
  reel: Reel,
  time: number,
  actor: number | null,
  isPlaying: boolean,
  setTime: (time: number) => void,
  setActor: (actor: number) => void,
): void => {
  const { film } = reel;
  useEffect(() => {
    if (isPlaying) return;
    const timer = setTimeout(() => {
      const address = actor === null ? null : (film.actors[actor]?.address ?? null);
      history.replaceState(null, "", writeLink(time - film.from, address));
    }, 250);
    return () => clearTimeout(timer);
  }, [time, actor, isPlaying, film]);
  useEffect(() => {
    const go = (): void => {
      const { seconds, actor: address } = readLink(location.hash);
      if (seconds !== null) setTime(film.from + seconds * 1000);
      const place = film.actors.findIndex((each) => each.address === address);
      if (place >= 0) setActor(place);
    };
    addEventListener("hashchange", go);
    return () => removeEventListener("hashchange", go);
  }, [film]);
};

/** Not while something is typed or chosen: those keys are the control's own. What can be seen can be used: heard from the first frame on. */
const useKeys = (keys: Readonly<Record<string, () => void>>): void => {
  const now = useRef(keys);
  now.current = keys;
  useLayoutEffect(() => {
    const press = (event: KeyboardEvent): void => {
      const at = event.target;
      const isTyping = at instanceof HTMLInputElement || at instanceof HTMLSelectElement;
      const isPressing = event.key === " " && at instanceof HTMLElement && at.closest("button, summary") !== null;
      const act = now.current[event.key];
      if (!act || isTyping || isPressing || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      act();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
};
