import { once } from "node:events";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { OutboxState } from "../../../machines/ports/store.ts";
import { device, messageId } from "../../conformance/store-kit.ts";
import { asking, makeFolder, open, startChild } from "./rig.ts";

const KILLS = process.env["GREENROOM_FULL"] ? 100 : 10;
const RANK: readonly OutboxState[] = ["accepted", "dispatched", "acknowledged"];

interface Promises {
  /** The furthest state that the store answered for. */
  readonly states: Map<number, OutboxState>;
  leaseTerm: number;
  journal: number;
}

describe("kill -9 under load", () => {
  it(`loses nothing that was answered, ${KILLS} times on the same store`, { timeout: 10_000 + KILLS * 3000 }, async () => {
    const file = join(makeFolder(), "greenroom.db");
    const promises: Promises = { states: new Map(), leaseTerm: 0, journal: 0 };
    let next = 1;
    for (let kill = 1; kill <= KILLS; kill++) {
      const before = promises.states.size;
      await runAndKill(file, next, promises, 50 + ((kill * 37) % 200));
      expect(promises.states.size).toBeGreaterThan(before); // or nothing was tested
      next = Math.max(...promises.states.keys()) + 1000; // what was asked and never answered keeps its number

      const store = open(file); // the lock is free, at once
      expect(store.check()).toEqual([]);
      await expectKept(asking(store), promises, kill === KILLS);
      store.close();
    }
  });
});

const runAndKill = async (file: string, first: number, promises: Promises, after: number): Promise<void> => {
  const child = startChild("child-load.ts", file, String(first));
  child.lines.on("line", (line) => {
    const [what = "", n = ""] = line.split(" ");
    if (what === "leased") promises.leaseTerm = Number(n);
    else if (what === "journal") promises.journal = Math.max(promises.journal, Number(n));
    else promises.states.set(Number(n), what as OutboxState);
  });
  await once(child.lines, "line");
  await new Promise((resolve) => {
    setTimeout(resolve, after);
  });
  await child.kill();
};

const expectKept = async (store: ReturnType<typeof asking>, promises: Promises, isLast: boolean): Promise<void> => {
  const lost: string[] = [];
  // All of them at the end, the latest each time: those are the ones at risk.
  const numbers = [...promises.states.keys()].slice(isLast ? 0 : -200);
  for (const n of numbers) {
    const wanted = promises.states.get(n) ?? "accepted";
    const { row } = await store.expect("row", { op: "outbox.get", id: messageId(n) });
    if (!row || RANK.indexOf(row.state) < RANK.indexOf(wanted)) lost.push(`${n} was ${wanted}, is ${row?.state}`);
    // Keys before bytes, and all of a commit or none: an attempt is there exactly if its keys and its inbound row are.
    if (row && row.state !== "accepted" && row.attempts.length !== 1) lost.push(`${n} has ${row.attempts.length} attempts`);
  }
  expect(lost).toEqual([]);

  const { rows } = await store.expect("rows", { op: "inbox.read", afterSeq: 0, limit: 1e6 });
  const received = new Set((rows as readonly { readonly waId: string }[]).map(({ waId }) => waId));
  const { seats } = await store.expect("counts", { op: "outbox.counts" });
  const dispatched = seats.filter(({ state }) => state !== "accepted").reduce((sum, { count }) => sum + count, 0);
  expect(received.size).toBe(dispatched);

  const { values } = await store.expect("keys", {
    op: "keys.load",
    device: device("sales-1/a"),
    type: "session",
    ids: ["0", "1", "2", "3", "4"],
  });
  for (const value of values)
    expect(received).toContain(
      `3EB0${Number(
        Buffer.from(value ?? [])
          .toString()
          .split(" ")[0],
      )}`,
    );

  const { entries } = await store.expect("journal", { op: "journal.read", afterSeq: 0, limit: 1000 });
  expect(entries.at(-1)?.seq ?? 0).toBeGreaterThanOrEqual(promises.journal);
  const { granted } = await store.expect("leases", {
    op: "lease.acquire",
    devices: [device("sales-1/a")],
    node: "n2" as never,
    ttl: 1000,
  });
  expect(granted[0]?.term).toBe(promises.leaseTerm + 1);
};
