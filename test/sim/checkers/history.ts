/** Lives written down by hand: as small as the point that a checker's test makes. Times are seconds from the beginning. */
import type { DeviceId, FailoverId, MessageId, NodeId, SeatId, SeatTerm, WaId } from "../../../machines/ports/ids.ts";
import type { AlertRow, FailoverRecord } from "../../../machines/ports/records.ts";
import type { OutboxRow } from "../../../machines/ports/store.ts";
import type { Life } from "../../../sim/checkers/life.ts";
import type { Fault } from "../../../sim/faults/catalogue.ts";
import type { Recorded, WorldEvent } from "../../../sim/world/ledger.ts";
import { demoFleet } from "../../../sim/world/reference.ts";
import { honest } from "./doctored.ts";

export const SEAT = "sales/sales-1" as SeatId;
export const HOLDER = "sales-1/a" as DeviceId;
export const TWIN = "sales-1/b" as DeviceId;
export const OTHER = "sales-2/a" as DeviceId;
/** Of the other line. */
export const STRANGER = "support-1/a" as DeviceId;

const FROM = 1_000_000;
const ms = (seconds: number): number => FROM + Math.round(seconds * 1_000);
const accountIn = (device: DeviceId) => device.split("/")[0] as never;

export interface Told {
  /** When an application brought it. */
  readonly at: number;
  readonly conversation?: string;
  /** When it passed the gate, on whom; no answer unless `ack`, `copy` or `receipt` says when one came. */
  readonly gate?: number;
  readonly device?: DeviceId;
  readonly ack?: number;
  readonly copy?: number;
  readonly row?: Partial<OutboxRow>;
}

export interface FailoverTold extends Partial<Pick<FailoverRecord, "cause" | "from" | "to" | "outcome">> {
  readonly termBefore: number;
  readonly termAfter: number | null;
  readonly detected?: number;
  readonly chosen?: number | null;
}

export class History {
  readonly #events: Recorded[] = [];
  readonly #faults: Fault[] = [];
  readonly #rows: OutboxRow[] = [];
  readonly #accepted: Life["accepted"][number][] = [];
  readonly #failovers: FailoverRecord[] = [];
  readonly #alerts: AlertRow[] = [];
  #settings: Life["plan"]["fleet"]["settings"] = {};
  #to = 200;
  #links = 0;

  /** A link that comes into service, and ends. */
  up(device: DeviceId, from = 1, to: number | null = null): this {
    const link = ++this.#links;
    this.event(from - 0.5, { kind: "dialled", link, node: "n1" as NodeId, device, dial: link });
    this.event(from - 0.1, { kind: "loggedIn", link, device });
    this.event(from, { kind: "serving", link, device });
    if (to !== null) this.event(to, { kind: "ended", link, device, reason: "dropped", code: null });
    return this;
  }

  row(at: number, holder: DeviceId | null, term: number, phase: "serving" | "moving" = "serving", seat = SEAT): this {
    return this.event(at, { kind: "seat", seat, holder, term: term as SeatTerm, phase });
  }

  fault(
    fault: Fault | Omit<Fault, "at" | "for">,
    from: number,
    to: number | null,
    devices: readonly DeviceId[] = [HOLDER],
  ): this {
    const index = this.#faults.push({ at: 0, for: 0, ...fault } as Fault) - 1;
    this.event(from, { kind: "fault", index, what: "began", fault: fault.kind, text: "", devices });
    return to === null ? this : this.event(to, { kind: "fault", index, what: "ended", fault: fault.kind, text: "", devices: [] });
  }

