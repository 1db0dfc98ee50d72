/** Times and colours of the terminal. Colours follow NO_COLOR and are left out where nobody sees them. */
import { styleText } from "node:util";
import type { Millis } from "../../machines/ports/ids.ts";
import type { Stream } from "./cli.ts";

export type Paint = (text: string) => string;
export interface Paints {
  readonly good: Paint;
  readonly bad: Paint;
  readonly warn: Paint;
  readonly dim: Paint;
  readonly bold: Paint;
  /** How wide a line may be; left out: 80. */
  readonly columns?: number;
}

export const paintsFor = (stream: Stream): Paints => {
  const paint =
    (format: Parameters<typeof styleText>[0]): Paint =>
    (text) =>
      styleText(format, text, { stream });
  const paints = { good: paint("green"), bad: paint("red"), warn: paint("yellow"), dim: paint("dim"), bold: paint("bold") };
  return stream.isTTY ? { ...paints, columns: stream.columns } : paints;
};

/** `2026-11-25 18:04:09`, in the machine's time zone. */
export const when = (at: Millis): string => {
  const date = new Date(at);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clock(at)}`;
};
/** `18:04:09` */
export const clock = (at: Millis): string => {
  const date = new Date(at);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((value) => String(value).padStart(2, "0")).join(":");
};

/** A time of today; of another day with its date. */
export const moment = (at: Millis, now: Millis = at): string =>
  when(at).slice(0, 10) === when(now).slice(0, 10) ? clock(at) : when(at);

/** `0.4 s`, `3 min`, `2 h 5 min`, `4 d 2 h` */
export const span = (ms: Millis): string => {
  if (ms < 59_500) return ms < 9950 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`;
  const minutes = Math.round(ms / 60_000);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return hours % 24 === 0 ? `${hours / 24} d` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
};

export const counted = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;
