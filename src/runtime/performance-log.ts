/** How seats do, written down once a minute, in a lane of the store where nobody waits; and read back for people. */
import type { Clock } from "../../machines/ports/clock.ts";
import type { ConnectionPort } from "../../machines/ports/connection.ts";
import { type AccountId, type LineId, lineOf, type Millis, type SeatId, seatOf } from "../../machines/ports/ids.ts";
import type { PerformanceRow } from "../../machines/ports/store.ts";
import type { Series } from "./series.ts";

const MINUTE: Millis = 60_000;
/** A week of minutes: some ten thousand rows a seat. */
const KEEP: Millis = 7 * 24 * 60 * MINUTE;

/** What is known of a line while it runs. */
export interface LineNow {
  readonly strategy: string;
  /** Conversations given to each seat, and each post of a servant at one, since the start, and who speaks there. */
  readonly seats: readonly { readonly seat: SeatId; readonly begun: number; readonly account: AccountId }[];
}
export interface PerformanceLogOptions {
  readonly clock: Clock;
  readonly lines: readonly LineId[];
  /** undefined: not in service yet. */
  readonly line: (line: LineId) => LineNow | undefined;
  readonly append: (rows: readonly PerformanceRow[], dropBefore: Millis) => Promise<unknown>;
  readonly onFault: (error: unknown) => void;
}

export class PerformanceLog {
  readonly #options: PerformanceLogOptions;
  readonly #series: Series;
  /** Conversations that were counted already. */
  readonly #begun = new Map<SeatId, number>();
  #since: Millis;
  #timer: unknown;

  constructor(series: Series, options: PerformanceLogOptions) {
    this.#series = series;
    this.#options = options;
    this.#since = options.clock.now();
  }

  begin(): void {
    this.#since = this.#options.clock.now();
    this.#again();
  }

  /** Of the minute at hand. */
  rows(): PerformanceRow[] {
    return this.#rows(false);
  }

  /** Ends the minute at hand and writes it down. What the store does not take is lost: it is statistics. */
  async flush(): Promise<void> {
    const { clock, append, onFault } = this.#options;
    const rows = this.#rows(true);
    this.#since = clock.now();
    await append(rows, this.#since - KEEP).catch(onFault);
  }

  async stop(): Promise<void> {
    this.#options.clock.clearTimeout(this.#timer);
    await this.flush();
  }

  #again(): void {
    this.#timer = this.#options.clock.setTimeout(() => {
      void this.flush();
      this.#again();
    }, MINUTE);
  }

  #rows(isEnd: boolean): PerformanceRow[] {
    const { clock, lines, line: lineNow } = this.#options;
    const known = new Map(lines.map((id) => [id, lineNow(id)]));
    const rows = new Map<string, PerformanceRow>();
    const add = (seat: SeatId, account: AccountId, more: Partial<PerformanceRow>): void => {
      const name = `${seat} ${account}`;
      const line = lineOf(seat);
      const strategy = known.get(line)?.strategy ?? "unknown";
      const empty = { begun: 0, sent: 0, acked: 0, failed: 0, p50: null, p99: null };
      rows.set(name, { at: this.#since, line, seat, account, strategy, ...empty, ...rows.get(name), ...more });
    };
    for (const { seat, account, ...counts } of this.#series.counts(clock.now(), isEnd)) add(seatOf(seat), account, counts);
    for (const { seat, begun, account } of [...known.values()].flatMap((line) => line?.seats ?? [])) {
      const fresh = begun - (this.#begun.get(seat) ?? 0);
      if (fresh > 0) add(seatOf(seat), account, { begun: fresh });
      if (isEnd) this.#begun.set(seat, begun);
    }
    return [...rows.values()];
  }
}

/** The same port; the series sees what goes in and what comes out. */
export const measured = <P extends ConnectionPort>(port: P, series: Series): P => ({
  ...port,
  perform: (command) => {
    series.onCommand(command);
    port.perform(command);
  },
  onFact: (listener) =>
    port.onFact((fact) => {
      series.onFact(fact);
      listener(fact);
    }),
});
