import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Follower, hashOf, type ChainedEntry } from "../../../src/adapters/sqlite/audit-chain.ts";
import type { AuditDraft } from "../../../machines/ports/records.ts";
import type { SqliteStore } from "../../../src/adapters/sqlite/store.ts";
import { AuditKeeper } from "../../../src/runtime/audit-keeper.ts";
import { MIGRATIONS } from "../../../src/adapters/sqlite/migrations.ts";
import { asking, makeFolder, open } from "./rig.ts";

const draft = (n: number): AuditDraft => ({
  at: 1000 + n,
  actor: "orchestrator",
  action: "seat.moved",
  subject: `sales/sales-${n % 3}`,
  text: `entry ${n}`,
  evidence: { term: n, why: null, twin: n % 2 === 0 },
});
const write = async (store: SqliteStore, from: number, count: number): Promise<void> => {
  const entries = Array.from({ length: count }, (_, n) => draft(from + n));
  await asking(store).expect("appended", { op: "audit.append", entries });
};
/** A store with `count` entries, closed; then what `change` does to the file behind its back; then open again. */
const tampered = async (count: number, change: (db: DatabaseSync) => void): Promise<SqliteStore> => {
  const file = join(makeFolder(), "fleet.db");
  const store = open(file);
  for (let n = 1; n <= count; n += 4) await write(store, n, Math.min(4, count - n + 1));
  store.close();
  const db = new DatabaseSync(file);
  change(db);
  db.close();
  return open(file);
};
const DAY = 86_400_000;
const keeping = (store: SqliteStore, days: number | null, now: number) => {
  const told: string[] = [];
  const keeper = new AuditKeeper({
    audit: store.audit,
    days,
    now: () => now,
    perform: (effects) => told.push(...effects.map((effect) => `${effect.op} ${"key" in effect ? effect.key : ""}`)),
    onFault: (error) => told.push(String(error)),
  });
  return { keeper, told };
};
const COLUMNS = ["at", "actor", "action", "subject", "text", "evidence", "hash"] as const;

