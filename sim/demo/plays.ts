/**
 * What is played, and where next. While one seat is being put back the fault after it is played on another, so nothing waits
 * that need not: of all plays that are left, the first comes that has a seat whose holder and stand-ins are well.
 */
import type { DeviceId, LineId, SeatId } from "../../machines/ports/ids.ts";
import type { DemoFault } from "./faults.ts";
import { type DemoSeat, MEMBERS, SEATS } from "./fleet.ts";

export interface Play {
  readonly fault: DemoFault;
  readonly variant: "twin" | "alone";
}
export interface Scene extends Play {
  /** The seat, and the second one that is hit, if any. */
  readonly seats: readonly DemoSeat[];
  readonly lines: readonly LineId[];
}

/** Each fault on a seat with a twin and on one without, as far as it is played there. What takes long to put back comes first. */
export const playsOf = (faults: readonly DemoFault[], repeat: number): Play[] =>
  Array.from({ length: repeat }, () =>
    faults
      .toSorted((one, other) => aftermath(other) - aftermath(one))
      .flatMap((fault): Play[] => {
        const variants = (["twin", "alone"] as const).filter((variant) => fault.expected[variant] !== undefined);
        // With two seats at once, one play has both.
        return (fault.also ? variants.slice(0, 1) : variants).map((variant) => ({ fault, variant }));
      }),
  ).flat();

/** After a line was out as a whole, its links are dialled less and less often, until they have lasted for a while. */
const aftermath = ({ alarms = false, lingers = false }: DemoFault): number => (alarms ? 2 : Number(lingers));

export const sceneOf = ({ fault, variant }: Play, seat: DemoSeat): Scene => {
  const other = fault.also?.(seat);
  const seats = other ? [seat, other] : [seat];
  return { fault, variant, seats, lines: [...new Set(seats.map(({ line }) => line))] };
};

interface Fleet {
  isWell(device: DeviceId): boolean;
  /** It was not dialled anew for silence so lately that it would not be again. */
  mayBeRepaired(device: DeviceId): boolean;
  /** Its link did not end so often of late that the next dial would be put off for long. */
  isDialledSoon(device: DeviceId): boolean;
  /** In service with its preferred holder, and nothing of it is held. */
  isHome(seat: DemoSeat): boolean;
  /** Seats for which the device speaks. */
  seatsOf(device: DeviceId): readonly SeatId[];
}

/** The next scene that can be played now, taken out of `left`; on the seat that had the fewest turns. Nothing: wait. */
export const nextScene = (left: Play[], turns: Map<DemoSeat, number>, fleet: Fleet): Scene | undefined => {
  for (const [index, play] of left.entries()) {
    const fitting = SEATS.filter(({ twin }) => twin === (play.variant === "twin"));
    const inTurn = fitting.toSorted((one, other) => (turns.get(one) ?? 0) - (turns.get(other) ?? 0));
    const scene = inTurn.map((seat) => sceneOf(play, seat)).find((each) => canBegin(each, fleet));
    if (!scene) continue;
    left.splice(index, 1);
    for (const seat of scene.seats) turns.set(seat, (turns.get(seat) ?? 0) + 1);
    return scene;
  }
  return undefined;
};

const canBegin = (scene: Scene, fleet: Fleet): boolean => {
  // Where everybody of the line is hit, everybody has to be there first.
  const seats = scene.fault.alarms ? SEATS.filter(({ line }) => scene.lines.includes(line)) : scene.seats;
  const names = seats.map(({ seat }) => seat);
  const isFree = (device: DeviceId): boolean => fleet.seatsOf(device).every((seat) => names.includes(seat));
  const isReady = (seat: DemoSeat): boolean => {
    const own = devicesOf(({ account }) => account === seat.account);
    const isFit = fleet.isHome(seat) && own.every((device) => fleet.isWell(device)) && isFree(seat.home);
    if (!isFit || (scene.fault.averted && !fleet.mayBeRepaired(seat.home))) return false;
    const ladder = scene.fault.expected[seat.twin ? "twin" : "alone"];
    const comesBack = ladder === "reconnect" || scene.fault.alarms;
    if (comesBack && !own.every((device) => fleet.isDialledSoon(device))) return false;
    if (ladder !== "account" && ladder !== "rerouted") return true;
    // The whole account is out: somebody else must be there, and no other seat hang on it.
    const others = devicesOf(({ line, role, account }) => line === seat.line && role === "master" && account !== seat.account);
    return own.every(isFree) && others.some((device) => fleet.isWell(device));
  };
  return seats.every(isReady);
};

const devicesOf = (test: (member: (typeof MEMBERS)[number]) => boolean): DeviceId[] =>
  MEMBERS.filter(test).flatMap(({ devices }) => devices);
