/** The planted bugs. Each is a mistake that somebody could make, and names the property that has to notice it. */
import type { Actors } from "../../machines/driver/actors.ts";
import type { Move } from "../../machines/delivery/balance/rebalance.ts";
import { balanceOf } from "../../machines/delivery/balance/settings.ts";
import {
  type AccountId,
  type ConversationId,
  type LineId,
  type MessageId,
  type RequestId,
  seatId,
  type SeatId,
  type SeatTerm,
  servantOf,
} from "../../machines/ports/ids.ts";
import { type CandidatesReply, type Effect, type QueueEvent, tell } from "../../machines/protocol.ts";
import type { StoreAnswer, StoreCommand, StoreOp, StorePort } from "../../machines/ports/store.ts";
import type { FleetSettings } from "../plan/plan.ts";
import type { RunOptions } from "../plan/run.ts";
import { referenceFleet } from "../world/reference.ts";
import { inChart, inEffects, inReducer, type Plant } from "./plant.ts";

const nothing = (): void => {};

type Commit = StoreCommand<"keys.commit">;
type Ask = (commit: Commit, reply: (answer: StoreAnswer<"keys.commit">) => void) => void;

/** What becomes of a device's commits of its keys on their way to the store. */
const inCommits =
  (change: (commit: Commit, reply: (answer: StoreAnswer<"keys.commit">) => void, ask: Ask) => void) =>
  (store: StorePort): StorePort => ({
    ask<K extends StoreOp>(command: StoreCommand<K>, reply: (answer: StoreAnswer<K>) => void): void {
      if (command.op !== "keys.commit") return store.ask<K>(command, reply);
      change(command as unknown as Commit, reply as never, (commit, then) => store.ask(commit, then));
    },
  });
const committed = (commit: Commit): StoreAnswer<"keys.commit"> =>
  ({
    op: "keys.commit",
    reqId: commit.reqId,
    kind: "committed",
    inbound: commit.inbound.map((draft, i) => ({ ...draft, seq: i + 1 })),
  }) as unknown as StoreAnswer<"keys.commit">;

/** The device believes its keys to be kept before they are. */
const hasty = inCommits((commit, reply, ask) => {
  ask(commit, nothing);
  reply(committed(commit));
});
/** What the store refuses because a term has ended counts as done. */
const unfenced = inCommits((commit, reply, ask) =>
  ask(commit, (answer) => reply(answer.kind === "stale" ? committed(commit) : answer)),
);

/** Few new chats, so that the cap is met in minutes. */
const FEW_CHATS = {
  caps: Object.fromEntries(
    referenceFleet().lines.flatMap(({ masters }) =>
      masters.map((id) => [id, { newContacts: { perHour: 3, perDay: null }, warmUp: [] }]),
    ),
  ),
} as const;

/** Servants have something to do on every line. */
const AT_WORK: FleetSettings = {
  lines: Object.fromEntries(
    referenceFleet().lines.map(({ id }) => [
      id,
      { whenNumberChanges: "hold", outboxLimit: 10_000, failback: "manual", work: ["bulk", "overflow"] },
    ]),
  ),
};

/** The first master of each line may hardly speak, and what waits for it is shared out again. */
const LOPSIDED: FleetSettings = {
  pacing: Object.fromEntries(
    referenceFleet().lines.flatMap(({ masters: [first] }) => (first ? [[first, { perSecond: 0.2, burst: 1 }]] : [])),
  ),
  lines: Object.fromEntries(
    referenceFleet().lines.map(({ id }) => [
      id,
      { whenNumberChanges: "hold", outboxLimit: 10_000, failback: "manual", rebalance: "auto" },
    ]),
  ),
};

type Balance = NonNullable<NonNullable<FleetSettings["lines"]>[LineId]["balance"]>;