describe("the audit", () => {
  it("fits its chain, whatever was written in however many transactions, and after a restart", async () => {
    const file = join(makeFolder(), "fleet.db");
    const first = open(file);
    await write(first, 1, 3);
    await write(first, 4, 1);
    first.close();
    const second = open(file);
    await write(second, 5, 300);
    expect(await second.audit.verify()).toMatchObject({ entries: 304, head: { seq: 304 }, broken: null });
  });

  it("is fine when there is nothing in it", async () => {
    expect(await open(join(makeFolder(), "fleet.db")).audit.verify()).toMatchObject({ entries: 0, broken: null });
  });

  it("shows any change of any entry", async () => {
    const change = fc.record({
      seq: fc.integer({ min: 1, max: 9 }),
      column: fc.constantFrom(...COLUMNS),
    });
    await fc.assert(
      fc.asyncProperty(change, async ({ seq, column }) => {
        const value = column === "at" ? 5 : column === "evidence" ? '{"term":0}' : "other";
        const store = await tampered(9, (db) => db.prepare(`update audit set ${column} = ? where seq = ?`).run(value, seq));
        expect((await store.audit.verify()).broken).toMatchObject({ seq });
        store.close();
      }),
      { numRuns: 15 },
    );
  });

  it.each([
    ["evidence that is no JSON", "evidence = 'x'"],
    ["evidence that is none", "evidence = '5'"],
    ["a time that no number is", "at = 9223372036854775807"],
  ])("shows %s as a change, and can be read all the same", async (_, change) => {
    const store = await tampered(9, (db) => db.exec(`update audit set ${change} where seq = 4`));
    expect((await store.audit.verify()).broken).toMatchObject({ seq: 4 });
    const { told, keeper } = keeping(store, 1, 1e12);
    await keeper.look();
    expect(told).toEqual(["raise audit.broken"]);
    expect((await store.audit.page(0, 99)).entries).toHaveLength(9);
    expect(await asking(store).expect("audit", { op: "audit.read", subject: null, limit: 99 })).toMatchObject({
      rows: { length: 9 },
    });
    expect((await store.api.audit(null, { after: null, limit: 99 })).rows).toHaveLength(9);
  });

  it("shows what was removed, wherever it stood", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), async (from, count) => {
        const store = await tampered(9, (db) =>
          db.prepare("delete from audit where seq >= ? and seq < ?").run(from, from + count),
        );
        expect((await store.audit.verify()).broken?.why).toContain("missing");
        store.close();
      }),
      { numRuns: 12 },
    );
  });

  it("shows entries that changed places", async () => {
    const store = await tampered(9, (db) =>
      db.exec(
        "update audit set seq = -1 where seq = 3; update audit set seq = 3 where seq = 6; update audit set seq = 6 where seq = -1",
      ),
    );
    expect((await store.audit.verify()).broken).toMatchObject({ seq: 3 });
  });

  it("shows an entry that somebody put behind the last one, also when more were written since", async () => {
    const store = await tampered(5, (db) =>
      db.exec(
        "insert into audit (at, actor, action, subject, text, evidence) values (9, 'orchestrator', 'seat.moved', 'x', 'forged', '{}')",
      ),
    );
    const before = await store.audit.verify();
    expect(before.broken).toEqual({ seq: 6, why: "entry 6 was not written by Greenroom" });
    await write(store, 7, 2);
    expect((await store.audit.verify()).broken).toMatchObject({ seq: 6 });
  });

  it("shows a chain that was written anew from an edited entry on: the seal of its head needs the key", async () => {
    const store = await tampered(6, (db) => {
      db.exec("update audit set text = 'nothing happened' where seq = 4");
      let before = String(db.prepare("select hash from audit where seq = 3").get()?.["hash"]);
      for (const row of db.prepare("select * from audit where seq > 3 order by seq").all()) {
        const entry = { ...row, evidence: JSON.parse(String(row["evidence"])) as object } as unknown as ChainedEntry;
        before = hashOf(before, entry);
        db.prepare("update audit set hash = ? where seq = ?").run(before, entry.seq);
      }
    });
    expect((await store.audit.verify()).broken?.why).toContain("written anew without the key");
  });

  it.each(["audit_head", "audit_anchor"])("shows that %s is gone, for ever", async (name) => {
    const store = await tampered(5, (db) => db.prepare("delete from meta where name = ?").run(name));
    expect((await store.audit.verify()).broken?.why).toContain("seal");
    await write(store, 6, 1);
    expect((await store.audit.verify()).broken?.why).toContain("seal");
  });

  it("can be shortened, and what is left is still proved; another head than the noted one shows", async () => {
    const file = join(makeFolder(), "fleet.db");
    const store = open(file);
    await write(store, 1, 450);
    const entry = (removed: number): AuditDraft => ({ ...draft(999), action: "audit.pruned", evidence: { removed } });
    expect(await store.audit.prune(1000 + 441, entry)).toBe(440);
    const verdict = await store.audit.verify();
    expect(verdict).toMatchObject({ entries: 11, anchor: { seq: 440 }, head: { seq: 451 }, broken: null });
    expect(await store.audit.prune(1e12, entry)).toBe(10);
    store.close();
    const again = open(file);
    await write(again, 2000, 1);
    expect(await again.audit.verify()).toMatchObject({ entries: 3, broken: null });
  });

  it("is looked through each day: what is older than the fleet file wants goes, and the rest is still proved", async () => {
    const store = open(join(makeFolder(), "fleet.db"));
    await write(store, 1, 30);
    const { keeper, told } = keeping(store, 1, 1021 + DAY);
    await keeper.look();
    const { entries } = await store.audit.page(0, 99);
    expect(entries.map(({ action }) => action)).toEqual([...Array<string>(10).fill("seat.moved"), "audit.pruned"]);
    expect(entries.at(-1)).toMatchObject({ actor: "orchestrator", evidence: { removed: 20, before: 1021 } });
    await keeper.look();
    await keeping(store, null, 1e12).keeper.look();
    expect(await store.audit.verify()).toMatchObject({ entries: 11, anchor: { seq: 20 }, broken: null });
    expect(told).toEqual(["resolve audit.broken", "resolve audit.broken"]);
  });

  it("is not shortened once somebody changed it, and people are told", async () => {
    const store = await tampered(8, (db) => db.exec("update audit set text = 'nothing happened' where seq = 3"));
    const { keeper, told } = keeping(store, 1, 1e12);
    await keeper.look();
    expect(told).toEqual(["raise audit.broken"]);
    expect((await store.audit.page(0, 99)).entries).toHaveLength(8);
  });

  it("is chained as it was found when an older store gets its chain", async () => {
    const file = join(makeFolder(), "fleet.db");
    const old = open(file);
    await write(old, 1, 7);
    old.close();
    const db = new DatabaseSync(file);
    db.exec(
      "alter table audit drop column hash; delete from meta where name like 'audit%'; delete from migration where number >= 5",
    );
    for (const { sql } of MIGRATIONS.filter(({ number }) => number > 5))
      for (const [, kind, name] of sql.matchAll(/create (table|index) (\w+)/g)) db.exec(`drop ${kind} if exists ${name}`);
    db.exec("pragma user_version = 4");
    db.close();
    expect(await open(file).audit.verify()).toMatchObject({ entries: 7, broken: null });
  });

  it("is exported with its hashes, and an export can be followed without the key", async () => {
    const store = open(join(makeFolder(), "fleet.db"));
    await write(store, 1, 9);
    const [first, second] = [await store.audit.page(0, 5), await store.audit.page(5, 100)];
    const rows = [...first.entries, ...second.entries];
    const follower = new Follower(first.anchor);
    expect(rows.every((row) => follower.take(row))).toBe(true);
    expect(follower.head).toEqual((await store.audit.verify()).head);
  });

  it("keeps its chain when a transaction comes to nothing", async () => {
    const store = open(join(makeFolder(), "fleet.db"), { maxBytes: 400_000 });
    const port = asking(store);
    await write(store, 1, 2);
    const huge = { ...draft(3), text: "x".repeat(600_000) };
    const failed = await port.ask({ op: "audit.append", entries: [huge] });
    expect(failed.kind).toBe("failed");
    await write(store, 3, 2);
    expect(await store.audit.verify()).toMatchObject({ entries: 4, broken: null });
  });
});
