/** Where the labels of arrows stand: beside their arrow, none over another. One that finds no room is left out until one looks closer. */
export interface Wanted {
  readonly text: string;
  readonly x: number;
  readonly width: number;
  /** The stretch of the arrow that is on the screen. */
  readonly from: number;
  readonly to: number;
}
export interface Placed {
  readonly text: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

export const LABEL_HEIGHT = 14;

/** In the middle of its arrow if that is free, else as near to it as can be. */
export const placeLabels = (wanted: readonly Wanted[]): Placed[] => {
  const placed: Placed[] = [];
  for (const { text, x, width, from, to } of wanted) {
    const y = placesAlong(from, to).find((place) => placed.every((other) => !meets({ text, x, y: place, width }, other)));
    if (y !== undefined) placed.push({ text, x, y, width });
  }
  return placed;
};

const placesAlong = (from: number, to: number): number[] => {
  if (to < from) return [];
  const middle = (from + to) / 2;
  const steps = Math.floor((to - from) / 2 / LABEL_HEIGHT);
  return [
    middle,
    ...Array.from({ length: steps }, (_, step) => (step + 1) * LABEL_HEIGHT).flatMap((away) => [middle - away, middle + away]),
  ];
};

const meets = (one: Placed, other: Placed): boolean =>
  one.x < other.x + other.width && other.x < one.x + one.width && Math.abs(one.y - other.y) < LABEL_HEIGHT;
