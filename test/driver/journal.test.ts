import { describe, expect, it } from "vitest";
import { JOURNAL_VERSION, type JournalRecord, JournalWriter, stateHash } from "../../machines/driver/journal.ts";
import { replayJournal } from "../../machines/driver/replay.ts";
import type { DeviceId } from "../../machines/ports/ids.ts";
import type { StoreAnswer } from "../../machines/ports/store.ts";
import { Fleet } from "../../sim/world/harness.ts";
import { demoFleet } from "../../sim/world/reference.ts";
import { JournalLog } from "../../src/runtime/journal-log.ts";
import { makeFolder, open } from "../adapters/sqlite/rig.ts";
import { withTwin } from "../sim/world/story.ts";

describe("the journal of a story with a failover, a crash and a restart", () => {
  const { records, fleet } = story("journal");

  it("replays to the same states, all of them compared", () => {
    const result = replayJournal(records);
    expect(result).toMatchObject({ outcome: "identical", divergence: null, lives: 2, unverified: 0, notes: [] });
    const states = records.filter(({ k }) => k === "start" || k === "in" || k === "state");
    expect(result.compared).toBe(states.length);
    const kinds = new Set(records.flatMap((record) => (record.k === "start" ? [record.kind] : [])));
    expect([...kinds].sort()).toEqual([
      "alert",
      "connection",
      "failover",
      "health",
      "lease",
      "master",
      "orchestrator",
      "seat",
      "sender",
      "servant",
      "standing",
    ]);
    expect(records.some((record) => record.k === "in" && record.event.type.startsWith("xstate.after."))).toBe(true);
  });

  it("is the same in a second life of the same seed", () => {
    expect(story("journal").records).toEqual(records);
  });

  it("shows a record that was tampered with: its number, its actor, and both states", () => {
    const at = records.findIndex((record) => record.k === "in" && record.event.type === "holder.failed");
    const honest = records[at] as Extract<JournalRecord, { k: "in" }>;
    const changed = { ...honest, event: { ...honest.event, cause: "silent" } };
    const { outcome, divergence, notes } = replayJournal([...records.slice(0, at), changed, ...records.slice(at + 1)]);
    expect(outcome).toBe("diverged");
    expect(divergence).toMatchObject({ n: honest.n, actor: honest.to, after: "holder.failed", expected: honest.hash });
    expect(notes.at(-1)).toContain(`record ${honest.n}: ${honest.to} after holder.failed: expected ${honest.hash}, got `);
  });

  it("shows a hash that was tampered with, and a start with another input", () => {
    const hash = records.map((record, place) => (place === 100 && "hash" in record ? { ...record, hash: "0" } : record));
    expect(replayJournal(hash).divergence).toMatchObject({ n: records[100]?.n, expected: "0" });
    const at = records.findIndex((record) => record.k === "start" && record.kind === "seat");
    const seat = records[at] as Extract<JournalRecord, { k: "start" }>;
    const input = { ...(seat.input as object), life: "another" };
    const started = records.map((record, place) => (place === at ? { ...seat, input } : record));
    expect(replayJournal(started).divergence).toMatchObject({ n: seat.n, after: "start" });
  });

  it("of which the oldest records were dropped begins at a checkpoint, and says what came before it", () => {
    const first = records.findIndex(({ k }) => k === "checkpoint");
    const cut = records.slice(first - 30);
    const result = replayJournal(cut);
    const charts = (records[first] as Extract<JournalRecord, { k: "checkpoint" }>).charts;
    expect(result).toMatchObject({ outcome: "identical", unverified: 30 + charts });
    expect(result.compared).toBeGreaterThan(cut.length / 2);
    expect(result.notes).toEqual([
      `records from ${cut[0]?.n} to ${records[first + charts]?.n} could not be verified: the state that they began with is not in the journal`,
    ]);
  });

  it("that begins in the middle of a checkpoint waits for the next one", () => {
    const first = records.findIndex(({ k }) => k === "checkpoint");
    const second = records.findIndex(({ k }, place) => k === "checkpoint" && place > first);
    const result = replayJournal(records.slice(first + 5));
    expect(result.outcome).toBe("identical");
    expect(result.unverified).toBeGreaterThan(second - first - 5);
  });

  it("finds a change after a checkpoint as well", () => {
    const first = records.findIndex(({ k }) => k === "checkpoint");
    const at = records.findIndex((record, place) => place > first + 100 && record.k === "in" && record.to.startsWith("health:"));
    const changed = {
      ...(records[at] as JournalRecord),
      event: { type: "connection.closed", dial: 99, reason: "banned", at: 1 },
    };
    const cut = [...records.slice(first, at), changed as JournalRecord, ...records.slice(at + 1)];
    expect(replayJournal(cut).divergence?.n).toBe(records[at]?.n);
  });

  it("with a hole in it goes on at the next checkpoint or start, and says so", () => {
    const first = records.findIndex(({ k }) => k === "checkpoint");
    const result = replayJournal([...records.slice(0, first - 20), ...records.slice(first - 10)]);
    expect(result.outcome).toBe("identical");
    expect(result.notes[0]).toBe(
      `records ${records[first - 20]?.n} to ${records[first - 11]?.n} are missing: what follows can be verified from the next checkpoint or start on`,
    );
  });

  it("of another version, or no journal at all, is refused in words", () => {
    const old = [{ n: 1, k: "life", version: 1, node: "n1", at: 0 } as JournalRecord, ...records.slice(1)];
    expect(replayJournal(old)).toMatchObject({
      outcome: "refused",
      compared: 0,
      notes: [
        `record 1: the journal is of version 1, this replay reads version ${JOURNAL_VERSION}: replay it with the release that wrote it`,
      ],
    });
    expect(replayJournal([{ n: 5, k: "timer", timer: 3 } as never]).notes[0]).toContain('"timer" is no kind of record');
    expect(replayJournal([{ what: "is this" } as never]).outcome).toBe("refused");
    expect(replayJournal([null as never]).outcome).toBe("refused");
  });

  it("with no start and no checkpoint says that there is nothing to begin at", () => {
    const first = records.findIndex(({ k }) => k === "checkpoint");
    expect(replayJournal(records.slice(10, first))).toMatchObject({ outcome: "nothing", unverified: first - 10 });
    expect(replayJournal([]).outcome).toBe("nothing");
  });

  it("has no number, no address, no text and no key in it", () => {
    const written = JSON.stringify(records);
    const { tables } = fleet.store;
    const addresses = [...tables.devices.values()].flatMap(({ row }) => [row.jid, row.lid]);
    const people = fleet.accepted.map(({ to }) => to);
    const texts = tables.outbox.map(({ content }) => (content.kind === "text" ? content.text : ""));
    const secrets = [...new Set([...addresses, ...people, ...texts])].filter((secret): secret is string => !!secret);
    expect(secrets.length).toBeGreaterThan(50);
    expect(secrets.filter((secret) => written.includes(secret))).toEqual([]);
    expect(written).not.toMatch(/@s\.whatsapp\.net|@lid|@g\.us|"proto"|"creds"|"keys"/);
  });

  it("keeps states that are plain data: what is read back is what was written", () => {
    const driver = fleet.node?.driver;
    const differing = (driver?.addresses() ?? []).filter((address) => {
      const view = driver?.peek(address);
      if (!view || typeof view.value !== "string" || ["roster", "dialler"].includes(address)) return false;
      return stateHash(view) !== stateHash(JSON.parse(JSON.stringify(view)));
    });
    expect(differing).toEqual([]);
  });
});

