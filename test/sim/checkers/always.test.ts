import { describe, expect, it } from "vitest";
import type { DeviceId, MessageId, SeatTerm, WaId } from "../../../machines/ports/ids.ts";
import { nobodyDies } from "../../../sim/checkers/actors.ts";
import { detectionsAlert, recoveriesResolve } from "../../../sim/checkers/alerts.ts";
import { inboxFills, outboxDrains, seatsAreHeld } from "../../../sim/checkers/eventually.ts";
import { gateKeepsTerms } from "../../../sim/checkers/gate.ts";
import { check, properties } from "../../../sim/checkers/index.ts";
import { eventsOf } from "../../../sim/checkers/life.ts";
import {
  duplicatesAreMarked,
  gateBeforeBytes,
  inOrder,
  keptBeforeReceipt,
  keysBeforeBytes,
  nothingLost,
} from "../../../sim/checkers/messages.ts";
import { paceIsKept } from "../../../sim/checkers/pacing.ts";
import { changesAreAudited, oneHolderPerTerm, rollbackRestores } from "../../../sim/checkers/seats.ts";
import { oneSocket } from "../../../sim/checkers/sockets.ts";
import { after, brokenIn, first, honest, withEvents, without, withTables } from "./doctored.ts";

const other = "support-1/a" as DeviceId;

describe("an honest life", () => {
  it("breaks nothing, and has what each checker looks at", () => {
    const life = honest();
    expect(check(life)).toEqual([]);
    const kinds = new Set(life.events.map(({ kind }) => kind));
    for (const kind of ["dialled", "gate", "written", "shown", "seat", "seatTold", "said", "receipted", "fault"] as const) {
      expect(kinds).toContain(kind);
    }
    expect([...life.tables.failovers.values()].map(({ outcome }) => outcome)).toContain("inService");
  });

  it("each property has a name of its own and a sentence", () => {
    expect(new Set(properties.map(({ name }) => name)).size).toBe(properties.length);
    for (const { name, says } of properties) expect(`${name}: ${says}`).toMatch(/^[a-z-]+: .{20,}$/);
  });
});

