/**
 * Plans that go where seeds hardly ever do: each is written by hand to take certain transitions, which `sim/checkers/rare.ts` names.
 * They hold as every other run does.
 */
import { accountId, deviceId, type DeviceId, lineId, type SeatId } from "../../machines/ports/ids.ts";
import type { Work } from "../../machines/delivery/work.ts";
import type { Fault } from "../faults/catalogue.ts";
import type { Target } from "../faults/rule.ts";
import { type FleetSettings, PLAN_VERSION, type Plan, type PlannedFleet } from "../plan/plan.ts";
import { NODE } from "../world/harness.ts";
import { declare, demoFleet } from "../world/reference.ts";

type Kind = Fault["kind"];
type Of<K extends Kind> = Extract<Fault, { kind: K }>;
type Own<K extends Kind> = Omit<Of<K>, "kind" | "target" | "at" | "for">;

const node: Target = { node: NODE };
const all: Target = { all: true };
const device = (id: string): Target => ({ device: id as DeviceId });
const account = (id: string): Target => ({ account: accountId(id) });
const seat = (id: string): Target => ({ seat: id as SeatId });

/** Seconds, as people read them. */
const fault = <K extends Kind>(kind: K, target: Target, at: number, lasts: number | "permanent", own: Own<K>): Fault =>
  ({ kind, target, at: at * 1_000, for: lasts === "permanent" ? lasts : lasts * 1_000, ...own }) as unknown as Fault;
const order = (what: Of<"operator">["order"], target: Target, at: number, lasts = 0, twice = false): Fault =>
  fault("operator", target, at, lasts, { order: what, twice });
const out = (target: Target, at: number, lasts: number): Fault =>
  fault("login-refused", target, at, lasts, { code: 503, closes: true });

const fleet = (settings: FleetSettings = {}): PlannedFleet => ({ ...demoFleet(), settings });
/** One line: sales-1 with devices a and b, and sales-2 with a. */
const pair = (settings: FleetSettings = {}): PlannedFleet => ({
  ...declare({ name: "sales", masters: [2, 1], servants: 1 }),
  settings,
});

/** Two lines with a servant in common, and this to do for it. */
const shared = (work: readonly Work[]): PlannedFleet => {
  const { accounts, lines } = declare(
    { name: "sales", masters: [2], servants: 1 },
    { name: "support", masters: [2], servants: 0 },
  );
  const each = { whenNumberChanges: "hold", outboxLimit: 10_000, failback: "manual", work } as const;
  return {
    accounts,
    lines: lines.map((line) => ({ ...line, servants: [accountId("sales-s1")] })),
    settings: { lines: { [lineId("sales")]: each, [lineId("support")]: each } },
  };
};

const BUSY: Plan["workload"] = { from: 20_000, until: 300_000, peoplePerLine: 20, sends: 1, writes: 0.2, warm: 1 };
const plan = (faults: readonly Fault[], over: Partial<Plan> = {}): Plan => ({
  version: PLAN_VERSION,
  seed: "1",
  fleet: fleet(),
  workload: BUSY,
  faults: faults.toSorted((one, other) => one.at - other.at),
  liveness: null,
  for: 360_000,
  ...over,
});
/** Two masters for a hundred seconds: what happens, happens about 60 s after the start. */
const brief = (faults: readonly Fault[], over: Partial<Plan> = {}): Plan =>
  plan(faults, { fleet: pair(), for: 100_000, ...over });

const HOMING: FleetSettings = {
  lines: { [lineId("sales")]: { whenNumberChanges: "hold", outboxLimit: 10_000, failback: "automatic" } },
};
const SHARED = { ttl: 4_000, renewEvery: 1_000 };
const NO_BRAKE = { seats: 1_000, share: 1, within: 30_000 };

/** A holder is led away to a device that says nothing, and the store does about half of what it is asked: every way back is taken. */
const stubbornStore = (silentFrom: number | null, failsFrom: number, partedFrom: number, parted: number): Plan =>
  brief([
    order("failover", seat("sales/sales-2"), 60),
    ...(silentFrom === null ? [] : [fault("silent-path", account("sales-1"), silentFrom, 20, { keeps: false })]),
    fault("store-failing", all, failsFrom, 5, { cause: "lost", share: 0.5 }),
    fault("store-partition", node, partedFrom, parted, {}),
  ]);

