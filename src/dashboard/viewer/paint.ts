/** Draws the time line: a ruler with marks, a lane for each actor with its states as bands, and messages as arrows once they can be told apart. */
import type { FilmMark } from "../../../machines/driver/film.ts";
import type { Extent } from "./extent.ts";
import { placeLabels, type Wanted } from "./labels.ts";
import { type Lane, subjectOf } from "./lanes.ts";
import { bandsOf, type Reel, rowAt } from "./reel.ts";
import { clockText, ticks } from "./times.ts";
import { type Tone, toneOf, TONES } from "./tones.ts";

/** Times, then a row of pins for faults, then one for all other marks: what strikes at one moment hides nothing. */
export const RULER = 50;
const FAULT_PINS = 31;
const OTHER_PINS = RULER - 2;
export const LANE = 22;
/** More messages than this on the screen are a blot, and labels even sooner. */
const MOST_ARROWS = 600;
const MOST_LABELS = 40;
/** Of the 11 px face, in pixels. */
const CHARACTER = 6.1;

export interface Scene {
  readonly reel: Reel;
  readonly lanes: readonly Lane[];
  readonly extent: Extent;
  readonly time: number;
  readonly chosen: number | null;
  /** How far the lanes are scrolled. */
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly ink: Ink;
}
export interface Ink {
  readonly text: string;
  readonly soft: string;
  readonly line: string;
  readonly paper: string;
  readonly accent: string;
  readonly fault: string;
  readonly tones: Readonly<Record<Tone, string>>;
  readonly onTones: string;
}
type Pen = CanvasRenderingContext2D;

export const paint = (pen: Pen, scene: Scene): void => {
  const { width, height, ink } = scene;
  pen.fillStyle = ink.paper;
  pen.fillRect(0, 0, width, height);
  pen.font = "11px system-ui, sans-serif";
  pen.textBaseline = "middle";
  paintGrid(pen, scene);
  paintLanes(pen, scene);
  paintMessages(pen, scene);
  paintRuler(pen, scene);
  paintMarks(pen, scene);
  const x = xOf(scene, scene.time);
  pen.fillStyle = ink.accent;
  pen.fillRect(x - 1, 0, 2, height);
};

const xOf = ({ extent, width }: Scene, time: number): number => ((time - extent.from) / (extent.to - extent.from)) * width;
const yOf = ({ top }: Scene, place: number): number => RULER + place * LANE - top;

const shownPlaces = ({ lanes, top, height }: Scene): { first: number; end: number } => ({
  first: Math.max(0, Math.floor(top / LANE)),
  end: Math.min(lanes.length, Math.ceil((top + height - RULER) / LANE)),
});

const paintLanes = (pen: Pen, scene: Scene): void => {
  const { first, end } = shownPlaces(scene);
  const faults = scene.reel.film.marks.filter(({ kind }) => kind === "fault");
  for (let place = first; place < end; place++) {
    const lane = scene.lanes[place] as Lane;
    const y = yOf(scene, place);
    if (lane.actor === scene.chosen) {
      pen.fillStyle = scene.ink.line;
      pen.fillRect(0, y, scene.width, LANE);
    }
    paintBands(pen, scene, lane.actor, y);
    const subject = subjectOf(lane.address);
    for (const fault of faults) if (fault.hits.includes(subject)) paintHit(pen, scene, fault, y);
  }
};

/** Bands that are narrower than a pixel share it, and the worst of them is seen. */
const paintBands = (pen: Pen, scene: Scene, actor: number, y: number): void => {
  const { reel, extent, width, ink } = scene;
  let column = -1;
  let worst: Tone = "idle";
  const flush = (): void => {
    if (column < 0) return;
    pen.fillStyle = ink.tones[worst];
    pen.fillRect(column, y + 3, 1, LANE - 6);
    column = -1;
  };
  for (const band of bandsOf(reel, actor, extent.from, extent.to)) {
    const state = reel.film.states[band.state] ?? "";
    const tone = toneOf(state);
    const x = Math.max(0, xOf(scene, band.from));
    const length = Math.min(width, xOf(scene, band.to)) - x;
    if (length < 1) {
      const at = Math.floor(x);
      if (at !== column) flush();
      worst = column === at && TONES.indexOf(worst) < TONES.indexOf(tone) ? worst : tone;
      column = at;
      continue;
    }
    flush();
    pen.fillStyle = ink.tones[tone];
    pen.fillRect(x, y + 3, length > 3 ? length - 0.5 : length, LANE - 6);
    if (length > state.length * CHARACTER + 8) {
      pen.fillStyle = ink.onTones;
      pen.fillText(state, x + 4, y + LANE / 2);
    }
  }
  flush();
};

