/** A running fleet as a terminal wants to see it. Reads actors and store; changes nothing. */
import type { DetectorState } from "../../machines/account/detector.ts";
import type { PhoneSeen } from "../../machines/account/phone.ts";
import { CHARTS } from "../../machines/driver/actors.ts";
import { kindOf } from "../../machines/driver/driver.ts";
import { accountOf, lineOf, type AccountId, type DeviceId, type Millis, type SeatId, seatOf } from "../../machines/ports/ids.ts";
import type { LinkState, Standing, StoreAnswer, StoreOp, StoreOps } from "../../machines/ports/store.ts";
import type { RosterState } from "../../machines/fleet/roster.ts";
import { type About, NOT_NAMED } from "../config/index.ts";
import {
  type AccountStatus,
  ControlError,
  type DeviceStatus,
  type LineStatus,
  type SeatStatus,
  type StatusAnswer,
} from "./control-protocol.ts";
import type { FleetDesk } from "./fleet-desk.ts";
import type { Supervisor } from "./supervisor.ts";

export interface Names {
  readonly fleet: string;
  readonly startedAt: Millis;
  readonly now: () => Millis;
  /** What people call accounts, devices and lines, and where the fleet file differs; left out: nothing is known of either. */
  readonly desk?: () => Pick<FleetDesk, "about" | "drift">;
  /** When the phone of an account was seen; left out: nobody looks. */
  readonly phone?: (account: AccountId) => PhoneSeen;
}
export type Answered<K extends StoreOp> = Exclude<StoreAnswer<K>, { kind: "failed" }>;

export interface ActorSeen {
  readonly address: string;
  readonly kind: string;
  readonly state: string;
}

export class Views {
  readonly #supervisor: Supervisor;
  readonly #names: Names;

  constructor(supervisor: Supervisor, names: Names) {
    this.#supervisor = supervisor;
    this.#names = names;
  }

  now(): Millis {
    return this.#names.now();
  }

  /** What the store answers; a store that does not is the caller's error to show. */
  async ask<K extends StoreOp>(op: K, input: StoreOps[K]["in"]): Promise<Answered<K>> {
    const answer = await this.#supervisor.ask(op, input);
    if (answer.kind === "failed") throw new ControlError("E_STORE", (answer as { message: string }).message);
    return answer as Answered<K>;
  }

  /** Throws E_REFUSED until the node has booted. */
  roster(): RosterState {
    const roster = this.#supervisor.node.roster();
    if (!roster) throw new ControlError("E_REFUSED", "the supervisor is still starting: ask again in a moment");
    return roster;
  }

  mode(): string {
    const value = this.#supervisor.node.driver.peek("orchestrator")?.value;
    return typeof value === "string" ? value : "starting";
  }

