/** What no simulated run can take, each chart takes by itself: no arrow is dead, and those for words that come too late change nothing. */
import { createActor } from "xstate";
import { describe, expect, it } from "vitest";
import { ACTORS } from "../../../machines/driver/actors.ts";
import { tellTaken } from "../../../machines/driver/driver.ts";
import type { Emitted } from "../../../machines/protocol.ts";
import { Coverage } from "../../../sim/checkers/coverage.ts";
import { EXCUSED } from "../../../sim/checkers/excused.ts";

const device = "sales-1/a";
const twin = "sales-1/b";
const seat = "sales/sales-1";
const row = (holder: string | null, term: number) => ({ id: seat, line: "sales", holder, term, phase: "serving" });
const closed = (reason: string, dial: number) => ({ type: "connection.closed", dial, reason, code: null, until: null });
const changed = (type: "changed" | "conflict", holder: string, term: number) => ({
  type: `store.${type}`,
  answer: { op: "seat.change", kind: type, row: row(holder, term) },
});

const INPUTS = {
  connection: { device, link: "linked", standing: "good", standingUntil: null, seed: 1, timers: { connectTimeout: 5_000 } },
  failover: {
    id: "f1",
    seat,
    line: "sales",
    from: device,
    term: 1,
    cause: "closed",
    to: null,
    avertable: true,
    lastEvidenceAt: 0,
    detectedAt: 0,
    twinAt: 0,
    numberAt: 0,
    verifyFor: 1_200,
    retryEvery: 250,
    giveUpAt: 3_000,
  },
  health: {
    device,
    timers: { late: 2_000, overdue: 3_500, gone: 4_500, bootGrace: 10_000, probation: 5_000, repairCooldown: 60_000 },
  },
  lease: { device, node: "n1", ttl: 4_000, renewEvery: 1_000 },
  master: { account: "sales-1" },
  seat: {
    row: row(device, 2),
    life: "n1-1",
    timings: {
      twinAfter: 1_000,
      numberAfter: 2_500,
      numberAfterClose: 7_000,
      verify: 1_200,
      patience: 3_000,
      rerank: 250,
      askAgain: 1_000,
    },
  },
  sender: { seat, resolveFor: 1_000 },
  standing: { account: "sales-1", standing: "capped", until: null },
  switchover: { seat, from: device, to: null },
} as const;

type Word = { readonly type: string; readonly [field: string]: unknown };
type Kind = keyof typeof INPUTS;

const leased: Word[] = [{ type: "start" }, { type: "lease.granted", term: 1 }];
const granted: Word = { type: "store.leases", answer: { op: "lease.acquire", granted: [{ device, term: 1 }], held: [] } };
const suspected: Word[] = [
  { type: "connection.serving", dial: 1 },
  { type: "evidence.late", clock: "link", lastEvidenceAt: 0 },
  { type: "evidence.overdue", clock: "link", lastEvidenceAt: 0 },
];
const failed: Word = { type: "holder.failed", device, cause: "closed", isFinal: false, lastEvidenceAt: 0 };
const serving: Word[] = [{ type: "start" }, { type: "holder.well", device }];
const asking: Word[] = [...serving, failed];
const open: Word = { type: "sender.open", device, account: "sales-1", term: 1 };
const drain: Word = { type: "drain.request" };
const drained: Word = { type: "queue.drained" };
const candidate = { device: twin, ladder: "twin", lastSeenAt: 0, why: "it is there" };
const ranked = (isFormerWell: boolean): Word => ({
  type: "candidates.ranked",
  ranked: [candidate],
  rejected: [],
  twinPending: false,
  isFormerWell,
});
const verifying: Word[] = [ranked(false), changed("changed", twin, 2)];

