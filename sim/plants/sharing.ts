/** Planted bugs in which seat a conversation has: balance and rebalance. */
import type { Actors } from "../../machines/driver/actors.ts";
import type { Move } from "../../machines/delivery/balance/rebalance.ts";
import { balanceOf } from "../../machines/delivery/balance/settings.ts";
import {
  type AccountId,
  type ConversationId,
  type LineId,
  type MessageId,
  type RequestId,
  type SeatId,
  seatId,
} from "../../machines/ports/ids.ts";
import { type Effect, tell } from "../../machines/protocol.ts";
import type { StoreAnswer, StoreCommand, StoreOp, StorePort } from "../../machines/ports/store.ts";
import type { FleetSettings } from "../plan/plan.ts";
import type { RunOptions } from "../plan/run.ts";
import { referenceFleet } from "../world/reference.ts";
import { inReducer, nothing, type Plant } from "./plant.ts";

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

export const SHARING: readonly Plant[] = [
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
];

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
