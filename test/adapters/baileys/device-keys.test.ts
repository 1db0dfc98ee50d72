import { describe, expect, it } from "vitest";
import type { DeviceId, LeaseTerm } from "../../../machines/ports/ids.ts";
import type { AttemptDraft, InboundDraft, StoreOps } from "../../../machines/ports/store.ts";
import type { Ask } from "../../../src/adapters/baileys/ask.ts";
import { DeviceKeys } from "../../../src/adapters/baileys/keys/device-keys.ts";
import { liveKeys } from "../../../src/adapters/baileys/keys/ending.ts";

type Commit = StoreOps["keys.commit"]["in"];
type CommitAnswer = StoreOps["keys.commit"]["out"] | { kind: "failed"; cause: "io"; message: string };
const failed: CommitAnswer = { kind: "failed", cause: "io", message: "the disk" };
const committed: CommitAnswer = { kind: "committed", inbound: [] };

const device = "sales-1/a" as DeviceId;
const session = (step: number): never => ({ step }) as never;
const inbound = { waId: "X" } as unknown as InboundDraft;
const attempt = (number: number): AttemptDraft => ({ message: `m${number}`, number }) as unknown as AttemptDraft;

/** A store whose commits are answered when the test says so. */
const bench = () => {
  const stored = new Map<string, Uint8Array>();
  const commits: { asked: Commit; answer: (answer: CommitAnswer) => void }[] = [];
  const broken: boolean[] = [];
  const ask: Ask = ((op: string, input: unknown) => {
    if (op === "keys.load") {
      const { type, ids } = input as StoreOps["keys.load"]["in"];
      return Promise.resolve({ kind: "keys", values: ids.map((id) => stored.get(`${type} ${id}`) ?? null) });
    }
    const asked = input as Commit;
    return new Promise((resolve) => {
      commits.push({
        asked,
        answer: (answer) => {
          if (answer.kind === "committed") {
            for (const { type, id, value } of asked.keys) {
              if (value === null) stored.delete(`${type} ${id}`);
              else stored.set(`${type} ${id}`, value);
            }
          }
          resolve(answer);
        },
      });
    });
  }) as unknown as Ask;
  const keys = new DeviceKeys(ask, device, 1 as LeaseTerm, {
    onInbound: () => undefined,
    onBroken: (_fault, lost) => broken.push(lost),
  });
  const step = (id: string, value: number, extra?: { inbound?: boolean; attempt?: number }) =>
    keys.begin(async (draft) => {
      if (extra?.inbound) draft.inbound.push(inbound);
      const { attempt: number } = extra ?? {};
      if (number !== undefined) draft.attempt = () => attempt(number);
      await keys.inside.set({ session: { [id]: session(value) } });
    });
  const read = async (id: string): Promise<unknown> => (await keys.outside.get("session", [id]))[id];
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  return { keys, commits, stored, broken, step, read, turn };
};

