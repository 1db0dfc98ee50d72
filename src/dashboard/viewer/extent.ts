/** The stretch of time that is on the screen. It never leaves the film, and is never shorter than can be told apart. */
export interface Extent {
  readonly from: number;
  readonly to: number;
}

const SHORTEST = 20;

export const clamped = ({ from, to }: Extent, whole: Extent): Extent => {
  const length = Math.min(Math.max(to - from, SHORTEST), Math.max(whole.to - whole.from, SHORTEST));
  const begins = Math.min(Math.max(from, whole.from), Math.max(whole.from, whole.to - length));
  return { from: begins, to: begins + length };
};

/** `factor` below 1 looks closer; `around` stays where it is on the screen. */
export const zoomed = ({ from, to }: Extent, factor: number, around: number, whole: Extent): Extent =>
  clamped({ from: around - (around - from) * factor, to: around + (to - around) * factor }, whole);

export const panned = ({ from, to }: Extent, by: number, whole: Extent): Extent =>
  clamped({ from: from + by, to: to + by }, whole);

/** Moves on when the moment has left it. */
export const following = (extent: Extent, moment: number, whole: Extent): Extent => {
  if (moment >= extent.from && moment <= extent.to) return extent;
  const length = extent.to - extent.from;
  return clamped({ from: moment - length * 0.15, to: moment + length * 0.85 }, whole);
};
