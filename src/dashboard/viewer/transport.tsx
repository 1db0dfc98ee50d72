/** Play, pause, step, speed, scrub. */
import type { Reel } from "./reel.ts";
import { clockText } from "./times.ts";

export const SPEEDS: readonly number[] = [0.1, 0.5, 1, 5, 20, 60, 300];

interface Props {
  readonly reel: Reel;
  readonly time: number;
  readonly isPlaying: boolean;
  readonly speed: number;
  readonly onPlay: () => void;
  readonly onStep: (direction: 1 | -1) => void;
  readonly onSpeed: (speed: number) => void;
  readonly onTime: (time: number) => void;
  readonly onZoom: (factor: number) => void;
  readonly onWhole: () => void;
}

export const Transport = ({ reel: { film }, time, isPlaying, speed, ...on }: Props) => {
  const since = time - film.from;
  return (
    <div class="transport" role="group" aria-label="Playing">
      <button type="button" class="play" onClick={on.onPlay}>
        {isPlaying ? "Pause" : "Play"}
      </button>
      <button type="button" aria-label="Step back" title="Step back (←)" onClick={() => on.onStep(-1)}>
        ◂
      </button>
      <button type="button" aria-label="Step forward" title="Step forward (→)" onClick={() => on.onStep(1)}>
        ▸
      </button>
      <select aria-label="Speed" value={speed} onChange={(event) => on.onSpeed(Number(event.currentTarget.value))}>
        {SPEEDS.map((each) => (
          <option key={each} value={each}>
            {each}×
          </option>
        ))}
      </select>
      <input
        type="range"
        aria-label="Moment"
        aria-valuetext={clockText(since)}
        min={0}
        max={film.to - film.from}
        step="1"
        value={since}
        onInput={(event) => on.onTime(film.from + Number(event.currentTarget.value))}
      />
      <output class="now">{clockText(since)}</output>
      <span class="end">of {clockText(film.to - film.from, 0)}</span>
      <button type="button" aria-label="Look closer" title="Look closer (+)" onClick={() => on.onZoom(0.5)}>
        +
      </button>
      <button type="button" aria-label="Look from further away" title="Look from further away (-)" onClick={() => on.onZoom(2)}>
        −
      </button>
      <button type="button" title="All of it (0)" onClick={on.onWhole}>
        All
      </button>
    </div>
  );
};