/** Each story ends with the word that takes the arrow. */
const STORIES: Readonly<Record<string, readonly [Kind, ...Word[]]>> = {
  "connection: any + dial.granted → same": ["connection", ...leased, { type: "dial.granted" }, { type: "dial.granted" }],
  "connection: any + connection.opened → same": ["connection", ...leased, { type: "connection.opened", dial: 0 }],
  "connection: any + connection.serving → same": ["connection", ...leased, { type: "connection.serving", dial: 0 }],
  "connection: any + connection.linked → same": ["connection", ...leased, { type: "connection.linked", dial: -1 }],
  "connection: any + stop → stopped": ["connection", ...leased, { type: "stop" }],
  "health: healthy + connection.closed if isOurOwn → repairing": [
    "health",
    ...suspected,
    { type: "evidence.fresh", lastEvidenceAt: 0 },
    closed("dropped", 1),
  ],
  "seat: any + seat.changed if isOld → same": ["seat", ...serving, { type: "seat.changed", row: row(twin, 1) }],
  "seat: any + holder.failed → same": ["seat", ...serving, { ...failed, device: twin }],
  "seat: asking + holder.well if isHolder → serving": ["seat", ...asking, { type: "holder.well", device }],
  "seat: moving + seat.changed if isOld → same": [
    "seat",
    ...asking,
    { type: "failover.granted" },
    { type: "seat.changed", row: row(twin, 1) },
  ],
  "sender: closed + queue.resolved → closed": ["sender", { type: "queue.resolved" }],
  "master: standby + seat.released → same": ["master", { type: "seat.released", seat }],
  "lease: renewing + store.renewed if isLost → lost": [
    "lease",
    { type: "start" },
    granted,
    { type: "start" },
    { type: "store.renewed", answer: { op: "lease.renew", lost: [device] } },
  ],
  "failover: any + store.changed → same": ["failover", changed("changed", twin, 2)],
  "failover: rollingBack + store.conflict if isNews → aborted": [
    "failover",
    ...verifying,
    { type: "probe.missing", device: twin },
    ranked(true),
    changed("conflict", "sales-2/a", 3),
  ],
  "lease: any + stop → unheld": ["lease", { type: "start" }, granted, { type: "stop" }],
  "lease: any + store.leases → same": ["lease", { type: "start" }, granted, granted],
  "lease: any + store.released → same": [
    "lease",
    { type: "start" },
    granted,
    { type: "stop" },
    { type: "store.released", answer: { op: "lease.release" } },
  ],
  "lease: unheld + store.leases → same": ["lease", { type: "start" }, { type: "stop" }, granted],
  "sender: closed + drain.request → drained": ["sender", drain],
  "sender: closed + queue.drained → closed": ["sender", drained],
  "sender: resolving + queue.drained → resolving": ["sender", open, drained],
  "sender: draining + queue.resolved → draining": ["sender", open, drain, { type: "queue.resolved" }],
  "sender: draining + drain.request → draining": ["sender", open, drain, drain],
  "sender: draining + sender.close → closed": ["sender", open, drain, { type: "sender.close", why: "its term ended" }],
  "sender: drained + drain.request → drained": ["sender", drain, drain],
  "standing: capped + after termLeft → capped": ["standing", { type: "xstate.after.termLeft.standing.capped" }],
  "switchover: any + sender.drained → same": ["switchover", { type: "sender.drained" }],
  "seat: any + failover.demand → same": ["seat", ...asking, { type: "failover.demand", to: null, by: "operator:ada" }],
  "seat: any + switchover.refused → same": ["seat", { type: "switchover.refused", why: "nobody answered" }],
  "seat: serving + switchover.ready → same": ["seat", ...serving, { type: "switchover.ready", to: twin }],
  "seat: serving + switchover.refused → same": ["seat", ...serving, { type: "switchover.refused", why: "nobody answered" }],
};

const UNLINKED = "connection: stopped + start if isUnlinked → unlinked";

const told = (kind: Kind, words: readonly Word[], over: object = {}) => {
  const coverage = new Coverage();
  const effects: unknown[] = [];
  const clock = { setTimeout: () => 0, clearTimeout: () => {} };
  const input = { ...INPUTS[kind], at: 0, ...over };
  const inspect: NonNullable<Parameters<typeof createActor>[1]>["inspect"] = (event) => {
    if (!("next" in event)) tellTaken(kind, event, coverage.observe);
  };
  const actor = createActor(ACTORS[kind], { id: kind, input, clock, inspect });
  actor.on("*", (emitted) => effects.push(...(emitted as unknown as Emitted).effects));
  actor.start();
  for (const word of words.slice(0, -1)) actor.send({ ...word, at: 0 });
  const before = { value: actor.getSnapshot().value as unknown, effects: effects.length };
  const last = words.at(-1);
  if (last) actor.send({ ...last, at: 0 });
  return { taken: coverage.taken, before, after: { value: actor.getSnapshot().value as unknown, effects: effects.length } };
};

describe("an excused transition", () => {
  it("has a story of its own, and nothing else has", () => {
    const names = EXCUSED.flatMap(({ transitions }) => transitions);
    expect([...Object.keys(STORIES), UNLINKED].sort()).toEqual([...names].sort());
  });

  it.each(Object.keys(STORIES))("%s", (name) => {
    const [kind, ...words] = STORIES[name] ?? ["sender"];
    expect([...told(kind, words).taken.keys()]).toContain(name);
  });

  it("connection: stopped + start if isUnlinked → unlinked", () => {
    expect([...told("connection", [{ type: "start" }], { link: "unlinked" }).taken.keys()]).toContain(UNLINKED);
  });

  const late = (EXCUSED[0]?.transitions ?? []).filter((name) => name.endsWith("→ same"));
  it.each(late)("%s: and that changes nothing, and asks for nothing", (name) => {
    const [kind, ...words] = STORIES[name] ?? ["sender"];
    const { before, after } = told(kind, words);
    expect(after).toEqual(before);
  });
});
