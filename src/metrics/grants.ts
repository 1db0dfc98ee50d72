/**
 * Which devices may write for a seat at this moment, by what connections were told: a second witness beside the store, which is
 * what says that there is one holder. A link that ended, or is being ended, may write nothing.
 */
import type { ConnectionCommand, ConnectionFact } from "../../machines/ports/connection.ts";
import type { DeviceId, SeatId } from "../../machines/ports/ids.ts";

export class Grants {
  readonly #bySeat = new Map<SeatId, Set<DeviceId>>();

  get bySeat(): ReadonlyMap<SeatId, ReadonlySet<DeviceId>> {
    return this.#bySeat;
  }

  onCommand(command: ConnectionCommand): void {
    if (command.op === "grant") {
      const devices = this.#bySeat.get(command.seat) ?? new Set();
      this.#bySeat.set(command.seat, devices.add(command.device));
    } else if (command.op === "revoke") this.#bySeat.get(command.seat)?.delete(command.device);
    else if (command.op === "terminate") this.#forget(command.device);
  }
  onFact(fact: ConnectionFact): void {
    if (fact.kind === "closed") this.#forget(fact.device);
  }

  #forget(device: DeviceId): void {
    for (const devices of this.#bySeat.values()) devices.delete(device);
  }
}
