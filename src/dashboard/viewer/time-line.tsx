/** The time line: lanes of actors, drawn on one canvas that stays where it is while the lanes are scrolled. */
import { memo } from "preact/compat";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { type Extent, panned, zoomed } from "./extent.ts";
import type { Lane } from "./lanes.ts";
import { type Ink, LANE, paint, RULER } from "./paint.ts";
import type { Reel } from "./reel.ts";

interface Props {
  readonly reel: Reel;
  readonly lanes: readonly Lane[];
  readonly extent: Extent;
  readonly time: number;
  readonly chosen: number | null;
  readonly onTime: (time: number) => void;
  readonly onExtent: (extent: Extent) => void;
  readonly onChoose: (actor: number) => void;
}

export const TimeLine = (props: Props) => {
  const { lanes, chosen, onChoose } = props;
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    const watcher = new ResizeObserver(() => {
      const frame = canvas.current?.parentElement;
      if (frame && box.current) setSize({ width: frame.clientWidth, height: box.current.clientHeight });
    });
    if (box.current) watcher.observe(box.current);
    return () => watcher.disconnect();
  }, []);
  useLayoutEffect(() => {
    const pen = canvas.current?.getContext("2d");
    if (!pen || !canvas.current || size.width === 0) return;
    const sharp = devicePixelRatio;
    const [width, height] = [Math.round(size.width * sharp), Math.round(size.height * sharp)];
    if (canvas.current.width !== width) canvas.current.width = width;
    if (canvas.current.height !== height) canvas.current.height = height;
    pen.setTransform(sharp, 0, 0, sharp, 0, 0);
    paint(pen, { ...props, ...size, top, ink: inkOf(canvas.current) });
  });
  useGestures(canvas, props, top);
  useChosenInView(box, lanes, chosen);
  const height = RULER + lanes.length * LANE;
  return (
    <div class="lanes" ref={box} onScroll={() => setTop(box.current?.scrollTop ?? 0)}>
      <Names lanes={lanes} chosen={chosen} onChoose={onChoose} />
      <div class="paper" style={{ height: `${height}px` }}>
        <canvas
          ref={canvas}
          role="img"
          aria-label={`The states of ${lanes.length} actors over time`}
          style={{ width: `${size.width}px`, height: `${size.height}px` }}
        />
      </div>
    </div>
  );
};

const Names = memo(({ lanes, chosen, onChoose }: Pick<Props, "lanes" | "chosen" | "onChoose">) => (
  <div class="names">
    <div class="corner">{lanes.length === 0 ? "no actor matches" : `${lanes.length} lanes`}</div>
    {lanes.map(({ actor, address, kind }) => (
      <button key={actor} type="button" aria-pressed={actor === chosen} title={address} onClick={() => onChoose(actor)}>
        {address === kind ? (
          address
        ) : (
          <>
            <i>{kind}</i> {address.slice(kind.length + 1)}
          </>
        )}
      </button>
    ))}
  </div>
));

/** Who is chosen elsewhere (by a happening, a change of holder, a link) is brought to where it is seen. */
const useChosenInView = (
  box: { readonly current: HTMLDivElement | null },
  lanes: readonly Lane[],
  chosen: number | null,
): void => {
  const place = lanes.findIndex(({ actor }) => actor === chosen);
  useEffect(() => {
    const frame = box.current;
    if (!frame || place < 0) return;
    const [first, last] = [place * LANE, (place + 1) * LANE + RULER - frame.clientHeight];
    if (frame.scrollTop > first || frame.scrollTop < last) frame.scrollTop = Math.max(0, first - 2 * LANE);
  }, [place]);
};

/** A press chooses the moment and the lane under it; drawn on, it scrubs. The wheel with a key, or sideways, looks closer and moves. */
const useGestures = (canvas: { readonly current: HTMLCanvasElement | null }, props: Props, top: number): void => {
  const now = useRef({ props, top });
  now.current = { props, top };
  useLayoutEffect(() => {
    const element = canvas.current;
    if (!element) return;
    const timeAt = (event: MouseEvent): number => {
      const { extent } = now.current.props;
      const { left, width } = element.getBoundingClientRect();
      return extent.from + ((event.clientX - left) / width) * (extent.to - extent.from);
    };
    const whole = (): Extent => now.current.props.reel.film;
    const press = (event: PointerEvent): void => {
      element.setPointerCapture(event.pointerId);
      now.current.props.onTime(timeAt(event));
      const y = event.clientY - element.getBoundingClientRect().top;
      const lane = y < RULER ? undefined : now.current.props.lanes[Math.floor((y - RULER + now.current.top) / LANE)];
      if (lane) now.current.props.onChoose(lane.actor);
    };
    const move = (event: PointerEvent): void => {
      if (event.buttons === 1) now.current.props.onTime(timeAt(event));
    };
    const wheel = (event: WheelEvent): void => {
      const { extent, onExtent } = now.current.props;
      if (event.ctrlKey || event.metaKey) onExtent(zoomed(extent, Math.exp(event.deltaY / 300), timeAt(event), whole()));
      else if (Math.abs(event.deltaX) > Math.abs(event.deltaY))
        onExtent(panned(extent, (event.deltaX / element.clientWidth) * (extent.to - extent.from), whole()));
      else return;
      event.preventDefault();
    };
    element.addEventListener("pointerdown", press);
    element.addEventListener("pointermove", move);
    element.addEventListener("wheel", wheel, { passive: false });
    return () => {
      element.removeEventListener("pointerdown", press);
      element.removeEventListener("pointermove", move);
      element.removeEventListener("wheel", wheel);
    };
  }, []);
};

const inkOf = (element: Element): Ink => {
  const style = getComputedStyle(element);
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    text: colour("ink"),
    soft: colour("soft"),
    line: colour("rule"),
    paper: colour("paper"),
    accent: colour("accent"),
    fault: colour("fault"),
    tones: { good: colour("good"), busy: colour("busy"), warn: colour("warn"), bad: colour("bad"), idle: colour("idle") },
    onTones: colour("on-tone"),
  };
};