describe("a pairing code's phone number", () => {
  it("is in no record, and in no hash that somebody could guess it from", () => {
    const asked = (phone: string): JournalRecord[] => {
      const records: JournalRecord[] = [];
      const fleet = new Fleet({
        seed: "phone",
        declaration: demoFleet(),
        journal: (record) => records.push(record),
        checkpointEvery: 1,
      });
      fleet.run(20_000);
      fleet.inject({ kind: "logged-out", target: { device: "sales-2/a" }, for: "permanent" } as never);
      fleet.run(5_000);
      fleet.node?.link("sales-2/a" as DeviceId, { kind: "code", phone });
      fleet.run(20_000);
      return records;
    };
    const [one, other] = [asked("491711111111"), asked("491722222222")];
    expect(one.some((record) => record.k === "in" && record.event.type === "link.request")).toBe(true);
    expect(JSON.stringify(one)).not.toContain("491711111111");
    expect(one).toEqual(other);
    expect(replayJournal(one).outcome).toBe("identical");
  });
});

describe("a checkpoint", () => {
  it("has the place of a phone number, and not the number", () => {
    const records: JournalRecord[] = [];
    const writer = new JournalWriter((record) => records.push(record), 0, 1);
    const snapshot = { value: "linking", context: { device: "m1/a", method: { kind: "code", phone: "491711111111" } } };
    for (let time = 0; time < 10; time++) writer.dead("alert:x");
    writer.rest(1, () => [{ to: "connection:m1/a" as never, kind: "connection", snapshot }]);
    expect(records.at(-1)).toMatchObject({ k: "state", context: { method: { kind: "code", phone: "" } } });
  });
});

