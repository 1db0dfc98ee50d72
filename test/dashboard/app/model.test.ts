/** What events do to the fleet as the page knows it. */
import { beforeEach, describe, expect, it } from "vitest";
import { Model } from "../../../src/dashboard/app/model.ts";
import type { Device, Failover, FleetEvent, Seat, Status } from "../../../src/dashboard/app/types.ts";

const NOT_NAMED = { name: null, labels: [] };
const device = (id: string, holds: string[] = [], change: Partial<Device> = {}): Device => ({
  id,
  ...NOT_NAMED,
  status: "online",
  link: "linked",
  connection: "serving",
  health: "healthy",
  lastEvidenceMs: 100,
  cordoned: false,
  holds,
  ...change,
});
const seat = (id: string, holder: string | null): Seat => ({
  id,
  line: id.slice(0, id.indexOf("/")),
  holder,
  term: 1,
  phase: "serving",
  queue: { open: 0, oldestMs: null, held: 0 },
  last: null,
});
const account = (id: string, devices: string[]) => ({
  id,
  ...NOT_NAMED,
  role: "master" as const,
  standing: "good" as const,
  standingUntil: null,
  phone: { seenAt: null, unseenSince: null },
  devices,
});
/** `sales` has two accounts, one with a twin; `help` has one. */
const status = (): Status => ({
  fleet: "acme",
  now: 5000,
  startedAt: 0,
  mode: "automatic",
  lines: [
    { id: "sales", ...NOT_NAMED, masters: ["s1", "s2"], servants: [], seats: ["sales/s1", "sales/s2"] },
    { id: "help", ...NOT_NAMED, masters: ["h1"], servants: ["s2"], seats: ["help/h1"] },
  ],
  seats: [seat("sales/s1", "s1/a"), seat("sales/s2", "s2/a"), seat("help/h1", "h1/a")],
  accounts: [account("s1", ["s1/a", "s1/b"]), account("s2", ["s2/a"]), account("h1", ["h1/a"])],
  devices: [device("s1/a", ["sales/s1"]), device("s1/b"), device("s2/a", ["sales/s2"]), device("h1/a", ["help/h1"])],
  alerts: [],
  drift: { changes: 0, restart: 0, isWrong: false },
});
let seq = 0;
const event = (type: string, subject: string, data: FleetEvent["data"] = {}): FleetEvent => ({
  seq: ++seq,
  at: 6000,
  type,
  subject,
  data,
});

let model: Model;
beforeEach(() => {
  model = new Model();
  model.replace(status(), 4000);
});
const standbys = (id: string) => model.standbysOf(model.seats.get(id) as Seat).map((each) => each.id);

describe("the fleet as the page knows it", () => {
  it("ranks who stands by: the same number first, then those that hold nothing", () => {
    expect(standbys("sales/s1")).toEqual(["s1/b", "s2/a"]);
    expect(standbys("sales/s2")).toEqual(["s1/b", "s1/a"]);
    expect(standbys("help/h1")).toEqual([]);
  });
  it("counts nobody who is silent, unlinked or banned", () => {
    const all = status();
    const silent = device("s1/b", [], { status: "suspect", health: "suspect" });
    model.replace({ ...all, devices: [...all.devices.filter(({ id }) => id !== "s1/b"), silent] }, 4000);
    expect(standbys("sales/s1")).toEqual(["s2/a"]);
    model.replace(
      { ...all, accounts: all.accounts.map((each) => (each.id === "s2" ? { ...each, standing: "banned" as const } : each)) },
      4000,
    );
    expect(standbys("sales/s1")).toEqual(["s1/b"]);
  });
  it("follows a seat from one holder to the next", () => {
    model.apply(event("holder.suspect", "sales/s1", { device: "s1/a" }));
    expect(model.seats.get("sales/s1")).toMatchObject({ phase: "threatened", holder: "s1/a" });
    model.apply(event("holder.failed", "sales/s1", { device: "s1/a", cause: "silent" }));
    expect(model.devices.get("s1/a")).toMatchObject({ status: "failed", health: "failed" });
    model.apply(event("seat.serving", "sales/s1", { device: "s1/b", term: 2 }));
    expect(model.seats.get("sales/s1")).toMatchObject({ phase: "serving", holder: "s1/b", term: 2 });
    expect(model.devices.get("s1/a")?.holds).toEqual([]);
    expect(model.devices.get("s1/b")?.holds).toEqual(["sales/s1"]);
    expect(model.happenings[0]).toMatchObject({ type: "seat.serving", subject: "sales/s1" });
  });
  it("draws anew only the lines that an event is about", () => {
    const before = ["sales", "help"].map((line) => model.version(line));
    model.apply(event("holder.suspect", "sales/s1", { device: "s1/a" }));
    expect(model.version("sales")).toBeGreaterThan(before[0] ?? 0);
    expect(model.version("help")).toBe(before[1]);
    model.apply(event("device.linked", "s2/a"));
    expect(model.version("help")).toBeGreaterThan(before[1] ?? 0);
  });
  it("draws nothing anew when a status says what is known", () => {
    const before = model.version("sales");
    model.replace(status(), 4000);
    expect(model.version("sales")).toBe(before);
  });
  it("opens and closes alerts, and a status has the last word", () => {
    const data = { key: "k", rule: "device.failed", level: "critical", text: "s1/a failed", raisedAt: 5900 };
    model.apply(event("alert.raised", "s1/a", data));
    expect([...model.alerts.values()]).toMatchObject([{ key: "k", level: "critical", raisedAt: 5900 }]);
    model.apply(event("alert.resolved", "s1/a", data));
    expect(model.alerts.size).toBe(0);
    model.apply(event("alert.raised", "s1/a", data));
    model.replace(status(), 4000);
    expect(model.alerts.size).toBe(0);
  });
  it("remembers the last move of a seat, in whatever order it hears of them", () => {
    const record = (id: string, inServiceAt: number | null) => ({ id, seat: "sales/s1", inServiceAt }) as Failover;
    model.learn([record("c", null), record("b", 20), record("a", 10)]);
    model.learn([record("a", 10)]);
    expect(model.lastMoves.get("sales/s1")?.id).toBe("b");
  });
  it("survives events about what it does not know, and forgets old ones", () => {
    for (let n = 0; n < 1000; n++) model.apply(event("seat.serving", `gone/${n}`, { device: "x/y", term: n }));
    model.apply(event("holder.failed", "sales/s1", { device: null }));
    expect(model.happenings.length).toBe(30);
    expect(model.seats.size).toBe(3);
  });
});