  async status(): Promise<StatusAnswer> {
    const roster = this.roster();
    const { fleet, startedAt } = this.#names;
    const { rows: alerts } = await this.ask("alert.list", { openOnly: true, limit: 1000 });
    return {
      fleet,
      pid: process.pid,
      now: this.now(),
      startedAt,
      mode: this.mode(),
      lines: lines(roster).map((line) => ({ ...line, ...this.#about(line.id) })),
      seats: await this.seats([...roster.seats.keys()]),
      accounts: this.accounts(),
      devices: [...roster.devices.keys()].map((device) => this.device(device)),
      alerts,
      drift: this.#names.desk?.().drift() ?? { changes: 0, restart: 0, isWrong: false },
    };
  }

  #about(subject: string): About {
    return this.#names.desk?.().about(subject) ?? NOT_NAMED;
  }

  async seats(ids: readonly SeatId[]): Promise<SeatStatus[]> {
    const { seats: counts } = await this.ask("outbox.counts", {});
    return Promise.all(
      ids.map(async (id) => {
        const mine = counts.filter(({ seat }) => seatOf(seat) === id);
        const open = mine.filter(({ state }) => state === "accepted" || state === "dispatched" || state === "unanswered");
        const { rows } = await this.ask("audit.read", { subject: id, limit: 1 });
        const oldest = Math.min(...open.filter(({ count }) => count > 0).map((row) => row.oldest));
        const sum = (list: typeof mine): number => list.reduce((total, { count }) => total + count, 0);
        const view = this.#supervisor.node.seat(id);
        const seat = this.roster().seats.get(id);
        return {
          id,
          line: lineOf(id),
          holder: view?.row.holder ?? seat?.holder ?? null,
          term: view?.row.term ?? seat?.term ?? (0 as SeatStatus["term"]),
          phase: view?.state ?? "unknown",
          queue: {
            open: sum(open),
            oldestMs: Number.isFinite(oldest) ? Math.max(0, this.now() - oldest) : null,
            held: sum(mine.filter(({ state }) => state === "held")),
          },
          last: rows[0] ? { at: rows[0].at, text: rows[0].text } : null,
        };
      }),
    );
  }

  accounts(): AccountStatus[] {
    const { driver } = this.#supervisor.node;
    return [...this.roster().accounts].map(([id, { role, standing }]) => {
      const context = driver.peek(`standing:${id}`)?.context as { standing: Standing; until: Millis | null } | undefined;
      return {
        id,
        ...this.#about(id),
        role,
        standing: context?.standing ?? standing,
        standingUntil: context?.until ?? null,
        phone: this.#names.phone?.(id) ?? { seenAt: null, unseenSince: null },
      };
    });
  }

  device(id: DeviceId): DeviceStatus {
    const roster = this.roster();
    const { driver } = this.#supervisor.node;
    const connection = driver.peek(`connection:${id}`);
    const detector = driver.peek(`detector:${id}`)?.context as DetectorState | undefined;
    const heard = detector?.lastEvidenceAt ?? roster.devices.get(id)?.lastSeenAt ?? null;
    return {
      id,
      ...this.#about(id),
      link: (connection?.context as { link?: LinkState } | undefined)?.link ?? "unlinked",
      state: typeof connection?.value === "string" ? connection.value : "unknown",
      health: roster.devices.get(id)?.state ?? "unknown",
      lastEvidenceMs: heard === null ? null : Math.max(0, this.now() - heard),
      cordoned: roster.devices.get(id)?.cordoned ?? false,
      holds: roster.holds.get(id) ?? [],
    };
  }

  /** Every chart that runs, in order of its address. */
  actors(): ActorSeen[] {
    const { driver } = this.#supervisor.node;
    return driver
      .addresses()
      .flatMap((address) => {
        const value = driver.peek(address)?.value;
        const kind = kindOf(address);
        return value === undefined || !(kind in CHARTS) ? [] : [{ address, kind, state: stateOf(value) }];
      })
      .toSorted((one, other) => (one.address < other.address ? -1 : 1));
  }

  /** Devices of the accounts that may speak for a seat. */
  mastersOf(seat: SeatId): DeviceId[] {
    const roster = this.roster();
    const line = roster.seats.get(seat)?.line;
    const masters: ReadonlySet<AccountId> = new Set(line ? roster.lines.get(line)?.masters : []);
    return [...roster.devices.keys()].filter((device) => masters.has(accountOf(device)));
  }
}

/** `outer.inner`. */
const stateOf = (value: unknown): string => {
  if (typeof value === "string") return value;
  const [[outer, inner] = ["", ""]] = Object.entries(value as Readonly<Record<string, unknown>>);
  return `${outer}.${stateOf(inner)}`;
};

const lines = (roster: RosterState): Omit<LineStatus, keyof About>[] =>
  [...roster.lines.values()].map(({ id, masters, servants }) => ({
    id,
    masters,
    servants,
    seats: [...roster.seats.values()].filter(({ line }) => line === id).map((seat) => seat.id),
  }));