export const DIRECTED = {
  // ---- orders, brake and outages ----
  "orders-in-an-outage": plan([
    fault("outage", all, 100, 40, { manner: "silent" }),
    order("pause", node, 106, 8),
    order("resume", node, 116),
    order("pause", node, 200, 60, true),
    fault("outage", all, 205, 20, { manner: "silent" }),
    out(device("sales-2/a"), 240, 10),
    order("resume", node, 300),
  ]),
  "orders-under-the-brake": plan([
    fault("silent-path", account("support-1"), 0, 110, { keeps: false }),
    ...["sales-1", "sales-2", "support-2"].map((id) => out(account(id), 100, 60)),
    order("pause", node, 125, 2),
    ...["sales-1", "sales-2", "support-1", "support-2"].map((id) => out(account(id), 220, 30)),
    order("resume", node, 225),
  ]),
  "an-outage-under-the-brake": plan([
    ...["sales-1", "sales-2", "support-1", "support-2"].map((id) => out(account(id), 100, 8)),
    fault("outage", all, 121, 30, { manner: "silent" }),
  ]),
  "home-again-as-its-holder-fails": brief(
    [
      fault("banned", account("sales-2"), 60, 30, { code: 402 }),
      fault("late-timers", node, 105, 20, { mean: 60_000 }),
      fault("close", seat("sales/sales-2"), 121, 0, { code: 428 }),
    ],
    { fleet: pair(HOMING), for: 140_000 },
  ),
  // What would make its holder a suspect is late, and so the switchover's own deadline ends it.
  "a-drain-behind-late-timers": brief(
    [
      fault("silent-path", seat("sales/sales-2"), 59.9, 12, { keeps: true }),
      order("switchover", seat("sales/sales-2"), 60),
      fault("late-timers", node, 60.05, 10, { mean: 2_000 }),
    ],
    { workload: { from: 20_000, until: 300_000, peoplePerLine: 20, sends: 1, writes: 0.2, warm: 1, atMoves: 10 } },
  ),
  // Its holder is on probation, and is called healthy while the seat is drained.
  "a-switchover-in-a-probation": brief(
    [
      fault("close", seat("sales/sales-2"), 59.9, 0, { code: 428 }),
      fault("slow", all, 62, 30, { mean: 800 }),
      order("switchover", seat("sales/sales-2"), 63),
    ],
    { workload: { from: 20_000, until: 300_000, peoplePerLine: 20, sends: 1, writes: 0.2, warm: 1, atMoves: 10 } },
  ),
  // Its holder is back, and waits for proof of what it sent before the crash.
  "a-switchover-while-the-last-word-is-awaited": brief(
    [
      fault("send-swallowed", all, 50, 20, { share: 1 }),
      fault("node-crash", node, 60, 0, { tells: false, downFor: 2_000 }),
      order("switchover", seat("sales/sales-2"), 63.4),
    ],
    { workload: { from: 20_000, until: 300_000, peoplePerLine: 20, sends: 1, writes: 0.2, warm: 1, atMoves: 10 } },
  ),
  // One device speaks for both, and what each of them gave it stays without a word.
  "two-seats-behind-a-stall": brief(
    [order("failover", seat("sales/sales-2"), 50), fault("late-timers", node, 60, 39, { mean: 40_000 })],
    { for: 140_000 },
  ),
  "home-again-in-a-pause": plan([fault("banned", account("sales-2"), 60, 30, { code: 402 }), order("pause", node, 80, 250)], {
    fleet: pair(HOMING),
  }),
  "demands-at-bad-moments": plan([
    order("failover", seat("sales/sales-2"), 0.2),
    fault("node-crash", node, 60, 0, { tells: true, downFor: 2_000 }),
    order("failover", seat("sales/sales-2"), 62.3),
    fault("silent-path", seat("support/support-2"), 100, 8, { keeps: false }),
    order("failover", seat("support/support-2"), 102.7),
    order("pause", node, 140, 20),
    out(seat("support/support-1"), 145, 10),
    order("failover", seat("support/support-1"), 150, 0, true),
    out(account("sales-1"), 200, 60),
    out(account("sales-2"), 200, 60),
    order("failover", seat("sales/sales-1"), 230),
    order("failover", seat("sales/sales-2"), 230),
  ]),
  switchovers: plan([
    // To another number: its own takes none.
    order("cordon", account("support-1"), 55, 10),
    order("switchover", seat("support/support-1"), 60),
    order("switchover", seat("sales/sales-2"), 100, 0, true),
    // Nobody may take it.
    order("cordon", account("support-1"), 130, 20),
    order("switchover", seat("support/support-2"), 135),
    // Its holder falls silent, is suspected, is cut off, or has to go at once, while it is drained.
    fault("silent-path", seat("sales/sales-1"), 160, 3, { keeps: false }),
    order("switchover", seat("sales/sales-1"), 161.9),
    fault("close", seat("support/support-2"), 200.05, 0, { code: 428 }),
    order("switchover", seat("support/support-2"), 200),
    order("switchover", seat("sales/sales-1"), 240),
    order("failover", seat("sales/sales-1"), 240.02),
    // Nobody speaks yet.
    fault("node-crash", node, 260, 0, { tells: true, downFor: 2_000 }),
    order("switchover", seat("sales/sales-2"), 262.2),
  ]),

  // ---- links ----
  "linked-again": plan([
    fault("logged-out", device("sales-2/a"), 100, "permanent", {}),
    fault("store-failing", all, 99.9, 2, { cause: "io", share: 1 }),
    order("link", device("sales-2/a"), 102.5),
    fault("store-partition", node, 159.9, 3, {}),
    fault("logged-out", device("support-2/a"), 160, "permanent", {}),
    order("link", device("support-2/a"), 161),
    fault("logged-out", device("sales-1/b"), 200, "permanent", {}),
    fault("silent-path", device("sales-1/b"), 205, 30, { keeps: false }),
    order("link", device("sales-1/b"), 210),
    order("link", device("sales-1/b"), 250),
    fault("close", device("sales-1/a"), 280, 0, { code: 411 }),
    order("redial", device("sales-1/a"), 290),
    order("link", device("sales-1/a"), 310),
  ]),
  // WhatsApp takes our version no more: links are closed little by little, all dial, and one day it is taken again.
  "version-refused": plan(
    [
      fault("login-refused", all, 100, 400, { code: 405, closes: false }),
      fault("close", device("sales-1/a"), 110, 0, { code: 428 }),
      fault("close", device("sales-1/b"), 112, 0, { code: 428 }),
      fault("close", all, 200, 0, { code: 428 }),
      order("redial", device("support-1/a"), 300),
    ],
    { for: 900_000 },
  ),
  "careful-dials": plan(
    [
      fault("replaced", device("sales-2/a"), 100, 0, { returns: 6 }),
      order("redial", device("sales-2/a"), 900),
      fault("login-refused", device("support-2/a"), 100, 30, { code: 405, closes: true }),
      fault("login-refused", device("sales-1/b"), 100, 10, { code: 405, closes: true }),
      order("redial", device("sales-1/b"), 120),
      fault("upgrade-503", device("sales-1/a"), 150, 20, { status: 503, closes: true }),
      order("redial", device("sales-1/a"), 165),
      order("redial", device("support-1/a"), 180),
      fault("replaced", device("support-1/b"), 200, 0, { returns: 0 }),
      order("redial", device("support-1/b"), 210),
    ],
    { for: 1_400_000 },
  ),
  "a-ban-and-an-appeal": plan([
    fault("banned", account("sales-2"), 100, 30, { code: 402 }),
    order("redial", device("sales-2/a"), 110),
    fault("banned", account("support-2"), 100, 30, { code: 406 }),
    order("redial", device("support-2/a"), 140),
    fault("restricted", account("sales-1"), 100, 20, { announced: true }),
  ]),
  "half-up-and-silent": plan([
    fault("offline-replay", all, 90, 100, { late: null }),
    fault("node-crash", node, 100, 0, { tells: true, downFor: 2_000 }),
    fault("close", device("sales-1/b"), 103.5, 0, { code: 428 }),
    fault("silent-path", device("sales-2/a"), 104.5, 20, { keeps: false }),
    fault("silent-path", device("support-2/a"), 104.5, 2.6, { keeps: true }),
  ]),
  "late-dials": brief(
    [
      fault("silent-path", account("sales-2"), 60, 60, { keeps: false }),
      fault("silent-path", account("sales-1"), 60, 60, { keeps: false }),
      fault("late-timers", node, 66, 60, { mean: 4_000 }),
    ],
    { for: 140_000 },
  ),
  "vetoed-for-long": brief(
    [fault("silent-path", account("sales-2"), 60, 40, { keeps: false }), fault("late-timers", node, 63.7, 36, { mean: 500 })],
    { fleet: pair({ timers: { connectTimeout: 30_000 } }) },
  ),
  "silent-once-more": brief([
    out(account("sales-2"), 60, 4),
    fault("silent-path", account("sales-2"), 66.5, 10, { keeps: false }),
  ]),
  "an-end-that-is-told-late": brief([
    ...["sales-2/a", "sales-1/a", "sales-1/b"].map((id, i) => fault("half-open-link", device(id), 50 + 12 * i, "permanent", {})),
    ...[0, 1, 2].map((i) => fault("late-timers", node, 52.9 + 12 * i, 2, { mean: 900 })),
  ]),
  "terms-of-more-than-a-day": plan(
    [
      fault("restricted", account("sales-1"), 60, 90_000, { announced: true }),
      fault("banned", account("sales-2"), 60, 90_000, { code: 402 }),
    ],
    { fleet: pair(), for: 92_000_000, workload: { from: 20_000, until: 60_000, peoplePerLine: 5, sends: 1, writes: 0, warm: 1 } },
  ),
  /** What its devices hear of it when they are back is long over. */
  "restricted-while-away": brief([
    fault("silent-path", account("sales-2"), 55, 20, { keeps: false }),
    fault("restricted", account("sales-2"), 60, 5, { announced: true }),
  ]),
  /** Its only master begins as many chats as it may, and no more are wanted. */
  "new-chats-used-up": plan([fault("node-crash", node, 1_500, 0, { tells: true, downFor: 2_000 })], {
    fleet: { ...declare({ name: "sales", masters: [1], servants: 0 }), settings: {} },
    for: 90_000_000,
    workload: { from: 20_000, until: 1_400_000, peoplePerLine: 40, sends: 1, writes: 0, warm: 0 },
  }),

  // ---- ends that are ordered ----
  "links-that-end-by-order": brief([
    order("restart", device("sales-1/a"), 40),
    // Whoever speaks for it.
    order("unlink", seat("sales/sales-1"), 60),
    order("unlink", device("sales-1/b"), 62),
    order("link", device("sales-1/b"), 70),
    order("restart", device("sales-2/a"), 80),
  ]),

  // ---- starts ----
  "started-in-trouble": plan([
    fault("banned", account("support-2"), 80, 100, { code: 402 }),
    fault("banned", account("sales-2"), 80, "permanent", { code: 406 }),
    fault("restricted", account("sales-1"), 80, 100, { announced: true }),
    fault("logged-out", device("sales-1/b"), 80, "permanent", {}),
    fault("node-crash", node, 100, 0, { tells: true, downFor: 2_000 }),
  ]),

  // ---- servants ----
  "a-servant-of-no-line": plan([fault("silent-path", account("spare"), 100, 30, { keeps: false })], {
    fleet: {
      ...fleet(),
      accounts: [
        ...demoFleet().accounts,
        { id: accountId("spare"), role: "servant", devices: ["a", "b"].map((name) => deviceId(accountId("spare"), name)) },
      ],
    },
  }),

  // ---- holders and candidates that fail in the middle ----
  "a-holder-that-will-not-return": plan(
    [
      fault("silent-path", device("sales-2/a"), 100, 30, { keeps: false }),
      fault("logged-out", device("sales-2/a"), 106, "permanent", {}),
      fault("silent-path", account("support-1"), 150, 30, { keeps: false }),
      fault("silent-path", account("support-2"), 150, 30, { keeps: false }),
      fault("logged-out", device("support-1/a"), 155.5, "permanent", {}),
      fault("logged-out", device("support-2/a"), 155.5, "permanent", {}),
    ],
    { fleet: fleet({ brake: NO_BRAKE }) },
  ),
  "a-candidate-that-leaves-as-it-begins": brief([
    fault("silent-path", seat("sales/sales-1"), 56, 4, { keeps: false }),
    fault("logged-out", seat("sales/sales-1"), 61, "permanent", {}),
  ]),
  "two-candidates-that-do-not-speak": brief(
    [
      fault("silent-path", device("sales-1/a"), 55.5, "permanent", { keeps: false }),
      fault("silent-path", device("sales-2/b"), 62.2, 20, { keeps: false }),
      fault("silent-path", device("sales-2/a"), 62.8, 20, { keeps: false }),
      fault("silent-path", account("sales-3"), 62.8, 20, { keeps: false }),
    ],
    {
      fleet: {
        ...declare({ name: "sales", masters: [1, 2, 2], servants: 0 }, { name: "support", masters: [2, 2, 2, 2], servants: 0 }),
        settings: {},
      },
    },
  ),
  /** It falls silent as it is given the seat, for longer than it is waited for, and there is nobody else. */
  "the-only-candidate-comes-late": brief(
    [
      fault("logged-out", account("sales-1"), 60, "permanent", {}),
      fault("silent-path", account("sales-2"), 60.02, 2.5, { keeps: true }),
    ],
    { fleet: { ...declare({ name: "sales", masters: [1, 1], servants: 0 }), settings: {} } },
  ),
  "an-answer-after-the-deadline": brief([
    fault("late-timers", node, 60, 1, { mean: 400 }),
    fault("silent-path", account("sales-1"), 59.453, 2, { keeps: false }),
    order("failover", seat("sales/sales-2"), 60),
    fault("store-partition", node, 61, 1, {}),
  ]),

  // ---- commits ----
  "a-commit-that-nobody-answers": brief([
    fault("login-refused", seat("sales/sales-1"), 60, 1, { code: 503, closes: true }),
    fault("store-partition", node, 60, 5.8, {}),
  ]),
  "two-commits-that-fail-at-once": brief([
    fault("login-refused", seat("sales/sales-1"), 60, 1, { code: 503, closes: true }),
    fault("store-partition", node, 60, 3, {}),
    fault("store-crash", all, 63, 0.5, { applied: false }),
  ]),
  "a-way-back-that-fails": brief([
    fault("silent-path", account("sales-1"), 60, 2, { keeps: false }),
    order("failover", seat("sales/sales-2"), 60),
    fault("store-failing", all, 61, 3, { cause: "lost", share: 1 }),
  ]),
  "a-way-back-that-nobody-answers": brief([
    fault("silent-path", account("sales-1"), 60, 2, { keeps: true }),
    order("failover", seat("sales/sales-2"), 60),
    fault("store-partition", node, 61, 5.62, {}),
  ]),
  "a-store-in-the-way-there": stubbornStore(null, 59.8, 59.95, 1.17),
  "a-store-in-the-way-back": stubbornStore(59.9, 60.8, 61.1, 1.22),

  // ---- servants at work ----
  "servants-at-work": plan(
    [
      fault("silent-path", device("sales-1/a"), 60, 30, { keeps: false }),
      fault("logged-out", device("sales-s1/a"), 100, "permanent", {}),
      order("link", device("sales-s1/a"), 150),
      fault("silent-path", device("sales-s2/a"), 170, 30, { keeps: true }),
      order("failover", seat("sales/sales-2"), 180),
      fault("banned", account("sales-s3"), 240, "permanent", { code: 406 }),
      fault("node-crash", node, 270, 0, { tells: true, downFor: 1_000 }),
    ],
    {
      fleet: {
        ...declare({ name: "sales", masters: [2, 1], servants: 4 }),
        settings: {
          lines: {
            [lineId("sales")]: {
              whenNumberChanges: "resend",
              outboxLimit: 10_000,
              failback: "manual",
              work: ["bulk", "overflow"],
            },
          },
        },
      },
      workload: { ...BUSY, peoplePerLine: 400, bulk: { every: 10_000, size: 40 } },
    },
  ),

  "a-servant-of-two-lines": brief([order("cordon", device("sales-s1/a"), 60, 20)], {
    fleet: shared(["bulk"]),
  }),

  // ---- leases that end with time ----
  "a-shared-store": plan(
    [
      fault("login-refused", device("sales-s1/a"), 60, 30, { code: 405, closes: true }),
      fault("store-partition", node, 80, 8, {}),
      fault("store-failing", all, 110, 10, { cause: "io", share: 0.7 }),
      out(account("sales-2"), 140, 30),
      fault("store-partition", node, 142, 10, {}),
      fault("silent-path", device("sales-2/a"), 180, 40, { keeps: false }),
      fault("store-partition", node, 186, 6, {}),
      fault("logged-out", device("sales-1/b"), 260, "permanent", {}),
      fault("silent-path", device("sales-1/b"), 264, 20, { keeps: false }),
      order("link", device("sales-1/b"), 265),
      fault("store-partition", node, 266, 6, {}),
    ],
    { fleet: pair({ lease: SHARED, brake: NO_BRAKE }) },
  ),
  "a-shared-store-and-a-link-half-up": brief(
    [
      fault("offline-replay", all, 50, 30, { late: null }),
      fault("node-crash", node, 60, 0, { tells: true, downFor: 1_000 }),
      fault("store-partition", node, 62.5, 7, {}),
    ],
    { fleet: pair({ lease: SHARED }) },
  ),
  "a-shared-store-and-many-dials": brief(
    [fault("close", all, 59.5, 0, { code: 428 }), fault("store-partition", node, 57.5, 6, {})],
    {
      fleet: { ...fleet({ lease: SHARED, reconnectPerSecond: 1 }) },
    },
  ),
} satisfies Record<string, Plan>;
