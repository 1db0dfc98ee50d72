/** Planted bugs in a seat's queue: proofs, order, pace, caps. */
import type { Actors } from "../../machines/driver/actors.ts";
import type { QueueEvent } from "../../machines/protocol.ts";
import type { FleetSettings } from "../plan/plan.ts";
import { referenceFleet } from "../world/reference.ts";
import { unfenced, inCommits } from "./commits.ts";
import { inChart, inReducer, nothing, type Plant } from "./plant.ts";

/** Few new chats, so that the cap is met in minutes. */
const FEW_CHATS = {
  caps: Object.fromEntries(
    referenceFleet().lines.flatMap(({ masters }) =>
      masters.map((id) => [id, { newContacts: { perHour: 3, perDay: null }, warmUp: [] }]),
    ),
  ),
} as const;

/** All masters may hardly speak, so that much waits for long. */
const SLOW: FleetSettings = {
  pacing: Object.fromEntries(
    referenceFleet()
      .accounts.filter(({ role }) => role === "master")
      .map(({ id }) => [id, { perSecond: 0.4, burst: 1 }]),
  ),
};

export const QUEUE: readonly Plant[] = [
  {
    name: "outbox-acked-early",
    says: "passing the gate counts as WhatsApp's ack",
    caughtBy: "nothing-lost",
    parts: () => ({ actors: ackedEarly() }),
  },
  {
    name: "unsent-forgotten",
    says: "what the connection could not send is taken for sent and proved",
    caughtBy: "nothing-lost",
    parts: () => ({ actors: unsentForgotten() }),
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
    name: "fifo-broken",
    says: "messages of one conversation do not wait for each other",
    caughtBy: "in-order",
    parts: () => ({ actors: fifoBroken() }),
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
    name: "restriction-ignored",
    says: "a seat's queue does not hear that its account may begin no conversations",
    caughtBy: "restricted-begin-nothing",
    kinds: ["restricted", "logged-out", "phone-gone"],
    parts: () => ({
      actors: inReducer("queue", { events: (event) => (event.type === "account.restricted" ? [] : [event]) }),
    }),
  },
  {
    name: "queue-stays-closed",
    says: "a seat's queue does not open for its second holder",
    caughtBy: "outbox-drains",
    parts: () => ({ actors: inChart("sender", { actions: { openQueue: nothing } }) }),
  },
];

/** What the queue hears, changed by somebody who knows under which id each message went out. */
const heardOtherwise = (change: (event: QueueEvent, waIdOf: (message: string) => string) => readonly QueueEvent[]): Actors => {
  const waIds = new Map<string, string>();
  return inReducer("queue", {
    effects: (effects) => {
      for (const effect of effects) {
        if (effect.op === "connection" && effect.command.op === "send") waIds.set(effect.command.message, effect.command.waId);
      }
      return effects;
    },
    events: (event) => change(event, (message) => waIds.get(message) ?? ""),
  });
};

const ackedEarly = (): Actors =>
  heardOtherwise((event, waIdOf) => (event.type === "sent" ? [event, proof(waIdOf(event.message), event.at)] : [event]));

const unsentForgotten = (): Actors =>
  heardOtherwise((event, waIdOf) => {
    if (event.type !== "unsent") return [event];
    const { device, message, attempt, at } = event;
    return [{ type: "sent", device, message, attempt, at }, proof(waIdOf(message), at)];
  });

const proof = (waId: string, at: number): QueueEvent => ({ type: "proved", waId, by: "ack", receipt: null, at }) as QueueEvent;

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
