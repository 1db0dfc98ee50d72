/** Times and states as people read them. */
import { spanText } from "../viewer/times.ts";
import { hasTone, type Tone, toneOf } from "../viewer/tones.ts";

const two = (number: number): string => String(number).padStart(2, "0");

/** Of today: the time; of another day: the date, too. By hand: the browser's own way takes a hundred times as long. */
export const timeText = (at: number, now = Date.now()): string => {
  const [date, today] = [new Date(at), new Date(now)];
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
  const day = [date.getFullYear(), date.getMonth() + 1, date.getDate()];
  const isToday = day.join() === [today.getFullYear(), today.getMonth() + 1, today.getDate()].join();
  return isToday ? time : `${day.map(two).join("-")} ${time}`;
};

/** `3 s`, `12 min`, `5 h`, `9 d`: how long ago, roughly. */
export const ageText = (ms: number): string => {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`;
};
export { spanText };

const TONES: Readonly<Record<string, Tone>> = {
  online: "good",
  automatic: "good",
  inService: "good",
  acknowledged: "good",
  linking: "busy",
  dispatched: "busy",
  accepted: "busy",
  running: "busy",
  retrying: "warn",
  held: "warn",
  unanswered: "warn",
  interrupted: "warn",
  open: "warn",
  unlinked: "idle",
  loggedOut: "bad",
};
export const toneFor = (state: string): Tone => TONES[state] ?? (hasTone(state) ? toneOf(state) : "idle");
/** Besides the colour: who sees none needs a sign. */
export const SIGNS: { readonly [T in Tone]: string } = { good: "●", busy: "◐", warn: "▲", bad: "✖", idle: "○" };
/** `backingOff` → `backing off`. */
export const spelled = (state: string): string => state.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