describe("a device's keys", () => {
  it("are durable before `durable` resolves, and visible to the next transaction before that", async () => {
    const { commits, step, read, turn } = bench();
    const { durable } = await step("a", 1);
    let done = false;
    void durable.then(() => (done = true));
    await turn();
    expect(done).toBe(false);
    expect(await read("a")).toEqual({ step: 1 });
    commits[0]?.answer(committed);
    await durable;
  });

  it("that can be asked for again keep nobody waiting; sessions do", async () => {
    const { keys, commits, turn } = bench();
    const told: string[] = [];
    const mapping = { "1": "2" };
    void Promise.resolve(keys.outside.set({ "lid-mapping": mapping })).then(() => told.push("mapping"));
    const both = { session: { a: session(1) }, "lid-mapping": mapping };
    void Promise.resolve(keys.outside.set(both)).then(() => told.push("session"));
    await turn();
    expect(told).toEqual(["mapping"]);
    expect(await keys.outside.get("lid-mapping", ["1"])).toEqual(mapping);
    commits[0]?.answer(committed);
    await turn();
    expect(told).toEqual(["mapping"]);
    commits[1]?.answer(committed);
    await turn();
    expect(told).toEqual(["mapping", "session"]);
  });

  it("are committed one transaction at a time, and what queues meanwhile shares the next", async () => {
    const { commits, step, turn } = bench();
    const first = await step("a", 1);
    const second = await step("a", 2);
    const third = await step("b", 3);
    expect(commits).toHaveLength(1);
    commits[0]?.answer(committed);
    await first.durable;
    await turn();
    expect(commits).toHaveLength(2);
    expect(commits[1]?.asked.keys.map(({ type, id }) => `${type} ${id}`)).toEqual(["session a", "session b"]);
    commits[1]?.answer(committed);
    await Promise.all([second.durable, third.durable]);
  });

  it("never commit a ratchet step without the row that it decrypted", async () => {
    const { commits, step, turn } = bench();
    const first = await step("a", 1);
    const second = await step("a", 2, { inbound: true });
    const third = await step("a", 3);
    commits[0]?.answer(committed);
    await first.durable;
    await turn();
    expect(commits[1]?.asked.inbound).toEqual([inbound]);
    commits[1]?.answer(committed);
    await Promise.all([second.durable, third.durable]);
  });

  it("forget everything that is not durable when the store fails, and say so to all who built on it", async () => {
    const { commits, step, read, turn, broken } = bench();
    const first = await step("a", 1);
    commits[0]?.answer(committed);
    await first.durable;
    const second = await step("a", 2);
    const third = await step("a", 3, { inbound: true });
    commits[1]?.answer(failed);
    await expect(second.durable).rejects.toMatchObject({ fault: "store" });
    await expect(third.durable).rejects.toMatchObject({ fault: "store" });
    await turn();
    expect(commits).toHaveLength(2);
    expect(broken).toEqual([true]);
    expect(await read("a")).toEqual({ step: 1 });
  });

  it("refuse a transaction that had read what the store then lost", async () => {
    const { commits, keys, step, turn } = bench();
    const first = await step("a", 1);
    let go = (): void => undefined;
    const running = keys.begin(async () => {
      await new Promise<void>((resolve) => (go = resolve));
      await keys.inside.set({ session: { a: session(2) } });
    });
    await turn();
    commits[0]?.answer(failed);
    await expect(first.durable).rejects.toMatchObject({ fault: "store" });
    go();
    await expect((await running).durable).rejects.toMatchObject({ fault: "store" });
    expect(commits).toHaveLength(1);
  });

  it("keep their steps when only the attempt is stale, which fails alone", async () => {
    const { commits, step, stored, turn } = bench();
    const { durable } = await step("a", 1, { attempt: 1 });
    commits[0]?.answer({ kind: "stale", what: "seat" });
    await turn();
    expect(commits[1]?.asked.attempt).toBeNull();
    commits[1]?.answer(committed);
    await expect(durable).rejects.toMatchObject({ fault: "staleAttempt" });
    expect(stored.has("session a")).toBe(true);
  });

  it("commit several attempts of one turn in one turn, and fail only the stale one", async () => {
    const { commits, step, turn } = bench();
    const first = await step("z", 0);
    const one = await step("a", 1, { attempt: 1 });
    const two = await step("a", 2, { attempt: 2 });
    commits[0]?.answer(committed);
    await first.durable;
    await turn();
    expect(commits.slice(1).map(({ asked }) => [asked.keys.length, asked.attempt?.number ?? null])).toEqual([
      [1, null],
      [0, 1],
      [0, 2],
    ]);
    commits[1]?.answer(committed);
    commits[2]?.answer({ kind: "stale", what: "message" });
    commits[3]?.answer(committed);
    await expect(one.durable).rejects.toMatchObject({ fault: "staleAttempt" });
    await two.durable;
  });

  it("undo what a nested transaction changed when it throws, and nothing else", async () => {
    const { commits, keys, read } = bench();
    const { durable } = await keys.begin(async () => {
      await keys.inside.set({ session: { a: session(1) } });
      await keys.inside
        .transaction(async () => {
          await keys.inside.set({ session: { a: session(2), b: session(2) } });
          throw new Error("no");
        }, "x")
        .catch(() => undefined);
    });
    commits[0]?.answer(committed);
    await durable;
    expect(await read("a")).toEqual({ step: 1 });
    expect(await read("b")).toBeUndefined();
  });

  it("are forgotten, except in the store, when the lease term is another", async () => {
    const { commits, keys, step, stored, read } = bench();
    const { durable } = await step("a", 1);
    commits[0]?.answer(committed);
    await durable;
    stored.delete("session a");
    keys.forget();
    expect(await read("a")).toBeUndefined();
  });

  it("come back as what they were, buffers included", async () => {
    const { commits, keys } = bench();
    const pair = { public: Buffer.from([1, 2]), private: Buffer.from([3]) };
    const saving = keys.outside.set({
      "pre-key": { "1": pair },
      "identity-key": { x: new Uint8Array([9]) },
      "lid-mapping": { "49": "77" },
      tctoken: { y: { token: Buffer.from([4]), timestamp: "5" } },
      "app-state-sync-key": { k: { keyData: Buffer.from([6]) } },
    });
    await new Promise((resolve) => setImmediate(resolve));
    commits[0]?.answer(committed);
    await saving;
    keys.forget();
    expect((await keys.outside.get("pre-key", ["1"]))["1"]).toEqual(pair);
    expect(Buffer.from((await keys.outside.get("identity-key", ["x"]))["x"] ?? [])).toEqual(Buffer.from([9]));
    expect((await keys.outside.get("lid-mapping", ["49"]))["49"]).toBe("77");
    expect((await keys.outside.get("tctoken", ["y"]))["y"]).toEqual({ token: Buffer.from([4]), timestamp: "5" });
    expect(Buffer.from((await keys.outside.get("app-state-sync-key", ["k"]))["k"]?.keyData ?? [])).toEqual(Buffer.from([6]));
  });

  it("do not write the device list that is stored already", async () => {
    const { keys, commits, turn } = bench();
    const write = (list: string[]): Promise<void> => Promise.resolve(keys.outside.set({ "device-list": { "4915": list } }));
    const first = write(["0", "1"]);
    await turn();
    commits[0]?.answer(committed);
    await first;
    await write(["0", "1"]);
    expect(commits).toHaveLength(1);
    const changed = write(["0"]);
    await turn();
    commits[1]?.answer(committed);
    await changed;
    expect(commits).toHaveLength(2);
  });

  it("are waited for as they are, not until nobody changes them any more", async () => {
    const { keys, commits, step, turn } = bench();
    await step("a", 1);
    await step("b", 1);
    let passed = false;
    void keys.barrier().then(() => (passed = true));
    await turn();
    // Whenever a commit is answered, the next one has come already.
    await step("c", 1);
    commits[0]?.answer(committed);
    await turn();
    expect(passed).toBe(false);
    await step("d", 1);
    commits[1]?.answer(committed);
    await turn();
    expect(passed).toBe(true);
    commits[2]?.answer(committed);
    await turn();
    await keys.barrier();
    expect(commits).toHaveLength(3);
  });

  it("are not written any more on behalf of a link that has ended", async () => {
    const { keys, commits, read, turn } = bench();
    let isEnded = false;
    const live = liveKeys(keys.outside, () => isEnded);
    void live.set({ session: { a: session(1) } });
    await turn();
    commits[0]?.answer(committed);
    isEnded = true;
    await expect(live.set({ session: { a: session(2) } })).rejects.toThrow("the link has ended");
    expect([commits.length, await live.get("session", ["a"]), await read("a")]).toEqual([1, { a: { step: 1 } }, { step: 1 }]);
  });
});
