/**
 * One seat with its failovers, the orchestrator and the roster, between a store that may do anything with a question and devices
 * that may say anything. It notes at every effect whether a law was broken.
 */
import { failoverMachine } from "../../machines/fleet/failover.ts";
import { orchestratorMachine } from "../../machines/fleet/orchestrator.ts";
import { roster, type RosterInput, type RosterState } from "../../machines/fleet/roster.ts";
import { seatMachine, type SeatTimings } from "../../machines/fleet/seat.ts";
import { accountId, type DeviceId, deviceId, lineId, type Millis, seatId, type SeatTerm } from "../../machines/ports/ids.ts";
import type { FailoverCause, FailoverRecord } from "../../machines/ports/records.ts";
import type { SeatRow, StoreOps } from "../../machines/ports/store.ts";
import type { Effect, FailoverInput, HealthState } from "../../machines/protocol.ts";
import { Host } from "../account/host.ts";

export const LINE = lineId("sales");
export const SEAT = seatId(LINE, accountId("m1"));
const device = (account: string, name: string): DeviceId => deviceId(accountId(account), name);
export const HOLDER = device("m1", "a");
export const TWIN = device("m1", "b");
/** A master that speaks for a seat of its own, first in the line's order after the seat's own account. */
export const BUSY = device("m2", "a");
/** Masters that hold no seat. */
export const FREE = device("m3", "a");
export const LAST = device("m4", "a");
export const DEVICES = [HOLDER, TWIN, BUSY, FREE, LAST] as const;

export const TIMINGS: SeatTimings = {
  twinAfter: 1000,
  numberAfter: 2500,
  numberAfterClose: 7000,
  verify: 1200,
  patience: 3000,
  rerank: 250,
  askAgain: 1000,
};
export const FRESH: Millis = 1500;
export const COOLDOWN: Millis = 60_000;
/** Longer than any run: waits, two commits and a way back, each with all its tries, and patience. */
export const LONGEST_RUN: Millis =
  TIMINGS.numberAfterClose + TIMINGS.patience + 3 * 5 * (1000 + 250) + 2 * TIMINGS.verify + TIMINGS.rerank;

/** A stranded seat asks again after this at the latest. */
export const LONGEST_PAUSE: Millis = 32 * TIMINGS.askAgain;

export const rosterInput = (over: Partial<RosterInput> = {}): RosterInput => ({
  accounts: ["m1", "m2", "m3", "m4"].map((name) => ({
    id: accountId(name),
    role: "master",
    standing: "good",
    devices: DEVICES.filter((id) => id.startsWith(`${name}/`)).map((id) => ({ id, linked: true, cordoned: false })),
  })),
  lines: [{ id: LINE, masters: ["m1", "m2", "m3", "m4"].map(accountId), servants: [], strategy: "round-robin" }],
  seats: [
    { id: SEAT, line: LINE, account: accountId("m1"), holder: HOLDER, term: 1 as SeatTerm },
    { id: seatId(LINE, accountId("m2")), line: LINE, account: accountId("m2"), holder: BUSY, term: 1 as SeatTerm },
  ],
  failback: [],
  candidateFresh: FRESH,
  cooldown: COOLDOWN,
  togetherWithin: 2000,
  ...over,
});

type Written = Extract<Effect, { op: "write" }>["ask"];
type Change = { op: "seat.change" } & StoreOps["seat.change"]["in"];
export type StoreFate = "ok" | "refused" | "answerLost" | "neverAsked" | "silent" | "twice";
type Answer = { readonly type: string; readonly answer: { readonly op: "seat.change"; readonly row?: SeatRow } };

export class Stage {
  readonly host = new Host();
  row: SeatRow;
  /** What the connections have granted for the seat. */
  readonly grants = new Map<DeviceId, SeatTerm>();
  readonly broken: string[] = [];
  /** Questions that wait for their fate, and answers that wait for their time. */
  readonly asked: Change[] = [];
  readonly answers: Answer[] = [];
  readonly probes: { device: DeviceId; until: Millis }[] = [];
  readonly failovers: FailoverInput[] = [];
  /** Devices in the order in which they were committed. */
  readonly commits: { holder: DeviceId | null; at: Millis; isRollback: boolean }[] = [];
  readonly ended: { outcome: string; at: Millis }[] = [];
  #began: Millis | null = null;
  #settledTerm: number;

