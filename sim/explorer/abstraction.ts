/**
 * The key of a world: two worlds with one key behave alike, so one of them is enough.
 *
 * Left out: what is only written down (texts, counters, times that no guard reads). Put relative: terms to the row's, dial numbers to
 * the link's, times to now; and of a time long past, that it is long past. What a chart's context holds beyond this is in the key as it
 * stands, so a field that is new to a chart makes worlds more different, never more alike.
 * The search compares the successors of a sample of the worlds that it takes for the same (`search.ts`).
 */
import type { AnyMachineSnapshot } from "xstate";
import type { RosterState } from "../../machines/fleet/roster.ts";
import { outageEndsAt } from "../../machines/fleet/roster/outage.ts";
import type { DeviceId, Millis, SeatId } from "../../machines/ports/ids.ts";
import type { Address } from "../../machines/protocol.ts";
import { kindOf } from "../../machines/driver/driver.ts";
import { TICK } from "./bounds.ts";
import type { Cargo, World } from "./world.ts";

/** Of terms and dials that are behind, nobody asks how far beyond this. */
const FAR_BEHIND = 2;
const behind = (newest: number | undefined, known: number): number => Math.min(FAR_BEHIND, (newest ?? 0) - known);

/** In ticks; before `least` nobody asks how long ago. */
const ticks = (at: Millis, now: Millis, least: number): number => Math.max(least, Math.ceil((at - now) / TICK));

interface Reading {
  /** Only written down, or the same for ever. */
  readonly drop: readonly string[];
  /** Times, with the number of ticks from now before which no guard and no delay can tell one from another. */
  readonly times?: Readonly<Record<string, number>>;
  readonly terms?: readonly string[];
  readonly dials?: readonly string[];
  /** Decide nothing while the chart is in one of these states, because what leads out of them writes them first. */
  readonly idle?: { readonly states: readonly string[]; readonly fields: readonly string[] };
}

const READINGS: Readonly<Record<string, Reading>> = {
  health: {
    // An armed timer is in the key with its own due time, so `deadlineAt` says nothing more.
    drop: ["device", "at", "timers", "now", "deadlineAt", "lastEvidenceAt"],
    times: { redialAskedAt: -3 },
    dials: ["dial", "ownDial"],
  },
  lease: {
    drop: ["device", "node", "at", "ttl", "renewEvery", "now", "deadlineAt", "term"],
    times: { askedAt: -3, confirmedAt: -3 },
  },
  seat: {
    drop: ["timings", "life", "seat", "line", "count", "strandings", "servingSince", "lastEvidenceAt"],
    times: { detectedAt: -4 },
    terms: ["term", "termBefore"],
    idle: { states: ["starting", "waiting", "vacant", "serving", "threatened"], fields: ["cause", "isFinal", "detectedAt"] },
  },
  failover: {
    drop: [
      "id",
      "seat",
      "line",
      "cause",
      "lastEvidenceAt",
      "chosenAt",
      "committedAt",
      "inServiceAt",
      "steps",
      "why",
      "lastSeenAt",
      "verifyFor",
      "retryEvery",
    ],
    times: { detectedAt: -1, twinAt: 0, numberAt: 0, giveUpAt: 0, now: -1 },
    terms: ["expect", "term"],
  },
  orchestrator: { drop: ["limit", "within"], times: { at: -3, now: -4 } },
  device: { drop: ["id", "account"], times: { lastSeenAt: -1, quietSince: -2, unansweredAt: -3 } },
  view: { drop: ["id", "line", "account", "homeNotBefore", "replyTo"], times: { until: 0 }, terms: ["term"] },
};

/** What of an object stays the same while it does, and what moves with the world. */
interface Template {
  readonly text: string;
  readonly idleText: string;
  readonly times: readonly (readonly [at: Millis, least: number, isIdle: boolean])[];
  readonly terms: readonly number[];
  readonly dials: readonly number[];
}

const templates = new WeakMap<object, Template>();

const templateOf = (object: object, reading: Reading): Template => {
  const known = templates.get(object);
  if (known) return known;
  const made = makeTemplate(object, reading);
  templates.set(object, made);
  return made;
};

const makeTemplate = (object: object, { drop, times = {}, terms = [], dials = [], idle }: Reading): Template => {
  const found: { -readonly [K in keyof Template]: Template[K] } & {
    times: [Millis, number, boolean][];
    terms: number[];
    dials: number[];
  } = {
    text: "",
    idleText: "",
    times: [],
    terms: [],
    dials: [],
  };
  const walk = (value: object, isIdle: boolean): void => {
    for (const [name, field] of Object.entries(value)) {
      if (drop.includes(name)) continue;
      const rests = isIdle || (idle?.fields.includes(name) ?? false);
      if (typeof field === "number" && name in times) found.times.push([field, times[name] ?? 0, rests]);
      else if (typeof field === "number" && terms.includes(name)) found.terms.push(field);
      else if (typeof field === "number" && dials.includes(name)) found.dials.push(field);
      else if (typeof field === "object" && field !== null) {
        found.text += `${name}(`;
        walk(field as object, rests);
        found.text += ")";
      } else if (rests) found.idleText += `${String(field)},`;
      else found.text += `${String(field)},`;
    }
  };
  walk(object, false);
  return found;
};