/** Under the lane of whoever a fault has in its grip. */
const paintHit = (pen: Pen, scene: Scene, { at, until }: FilmMark, y: number): void => {
  const from = Math.max(0, xOf(scene, at));
  const to = Math.min(scene.width, xOf(scene, until ?? scene.reel.film.to));
  if (to < 0 || from > scene.width) return;
  pen.fillStyle = scene.ink.fault;
  pen.fillRect(from, y + LANE - 3, Math.max(2, to - from), 3);
};

const paintMessages = (pen: Pen, scene: Scene): void => {
  const { reel, extent, lanes, ink } = scene;
  const [first, last] = [rowAt(reel, extent.from - 1) + 1, rowAt(reel, extent.to)];
  if (last - first >= MOST_ARROWS) return;
  const places = new Map(lanes.map(({ actor }, place) => [actor, place]));
  const rows: { row: number; from: number; to: number }[] = [];
  for (let row = first; row <= last; row++) {
    const [from, to] = [places.get(reel.cause[row] as number), places.get(reel.actor[row] as number)];
    if (to !== undefined && from !== undefined && from !== to) rows.push({ row, from, to });
  }
  const wanted: Wanted[] = [];
  pen.strokeStyle = ink.text;
  pen.fillStyle = ink.text;
  pen.lineWidth = 1;
  for (const { row, from, to } of rows) {
    const x = Math.round(xOf(scene, reel.at[row] as number)) + 0.5;
    const [begin, end] = [yOf(scene, from) + LANE / 2, yOf(scene, to) + (from < to ? 3 : LANE - 3)];
    pen.beginPath();
    pen.arc(x, begin, 1.5, 0, 7);
    pen.moveTo(x, begin);
    pen.lineTo(x, end);
    pen.stroke();
    const head = from < to ? -4 : 4;
    pen.beginPath();
    pen.moveTo(x, end);
    pen.lineTo(x - 3, end + head);
    pen.lineTo(x + 3, end + head);
    pen.fill();
    const text = reel.film.events[reel.event[row] as number] ?? "";
    wanted.push({
      text,
      x: x + 5,
      width: pen.measureText(text).width + 4,
      from: Math.max(RULER + 7, Math.min(begin, end)),
      to: Math.min(scene.height - 7, Math.max(begin, end)),
    });
  }
  if (rows.length <= MOST_LABELS) for (const { text, x, y } of placeLabels(wanted)) label(pen, ink, text, x, y);
};

const label = (pen: Pen, ink: Ink, text: string, x: number, y: number): void => {
  pen.fillStyle = ink.paper;
  pen.fillRect(x - 2, y - 7, pen.measureText(text).width + 4, 14);
  pen.fillStyle = ink.text;
  pen.fillText(text, x, y);
};

const marksOf = ({ extent, width, reel }: Scene) => ticks(extent.from, extent.to, reel.film.from, Math.max(2, width / 90));

const paintGrid = (pen: Pen, scene: Scene): void => {
  pen.fillStyle = scene.ink.line;
  for (const moment of marksOf(scene).at) pen.fillRect(Math.round(xOf(scene, moment)), RULER, 1, scene.height);
};

/** Over the lanes, which are scrolled beneath it. */
const paintRuler = (pen: Pen, scene: Scene): void => {
  const { width, ink, reel } = scene;
  pen.fillStyle = ink.paper;
  pen.fillRect(0, 0, width, RULER);
  const { every, at } = marksOf(scene);
  for (const moment of at) {
    const x = Math.round(xOf(scene, moment));
    pen.fillStyle = ink.line;
    pen.fillRect(x, 16, 1, RULER - 16);
    pen.fillStyle = ink.soft;
    pen.fillText(clockText(moment - reel.film.from, every >= 1000 ? 0 : 3), x + 3, 9);
  }
  pen.fillStyle = ink.line;
  pen.fillRect(0, RULER - 1, width, 1);
};

/** Faults and what broke: pinned at their moment, with their names where there is room. */
const paintMarks = (pen: Pen, scene: Scene): void => {
  const { ink, height } = scene;
  const free = { fault: 0, other: 0 };
  for (const { kind, at, name } of scene.reel.film.marks.toSorted((one, other) => one.at - other.at)) {
    const x = xOf(scene, at);
    if (x < -1 || x > scene.width + 1) continue;
    const row = kind === "fault" ? "fault" : "other";
    const foot = row === "fault" ? FAULT_PINS : OTHER_PINS;
    pen.fillStyle = kind === "property" ? ink.tones.bad : kind === "fault" ? ink.fault : ink.soft;
    if (kind === "property" || kind === "fault") pen.fillRect(x - 0.5, foot, 1.5, kind === "property" ? height : RULER - foot);
    pen.beginPath();
    pen.moveTo(x, foot);
    pen.lineTo(x - 5, foot - 10);
    pen.lineTo(x + 5, foot - 10);
    pen.fill();
    if ((kind !== "property" && kind !== "fault") || x - 5 < free[row]) continue;
    label(pen, ink, name, x + 8, foot - 6);
    free[row] = x + 8 + pen.measureText(name).width;
  }
};
