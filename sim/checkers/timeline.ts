/** When what was broken, and who was in service: read off the ledger once, for all that is measured in time. */
import { accountOf, type DeviceId, type Millis, type SeatId } from "../../machines/ports/ids.ts";
import type { Fault } from "../faults/catalogue.ts";
import { type Event, eventsAmong, eventsOf, type Life, oncePerLife } from "./life.ts";

export interface Span {
  readonly from: Millis;
  /** Infinity if it did not end. */
  readonly to: Millis;
}
export interface FaultSpan extends Span {
  readonly index: number;
  readonly fault: Fault;
  /** Whom it hit as it began. */
  readonly devices: readonly DeviceId[];
}

export const overlaps = (span: Span, from: Millis, to: Millis): boolean => span.from <= to && span.to >= from;

export class Timeline {
  readonly life: Life;
  readonly faults: readonly FaultSpan[];
  /** Changes of each seat's row, in order. */
  readonly seats: ReadonlyMap<SeatId, readonly Event<"seat">[]>;
  readonly #serving: ReadonlyMap<DeviceId, readonly Span[]>;
  /** While automatic moves were held back: by the brake, or because an outage was suspected. */
  readonly braked: readonly Span[];
  readonly outages: readonly Span[];

  constructor(life: Life) {
    this.life = life;
    this.faults = faultSpans(life);
    this.seats = groupBy(eventsOf(life, "seat"), ({ seat }) => seat);
    this.#serving = servingSpans(life);
    this.braked = alertSpans(life, "fleet.brake");
    this.outages = alertSpans(life, "fleet.outage");
  }

  /** The seat's row as the store had it. */
  rowAt(seat: SeatId, at: Millis): Event<"seat"> | undefined {
    return this.seats.get(seat)?.findLast((row) => row.at <= at);
  }

  /** In service from `from` to `to` on one link. */
  servedThrough(device: DeviceId, from: Millis, to: Millis): boolean {
    return (this.#serving.get(device) ?? []).some((span) => span.from <= from && span.to >= to);
  }

  /** In service at some time between. */
  servedWithin(device: DeviceId, from: Millis, to: Millis): boolean {
    return (this.#serving.get(device) ?? []).some((span) => overlaps(span, from, to));
  }

  /** Whether a fault touched the device's links, account or credentials in that time. */
  wasTouched(device: DeviceId, from: Millis, to: Millis): boolean {
    const account = accountOf(device);
    return this.faults.some(
      (span) =>
        overlaps(span, from, to) &&
        (span.devices.includes(device) ||
          span.devices.some((other) => isAccountWide(span.fault) && accountOf(other) === account)),
    );
  }
}

export const timelineOf = oncePerLife((life) => new Timeline(life));

const ACCOUNT_WIDE: ReadonlySet<Fault["kind"]> = new Set(["banned", "restricted", "phone-gone"]);
const isAccountWide = ({ kind }: Fault): boolean => ACCOUNT_WIDE.has(kind);

const faultSpans = (life: Life): FaultSpan[] => {
  const spans: { from: Millis; to: Millis; index: number; fault: Fault; devices: readonly DeviceId[] }[] = [];
  const open = new Map<number, (typeof spans)[number]>();
  for (const { at, index, what, devices } of eventsOf(life, "fault")) {
    const fault = life.faults[index];
    if (what === "began" && fault) {
      const span = {
        from: at,
        to: fault.kind === "node-pause" && fault.for !== "permanent" ? at + fault.for : Number.POSITIVE_INFINITY,
        index,
        fault,
        devices,
      };
      spans.push(span);
      open.set(index, span);
    } else {
      const span = open.get(index);
      if (span) span.to = at;
    }
  }
  return spans;
};

const servingSpans = (life: Life): Map<DeviceId, Span[]> => {
  const spans = new Map<DeviceId, { from: Millis; to: Millis; link: number }[]>();
  for (const event of eventsAmong(life, "serving", "dropped", "ended")) {
    if (event.kind === "serving") {
      const list = spans.get(event.device) ?? [];
      list.push({ from: event.at, to: Number.POSITIVE_INFINITY, link: event.link });
      spans.set(event.device, list);
    } else {
      const last = spans.get(event.device)?.at(-1);
      if (last?.link === event.link) last.to = event.at;
    }
  }
  return spans;
};

const alertSpans = (life: Life, key: string): Span[] => {
  const spans: { from: Millis; to: Millis }[] = [];
  for (const { at, type, data } of eventsOf(life, "said")) {
    if (data["key"] !== key) continue;
    const last = spans.at(-1);
    const isOpen = last?.to === Number.POSITIVE_INFINITY;
    if (type === "alert.raised" && !isOpen) spans.push({ from: at, to: Number.POSITIVE_INFINITY });
    else if (type === "alert.resolved" && isOpen) last.to = at;
  }
  return spans;
};

export const groupBy = <T, K>(list: readonly T[], keyOf: (item: T) => K): Map<K, T[]> => {
  const groups = new Map<K, T[]>();
  for (const item of list) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
};
