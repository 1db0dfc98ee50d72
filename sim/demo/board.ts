/** The fleet as it stands, as lines of text: seats, who holds them, how the devices are, what waits, and what happened last. */
import { accountOf, type DeviceId, type SeatId } from "../../machines/ports/ids.ts";
import { MEMBERS, SEATS } from "./fleet.ts";
import type { FaultRow } from "./measure.ts";
import type { Scene } from "./plays.ts";
import { table } from "./summary.ts";

export interface SeatLine {
  readonly holder: DeviceId | null;
  readonly term: number;
  readonly state: string;
  readonly queue: number;
  readonly held: number;
}
export interface DeviceLine {
  readonly link: string;
  readonly health: string;
  readonly standing: string;
  /** Since anything was heard from it that the roster was told of. */
  readonly heardMs: number | null;
}
export interface Board {
  readonly seconds: number;
  readonly scene: Scene | null;
  readonly sceneSeconds: number;
  readonly accepted: number;
  readonly seats: ReadonlyMap<SeatId, SeatLine>;
  readonly devices: ReadonlyMap<DeviceId, DeviceLine>;
  readonly rows: readonly FaultRow[];
  /** The last ones, the newest last. */
  readonly events: readonly string[];
}

/** As many rows as fit: events get what is left. */
export const boardLines = (board: Board, height: number): string[] => {
  const fixed = [
    `Greenroom demo  ${clock(board.seconds)}  ${board.accepted} messages accepted  ${tally(board.rows)}`,
    sceneLine(board),
    "",
    ...table(
      [["SEAT", "HOLDER", "TERM", "STATE", "QUEUE", "HELD"], ...SEATS.map(({ seat }) => seatCells(seat, board))],
      [2, 4, 5],
    ),
    "",
    ...table(
      [["DEVICE", "LINK", "HEALTH", "STANDING", "HEARD", "SPEAKS FOR"], ...DEVICES.map((id) => deviceCells(id, board))],
      [4],
    ),
    "",
  ];
  const room = Math.max(0, height - fixed.length);
  const results = board.rows.slice(-Math.min(RESULTS, room >> 1)).map(resultLine);
  return [...fixed, ...results, ...board.events.slice(results.length - room)].slice(0, height);
};

const DEVICES = MEMBERS.flatMap(({ devices }) => devices);
const RESULTS = 6;

const clock = (seconds: number): string => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
const tally = (rows: readonly FaultRow[]): string => {
  const missed = rows.filter(({ met }) => !met).length;
  return `${rows.length} faults, ${missed === 0 ? "all met" : `${missed} MISSED`}`;
};

const sceneLine = ({ scene, sceneSeconds }: Board): string =>
  scene
    ? `> ${scene.fault.name} on ${scene.seats.map(({ seat }) => seat).join(" and ")}, ${sceneSeconds.toFixed(1)} s: ${scene.fault.says}`
    : "  putting things back";

const seatCells = (seat: SeatId, { seats }: Board): string[] => {
  const line = seats.get(seat);
  if (!line) return [seat];
  return [seat, line.holder ?? "-", String(line.term), line.state, String(line.queue), String(line.held)];
};

const deviceCells = (id: DeviceId, { devices, seats }: Board): string[] => {
  const line = devices.get(id);
  const holds = [...seats].filter(([, { holder }]) => holder === id).map(([seat]) => seat.slice(seat.indexOf("/") + 1));
  const heard = line?.heardMs === null || line === undefined ? "-" : `${(line.heardMs / 1000).toFixed(1)} s`;
  return [id, line?.link ?? "-", line?.health ?? "-", line?.standing ?? accountOf(id), heard, holds.join(", ")];
};

const resultLine = ({ fault, seat, ladder, firstAckMs, met, missed }: FaultRow): string =>
  `${met ? "met   " : "MISSED"} ${fault} ${seat}: ${ladder}, first ack ${firstAckMs === null ? "never" : `${Math.round(firstAckMs)} ms`}${met ? "" : ` (${missed.join("; ")})`}`;
