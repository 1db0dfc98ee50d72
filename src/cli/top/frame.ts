/** The screen of `top`: exactly as many lines as the terminal has rows, none wider than it. */
import type { StatusAnswer } from "../../runtime/control-protocol.ts";
import { seatCells } from "../seat-cells.ts";
import { cutTo } from "../table.ts";
import { paintedSentence } from "../sentences.ts";
import { clock, counted, moment, type Paint, type Paints, span } from "../text.ts";
import { worstFirst } from "../worst-first.ts";
import type { TopState } from "./state.ts";

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

const KEYS = "↑↓ seat  w why  s switch over  p pause/resume  q quit";

export const frameOf = (state: TopState, { columns, rows }: Size, paints: Paints): readonly string[] => {
  const { status, note } = state;
  const cut = (text: string, paint: Paint = same): string => paint(cutTo(text, columns));
  if (!status) return filled([cut("greenroom top"), "", cut(note)], cut(KEYS, paints.dim), rows);
  const below = belowOf(state, columns, paints);
  const alerts = worstFirst(status.alerts, 3);
  const head = [cut(headOf(status), paints.bold), cut(devicesOf(status), isAllWell(status) ? paints.dim : paints.warn)];
  const told = alerts.told.map(({ level, text }) =>
    cut(`${level === "critical" ? "CRITICAL" : "WARNING "} ${text}`, level === "critical" ? paints.bad : paints.warn),
  );
  if (alerts.untold > 0) told.push(cut(`and ${counted(alerts.untold, "alert")} more: greenroom alerts`, paints.dim));
  // Half of what is left for the seats, more if what is below needs less.
  const room = rows - head.length - told.length - 4;
  const seatRows = Math.max(3, Math.min(status.seats.length, Math.max(Math.ceil(room / 2), room - below.length)));
  const seats = seatLines(state, status, seatRows, columns, paints);
  const rest = Math.max(0, rows - head.length - told.length - seats.length - 3);
  const shown = state.pane === null ? below.slice(Math.max(0, below.length - rest)) : below.slice(0, rest);
  return filled([...head, ...told, "", ...seats, cut(note, paints.warn), ...shown], cut(KEYS, paints.dim), rows);
};

const filled = (lines: readonly string[], last: string, rows: number): string[] => {
  const body = lines.slice(0, rows - 1);
  return [...body, ...Array.from({ length: rows - 1 - body.length }, () => ""), last];
};

const headOf = ({ fleet, now, startedAt, mode, seats }: StatusAnswer): string => {
  const serving = seats.filter(({ phase }) => phase === "serving").length;
  return `${fleet}  ${clock(now)}  up ${span(now - startedAt)}  failover ${mode}  ${serving}/${counted(seats.length, "seat")} in service`;
};

const isAllWell = ({ devices }: StatusAnswer): boolean =>
  devices.every(({ health, link }) => link === "linked" && health === "healthy");

const devicesOf = ({ devices, seats }: StatusAnswer): string => {
  const unwell = devices.filter(({ health, link }) => link !== "linked" || health !== "healthy");
  const waiting = seats.reduce((sum, { queue }) => sum + queue.open, 0);
  const held = seats.reduce((sum, { queue }) => sum + queue.held, 0);
  const names = unwell.map(({ id, link, health }) => `${id} ${link === "linked" ? health : link}`).join(", ");
  return `${counted(devices.length, "device")}${unwell.length > 0 ? `, not well: ${names}` : " linked and well"}; ${waiting} waiting, ${held} held`;
};

const WIDTHS = { holder: 16, state: 10, waiting: 8, age: 7, held: 5 } as const;

const seatLines = (state: TopState, { seats }: StatusAnswer, rows: number, columns: number, paints: Paints): string[] => {
  const fixed = Object.values(WIDTHS).reduce((sum, width) => sum + width + 1, 2);
  const name = Math.max(8, columns - fixed);
  const line = (cells: readonly string[]): string =>
    cutTo(
      [
        cells[0]?.padEnd(name).slice(0, name),
        ...cells.slice(1).map((cell, place) => fit(cell, Object.values(WIDTHS)[place] ?? 8)),
      ].join(" "),
      columns - 2,
    );
  const top = Math.max(0, Math.min(state.selected - Math.floor(rows / 2), seats.length - rows));
  const head = `  ${line(["SEAT", "HOLDER", "STATE", "WAITING", "OLDEST", "HELD"])}`;
  return [
    paints.bold(head),
    ...seats.slice(top, top + rows).map((seat, place) => {
      const text = line(seatCells(seat));
      const paint = seat.phase === "serving" ? same : paints.bad;
      return top + place === state.selected ? paints.bold(`> ${text}`) : paint(`  ${text}`);
    }),
  ];
};

/** What happened last; or what is to be read or answered. */
const belowOf = ({ pane, events, status }: TopState, columns: number, paints: Paints): string[] => {
  if (pane?.kind === "question") return [paints.bold(cutTo(pane.text, columns)), cutTo("y: yes, any other key: no", columns)];
  if (pane?.kind === "text")
    return [paints.bold(cutTo(pane.title, columns)), ...pane.lines.slice(pane.from).map((line) => cutTo(line, columns))];
  return events.map((event) => cutTo(`${moment(event.at, status?.now)}  ${paintedSentence(event, PLAIN)}`, columns));
};

const same: Paint = (text) => text;
const PLAIN: Paints = { good: same, bad: same, warn: same, dim: same, bold: same };
const fit = (text: string, width: number): string => text.slice(0, width).padEnd(width);