const written = (object: object, reading: Reading, now: Millis, term: number, dial: number, value = ""): string => {
  const template = templateOf(object, reading);
  const isIdle = reading.idle?.states.includes(value) ?? false;
  let text = isIdle ? template.text : template.text + template.idleText;
  for (const [at, least, rests] of template.times) if (!isIdle || !rests) text += `${ticks(at, now, least)};`;
  for (const known of template.terms) text += `${behind(term, known)};`;
  for (const known of template.dials) text += `${behind(dial, known)};`;
  return text;
};

const chart = (address: Address, snapshot: AnyMachineSnapshot, world: World): string => {
  const kind = kindOf(address);
  const subject = address.slice(kind.length + 1);
  const value = String(snapshot.value);
  const term = world.seats.get(subject as SeatId)?.term ?? 0;
  const dial = world.links.get(subject as DeviceId)?.dial ?? 0;
  const context = snapshot.context as object;
  const lease = kind === "lease" ? leaseTerm(context as { term: number | null }, subject as DeviceId, world) : "";
  return `${address}=${value}:${written(context, READINGS[kind] as Reading, world.now, term, dial, value)}${lease}`;
};

const leaseTerm = ({ term }: { term: number | null }, device: DeviceId, { leases }: World): string =>
  term === null ? "-" : String(behind(leases.get(device)?.term, term));

const roster = (state: RosterState, { now, seats }: World): string => {
  const endsAt = outageEndsAt(state);
  let text = state.outage === null ? "" : `!${endsAt === null ? "" : endsAt - now}`;
  for (const device of state.devices.values()) text += `${written(device, READINGS["device"] as Reading, now, 0, 0)}|`;
  for (const view of state.seats.values())
    text += `${written(view, READINGS["view"] as Reading, now, seats.get(view.id)?.term ?? 0, 0)}|`;
  return text;
};

const cargoKey = (cargo: Cargo, world: World): string => {
  switch (cargo.kind) {
    case "ask": {
      const { ask } = cargo;
      const term = world.seats.get(ask.seat)?.term;
      return ask.op === "seat.change"
        ? `c${ask.seat}${behind(term, ask.expect)}${ask.holder}${ask.phase}`
        : `s${ask.seat}${behind(term, ask.term)}${ask.phase}`;
    }
    case "answer":
      return answerKey(cargo, world);
    case "probe":
      return `p${cargo.device}${cargo.from}`;
    case "serving":
      return `u${cargo.device}${behind(world.links.get(cargo.device)?.dial, cargo.dial)}`;
    case "closed":
      return `d${cargo.device}${behind(world.links.get(cargo.device)?.dial, cargo.dial)}${cargo.reason}`;
  }
};
const answerKey = ({ to, event }: Extract<Cargo, { kind: "answer" }>, world: World): string => {
  const { answer } = event as unknown as {
    answer: {
      row?: { id: SeatId; holder: DeviceId; term: number; phase: string };
      granted?: readonly { device: DeviceId; term: number }[];
    };
  };
  if (answer.row) {
    const { id, holder, term, phase } = answer.row;
    return `a${to}${event.type}${holder}${behind(world.seats.get(id)?.term, term)}${phase}`;
  }
  const [granted] = answer.granted ?? [];
  return `a${to}${event.type}${granted ? behind(world.leases.get(granted.device)?.term, granted.term) : ""}`;
};

export const keyOf = (world: World): string => {
  const { now, links, seats, leases, grants, undecided } = world;
  let key = `${world.faults}${world.isUp ? "+" : "-"}${world.store}`;
  // In the order of the boot; failovers come and go.
  for (const [address, snapshot] of world.charts)
    if (!address.startsWith("failover:")) key += `|${chart(address, snapshot, world)}`;
  for (const id of seats.keys()) {
    const snapshot = world.charts.get(`failover:${id}`);
    if (snapshot) key += `|${chart(`failover:${id}`, snapshot, world)}`;
  }
  if (world.roster) key += `|${roster(world.roster, world)}`;
  const timers = world.timers.map(({ owner, id, due }) => `${owner}${id}${ticks(due, now, 0)}`);
  key += `|${timers.toSorted().join()}`;
  const flights = world.flights.map(({ cargo, isLate }) => `${cargoKey(cargo, world)}${isLate ? "~" : ""}`);
  key += `|${flights.toSorted().join()}`;
  for (const link of links.values()) {
    const quiet = link.quietSince === null ? "-" : ticks(link.quietSince, now, -3);
    const flags = `${link.isLeased ? 1 : 0}${link.isCut ? 1 : 0}${link.isDead ? 1 : 0}${link.isGivenUp ? 1 : 0}`;
    key += `|${link.state}${behind(link.dial, link.heard)}${flags}${link.level}${quiet}${ticks(link.shownAt, now, -2)}`;
  }
  for (const row of seats.values()) key += `|${row.holder}${row.phase}${undecided.has(row.id) ? "?" : ""}`;
  for (const row of leases.values()) key += `|${row.next}${ticks(row.until, now, -1)}`;
  for (const [id, granted] of grants) {
    const term = seats.get(id)?.term ?? 0;
    key += `|${granted.map((grant) => `${grant.device}${behind(term, grant.term)}`).join()}`;
  }
  return key;
};
