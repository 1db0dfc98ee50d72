/** The planted bugs. Each is a mistake that somebody could make, and names the property that has to notice it. */
import type { AnyEventObject } from "xstate";
import type { Effect, QueueEvent, RosterEvent } from "../../machines/protocol.ts";
import type { StoreAnswer, StoreCommand, StoreOp, StorePort } from "../../machines/ports/store.ts";
import { inChart, inEffects, inReducer, type Plant } from "./plant.ts";

const nothing = (): void => {};
const isSend = (effect: Effect): boolean => effect.op === "connection" && effect.command.op === "send";

/** The device believes its keys to be kept before they are. */
const hasty = (store: StorePort): StorePort => ({
  ask<K extends StoreOp>(command: StoreCommand<K>, reply: (answer: StoreAnswer<K>) => void): void {
    if (command.op !== "keys.commit") return store.ask<K>(command, reply);
    const { reqId, inbound } = command as unknown as StoreCommand<"keys.commit">;
    const rows = inbound.map((draft, i) => ({ ...draft, seq: i + 1 }));
    store.ask<K>(command, nothing);
    reply({ op: "keys.commit", reqId, kind: "committed", inbound: rows } as unknown as StoreAnswer<K>);
  },
});

export const PLANTS: readonly Plant[] = [
  {
    name: "gate-skipped",
    says: "the gate lets everything through",
    caughtBy: "gate-keeps-terms",
    parts: { gate: () => true },
  },
  {
    name: "gate-one-term-late",
    says: "the gate takes the term before the present one for valid",
    caughtBy: "gate-keeps-terms",
    parts: { gate: (held, asked) => held === undefined || asked >= held - 1 },
  },
  {
    name: "revoke-forgotten",
    says: "a seat that changes hands leaves the old holder its grant",
    caughtBy: "gate-keeps-terms",
    parts: {
      actors: inEffects("seat", "follow", (effect) =>
        (effect.op === "connection" && effect.command.op === "revoke") ||
        (effect.op === "tell" && effect.event.type === "sender.close")
          ? []
          : [effect],
      ),
    },
  },
  {
    name: "commit-unaudited",
    says: "a change of holder is written under another action",
    caughtBy: "changes-are-audited",
    parts: {
      actors: inEffects("failover", "commit", (effect) =>
        effect.op === "store" && effect.ask.op === "seat.change"
          ? [{ ...effect, ask: { ...effect.ask, audit: { ...effect.ask.audit, action: "seat.noted" } } }]
          : [effect],
      ),
    },
  },
  {
    name: "rollback-elsewhere",
    says: "a rollback leaves the seat with the candidate that failed",
    caughtBy: "rollback-restores",
    parts: {
      actors: inEffects("failover", "rollBack", (effect) =>
        effect.op === "store" && effect.ask.op === "seat.change" && effect.ask.failover
          ? [{ ...effect, ask: { ...effect.ask, holder: effect.ask.failover.to } }]
          : [effect],
      ),
    },
  },
  {
    name: "outbox-acked-early",
    says: "passing the gate counts as WhatsApp's ack",
    caughtBy: "nothing-lost",
    parts: { actors: ackedEarly() },
  },
  {
    name: "unsent-forgotten",
    says: "what the connection could not send is taken for sent and proved",
    caughtBy: "nothing-lost",
    parts: { actors: unsentForgotten() },
  },
  {
    name: "fifo-broken",
    says: "a message waits for the next one of its conversation, and leaves after it",
    caughtBy: "in-order",
    parts: { actors: fifoBroken() },
  },
  {
    name: "resent-though-held",
    says: "unanswered messages are sent again by another number, whatever the line wants",
    caughtBy: "duplicates-are-marked",
    parts: { actors: sentTwice() },
  },
  {
    name: "pace-ignored",
    says: "accounts are not paced",
    caughtBy: "pace-is-kept",
    parts: {
      actors: inReducer("queue", {
        input: ({ buckets: _shared, ...input }) => ({ ...input, pacing: {} }),
      }),
    },
  },
  {
    name: "keys-after-bytes",
    says: "ciphertext and receipts leave before the keys are kept",
    caughtBy: "keys-before-bytes",
    parts: { deviceStore: hasty },
  },
  {
    name: "inbox-after-receipt",
    says: "an inbound message is receipted before its row is kept",
    caughtBy: "kept-before-receipt",
    parts: { deviceStore: hasty },
  },
  {
    name: "alert-missing",
    says: "a device that fails raises no alert",
    caughtBy: "detections-alert",
    parts: { actors: inChart("health", { actions: { raiseAlert: nothing } }) },
  },
  {
    name: "alert-unresolved",
    says: "a device that is well again leaves its alert open",
    caughtBy: "recoveries-resolve",
    parts: { actors: inChart("health", { actions: { resolveAlert: nothing } }) },
  },
  {
    name: "actor-dies",
    says: "health can't do with an account that is out for good",
    caughtBy: "no-actor-dies",
    parts: {
      actors: inChart("seat", {
        actions: {
          toFailover: () => {
            throw new Error("no failover to tell");
          },
        },
      }),
    },
  },
  {
    name: "stale-detector",
    says: "the detector takes its own probes for evidence",
    caughtBy: "timed-detection",
    parts: {
      actors: inReducer("detector", {
        events: (event) => (event.type === "wake" ? [{ type: "evidence", at: event.at }, event] : [event]),
      }),
    },
  },
  {
    name: "one-phase-late",
    says: "a device counts as failed one deadline later than it should",
    caughtBy: "timed-detection",
    parts: {
      actors: inReducer("detector", {
        input: (input) => ({
          ...input,
          timers: { ...input.timers, overdue: input.timers.gone, gone: 2 * input.timers.gone - input.timers.overdue },
        }),
      }),
    },
  },
  {
    name: "ack-clock-ignored",
    says: "sends that nobody acknowledges accuse nobody",
    caughtBy: "timed-detection",
    parts: { actors: inReducer("detector", { events: (event) => (event.type === "attempt.sent" ? [] : [event]) }) },
  },
  {
    name: "closing-unheard",
    says: "a link that ends is judged like a silent one",
    caughtBy: "timed-detection",
    parts: { actors: inChart("health", { guards: { isOld: (_: unknown, { end }: { end: string }) => end !== "ourOwn" } }) },
  },
  {
    name: "waits-too-long",
    says: "a failover that has to wait for its time waits ten seconds more",
    caughtBy: "timed-firstAck",
    parts: { actors: inChart("failover", { delays: { untilCommit: () => 10_000 } }) },
  },
  {
    name: "stale-candidates",
    says: "a candidate is taken however long ago it was heard",
    caughtBy: "timed-inService",
    parts: { actors: inReducer("roster", { input: (input) => ({ ...input, candidateFresh: 600_000 }) }) },
  },
  {
    name: "never-asks-again",
    says: "a stranded seat never looks for a holder again",
    caughtBy: "seats-are-held",
    parts: {
      actors: inChart("seat", { delays: { askAgain: () => 86_400_000 }, guards: { isServing: isWellEnded } }),
    },
  },
  {
    name: "roster-forgets",
    says: "the roster does not hear of devices that are well again",
    caughtBy: "seats-are-held",
    parts: {
      actors: inReducer("roster", {
        events: (event: RosterEvent | AnyEventObject) => (isComeback(event) ? [] : [event as never]),
      }),
    },
  },
  {
    name: "queue-stays-closed",
    says: "a seat's queue does not open for its second holder",
    caughtBy: "outbox-drains",
    parts: { actors: inChart("sender", { actions: { openQueue: nothing } }) },
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
  /** The message that waits, by contact; the queue believes that it has left. */
  const waiting = new Map<string, Effect>();
  const left: { message: string; waId: string; device: string; attempt: number }[] = [];
  return inReducer("queue", {
    events: (event) => {
      const believed = left
        .splice(0)
        .flatMap(({ message, waId, device, attempt }) => [
          { type: "sent", device, message, attempt, at: event.at } as QueueEvent,
          proof(waId, event.at),
        ]);
      return [...believed, event];
    },
    effects: (effects) =>
      effects.flatMap((effect) => {
        if (effect.op !== "connection" || effect.command.op !== "send") return [effect];
        const { contact, message, waId, device, attempt } = effect.command;
        const earlier = waiting.get(contact);
        if (earlier) {
          waiting.delete(contact);
          return [effect, earlier];
        }
        waiting.set(contact, effect);
        left.push({ message, waId, device, attempt });
        return [];
      }),
  });
}

/** Each message leaves a second time, with the next effect of its seat. */
function sentTwice() {
  return inReducer("queue", {
    effects: (effects) => effects.flatMap((effect) => (isSend(effect) ? [effect, effect] : [effect])),
  });
}

function isComeback(event: { readonly type: string }): boolean {
  const { type, state } = event as { type: string; state?: string };
  return type === "device.health" && state === "recovering";
}

function isWellEnded({ event }: { event: AnyEventObject }): boolean {
  return event.type === "failover.ended" && event["outcome"] === "averted";
}