describe("the journal in a store", () => {
  it("comes back as it was written, goes on over a restart, and keeps the newest records only", async () => {
    const { records } = story("journal");
    const file = `${makeFolder()}/store.db`;
    const store = open(file);
    const flush = (log: JournalLog): Promise<void> =>
      new Promise((resolve) => {
        log.flush(resolve);
      });
    const read = (): Promise<JournalRecord[]> =>
      new Promise((resolve) => {
        store.ask({ op: "journal.read", reqId: "r" as never, afterSeq: 0, limit: 1e6 }, (answer: StoreAnswer<"journal.read">) => {
          resolve(answer.kind === "journal" ? answer.entries.map(({ line }) => JSON.parse(line) as JournalRecord) : []);
        });
      });
    const half = records.findLastIndex(({ k }) => k === "life");
    for (const [life, part] of [records.slice(0, half), records.slice(half)].entries()) {
      const log = new JournalLog(store, `life-${life}`, 1e6);
      for (const record of part) log.write({ ...record, n: record.n - (part[0]?.n ?? 0) + 1 });
      await flush(log);
      expect(log.dropped).toBe(0);
    }
    const back = await read();
    expect(back.map(({ n }) => n)).toEqual(records.map((_, place) => place + 1));
    expect(replayJournal(back)).toMatchObject({ outcome: "identical", lives: 2, unverified: 0 });
    const short = new JournalLog(store, "life-2", 500);
    short.write({ ...(records[0] as JournalRecord), n: 1 });
    await flush(short);
    const kept = await read();
    expect(kept).toHaveLength(500);
    expect(replayJournal(kept).outcome).toBe("identical");
  });
});

/** Checkpoints come often: the shorter of two spans is ten records a chart. */
function story(seed: string): { records: JournalRecord[]; fleet: Fleet } {
  const records: JournalRecord[] = [];
  const fleet = new Fleet({
    seed,
    declaration: demoFleet(),
    workload: { sends: 8, writes: 1, peoplePerLine: 100 },
    journal: (record) => records.push(JSON.parse(JSON.stringify(record)) as JournalRecord),
    checkpointEvery: 1,
  });
  const inject = (fault: object): void => void fleet.inject(fault as never);
  fleet.run(20_000).startWorkload().run(10_000);
  for (let round = 0; round < 8; round++) {
    inject({ kind: "close", target: { account: "sales-1" }, for: 0, code: 428 });
    inject({ kind: "silent-path", target: { account: "support-2" }, for: 10_000, keeps: false });
    fleet.run(30_000);
  }
  inject({ kind: "restricted", target: { account: "sales-2" }, for: 60_000, announced: true });
  inject({ kind: "logged-out", target: { seat: withTwin }, for: "permanent" });
  fleet.run(20_000);
  inject({ kind: "node-crash", target: { node: "n1" }, for: 0, tells: true, downFor: 1_000 });
  fleet.run(60_000);
  return { records, fleet };
}
