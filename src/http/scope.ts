/** What of a fleet a key may see and move: everything, or what belongs to its lines. What it may not see does not exist for it. */
import type { RosterState } from "../../machines/fleet/roster.ts";
import { type AccountId, accountOf, type DeviceId, type LineId, lineOf, type SeatId, seatOf } from "../../machines/ports/ids.ts";
import { resolveName } from "../runtime/control-protocol.ts";
import { ApiError } from "./errors.ts";

type Known = Pick<RosterState, "lines" | "seats" | "accounts" | "devices">;

export class Scope {
  readonly #lines: ReadonlySet<LineId> | null;
  readonly #roster: () => Known;

  /** `roster` may refuse while the fleet starts. */
  constructor(lines: readonly LineId[] | null, roster: () => Known) {
    this.#lines = lines === null ? null : new Set(lines);
    this.#roster = roster;
  }

  get isWhole(): boolean {
    return this.#lines === null;
  }
  line = (id: LineId): boolean => this.#lines === null || this.#lines.has(id);
  seat = (id: SeatId): boolean => this.line(lineOf(id));
  /** One that works for several lines is seen by each of them. */
  account = (id: AccountId): boolean => this.#lines === null || this.#linesOf(id).some(this.line);
  device = (id: DeviceId): boolean => this.account(accountOf(id));
  /**
   * Of an audit entry, an alert or an event: whatever is not a part of the fleet is about the whole of it. A servant's post belongs
   * to its seat, a conversation to its line.
   */
  subject = (name: string): boolean => {
    if (this.#lines === null) return true;
    const { lines, seats, accounts, devices } = this.#roster();
    const seat = seatOf(name as SeatId);
    if (seats.has(seat)) return this.seat(seat);
    if (devices.has(name as DeviceId)) return this.device(name as DeviceId);
    if (accounts.has(name as AccountId)) return this.account(name as AccountId);
    const line = name.split("|", 1)[0] as LineId;
    return lines.has(line) && this.line(line);
  };

  lines = (): LineId[] => [...this.#roster().lines.keys()].filter(this.line);
  seats = (): SeatId[] => [...this.#roster().seats.keys()].filter(this.seat);
  accounts = (): AccountId[] => [...this.#roster().accounts.keys()].filter(this.account);
  devices = (): DeviceId[] => [...this.#roster().devices.keys()].filter(this.device);
  subjects = (): string[] => [...this.seats(), ...this.devices(), ...this.accounts(), ...this.lines()];

  lineNamed = (name: string): LineId => resolveName("line", name, this.lines());
  seatNamed = (name: string): SeatId => resolveName("seat", name, this.seats());
  accountNamed = (name: string): AccountId => resolveName("account", name, this.accounts());
  deviceNamed = (name: string): DeviceId => resolveName("device", name, this.devices());
  subjectNamed = (name: string): string =>
    resolveName<string>("subject", name, this.isWhole ? [...this.subjects(), "fleet"] : this.subjects());

  /** Throws E_SCOPE unless every line that the account works for is the key's: what is done to it is done to them all. */
  mayMove(account: AccountId): void {
    if (this.#linesOf(account).every(this.line)) return;
    throw new ApiError("E_SCOPE", `${account} works for lines that this key is not for, too: use a key for all of them`);
  }
  /** Throws E_SCOPE for a key of some lines. */
  mustBeWhole(): void {
    if (!this.isWhole) throw new ApiError("E_SCOPE", "this is about the whole fleet: use a key that is not bound to lines");
  }

  #linesOf(account: AccountId): LineId[] {
    return [...this.#roster().lines.values()]
      .filter(({ masters, servants }) => masters.includes(account) || servants.includes(account))
      .map(({ id }) => id);
  }
}