  said(at: number, type: string, subject: string, data: Record<string, string | null>): this {
    return this.event(at, { kind: "said", type, subject, data });
  }
  failed(at: number, device: DeviceId | null = HOLDER, cause = "silent"): this {
    return this.said(at, "holder.failed", SEAT, { device, cause });
  }
  alert(key: string, from: number, to: number | null = null): this {
    const [rule = "", subject = ""] = key.split(":");
    this.said(from, "alert.raised", subject, { key });
    if (to !== null) this.said(to, "alert.resolved", subject, { key });
    this.#alerts.push({
      key,
      rule,
      subject,
      level: "critical",
      state: to === null ? "open" : "resolved",
      text: "",
      raisedAt: ms(from),
      resolvedAt: to === null ? null : ms(to),
      repeats: 0,
    });
    return this;
  }
  /** Said, and never written down. */
  unwritten(): this {
    this.#alerts.pop();
    return this;
  }

  /** `detected` and `chosen` in seconds. */
  failover({ detected = 100, chosen = null, ...record }: FailoverTold): this {
    const [template] = honest().tables.failovers.values();
    if (!template) throw new Error("the honest life has a failover");
    const id = `f${this.#failovers.length + 1}` as FailoverId;
    const times = { detectedAt: ms(detected), chosenAt: chosen === null ? null : ms(chosen) };
    this.#failovers.push({ ...template, seat: SEAT, from: HOLDER, ...record, ...times, id } as FailoverRecord);
    return this;
  }

  message({ at, conversation, gate, device = HOLDER, ack, copy, row }: Told): this {
    const [template] = honest().tables.outbox;
    if (!template) throw new Error("the honest life has messages");
    const no = this.#rows.length + 1;
    const id = `m${no}` as MessageId;
    const waId = `3A${no}` as WaId;
    const attempt = { kind: "attempt", device } as const;
    this.#accepted.push({ id, waId, line: template.line, seat: SEAT, to: "p", at: ms(at) });
    this.#rows.push({
      ...template,
      id,
      waId,
      seq: no,
      seat: SEAT,
      conversation: (conversation ?? `c${no}`) as never,
      state: ack === undefined ? "accepted" : "acknowledged",
      acceptedAt: ms(at),
      attempts: [],
      ...row,
    });
    if (gate !== undefined) {
      this.event(gate, {
        kind: "gate",
        node: "n1" as NodeId,
        device,
        seat: SEAT,
        term: 1 as SeatTerm,
        message: id,
        waId,
        attempt: 1,
      });
      const answered = ack ?? copy;
      if (answered !== undefined) {
        const account = accountIn(device);
        this.event(gate + 0.01, {
          kind: "accepted",
          account,
          device: attempt.device,
          message: id,
          waId,
          attempt: 1,
          to: "p",
          cold: false,
        });
      }
    }
    if (ack !== undefined) this.event(ack, { kind: "ackTold", device, waId });
    if (copy !== undefined) this.event(copy, { kind: "proofTold", device: TWIN, waId, by: "copy" });
    return this;
  }

  event(at: number, event: WorldEvent): this {
    this.#events.push({ at: ms(at), ...event });
    return this;
  }
  settings(settings: Life["plan"]["fleet"]["settings"]): this {
    this.#settings = settings;
    return this;
  }
  until(seconds: number): this {
    this.#to = seconds;
    return this;
  }

  life(over: Partial<Life["tables"]> = {}): Life {
    const { plan, tables } = honest();
    const last = new Map(this.#events.flatMap((event) => (event.kind === "seat" ? [[event.seat, event] as const] : [])));
    const seats = [...tables.seats.values()].flatMap((seat) => {
      const row = last.get(seat.id);
      return row ? [[seat.id, { ...seat, holder: row.holder, term: row.term, phase: row.phase }] as const] : [];
    });
    return {
      plan: { ...plan, fleet: { ...demoFleet(), settings: this.#settings } },
      from: FROM,
      to: ms(this.#to),
      events: this.#events.toSorted((one, other) => one.at - other.at),
      accepted: this.#accepted,
      faults: this.#faults,
      grants: [],
      dead: [],
      tables: {
        ...tables,
        seats: new Map(seats),
        outbox: this.#rows,
        inbox: [],
        audit: [],
        failovers: new Map(this.#failovers.map((record) => [record.id, record])),
        alerts: this.#alerts,
        ...over,
      },
    };
  }
}

/** All four masters' devices in service, and the seat with its own account. */
export const calm = (): History =>
  [HOLDER, TWIN, OTHER, STRANGER].reduce((history, device) => history.up(device), new History()).row(1, HOLDER, 1);
