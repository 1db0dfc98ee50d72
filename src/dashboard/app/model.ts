/**
 * The fleet as it was last seen, and what happened since. A status replaces everything; an event changes the rows that it is about, at
 * once and in constant time. Each line counts its changes: what has not changed is not drawn again.
 */
import type { FailoverRecord } from "../../../machines/ports/records.ts";
import { sentenceOf } from "../../cli/sentences.ts";
import type { Account, Alert, Device, Failover, FleetEvent, Line, Seat, Status } from "./types.ts";

const REMEMBERED = 30;
export const accountOf = (device: string): string => device.slice(0, device.indexOf("/"));

export class Model {
  fleet = "";
  mode = "starting";
  /** Where the fleet file says something else than what runs. */
  drift: Status["drift"] = { changes: 0, restart: 0, isWrong: false };
  /** The server's clock less ours. */
  skew = 0;
  readonly lines = new Map<string, Line>();
  readonly seats = new Map<string, Seat>();
  readonly devices = new Map<string, Device>();
  readonly accounts = new Map<string, Account>();
  readonly alerts = new Map<string, Alert>();
  /** How often it was heard that somebody looks after an alert. */
  acknowledged = 0;
  /** How often it was heard that the fleet file was taken up. */
  changed = 0;
  /** The last change of holder of each seat that put somebody in service. */
  readonly lastMoves = new Map<string, Failover>();
  /** Newest first. */
  readonly happenings: FleetEvent[] = [];
  /** How many there were. */
  happened = 0;
  readonly #versions = new Map<string, number>();
  readonly #able = new Map<string, { readonly version: number; readonly devices: readonly Device[] }>();
  /** Of an account: the lines that it works for. */
  readonly #linesOf = new Map<string, readonly string[]>();

  version(line: string): number {
    return this.#versions.get(line) ?? 0;
  }

  replace(status: Status, here: number): void {
    this.fleet = status.fleet;
    this.mode = status.mode;
    this.drift = status.drift;
    this.skew = status.now - here;
    const lines = Object.groupBy(
      status.lines.flatMap((line) => [...line.masters, ...line.servants].map((account) => ({ account, line: line.id }))),
      ({ account }) => account,
    );
    this.#linesOf.clear();
    for (const [account, list = []] of Object.entries(lines))
      this.#linesOf.set(
        account,
        list.map(({ line }) => line),
      );
    fill(this.lines, status.lines, JSON.stringify, (line) => this.#touch(line.id));
    fill(this.seats, status.seats, JSON.stringify, (seat) => this.#touch(seat.line));
    fill(this.accounts, status.accounts, JSON.stringify, (account) => this.#touchAccount(account.id));
    fill(this.devices, status.devices, gistOf, (device) => this.#touchAccount(accountOf(device.id)));
    this.alerts.clear();
    for (const alert of status.alerts) this.alerts.set(alert.key, alert);
  }

  /** Newest first, as the API lists them. */
  learn(failovers: readonly Failover[]): void {
    for (const record of failovers.toReversed()) {
      if (record.inServiceAt === null) continue;
      const known = this.lastMoves.get(record.seat);
      if (known && (known.inServiceAt ?? 0) >= record.inServiceAt) continue;
      this.lastMoves.set(record.seat, record);
      this.#touch(record.seat.slice(0, record.seat.indexOf("/")));
    }
  }

  apply(event: FleetEvent): void {
    this.happened++;
    this.happenings.unshift(event);
    if (this.happenings.length > REMEMBERED) this.happenings.pop();
    this.change(event);
  }

  /** Twice is as good as once. */
  change(event: FleetEvent): void {
    const { type, subject, data, at } = event;
    const device = typeof data["device"] === "string" ? data["device"] : null;
    switch (type) {
      case "seat.serving":
        return this.#serves(subject, device, Number(data["term"]), at, sentenceOf(event));
      case "holder.suspect":
        this.#seat(subject, { phase: "threatened" });
        return this.#device(device, { health: "suspect", status: "suspect" });
      case "holder.failed":
        this.#seat(subject, { phase: "moving" });
        return this.#device(device, { health: "failed", status: "failed" });
      case "device.linked":
        return this.#device(subject, { link: "linked", status: "connecting" });
      case "alert.raised":
      case "alert.escalated":
        return void this.alerts.set(String(data["key"]), alertOf(event, this.alerts.get(String(data["key"]))));
      case "fleet.changed":
        this.changed++;
        return;
      case "alert.acknowledged":
        this.acknowledged++;
        return;
      case "alert.resolved":
        return void this.alerts.delete(String(data["key"]));
      default:
    }
  }

  /** Who could take a seat of the line, those first that hold nothing; twins of the seat's account before others. */
  standbysOf({ id, line, holder }: Seat): Device[] {
    const own = holder === null ? id.slice(id.indexOf("/") + 1) : accountOf(holder);
    const ranks: [Device[], Device[], Device[], Device[]] = [[], [], [], []];
    for (const device of this.#ableOf(line)) {
      if (device.id === holder) continue;
      const isBusy = device.holds.length > 0;
      if (accountOf(device.id) === own) ranks[isBusy ? 1 : 0].push(device);
      else ranks[isBusy ? 3 : 2].push(device);
    }
    return ranks.flat();
  }

  /** Looked for once a change of the line: each of its seats asks. */
  #ableOf(line: string): readonly Device[] {
    const version = this.version(line);
    const known = this.#able.get(line);
    if (known?.version === version) return known.devices;
    const devices = (this.lines.get(line)?.masters ?? [])
      .flatMap((account) => this.accounts.get(account)?.devices ?? [])
      .flatMap((device) => this.devices.get(device) ?? [])
      .filter((device) => device.status === "online" && this.#isGood(device));
    this.#able.set(line, { version, devices });
    return devices;
  }

  #isGood = ({ id, health }: Device): boolean => health === "healthy" && this.accounts.get(accountOf(id))?.standing !== "banned";

  #serves(id: string, device: string | null, term: number, at: number, text: string): void {
    const before = this.seats.get(id);
    if (!before) return;
    if (before.holder !== device) {
      const old = before.holder === null ? undefined : this.devices.get(before.holder);
      if (old) this.#device(old.id, { holds: old.holds.filter((seat) => seat !== id) });
      const now = device === null ? undefined : this.devices.get(device);
      if (now && !now.holds.includes(id)) this.#device(now.id, { holds: [...now.holds, id] });
    }
    this.#seat(id, { holder: device, term, phase: "serving", last: { at, text } });
  }
  #seat(id: string, change: Partial<Seat>): void {
    const seat = this.seats.get(id);
    if (!seat) return;
    this.seats.set(id, { ...seat, ...change });
    this.#touch(seat.line);
  }
  #device(id: string | null, change: Partial<Device>): void {
    const device = id === null ? undefined : this.devices.get(id);
    if (!device) return;
    this.devices.set(device.id, { ...device, ...change });
    this.#touchAccount(accountOf(device.id));
  }
  #touchAccount(account: string): void {
    for (const line of this.#linesOf.get(account) ?? []) this.#touch(line);
  }
  #touch(line: string): void {
    this.#versions.set(line, this.version(line) + 1);
  }
}