/** Every line so, whatever was drawn. */
const sharedBy = (
  balanceFor: (masters: readonly AccountId[]) => Partial<Balance>,
  { lines }: Pick<FleetSettings, "lines"> = {},
): FleetSettings => ({
  lines: Object.fromEntries(
    referenceFleet().lines.map(({ id, masters }) => {
      const { line: _line, masters: _masters, tierOf: _tierOf, ...balance } = balanceOf(id, masters, balanceFor(masters));
      return [id, { whenNumberChanges: "hold", outboxLimit: 10_000, failback: "manual", ...lines?.[id], balance }];
    }),
  ),
});
const inRegions = (masters: readonly AccountId[]): Partial<Balance> => ({
  strategy: "geo",
  geo: {
    regions: [
      { name: "eu", countries: ["DE", "FR"], masters: masters.slice(0, 1), distances: { us: 6_200 } },
      { name: "us", countries: ["US"], masters: masters.slice(1), distances: {} },
    ],
    otherwise: null,
  },
});
/** Every conversation to one end of its line, as if that were the line's strategy. */
const allTo = (find: (able: Uint8Array) => number): Pick<RunOptions, "config"> => ({
  config: {
    strategies: [{ name: "one end", begin: () => (seats) => find(seats.able) }],
    balance: (line) => balanceOf(line, [], { strategy: "one end" }),
  },
});

/** Leases end with time. */
const SHARED_STORE = { lease: { ttl: 4_000, renewEvery: 1_000 } } as const;

/** All masters may hardly speak, so that much waits for long. */
const SLOW: FleetSettings = {
  pacing: Object.fromEntries(
    referenceFleet()
      .accounts.filter(({ role }) => role === "master")
      .map(({ id }) => [id, { perSecond: 0.4, burst: 1 }]),
  ),
};

/** The connection's grant and the sender's term stay what they were before the seat moved. */
const underOldTerm = (effect: Effect): readonly Effect[] => {
  const old = (term: SeatTerm): SeatTerm => Math.max(1, term - 1) as SeatTerm;
  if (effect.op === "connection" && effect.command.op === "grant")
    return [{ ...effect, command: { ...effect.command, term: old(effect.command.term) } }];
  if (effect.op === "tell" && effect.event.type === "sender.open") {
    const event = effect.event as { readonly type: "sender.open"; readonly term: SeatTerm };
    const changed = { ...event, term: old(event.term) };
    return [{ ...effect, event: changed }];
  }
  return [effect];
};

