/**
 * Who puts everything back between two faults: what an operator would do, and nothing that an operator could not.
 *
 * A device that waits out a pause is dialled now, one that was removed is linked again, each seat goes back to its preferred
 * holder as soon as that one is well, and what was held for fear of a second copy is let go once its own number speaks again.
 * Lines on which a fault is being watched are left alone.
 */
import { accountOf, type DeviceId, type LineId, type SeatId } from "../../machines/ports/ids.ts";
import type { ConnectionContext } from "../../machines/account/connection.ts";
import type { HealthContext } from "../../machines/account/health.ts";
import { type DemoSeat, MEMBERS, SEATS } from "./fleet.ts";
import type { Stage } from "./stage.ts";

const LOOK_EVERY = 200;
/** A demand gets this long before it is made again. */
const PATIENCE = 5000;
/** A link that served for longer than this begins to back off anew; one that failed so often before that dials within a second or two. */
const LASTING = 30_000;
const FEW = 1;
/** States of a connection that a person can cut short. */
const RESTING: ReadonlySet<unknown> = new Set(["backingOff", "replaced", "evicted", "suspended", "banned", "outdated"]);

export class Caretaker {
  readonly #stage: Stage;
  readonly #left = new Set<LineId>();
  readonly #linking = new Set<DeviceId>();
  readonly #demanded = new Map<SeatId, number>();
  /** Seats with held messages, as of the last look. */
  #held: ReadonlySet<SeatId> = new Set();
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;
  #failure: unknown;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  start(): void {
    this.#timer = setInterval(() => void this.#look(), LOOK_EVERY);
  }
  stop(): void {
    clearInterval(this.#timer);
  }

  leave(lines: readonly LineId[]): void {
    for (const line of lines) this.#left.add(line);
  }
  comeBack(lines: readonly LineId[]): void {
    for (const line of lines) this.#left.delete(line);
  }

  /** In service with its preferred holder, and nothing is held any more. Throws what went wrong while putting things back. */
  isHome(seat: DemoSeat): boolean {
    if (this.#failure !== undefined) throw this.#failure;
    return this.#isBack(seat) && !this.#held.has(seat.seat);
  }
  #isBack({ seat, home }: DemoSeat): boolean {
    const view = this.#stage.supervisor.node.seat(seat);
    return view?.row.holder === home && view.state === "serving" && this.isWell(home);
  }
  isWell(device: DeviceId): boolean {
    const roster = this.#stage.supervisor.node.roster();
    return roster?.devices.get(device)?.state === "healthy" && roster.accounts.get(accountOf(device))?.standing === "good";
  }
  mayBeRepaired(device: DeviceId): boolean {
    const health = this.#stage.supervisor.node.driver.peek(`health:${device}`)?.context as HealthContext | undefined;
    return health !== undefined && this.#stage.now() > health.redialAskedAt + health.timers.repairCooldown;
  }
  isDialledSoon(device: DeviceId): boolean {
    const link = this.#stage.supervisor.node.driver.peek(`connection:${device}`)?.context as ConnectionContext | undefined;
    if (link === undefined || link.servingSince === null) return false;
    return link.failures <= FEW || this.#stage.now() - link.servingSince > LASTING;
  }
  seatsOf(device: DeviceId): readonly SeatId[] {
    return this.#stage.supervisor.node.roster()?.holds.get(device) ?? [];
  }
  get isAllWell(): boolean {
    return SEATS.every((seat) => this.isHome(seat)) && DEVICES.every(({ device }) => this.isWell(device));
  }

  /** What is not as it was, for an error that somebody will have to understand. */
  describe(): string {
    const { driver, roster, seat: view } = bind(this.#stage);
    const sick = DEVICES.filter(({ device }) => !this.isWell(device)).map(({ device }) => {
      const health = roster()?.devices.get(device);
      return `${device} (${health?.state} ${health?.cause ?? ""}, ${JSON.stringify(driver.peek(`connection:${device}`)?.value)})`;
    });
    const away = SEATS.filter((seat) => !this.isHome(seat)).map(({ seat }) => `${seat} (${JSON.stringify(view(seat))})`);
    return [...sick, ...away].join(", ");
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      for (const { device, line } of DEVICES) if (!this.#left.has(line)) this.#tend(device);
      for (const seat of SEATS) if (!this.#left.has(seat.line)) this.#bringHome(seat);
      await this.#release();
    } catch (error) {
      this.#failure ??= error;
    } finally {
      this.#isLooking = false;
    }
  }

  #tend(device: DeviceId): void {
    const { node } = this.#stage.supervisor;
    const state = node.driver.peek(`connection:${device}`)?.value;
    if (RESTING.has(state)) node.redial(device);
    if (state !== "loggedOut" || this.#linking.has(device)) return;
    this.#linking.add(device);
    this.#stage
      .link(device)
      .catch((error: unknown) => {
        this.#failure ??= error;
      })
      .finally(() => this.#linking.delete(device));
  }

  #bringHome({ seat, home }: DemoSeat): void {
    const { node } = this.#stage.supervisor;
    const view = node.seat(seat);
    if (view?.row.holder === home || view?.state !== "serving" || !this.isWell(home)) return;
    if (this.#sinceDemand(seat) < PATIENCE) return;
    this.#demanded.set(seat, this.#stage.now());
    node.demandFailover(seat, home, "demo");
  }

  #sinceDemand(seat: SeatId): number {
    return this.#stage.now() - (this.#demanded.get(seat) ?? 0);
  }

  async #release(): Promise<void> {
    const { supervisor } = this.#stage;
    const held = await supervisor.ask("outbox.list", { seat: null, states: ["held"], limit: 10_000 });
    if (held.kind !== "rows") return;
    this.#held = new Set(held.rows.map(({ seat }) => seat));
    const home = new Set(SEATS.filter((seat) => !this.#left.has(seat.line) && this.#isBack(seat)).map(({ seat }) => seat));
    for (const { id, seat } of held.rows) if (home.has(seat)) supervisor.node.releaseHeld(seat, id, true);
  }
}

const DEVICES = MEMBERS.flatMap(({ devices, line }) => devices.map((device) => ({ device, line })));
const bind = ({ supervisor: { node } }: Stage) => ({
  driver: node.driver,
  roster: () => node.roster(),
  seat: (seat: SeatId) => node.seat(seat),
});
