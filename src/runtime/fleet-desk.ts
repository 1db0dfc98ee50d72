/**
 * The fleet that runs and the fleet file, which says what is wanted. What can be taken up without a restart is, on demand; the
 * rest is shown. The file is what a start begins with, so a crash at any point leaves what boots: all of it, or none.
 */
import type { NodeConfig } from "../../machines/driver/boot.ts";
import { accountOf, type DeviceId, type LineId, type SeatId } from "../../machines/ports/ids.ts";
import {
  type FleetConfig,
  type LoadedFleet,
  configErrorText,
  diffFleet,
  type FleetDifference,
  liveFleet,
} from "../config/index.ts";
import { ControlError } from "./control-protocol.ts";
import type { Supervisor } from "./supervisor.ts";
import type { Views } from "./views.ts";

export interface FleetDeskOptions {
  readonly fleet: FleetConfig;
  /** Reads the fleet file again. */
  readonly reload: () => LoadedFleet;
  readonly configOf: (fleet: FleetConfig) => NodeConfig;
  readonly supervisor: Supervisor;
  readonly views: Views;
}
export interface FleetChange extends FleetDifference {
  /** It can be taken up while the fleet runs; otherwise by a restart. */
  readonly isLive: boolean;
}
export interface ApplyAnswer {
  readonly file: string;
  readonly changes: readonly FleetChange[];
  /** Those that are live have been taken up. */
  readonly applied: boolean;
}
/** Moves a seat; throws if that can't be. */
export type MoveSeat = (seat: SeatId, to: DeviceId) => Promise<unknown>;

export class FleetDesk {
  readonly #options: FleetDeskOptions;
  #fleet: FleetConfig;
  #isBusy = false;

  constructor(options: FleetDeskOptions) {
    this.#options = options;
    this.#fleet = options.fleet;
  }

  /** The fleet that runs. */
  get fleet(): FleetConfig {
    return this.#fleet;
  }
  get devices(): readonly DeviceId[] {
    return this.#fleet.accounts.flatMap(({ devices }) => devices);
  }

  /** Where the fleet file and the running fleet differ. Throws ControlError if the file is wrong. */
  plan(): ApplyAnswer {
    const { file, changes } = this.#read();
    return { file, changes, applied: false };
  }

  /**
   * Seats whose holder is to go move first, each to a device that is well and stays. One that nobody could take refuses all of it,
   * before anything has changed but moves; with `force` it is left to a failover, or to nobody.
   */
  async apply(move: MoveSeat, force: boolean, by: string): Promise<ApplyAnswer> {
    if (this.#isBusy) throw new ControlError("E_REFUSED", "the fleet file is being applied: ask again in a moment");
    this.#isBusy = true;
    try {
      const { file, changes, next } = this.#read();
      const live = changes.filter(({ isLive }) => isLive);
      if (live.length === 0) return { file, changes, applied: true };
      if (!force) await this.#vacate(next, move);
      await this.#audit(live, by);
      await this.#reshape(next);
      this.#fleet = next;
      return { file, changes, applied: true };
    } finally {
      this.#isBusy = false;
    }
  }

  #read(): { file: string; changes: readonly FleetChange[]; next: FleetConfig } {
    this.#options.views.roster();
    const { file } = this.#fleet;
    const loaded = this.#options.reload();
    if (!loaded.ok) throw new ControlError("E_REFUSED", `${file} is wrong: ${loaded.errors.map(configErrorText).join("; ")}`);
    const next = liveFleet(this.#fleet, loaded.fleet);
    const changes = [
      ...diffFleet(this.#fleet, next).map((change) => ({ ...change, isLive: true })),
      ...diffFleet(next, loaded.fleet).map((change) => ({ ...change, isLive: false })),
    ];
    return { file, changes, next };
  }

  async #vacate(next: FleetConfig, move: MoveSeat): Promise<void> {
    const speakers = new Map(next.lines.map((line) => [line.id, speakersOf(next, line.id)]));
    const { seats, devices } = this.#options.views.roster();
    const wanted = [...seats.values()].flatMap(({ id, line, account, holder }) => {
      const able = speakers.get(line) ?? [];
      if (holder === null || able.includes(holder)) return [];
      const isWell = (device: DeviceId): boolean => devices.get(device)?.state === "healthy" && !devices.get(device)?.cordoned;
      const well = able.filter(isWell);
      const to = well.find((device) => accountOf(device) === account) ?? well[0];
      if (to === undefined)
        throw new ControlError(
          "E_REFUSED",
          `${id} would have nobody to speak for it: ${holder} is to go, and no other master of ${line} is well. Link one first, or use --force`,
        );
      return [{ id, to }];
    });
    for (const { id, to } of wanted) await move(id, to);
  }

  async #audit(changes: readonly FleetChange[], by: string): Promise<void> {
    const { views } = this.#options;
    const entries = changes.map(({ subject, text }) => ({
      at: views.now(),
      actor: by,
      action: "fleet.changed",
      subject,
      text,
      evidence: {},
    }));
    await views.ask("audit.append", { entries });
  }

  async #reshape(next: FleetConfig): Promise<void> {
    const { supervisor, configOf } = this.#options;
    const failure = await supervisor.reshape(configOf(next));
    if (failure !== null) throw new ControlError("E_STORE", `the fleet could not be changed: ${failure}. Apply it again`);
  }
}

const speakersOf = ({ accounts, lines }: FleetConfig, id: LineId): readonly DeviceId[] => {
  const masters = lines.find((line) => line.id === id)?.masters ?? [];
  return masters.flatMap((master) => accounts.find((account) => account.id === master)?.devices ?? []);
};
