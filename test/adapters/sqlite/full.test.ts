import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { declaration, draft, seatTerm } from "../../conformance/store-kit.ts";
import { asking, errorOf, makeFolder, open } from "./rig.ts";

/** 4 KB of text that no compression of the disk can help with. */
const big = (n: number) => draft(n, { content: { kind: "text", text: `${n}`.padStart(4000, String(n)) } });

/** Accepts until the store is full; how many were promised. */
const fill = async (store: ReturnType<typeof asking>, from: number): Promise<number> => {
  for (let n = from; n < from + 5000; n++) {
    const answer = await store.ask({ op: "outbox.accept", messages: [big(n)], limit: 1e9 });
    if (answer.kind === "accepted") continue;
    expect(answer).toMatchObject({ kind: "failed", cause: "full", message: expect.stringContaining("E_STORE_FULL") });
    return n - from;
  }
  throw new Error("never full");
};
const expectAll = async (store: ReturnType<typeof asking>, count: number): Promise<void> => {
  const { rows } = await store.expect("rows", { op: "outbox.open", seat: big(1).seat, afterSeq: 0, limit: 1e6 });
  expect(rows).toHaveLength(count);
};

describe("a full disk", () => {
  it("fails what needs room and nothing else, and is forgotten when there is room again", async () => {
    const file = join(makeFolder(), "greenroom.db");
    const store = open(file, { maxBytes: 1_000_000 });
    const port = asking(store);
    await port.ask({ op: "fleet.declare", fleet: declaration });
    const count = await fill(port, 1);
    expect(count).toBeGreaterThan(100);
    // In one turn: the one that needs no room is not taken down by those that do.
    const [bad, fine, worse] = await Promise.all([
      port.ask({ op: "outbox.accept", messages: [big(9001)], limit: 1e9 }),
      port.ask({ op: "seat.settle", seat: big(1).seat, term: seatTerm(0), phase: "moving", failover: null, audit: null }),
      port.ask({ op: "outbox.accept", messages: [big(9002)], limit: 1e9 }),
    ]);
    expect([bad.kind, fine.kind, worse.kind]).toEqual(["failed", "changed", "failed"]);
    await expectAll(port, count);
    store.limit(4_000_000);
    expect((await port.ask({ op: "outbox.accept", messages: [big(9001)], limit: 1e9 })).kind).toBe("accepted");
    await expectAll(port, count + 1);
    expect(store.check()).toEqual([]);
  });

  it("of a real, small file system is told alike, also at opening", async ({ skip }) => {
    const folder = makeFolder();
    const { status } = spawnSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", folder]);
    skip(status !== 0, "mounting needs root");
    onTestFinished(() => void spawnSync("umount", [folder]));
    const ballast = join(folder, "ballast");
    writeFileSync(ballast, Buffer.alloc(600_000));
    const store = open(join(folder, "greenroom.db"));
    onTestFinished(() => store.close());
    const port = asking(store);
    await port.ask({ op: "fleet.declare", fleet: declaration });
    const count = await fill(port, 1);
    await expectAll(port, count);
    rmSync(ballast);
    expect((await port.ask({ op: "outbox.accept", messages: [big(9001)], limit: 1e9 })).kind).toBe("accepted");
    await expectAll(port, count + 1);
    store.close();
    writeFileSync(ballast, Buffer.alloc(100_000));
    spawnSync("dd", ["if=/dev/zero", `of=${ballast}`, "bs=4096"]);
    expect(errorOf(() => open(join(folder, "second.db")))).toMatchObject({ code: "E_STORE_FULL" });
    rmSync(ballast);
    const again = open(join(folder, "greenroom.db"));
    onTestFinished(() => again.close());
    expect(again.check()).toEqual([]);
    await expectAll(asking(again), count + 1);
  });
});