export const PLANTS: readonly Plant[] = [
  {
    name: "gate-skipped",
    says: "the gate lets everything through, and so does the store's fence",
    caughtBy: "gate-keeps-terms",
    parts: () => ({ gate: () => true, deviceStore: unfenced }),
  },
  {
    name: "revoke-forgotten",
    says: "a seat that changes hands leaves the old holder its grant, and the store's fence is down",
    caughtBy: "gate-keeps-terms",
    parts: () => ({
      deviceStore: unfenced,
      actors: inEffects("seat", "follow", (effect) =>
        (effect.op === "connection" && effect.command.op === "revoke") ||
        (effect.op === "tell" && effect.event.type === "sender.close")
          ? []
          : [effect],
      ),
    }),
  },
  {
    name: "term-not-bumped",
    says: "a new holder speaks under the term of the one before it, and the store's fence is down",
    caughtBy: "gate-keeps-terms",
    parts: () => ({
      deviceStore: unfenced,
      actors: inEffects("seat", "open", underOldTerm, inEffects("seat", "follow", underOldTerm)),
    }),
  },
  {
    name: "lease-kept",
    says: "a device is not told that its lease has ended",
    caughtBy: "links-end-with-leases",
    settings: SHARED_STORE,
    parts: () => ({ actors: inChart("lease", { actions: { tellLost: nothing } }) }),
  },
  {
    name: "canary-forgotten",
    says: "a version that WhatsApp refuses holds nobody back",
    caughtBy: "one-canary",
    kinds: ["login-refused", "outage"],
    parts: () => ({
      actors: inReducer("dialler", { events: (event) => (event.type === "version.refused" ? [] : [event]) }),
    }),
  },
  {
    name: "servants-forgotten",
    says: "a seat that goes back to its former holder leaves its servants under the term that ended",
    caughtBy: "grants-follow-terms",
    parts: () => ({ actors: servantsForgotten() }),
  },
  {
    name: "commit-unaudited",
    says: "a change of holder is written under another action",
    caughtBy: "changes-are-audited",
    parts: () => ({
      actors: inEffects("failover", "commit", (effect) =>
        effect.op === "store" && effect.ask.op === "seat.change"
          ? [{ ...effect, ask: { ...effect.ask, audit: { ...effect.ask.audit, action: "seat.noted" } } }]
          : [effect],
      ),
    }),
  },
  {
    name: "rollback-elsewhere",
    says: "a rollback leaves the seat with the candidate that failed",
    caughtBy: "changes-are-audited",
    parts: () => ({
      actors: inEffects("failover", "rollBack", (effect) =>
        effect.op === "store" && effect.ask.op === "seat.change" && effect.ask.failover
          ? [{ ...effect, ask: { ...effect.ask, holder: effect.ask.failover.to } }]
          : [effect],
      ),
    }),
  },
  {
    name: "outbox-acked-early",
    says: "passing the gate counts as WhatsApp's ack",
    caughtBy: "nothing-lost",
    parts: () => ({ actors: ackedEarly() }),
  },
  {
    name: "cancel-unheard",
    says: "a seat's queue does not hear that a message was called back, and the store's fence is down",
    caughtBy: "called-back-stays",
    profile: "work",
    parts: () => ({
      deviceStore: unfenced,
      actors: inReducer("queue", { events: (event) => (event.type === "message.cancelled" ? [] : [event]) }),
    }),
  },
  {
    name: "unsent-forgotten",
    says: "what the connection could not send is taken for sent and proved",
    caughtBy: "nothing-lost",
    parts: () => ({ actors: unsentForgotten() }),
  },
  {
    name: "fifo-broken",
    says: "messages of one conversation do not wait for each other",
    caughtBy: "in-order",
    parts: () => ({ actors: fifoBroken() }),
  },
  {
    name: "attempt-unrecorded",
    says: "attempts leave without a row of their own",
    caughtBy: "duplicates-are-marked",
    parts: () => ({ deviceStore: inCommits((commit, reply, ask) => ask({ ...commit, attempt: null }, reply)) }),
  },
  {
    name: "pace-ignored",
    says: "accounts are not paced",
    caughtBy: "pace-is-kept",
    parts: () => ({
      actors: inReducer("queue", {
        input: ({ buckets: _shared, ...input }) => ({ ...input, pacing: {} }),
      }),
    }),
  },
  {
    name: "caps-ignored",
    says: "a seat's queue knows no caps",
    caughtBy: "caps-are-kept",
    settings: FEW_CHATS,
    parts: () => ({ actors: inReducer("queue", { input: ({ allowance: _shared, ...input }) => input }) }),
  },
  {
    name: "caps-forgotten",
    says: "new chats are counted in memory only",
    caughtBy: "caps-are-kept",
    settings: FEW_CHATS,
    kinds: ["node-crash"],
    parts: () => ({
      deviceStore: inCommits((commit, reply, ask) => {
        const { counts: _forgotten, ...attempt } = commit.attempt ?? { counts: undefined };
        ask({ ...commit, attempt: commit.attempt && (attempt as typeof commit.attempt) }, reply);
      }),
    }),
  },
  {
    name: "servants-unrelieved",
    says: "what lies at the post of a servant that is out stays there",
    caughtBy: "outbox-drains",
    settings: AT_WORK,
    profile: "work",
    parts: () => ({
      actors: inReducer("roster", {
        effects: (effects) => effects.filter((effect) => effect.op !== "store" || effect.ask.op !== "post.clear"),
      }),
    }),
  },
  {
    name: "servants-left-behind",
    says: "servants go on under the term of before when their seat moves, and the store's fence is down",
    caughtBy: "gate-keeps-terms",
    settings: AT_WORK,
    profile: "work",
    parts: () => ({
      deviceStore: unfenced,
      actors: inReducer("roster", { effects: underFirstTerm() }),
    }),
  },
  {
    name: "moves-of-the-heard",
    says: "conversations go to other seats whether or not their contacts know a number",
    caughtBy: "moves-are-unheard",
    settings: LOPSIDED,
    parts: () => ({
      actors: inReducer("roster", {
        events: (event) => [event.type === "store.conversation" ? { ...event, answer: { ...event.answer, warm: [] } } : event],
      }),
    }),
  },
  {
    name: "moves-of-the-unanswered",
    says: "a conversation is let go though something of it is under way",
    caughtBy: "moves-are-unheard",
    settings: LOPSIDED,
    profile: "work",
    parts: () => ({ actors: letsAllGo() }),
  },
  {
    name: "moves-without-end",
    says: "what went to another seat is asked to come back, and to go again",
    caughtBy: "moves-are-few",
    settings: LOPSIDED,
    profile: "work",
    parts: () => ({ actors: thereAndBack() }),
  },
  {
    name: "moves-across-regions",
    says: "evening out looks at what waits, and not at where the contacts are",
    caughtBy: "moves-keep-to-theirs",
    settings: { ...LOPSIDED, ...sharedBy(inRegions, LOPSIDED) },
    profile: "work",
    parts: () => ({ config: { balance: (line) => balanceOf(line, []) } }),
  },
  {
    name: "seats-chosen-anew",
    says: "each message goes to the next seat of its line, whoever the contact has heard from",
    caughtBy: "conversations-stay",
    profile: "work",
    parts: () => ({ nodeStore: chosenAnew() }),
  },
  {
    name: "favourite-seat",
    says: "new conversations go to the first seat that can",
    caughtBy: "shares-are-fair",
    settings: sharedBy(() => ({ strategy: "round-robin" })),
    profile: "work",
    parts: () => allTo((able) => able.indexOf(1)),
  },
  {
    name: "reserve-forgotten",
    says: "new conversations go to the first seat that can, though it is kept for contacts of a tier",
    caughtBy: "shares-are-fair",
    settings: sharedBy(() => ({ strategy: "priority", priority: { tiers: ["vip"], reserved: 1 } })),
    profile: "work",
    parts: () => allTo((able) => able.indexOf(1)),
  },
  {
    name: "regions-forgotten",
    says: "new conversations go to the last seat that can, wherever the contact is",
    caughtBy: "shares-are-fair",
    settings: sharedBy(inRegions),
    profile: "work",
    parts: () => allTo((able) => able.lastIndexOf(1)),
  },
  {
    name: "restriction-ignored",
    says: "a seat's queue does not hear that its account may begin no conversations",
    caughtBy: "restricted-begin-nothing",
    kinds: ["restricted", "logged-out", "phone-gone"],
    parts: () => ({
      actors: inReducer("queue", { events: (event) => (event.type === "account.restricted" ? [] : [event]) }),
    }),
  },
  {
    name: "age-forgotten",
    says: "the urgent go first, however long others have waited",
    caughtBy: "nobody-starves",
    profile: "work",
    settings: SLOW,
    // Only what waits while nothing is broken counts.
    kinds: ["operator", "close"],
    parts: () => ({ actors: inReducer("queue", { input: (input) => ({ ...input, agingPerLevel: 86_400_000 }) }) }),
  },
  {
    name: "pace-of-each-seat",
    says: "an account that speaks for two seats may send as much for each",
    caughtBy: "pace-is-kept",
    profile: "work",
    parts: () => ({
      actors: inReducer("queue", {
        input: ({ buckets: _shared, ...input }) => input,
      }),
    }),
  },
  {
    name: "drain-skipped",
    says: "a switchover does not wait for what is under way",
    caughtBy: "switchovers-go-unseen",
    profile: "work",
    parts: () => ({
      actors: inEffects("switchover", "drain", (effect) =>
        effect.op === "tell" && effect.event.type === "drain.request"
          ? [
              {
                ...effect,
                to: effect.to.replace("sender:", "switchover:") as typeof effect.to,
                event: { type: "sender.drained" },
              },
            ]
          : [effect],
      ),
    }),
  },
  {
    name: "way-back-forgotten",
    says: "a seat whose new holder does not answer goes on to the next device, and never back",
    caughtBy: "switchovers-lead-back",
    profile: "work",
    kinds: ["operator", "silent-path", "half-open-link", "send-swallowed"],
    parts: () => ({ actors: inChart("failover", { guards: { mayRollBack: () => false } }) }),
  },
  {
    name: "refusals-ignored",
    says: "who was turned down is taken first when an operator asks for another holder",
    caughtBy: "candidates-are-heard",
    profile: "work",
    kinds: ["operator", "silent-path", "half-open-link", "one-way"],
    parts: () => ({ actors: refusalsIgnored() }),
  },
  {
    name: "keys-after-bytes",
    says: "ciphertext and receipts leave before the keys are kept",
    caughtBy: "keys-before-bytes",
    settings: SHARED_STORE,
    parts: () => ({ deviceStore: hasty }),
  },
  {
    name: "inbox-after-receipt",
    says: "an inbound message is receipted though its row is not kept",
    caughtBy: "kept-before-receipt",
    parts: () => ({
      deviceStore: inCommits((commit, reply, ask) =>
        ask({ ...commit, inbound: [] }, (answer) => reply(answer.kind === "committed" ? committed(commit) : answer)),
      ),
    }),
  },
  {
    name: "alert-missing",
    says: "a device that fails raises no alert",
    caughtBy: "detections-alert",
    parts: () => ({ actors: inChart("health", { actions: { raiseAlert: nothing } }) }),
  },
  {
    name: "alert-unresolved",
    says: "a device that is well again leaves its alert open",
    caughtBy: "recoveries-resolve",
    parts: () => ({ actors: inChart("health", { actions: { resolveAlert: nothing } }) }),
  },
  {
    name: "actor-dies",
    says: "health can't do with an account that is out for good",
    caughtBy: "no-actor-dies",
    parts: () => ({
      actors: inChart("seat", {
        actions: {
          toFailover: () => {
            throw new Error("no failover to tell");
          },
        },
      }),
    }),
  },
  {
    name: "stale-detector",
    says: "the detector takes its own probes for evidence",
    caughtBy: "candidates-are-heard",
    parts: () => ({
      actors: inReducer("detector", {
        events: (event) => (event.type === "wake" ? [{ type: "evidence", at: event.at }, event] : [event]),
      }),
    }),
  },
  {
    name: "one-phase-late",
    says: "a device counts as failed one deadline later than it should",
    caughtBy: "timed-detection",
    parts: () => ({
      actors: inReducer("detector", {
        input: (input) => ({
          ...input,
          timers: { ...input.timers, overdue: input.timers.gone, gone: 2 * input.timers.gone - input.timers.overdue },
        }),
      }),
    }),
  },
  {
    name: "ack-clock-ignored",
    says: "sends that nobody acknowledges accuse nobody",
    caughtBy: "timed-detection",
    parts: () => ({ actors: inReducer("detector", { events: (event) => (event.type === "attempt.sent" ? [] : [event]) }) }),
  },
  {
    name: "closing-unheard",
    says: "a link that ends is judged like a silent one",
    caughtBy: "timed-detection",
    parts: () => ({
      actors: inChart("health", { guards: { isOld: (_: unknown, { end }: { end: string }) => end !== "ourOwn" } }),
    }),
  },
  {
    name: "stale-candidates",
    says: "the roster hears of failures, not of doubts, and takes a candidate however long ago it was heard",
    caughtBy: "candidates-are-heard",
    parts: () => ({
      actors: inReducer("roster", {
        input: (input) => ({ ...input, candidateFresh: 600_000 }),
        events: (event) =>
          event.type === "device.health" && (event.state === "suspect" || event.state === "repairing") ? [] : [event],
      }),
    }),
  },
  {
    name: "restriction-unheard",
    says: "the roster does not hear that an account is restricted, and takes it for a candidate like any other",
    caughtBy: "candidates-may-speak",
    kinds: ["restricted", "logged-out", "phone-gone"],
    parts: () => ({
      actors: inReducer("roster", {
        events: (event) => (event.type === "account.standing" && event.standing === "restricted" ? [] : [event]),
      }),
    }),
  },
  {
    name: "verify-endless",
    says: "a new holder that does not answer is waited for without an end",
    caughtBy: "seats-are-held",
    parts: () => ({
      actors: inChart("failover", {
        guards: { isNewHolder: ({ event }: { event: { type: string } }) => event.type === "probe.seen" },
        delays: { verifyDeadline: 86_400_000 },
      }),
    }),
  },
  {
    name: "commit-put-off",
    says: "a failover waits half a minute too long before it takes anybody",
    caughtBy: "timed-firstAck",
    parts: () => ({
      actors: inEffects("seat", "startFailover", (effect) => {
        if (effect.op !== "start" || effect.kind !== "failover") return [effect];
        const { twinAt, numberAt, ...input } = effect.input;
        return [{ ...effect, input: { ...input, twinAt: twinAt + 30_000, numberAt: numberAt + 30_000 } }];
      }),
    }),
  },
  {
    name: "never-granted",
    says: "the orchestrator lets no seat move by itself",
    caughtBy: "seats-are-held",
    parts: () => ({ actors: inChart("orchestrator", { actions: { grant: nothing } }) }),
  },
  {
    name: "denied-forgotten",
    says: "a seat that the brake sent away is not remembered by it",
    caughtBy: "seats-are-held",
    parts: () => ({ actors: inChart("orchestrator", { actions: { enqueue: nothing } }) }),
  },
  {
    name: "roster-forgets",
    says: "the roster does not hear of devices that are well again",
    caughtBy: "seats-are-held",
    parts: () => ({ actors: rosterForgets() }),
  },
  {
    name: "queue-stays-closed",
    says: "a seat's queue does not open for its second holder",
    caughtBy: "outbox-drains",
    parts: () => ({ actors: inChart("sender", { actions: { openQueue: nothing } }) }),
  },
];

