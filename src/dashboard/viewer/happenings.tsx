/** What happened, in words: each line leads to its moment. */
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Reel } from "./reel.ts";
import { foundIn, type Happening, happeningAt, type Tale } from "./story.ts";
import { clockText } from "./times.ts";

interface Props {
  readonly reel: Reel;
  readonly happenings: readonly Happening[];
  readonly time: number;
  readonly search: string;
  readonly onShow: (happening: Happening) => void;
}

const KINDS: readonly (readonly [Tale, string])[] = [
  ["property", "broken"],
  ["fault", "faults"],
  ["decision", "decisions"],
  ["alert", "alerts"],
  ["node", "nodes"],
  ["gap", "gaps"],
];
const BEFORE = 20;
const AFTER = 60;

export const Happenings = ({ reel, happenings, time, search, onShow }: Props) => {
  const [kinds, setKinds] = useState<ReadonlySet<Tale>>(new Set(KINDS.map(([kind]) => kind)));
  const found = useMemo(() => foundIn(happenings, kinds, search), [happenings, kinds, search]);
  const here = happeningAt(found, time);
  const first = Math.max(0, here - BEFORE);
  const shown = found.slice(first, first + BEFORE + AFTER);
  const line = useRef<HTMLLIElement>(null);
  useLayoutEffect(() => bringIntoView(line.current), [here, found.length]);
  const toggle = (kind: Tale): void =>
    setKinds(new Set(KINDS.map(([each]) => each).filter((each) => kinds.has(each) !== (each === kind))));
  return (
    <>
      <div class="kinds" role="group" aria-label="What is listed">
        {KINDS.filter(([kind]) => happenings.some((each) => each.kind === kind)).map(([kind, name]) => (
          <button key={kind} type="button" aria-pressed={kinds.has(kind)} onClick={() => toggle(kind)}>
            {name}
          </button>
        ))}
      </div>
      {found.length > shown.length && <p class="hint">{`${shown.length} of ${found.length}, around the moment shown.`}</p>}
      <ol class="happenings">
        {shown.map((each, place) => (
          <li
            key={first + place}
            ref={first + place === here ? line : null}
            class={`${each.kind}${first + place === here ? " here" : ""}`}
          >
            <button type="button" onClick={() => onShow(each)}>
              {clockText(each.at - reel.film.from)}
            </button>{" "}
            {each.text}
          </li>
        ))}
      </ol>
    </>
  );
};

/** Within its own box only: on a phone the page itself stays where it is. */
const bringIntoView = (line: HTMLElement | null): void => {
  const box = line?.closest(".panel");
  if (!line || !box) return;
  const [place, frame] = [line.getBoundingClientRect(), box.getBoundingClientRect()];
  if (place.top < frame.top || place.bottom > frame.bottom) box.scrollTop += place.top - frame.top - frame.height / 3;
};