  constructor(over: Partial<SeatRow> = {}, input: Partial<RosterInput> = {}) {
    this.row = {
      id: SEAT,
      line: LINE,
      account: accountId("m1"),
      holder: HOLDER,
      term: 1 as SeatTerm,
      phase: "serving",
      ...over,
    };
    this.#settledTerm = this.row.term;
    const { host } = this;
    host.onEffect = (effect) => this.#on(effect);
    host.chart("orchestrator", orchestratorMachine, { limit: 2, within: 30_000 });
    host.reducer("roster", roster, rosterInput(input));
    this.startSeat();
    host.tell("roster", {
      type: "seat.held",
      seat: seatId(LINE, accountId("m2")),
      holder: BUSY,
      term: 1,
      left: null,
    });
  }

  startSeat(): void {
    this.host.chart(`seat:${SEAT}`, seatMachine, { row: this.row, timings: TIMINGS, life: "life" });
    this.host.tell(`seat:${SEAT}`, { type: "start" });
  }

  /** All devices well, and just heard of. */
  well(): this {
    for (const id of DEVICES) this.health(id, "healthy");
    return this;
  }
  health(id: DeviceId, state: HealthState, cause: FailoverCause | null = null, isFinal = false): void {
    this.host.tell("roster", { type: "device.health", device: id, state, cause, isFinal, lastEvidenceAt: null });
  }
  fail(cause: FailoverCause = "loggedOut", isFinal = cause !== "silent" && cause !== "closed"): void {
    this.health(this.row.holder as DeviceId, "failed", cause, isFinal);
  }
  seen(id: DeviceId): void {
    this.host.tell("roster", { type: "device.seen", device: id, lastEvidenceAt: this.host.now });
  }

  /** What becomes of the oldest question. */
  store(fate: StoreFate): void {
    const ask = this.asked.shift();
    if (!ask) return;
    if (fate === "neverAsked" || fate === "silent") return;
    if (fate === "refused") return this.#answer({ type: "store.failed", answer: { op: "seat.change" } });
    const answer = this.#carryOut(ask);
    if (fate === "answerLost") return this.#answer({ type: "store.failed", answer: { op: "seat.change" } });
    this.#answer(answer);
    if (fate === "twice") this.answers.push(answer);
  }
  /** Somebody else changes the row: another supervisor, or a person in the database. */
  usurp(holder: DeviceId): void {
    this.row = { ...this.row, holder, term: (this.row.term + 1) as SeatTerm, phase: "serving" };
    this.#settledTerm = this.row.term;
  }
  /** An answer that was on its way all the time. */
  late(): void {
    const answer = this.answers.shift();
    if (answer) this.#answer(answer);
  }
  probe(fate: "seen" | "missing"): void {
    const probe = this.probes.shift();
    if (probe) this.host.tell(`failover:${SEAT}`, { type: `probe.${fate}`, device: probe.device });
  }

  /** From now on the store does what it is asked, and devices that are well answer. */
  kind(span: Millis): this {
    for (let passed = 0; passed < span; passed += 250) {
      for (const id of DEVICES) if (this.stateOf(id) !== "failed") this.seen(id);
      while (this.asked.length > 0) this.store("ok");
      for (const { device: id } of this.probes.splice(0))
        this.host.tell(`failover:${SEAT}`, { type: this.stateOf(id) === "failed" ? "probe.missing" : "probe.seen", device: id });
      this.host.advance(250);
    }
    return this;
  }

  get roster(): RosterState {
    return this.host.context("roster") as RosterState;
  }
  stateOf(id: DeviceId): HealthState | undefined {
    return this.roster.devices.get(id)?.state;
  }
  get state(): string {
    return this.host.value(`seat:${SEAT}`);
  }
  get failover(): string {
    return this.host.value(`failover:${SEAT}`);
  }
  /** How long the failover under way has lasted. */
  get lasts(): Millis {
    return this.#began === null ? 0 : this.host.now - this.#began;
  }
  writes<K extends Written["op"]>(op: K): readonly Extract<Written, { op: K }>[] {
    return this.host.of("write").flatMap(({ ask }) => (ask.op === op ? [ask as Extract<Written, { op: K }>] : []));
  }
  /** As last written: one a failover. */
  records(): readonly FailoverRecord[] {
    return [...new Map(this.writes("failover.record").map(({ failover }) => [failover.id, failover])).values()];
  }