// ---- mistakes that need more than a line ----

function ackedEarly() {
  const waIds = new Map<string, string>();
  return inReducer("queue", {
    effects: (effects) => {
      for (const effect of effects) {
        if (effect.op === "connection" && effect.command.op === "send") waIds.set(effect.command.message, effect.command.waId);
      }
      return effects;
    },
    events: (event) => (event.type === "sent" ? [event, proof(waIds.get(event.message), event.at)] : [event]),
  });
}

function unsentForgotten() {
  const waIds = new Map<string, string>();
  return inReducer("queue", {
    effects: (effects) => {
      for (const effect of effects) {
        if (effect.op === "connection" && effect.command.op === "send") waIds.set(effect.command.message, effect.command.waId);
      }
      return effects;
    },
    events: (event) => {
      if (event.type !== "unsent") return [event];
      const { device, message, attempt, at } = event;
      return [{ type: "sent", device, message, attempt, at }, proof(waIds.get(message), at)];
    },
  });
}

const proof = (waId: string | undefined, at: number): QueueEvent =>
  ({ type: "proved", waId: waId ?? "", by: "ack", receipt: null, at }) as QueueEvent;

function fifoBroken() {
  let count = 0;
  const alone = <R extends { readonly conversation: string }>(row: R): R => ({
    ...row,
    conversation: `${row.conversation}#${++count}`,
  });
  return inReducer("queue", {
    events: (event) => {
      if (event.type === "queue.offer") return [{ ...event, rows: event.rows.map(alone) }];
      if (event.type !== "store.rows") return [event];
      return [{ ...event, answer: { ...event.answer, rows: event.answer.rows.map(alone) } } as typeof event];
    },
  });
}

