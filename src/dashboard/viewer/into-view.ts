import type { Drawing } from "../../drawing/layout.ts";

/** Scrolls the frame so that the state stands in its middle, as far as there is room. `picture`: what the chart is drawn in. */
export const bringIntoView = (
  frame: HTMLElement | null,
  picture: "img" | "svg",
  drawing: Drawing,
  state: string | null,
): void => {
  const place = drawing.states.find(({ id }) => id === state)?.box;
  const width = frame?.querySelector(picture)?.clientWidth;
  if (!frame || !place || !width) return;
  const scale = width / drawing.width;
  frame.scrollTo(
    (place.x + place.width / 2) * scale - frame.clientWidth / 2,
    (place.y + place.height / 2) * scale - frame.clientHeight / 2,
  );
};
