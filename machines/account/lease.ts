/**
 * The right of this node to open one device's link: taken, kept, and given up before anybody else could have it.
 *
 * Time counts from when the store was asked, never from when it answered, so our idea of the lease ends before the store's.
 * Invariants: one question to the store at a time; after `FENCE` of the ttl without a renewal the right is gone, whatever the store
 * would say; the connection is told of every loss in the same turn. With `renewEvery` null the store belongs to this process alone
 * (its file lock is the lease): taken once, never renewed, so a slow disk fences nobody.
 *
 * | from      | event                         | to        |
 * | any       | start                         | same      |
 * | any       | stop                          | unheld    |
 * | any       | store.leases                  | same      |
 * | any       | store.renewed                 | same      |
 * | any       | store.released                | same      |
 * | any       | store.failed                  | same      |
 * | unheld    | start                         | acquiring |
 * | unheld    | store.leases                  | same      |
 * | acquiring | store.leases if isGranted     | held      |
 * | acquiring | store.leases                  | lost      |
 * | acquiring | store.failed                  | lost      |
 * | held      | start if isOurs               | same      |
 * | held      | start                         | renewing  |
 * | held      | after renewLeft if mustRenew  | renewing  |
 * | renewing  | store.renewed if isLost       | lost      |
 * | renewing  | store.renewed                 | held      |
 * | renewing  | store.failed                  | unsure    |
 * | renewing  | after fenceLeft               | lost      |
 * | unsure    | after retryLeft               | renewing  |
 * | lost      | after retryLeft               | acquiring |
 */
import { assign, emit, setup } from "xstate";
import type { DeviceId, LeaseTerm, Millis, NodeId } from "../ports/ids.ts";
import { type ConnectionRequest, type Emitted, effects, type StoreEvent, tell } from "../protocol.ts";

export interface LeaseInput {
  readonly device: DeviceId;
  readonly node: NodeId;
  readonly at: Millis;
  readonly ttl: Millis;
  /** null: the store is this process's own, and nobody can take the lease. */
  readonly renewEvery: Millis | null;
}
export interface LeaseContext extends LeaseInput {
  readonly now: Millis;
  readonly deadlineAt: Millis;
  /** When the question under way was asked. */
  readonly askedAt: Millis;
  /** Last time at which we surely had it: when the last confirmed question was asked. */
  readonly confirmedAt: Millis;
  readonly term: LeaseTerm | null;
  /** Questions that the store has not answered. A late answer is taken for the oldest of them. */
  readonly open: number;
  /** One of them asks for the lease: a second grant would end the first one's term. */
  readonly isAcquiring: boolean;
  /** The connection waits to hear that we have it. */
  readonly isAwaited: boolean;
}
type LeaseEvent =
  | Extract<ConnectionRequest, { type: "start" | "stop" }>
  | StoreEvent<"lease.acquire">
  | StoreEvent<"lease.renew">
  | StoreEvent<"lease.release">;

/** Kubernetes gives up at 10 s of 15, Patroni's watchdog at half: clocks drift, and closing links takes a moment. */
export const FENCE = 0.75;
/** How often a lease that somebody else has, or that the store could not say anything about, is asked for again. */
const RETRY: Millis = 500;

const NEVER: Millis = 86_400_000;

const fenceAt = ({ confirmedAt, ttl }: LeaseContext): Millis => confirmedAt + Math.floor(ttl * FENCE);

const asked = (context: LeaseContext, now: Millis): Partial<LeaseContext> => ({
  askedAt: context.open > 0 ? context.askedAt : now,
  open: context.open + 1,
});
const noted = (context: LeaseContext, event: LeaseEvent): Partial<LeaseContext> =>
  "answer" in event && event.answer.op !== "lease.release"
    ? {
        now: event.at,
        open: Math.max(0, context.open - 1),
        isAcquiring: context.isAcquiring && event.answer.op !== "lease.acquire",
      }
    : { now: event.at };