/** What has just arrived at a seat is ordered back, by whoever had ordered it there. */
function thereAndBack(): Actors {
  let arrived: { readonly by: string; readonly moves: Move[] }[] = [];
  return inReducer("roster", {
    effects: (list) => {
      for (const effect of list) {
        if (effect.op !== "event" || effect.event.type !== "conversation.moved") continue;
        const { subject, data } = effect.event;
        const [from, to] = [data["to"] as SeatId, data["from"] as SeatId];
        arrived.push({ by: String(data["by"]), moves: [{ conversation: subject as ConversationId, from, to, waiting: 1 }] });
      }
      return list;
    },
    events: (event) => {
      const orders = arrived.map((order) => ({ type: "rebalance.request" as const, at: event.at, ...order }));
      arrived = [];
      return [event, ...orders];
    },
  });
}

/** To a queue every conversation is idle, and may go whatever it knows of it. */
function letsAllGo(): Actors {
  const rows = new Map<string, { readonly seat: SeatId; readonly message: MessageId; readonly seq: number }>();
  let yielded: Effect | null = null;
  const actors = inReducer("queue", {
    events: (event) => {
      yielded = null;
      if (event.type === "queue.offer") {
        for (const { conversation, seat, id: message, seq } of event.rows) rows.set(conversation, { seat, message, seq });
      }
      const row = event.type === "conversation.yield" ? rows.get(event.conversation) : undefined;
      if (event.type !== "conversation.yield" || !row) return [event];
      yielded = tell("roster", { type: "conversation.yielded", conversation: event.conversation, ...row });
      return [];
    },
    effects: (effects) => (yielded ? [...effects, yielded] : effects),
  });
  const start: Actors["queue"]["start"] = (input, at) => {
    const step = actors.queue.start(input, at);
    const backlog = step.state.backlog.bind(step.state);
    step.state.backlog = () => backlog().map((each) => ({ ...each, isBusy: false, hasBegun: false }));
    return step;
  };
  return { ...actors, queue: { ...actors.queue, start } };
}

