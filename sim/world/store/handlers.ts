/** One function an operation. Each checks everything before it writes anything, so one that throws has changed nothing. */
import type { Clock } from "../../../machines/ports/clock.ts";
import type { DeviceId } from "../../../machines/ports/ids.ts";
import type { SeatRow, StoreCommand, StoreOp, StoreOps } from "../../../machines/ports/store.ts";
import type { Lease, State } from "./state.ts";

export type Handlers = { readonly [K in StoreOp]: (input: StoreOps[K]["in"]) => StoreOps[K]["out"] };

export interface Bench {
  /** Exchanged by a restore, so it is asked for each time. */
  readonly state: () => State;
  readonly clock: Clock;
  /** Devices whose leases may be alive: not granted again to others before they expire. */
  readonly mayLive: (device: DeviceId) => boolean;
  readonly countryOf: (pn: string) => string | null;
  /** A seat's row has changed: for those who keep the ground truth. */
  readonly onSeat: (row: SeatRow) => void;
  readonly onLease: (device: DeviceId, lease: Lease) => void;
}

export const carryOut = <K extends StoreOp>(handlers: Handlers, command: StoreCommand<K>): StoreOps[K]["out"] =>
  handlers[command.op](command);