/** `onChange`: of those whose gist is another one. */
const fill = <T extends { readonly id: string }>(
  into: Map<string, T>,
  rows: readonly T[],
  gist: (row: T) => string,
  onChange: (row: T) => void,
): void => {
  const before = new Map(into);
  into.clear();
  for (const row of rows) {
    const known = before.get(row.id);
    into.set(row.id, row);
    if (known === undefined || gist(known) !== gist(row)) onChange(row);
  }
};
/** Without its age, which always changes. */
const gistOf = ({ name, labels, status, link, connection, health, holds }: Device): string =>
  [name, ...labels, status, link, connection, health, ...holds].join();

const alertOf = ({ data, subject, at }: FleetEvent, known: Alert | undefined): Alert => ({
  key: String(data["key"]),
  rule: String(data["rule"]),
  subject,
  level: data["level"] === "critical" ? "critical" : "warning",
  state: "open",
  text: String(data["text"]),
  raisedAt: known?.raisedAt ?? Number(data["raisedAt"] ?? at),
  resolvedAt: null,
  repeats: known?.repeats ?? 0,
});

const CAUSES: { readonly [C in FailoverRecord["cause"]]: (from: string) => string } = {
  silent: (from) => `nothing was heard from ${from} any more`,
  unacknowledged: (from) => `WhatsApp no longer acknowledged what ${from} sent`,
  closed: (from) => `the connection of ${from} ended`,
  replaced: (from) => `the credentials of ${from} were opened elsewhere`,
  loggedOut: (from) => `${from} was removed from its account`,
  banned: (from) => `the account of ${from} was banned`,
  operator: () => "an operator asked for it",
  failback: () => "the seat's own account is well again",
  removed: (from) => `${from} is no longer in the fleet`,
  startup: () => "it was the first that could, at the start",
};
/** Why a seat changed hands, in a sentence without its end. */
export const causeOf = ({ cause, from }: Pick<Failover, "cause" | "from">): string => CAUSES[cause](from ?? "the holder");