function chosenAnew() {
  const seats = new Map(referenceFleet().lines.map(({ id, masters }) => [id, masters.map((master) => seatId(id, master))]));
  let turn = 0;
  return (store: StorePort): StorePort => ({
    ask<K extends StoreOp>(command: StoreCommand<K>, reply: (answer: StoreAnswer<K>) => void): void {
      if (command.op !== "outbox.accept") return store.ask<K>(command, reply);
      const accept = command as unknown as StoreCommand<"outbox.accept">;
      const messages = accept.messages.map((draft) => {
        const all = seats.get(draft.line) ?? [];
        return { ...draft, seat: all[turn++ % all.length] ?? draft.seat };
      });
      for (const { conversation, seat } of messages) {
        store.ask({ op: "conversation.assign", reqId: `${command.reqId}!` as RequestId, conversation, seat }, nothing);
      }
      store.ask<K>({ ...accept, messages } as unknown as StoreCommand<K>, reply);
    },
  });
}

function refusalsIgnored() {
  let isOrdered = false;
  return inReducer("roster", {
    events: (event) => {
      // A failover that an operator wants looks again, at whom it was given.
      if (event.type === "candidates.request") isOrdered = event.replyTo.startsWith("switchover:") || event.named !== null;
      return [event];
    },
    effects: (effects) =>
      effects.map((effect) => {
        if (!isOrdered || effect.op !== "tell" || effect.event.type !== "candidates.ranked") return effect;
        const reply = effect.event as Omit<CandidatesReply, "at">;
        const turnedDown = reply.rejected.map(({ device, why }) => ({ device, ladder: "account" as const, lastSeenAt: 0, why }));
        return { ...effect, event: { ...reply, ranked: [...turnedDown, ...reply.ranked] } };
      }),
  });
}