  // ---- what the seat and its failovers want ----

  #on(effect: Effect): void {
    if (effect.op === "start" && effect.kind === "failover") this.#begin(effect.input);
    if (effect.op === "store" && effect.ask.op === "seat.change") this.#onChange(effect.ask);
    if (effect.op === "write" && effect.ask.op === "seat.settle" && effect.ask.term === this.row.term)
      this.row = { ...this.row, phase: effect.ask.phase };
    if (effect.op === "connection") this.#onGrant(effect.command);
    if (effect.op !== "tell") return;
    const { event, to } = effect as { to: string; event: { type: string; outcome?: string; deadline?: Millis } };
    if (event.type === "failover.ended") {
      this.ended.push({ outcome: event.outcome as string, at: this.host.now });
      this.#began = null;
    }
    if (event.type === "probe.request") this.#onProbe(to.slice("detector:".length) as DeviceId, event.deadline ?? 0);
  }

  #begin(input: FailoverInput): void {
    if (this.#began !== null) this.broken.push("a second failover began beside the first");
    this.failovers.push(input);
    this.#began = this.host.now;
    this.host.chart(`failover:${SEAT}`, failoverMachine, input);
  }

  #onChange(ask: Change): void {
    const from = this.failovers.at(-1)?.from ?? null;
    const same = this.asked.find((other) => other.expect === ask.expect);
    if (same && same.holder !== ask.holder) this.broken.push(`${ask.holder} is asked for while ${same.holder} is under way`);
    const isRollback = ask.holder === from && ask.expect > (this.failovers.at(-1)?.term ?? 0);
    const view = ask.holder ? this.roster.devices.get(ask.holder) : undefined;
    if (!isRollback) {
      const age = this.host.now - (view?.lastSeenAt ?? Number.NEGATIVE_INFINITY);
      const known = this.commits.at(-1);
      const isRepeat = known?.holder === ask.holder && known.isRollback === isRollback;
      if (age > FRESH && !isRepeat) this.broken.push(`${ask.holder} was taken ${age} ms after its last stanza`);
    }
    if (!ask.audit.text || !ask.failover) this.broken.push("a change without its record and audit entry");
    this.commits.push({ holder: ask.holder, at: this.host.now, isRollback });
    this.asked.push(ask);
  }

  #carryOut(ask: Change): Answer {
    if (this.row.term !== ask.expect) return { type: "store.conflict", answer: { op: "seat.change", row: this.row } };
    this.row = { ...this.row, holder: ask.holder, phase: ask.phase, term: (this.row.term + 1) as SeatTerm };
    if (this.row.term !== this.#settledTerm + 1) this.broken.push("a term was left out");
    this.#settledTerm = this.row.term;
    return { type: "store.changed", answer: { op: "seat.change", row: this.row } };
  }

  #answer(answer: Answer): void {
    this.host.tell(`failover:${SEAT}`, { ...answer });
  }

  #onProbe(id: DeviceId, deadline: Millis): void {
    if (id === this.failovers.at(-1)?.from) this.broken.push("the failed holder was asked");
    this.probes.push({ device: id, until: this.host.now + deadline });
  }

  #onGrant(command: Extract<Effect, { op: "connection" }>["command"]): void {
    if (command.op === "revoke") this.grants.delete(command.device);
    if (command.op !== "grant") return;
    const terms = [...this.grants.values(), 0];
    this.grants.set(command.device, command.term);
    if (this.grants.size > 1) this.broken.push(`two devices hold the seat: ${[...this.grants.keys()].join(", ")}`);
    if (command.term < Math.max(...terms)) this.broken.push("an older term was granted after a newer one");
    if (command.term > this.row.term || (command.term === this.row.term && command.device !== this.row.holder))
      this.broken.push(`${command.device} was granted term ${command.term}, which the row does not give it`);
  }
}