describe("the checker notices", () => {
  it("two holders under one term", () => {
    const life = honest();
    const row = first(life, "seat");
    expect(brokenIn(oneHolderPerTerm, after(life, row, { ...row, holder: other })).length).toBeGreaterThan(0);
  });

  it("a term that leaps, and one that goes back", () => {
    const life = honest();
    const row = first(life, "seat");
    expect(brokenIn(oneHolderPerTerm, after(life, row, { ...row, term: (row.term + 2) as SeatTerm }))).not.toEqual([]);
    expect(brokenIn(oneHolderPerTerm, after(life, row, { ...row, term: 0 as SeatTerm }))).not.toEqual([]);
  });

  it("a change of holder without its audit entry", () => {
    const life = honest();
    const audit = life.tables.audit.filter(({ action }) => action !== "seat.moved");
    expect(brokenIn(changesAreAudited, withTables(life, { audit })).length).toBeGreaterThan(0);
  });

  it("a rollback that gave nothing back", () => {
    const life = honest();
    const failovers = new Map(
      [...life.tables.failovers].map(([id, record]) => [id, { ...record, outcome: "rolledBack" as const, from: other }]),
    );
    expect(brokenIn(rollbackRestores, withTables(life, { failovers })).length).toBeGreaterThan(0);
  });

  it("a message that passes under a term that is known to have ended", () => {
    const life = honest();
    const gate = first(life, "gate");
    const told = {
      kind: "seatTold" as const,
      at: gate.at - 1,
      node: gate.node,
      seat: gate.seat,
      term: (gate.term + 1) as SeatTerm,
    };
    const late = withEvents(life, (events) => [
      ...events.slice(0, events.indexOf(gate)),
      told,
      ...events.slice(events.indexOf(gate)),
    ]);
    expect(brokenIn(gateKeepsTerms, late).length).toBeGreaterThan(0);
  });

  it("a message that passes on a device that does not hold the seat", () => {
    const life = honest();
    const gate = first(life, "gate");
    expect(brokenIn(gateKeepsTerms, after(life, gate, { ...gate, device: other }))).toHaveLength(1);
  });

  it("a second socket of a device", () => {
    const life = honest();
    const dial = first(life, "dialled");
    expect(brokenIn(oneSocket, after(life, dial, { ...dial, link: 9_999 })).length).toBeGreaterThan(0);
  });

  it("a message that counts as delivered and that nobody saw", () => {
    const life = honest();
    const { message } = first(life, "shown");
    const gone = eventsOf(life, "shown").filter((event) => event.message === message);
    expect(brokenIn(nothingLost, without(life, ...gone))).toHaveLength(1);
  });

  it("a message without a row", () => {
    const life = honest();
    const { message } = first(life, "shown");
    const gone = eventsOf(life, "shown").filter((event) => event.message === message);
    const outbox = life.tables.outbox.filter(({ id }) => id !== message);
    expect(brokenIn(nothingLost, withTables(without(life, ...gone), { outbox }))).toHaveLength(1);
  });

  it("messages of a conversation in the wrong order", () => {
    const life = honest();
    expect(
      brokenIn(
        inOrder,
        withEvents(life, (events) => events.toReversed()),
      ).length,
    ).toBeGreaterThan(0);
  });

  it("a message that is shown twice without an unanswered attempt", () => {
    const life = honest();
    const shown = first(life, "shown");
    expect(brokenIn(duplicatesAreMarked, after(life, shown, shown))).toHaveLength(1);
  });

  it("a key that is used twice", () => {
    const life = honest();
    const shown = first(life, "shown");
    expect(brokenIn(keysBeforeBytes, after(life, shown, { ...shown, kind: "unreadable" }))).toHaveLength(1);
  });

  it("bytes that never passed the gate", () => {
    const life = honest();
    const written = first(life, "written");
    expect(brokenIn(gateBeforeBytes, after(life, written, { ...written, message: "m?" as MessageId }))).toHaveLength(1);
  });

  it("a receipt for what is not kept", () => {
    const life = honest();
    const receipt = first(life, "receipted");
    expect(brokenIn(keptBeforeReceipt, after(life, receipt, { ...receipt, waId: "3A?" as WaId }))).toHaveLength(1);
  });

  it("an account that sends faster than its pace", () => {
    const life = honest();
    const gate = first(life, "gate", ({ device }) => device.startsWith("support-1/"));
    expect(brokenIn(paceIsKept, after(life, gate, ...Array.from({ length: 40 }, () => gate)))).toHaveLength(1);
  });

  it("an actor that died, in the store and in the node", () => {
    const life = honest();
    const [alert] = life.tables.alerts;
    const died = { ...(alert as NonNullable<typeof alert>), rule: "actor.died" };
    expect(brokenIn(nobodyDies, withTables(life, { alerts: [died] }))).toHaveLength(1);
    expect(brokenIn(nobodyDies, { ...life, dead: ["seat:sales/sales-1"] })).toHaveLength(1);
  });

  it("a holder that was given up without an alert", () => {
    const life = honest();
    const raised = eventsOf(life, "said").filter(({ type }) => type === "alert.raised");
    expect(brokenIn(detectionsAlert, without(life, ...raised)).length).toBeGreaterThan(0);
    expect(brokenIn(detectionsAlert, withTables(life, { alerts: [] })).length).toBeGreaterThan(0);
  });

  it("an alert that stays open about what is well", () => {
    const life = honest();
    const alerts = life.tables.alerts.map((alert) => ({ ...alert, state: "open" as const, resolvedAt: null }));
    expect(brokenIn(recoveriesResolve, withTables(life, { alerts })).length).toBeGreaterThan(0);
  });

  it("a seat that nobody holds at the end, and one whose holder is not there", () => {
    const life = honest();
    const seats = new Map([...life.tables.seats].map(([id, row]) => [id, { ...row, phase: "moving" as const }]));
    expect(brokenIn(seatsAreHeld, withTables(life, { seats }))).toHaveLength(seats.size);
    expect(brokenIn(seatsAreHeld, without(life, ...eventsOf(life, "serving")))).toHaveLength(seats.size);
  });

  it("a message that still waits at the end", () => {
    const life = honest();
    const outbox = life.tables.outbox.map((row, i) => (i === 0 ? { ...row, state: "accepted" as const } : row));
    expect(brokenIn(outboxDrains, withTables(life, { outbox }))).toHaveLength(1);
  });

  it("what people wrote and nobody has", () => {
    const life = honest();
    expect(brokenIn(inboxFills, withTables(life, { inbox: [] }))).toHaveLength(1);
  });
});