/** Each servant's post keeps the term under which it was opened first. */
function underFirstTerm() {
  const terms = new Map<string, SeatTerm>();
  return (effects: readonly Effect[]): readonly Effect[] =>
    effects.map((effect) => {
      if (effect.op !== "tell" || !("term" in effect.event)) return effect;
      const event = effect.event as { readonly type: string; readonly term: SeatTerm; readonly seat?: SeatId };
      const post = event.seat ?? (effect.to.slice(effect.to.indexOf(":") + 1) as SeatId);
      if (servantOf(post) === null) return effect;
      const term = terms.get(post) ?? event.term;
      terms.set(post, term);
      return { ...effect, event: { ...event, term } };
    });
}

function servantsForgotten() {
  /** Of each seat: who holds it, and who did before. */
  const held = new Map<string, readonly (string | null)[]>();
  let isBack = false;
  return inReducer("roster", {
    events: (event) => {
      isBack = false;
      if (event.type === "seat.held") {
        const [now = null, before = null] = held.get(event.seat) ?? [];
        isBack = event.holder !== null && event.holder === before;
        if (event.holder !== now) held.set(event.seat, [event.holder, now]);
      }
      return [event];
    },
    effects: (effects) =>
      isBack ? effects.filter((effect) => effect.op !== "tell" || !effect.to.startsWith("servant:")) : effects,
  });
}

function rosterForgets() {
  const failed = new Set<string>();
  return inReducer("roster", {
    events: (event) => {
      if (event.type !== "device.health") return [event];
      if (event.state === "failed") failed.add(event.device);
      return failed.has(event.device) && (event.state === "recovering" || event.state === "healthy") ? [] : [event];
    },
  });
}