export const leaseMachine = setup({
  types: { events: {} as LeaseEvent, input: {} as LeaseInput, context: {} as LeaseContext, emitted: {} as Emitted },
  guards: {
    /** A grant that came so late that we would have to give it up at once is none. */
    isGranted: (_, { term, isFresh }: { term: LeaseTerm | null; isFresh: boolean }) => term !== null && isFresh,
    isLost: (_, { isLost }: { isLost: boolean }) => isLost,
    isOurs: (_, { renewEvery }: { renewEvery: Millis | null }) => renewEvery === null,
    mustRenew: (_, { renewEvery }: { renewEvery: Millis | null }) => renewEvery !== null,
  },
  actions: {
    note: assign(({ context, event }) => noted(context, event)),
    noteWaiting: assign(({ event }) => ({ now: event.at, isAwaited: true })),
    noteAsk: assign(({ context }) => asked(context, context.now)),
    noteAcquiring: assign(({ context }) => (context.isAcquiring ? {} : { ...asked(context, context.now), isAcquiring: true })),
    noteGrant: assign(({ context, event }) =>
      event.type === "store.leases"
        ? { ...noted(context, event), term: grantOf(context.device, event), confirmedAt: context.askedAt, isAwaited: false }
        : {},
    ),
    noteRenewal: assign(({ context, event }) => ({
      ...noted(context, event),
      confirmedAt: context.askedAt,
      isAwaited: false,
    })),
    forget: assign({ term: null, isAwaited: false }),
    passTimer: assign(({ context }) => ({ now: Math.max(context.now, context.deadlineAt) })),
    setRenewal: assign(({ context }) => ({ deadlineAt: Math.max(context.now, context.askedAt + (context.renewEvery ?? NEVER)) })),
    setFence: assign(({ context }) => ({ deadlineAt: fenceAt(context) })),
    setRetry: assign(({ context }) => ({ deadlineAt: context.now + RETRY })),
    setRetryOrFence: assign(({ context }) => ({
      deadlineAt: Math.min(fenceAt(context), context.now + Math.min(RETRY, context.renewEvery ?? RETRY)),
    })),

    askToAcquire: emit(({ context: { device, node, ttl, isAcquiring } }) =>
      isAcquiring ? effects() : effects({ op: "store", ask: { op: "lease.acquire", devices: [device], node, ttl } }),
    ),
    askToRenew: emit(({ context: { device, node, ttl, term } }) =>
      effects({ op: "store", ask: { op: "lease.renew", leases: term === null ? [] : [{ device, term }], node, ttl } }),
    ),
    release: emit(({ context: { device, node, term } }) =>
      term === null ? effects() : effects({ op: "store", ask: { op: "lease.release", leases: [{ device, term }], node } }),
    ),
    /** Granted to a device that was stopped meanwhile. */
    releaseStray: emit(({ context: { device, node }, event }) => {
      const term = event.type === "store.leases" ? grantOf(device, event) : null;
      return term === null ? effects() : effects({ op: "store", ask: { op: "lease.release", leases: [{ device, term }], node } });
    }),
    tellGranted: emit(({ context: { device, term } }) =>
      term === null ? effects() : effects(tell(`connection:${device}`, { type: "lease.granted", term })),
    ),
    tellIfAwaited: emit(({ context: { device, term, isAwaited } }) =>
      term !== null && isAwaited ? effects(tell(`connection:${device}`, { type: "lease.granted", term })) : effects(),
    ),
    tellLost: emit(({ context: { device } }) => effects(tell(`connection:${device}`, { type: "lease.lost" }))),
  },
  delays: {
    renewLeft: ({ context }) => Math.min(NEVER, Math.max(0, context.deadlineAt - context.now)),
    fenceLeft: ({ context }) => Math.max(0, context.deadlineAt - context.now),
    retryLeft: ({ context }) => Math.max(0, context.deadlineAt - context.now),
  },
}).createMachine({
  id: "lease",
  options: { maxIterations: 1000 },
  context: ({ input }) => ({
    ...input,
    now: input.at,
    deadlineAt: input.at,
    askedAt: input.at,
    confirmedAt: input.at,
    term: null,
    open: 0,
    isAcquiring: false,
    isAwaited: false,
  }),
  initial: "unheld",
  on: {
    start: { actions: "noteWaiting" },
    stop: { target: ".unheld", actions: ["note", "release", "forget"] },
    "store.leases": { actions: "note" },
    "store.renewed": { actions: "note" },
    "store.released": { actions: "note" },
    "store.failed": { actions: "note" },
  },
  states: {
    unheld: {
      on: {
        start: { target: "acquiring", actions: "noteWaiting" },
        "store.leases": { actions: ["note", "releaseStray"] },
      },
    },
    acquiring: {
      entry: ["askToAcquire", "noteAcquiring"],
      on: {
        "store.leases": [
          {
            guard: {
              type: "isGranted",
              params: ({ context, event }) => ({
                term: grantOf(context.device, event),
                isFresh: context.renewEvery === null || event.at < context.askedAt + Math.floor(context.ttl * FENCE),
              }),
            },
            target: "held",
            actions: ["noteGrant", "tellGranted"],
          },
          { target: "lost", actions: "note" },
        ],
        "store.failed": { target: "lost", actions: "note" },
      },
    },
    held: {
      entry: "setRenewal",
      on: {
        start: [
          { guard: { type: "isOurs", params: ({ context }) => context }, actions: ["note", "tellGranted"] },
          { target: "renewing", actions: "noteWaiting" },
        ],
      },
      after: {
        renewLeft: {
          guard: { type: "mustRenew", params: ({ context }) => context },
          target: "renewing",
          actions: "passTimer",
        },
      },
    },
    renewing: {
      entry: ["noteAsk", "setFence", "askToRenew"],
      on: {
        "store.renewed": [
          {
            guard: {
              type: "isLost",
              params: ({ context, event }) => ({ isLost: event.answer.lost.includes(context.device) }),
            },
            target: "lost",
            actions: ["note", "forget", "tellLost"],
          },
          { target: "held", actions: ["tellIfAwaited", "noteRenewal"] },
        ],
        "store.failed": { target: "unsure", actions: "note" },
      },
      after: { fenceLeft: { target: "lost", actions: ["passTimer", "forget", "tellLost"] } },
    },
    unsure: {
      entry: "setRetryOrFence",
      after: {
        // At the fence there is no time left for an answer, and renewing ends at once.
        retryLeft: { target: "renewing", actions: "passTimer" },
      },
    },
    lost: { entry: "setRetry", after: { retryLeft: { target: "acquiring", actions: "passTimer" } } },
  },
});

const grantOf = (device: DeviceId, event: Extract<LeaseEvent, { type: "store.leases" }>): LeaseTerm | null =>
  event.answer.granted.find((grant) => grant.device === device)?.term ?? null;
