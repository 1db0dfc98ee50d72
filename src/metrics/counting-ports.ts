/**
 * Counters at the two ports, where everything passes: what is asked of WhatsApp and of the store, and what comes back. The actors
 * know nothing of it. Nothing here names a number, a message or a contact.
 */
import type { ConnectionCommand, ConnectionFact, ConnectionPort } from "../../machines/ports/connection.ts";
import type { Millis, WaId } from "../../machines/ports/ids.ts";
import type { StoreAnswer, StoreCommand, StoreOp, StorePort } from "../../machines/ports/store.ts";
import type { Instruments } from "./instruments.ts";

type Connections = ConnectionPort & { shutdown(): Promise<void> };

export const countingConnections = (inner: Connections, to: Instruments): Connections => {
  const acks = new AckClock(to);
  return {
    perform(command) {
      countCommand(command, to);
      to.grants.onCommand(command);
      if (command.op === "send") acks.asked(command);
      inner.perform(command);
    },
    onFact(listener) {
      inner.onFact((fact) => {
        countFact(fact, to);
        to.grants.onFact(fact);
        acks.saw(fact);
        listener(fact);
      });
    },
    shutdown: () => inner.shutdown(),
  };
};

const countCommand = (command: ConnectionCommand, to: Instruments): void => {
  if (command.op === "probe") to.probes.inc();
  else if (command.op === "open") {
    to.dials.inc();
    if (command.dial > 1) to.redials.inc();
  }
};

const countFact = (fact: ConnectionFact, to: Instruments): void => {
  switch (fact.kind) {
    case "probed":
      if (fact.rtt === null) to.probesUnanswered.inc();
      else to.probeRoundTrip.observe(fact.rtt / 1000);
      return;
    case "closed":
      return to.linkEnds.inc({ reason: fact.reason });
    case "received":
      return to.received.inc();
    case "unsent":
      if (fact.code !== undefined) to.refused.inc({ code: codeOf(fact.code) });
      return to.unsent.inc({ why: fact.why });
    case "refused":
      return to.refused.inc({ code: codeOf(fact.code) });
    default:
      return;
  }
};

/** WhatsApp's codes are like those of HTTP. Whatever else somebody there makes up must not make series without end. */
const codeOf = (code: number): string => (Number.isInteger(code) && code >= 400 && code < 600 ? String(code) : "other");

/** More messages under way than this say nothing new about how long an ack takes. */
const MAX_UNDER_WAY = 10_000;

type Send = Extract<ConnectionCommand, { op: "send" }>;

/** From the gate to WhatsApp's ack. `sent` names the message and the ack its id at WhatsApp: the command has both. */
class AckClock {
  readonly #to: Instruments;
  readonly #asked = new Map<string, Send>();
  readonly #sent = new Map<WaId, { readonly send: Send; readonly at: Millis }>();

  constructor(to: Instruments) {
    this.#to = to;
  }

  asked(send: Send): void {
    bound(this.#asked).set(send.message, send);
  }

  saw(fact: ConnectionFact): void {
    if (fact.kind === "sent") {
      this.#to.sent.inc();
      const send = this.#asked.get(fact.message);
      this.#asked.delete(fact.message);
      if (send) bound(this.#sent).set(send.waId, { send, at: fact.at });
    } else if (fact.kind === "acked") {
      const sent = this.#sent.get(fact.waId);
      if (sent === undefined || !this.#sent.delete(fact.waId)) return;
      this.#to.ackSeconds.observe(Math.max(0, fact.at - sent.at) / 1000);
      this.#to.firstAcks.acked(sent.send, fact.at);
    } else if (fact.kind === "unsent") this.#asked.delete(fact.message);
  }
}

const bound = <K, V>(map: Map<K, V>): Map<K, V> => {
  if (map.size >= MAX_UNDER_WAY) map.delete(map.keys().next().value as K);
  return map;
};

export const countingStore = (inner: StorePort, to: Instruments): StorePort => ({
  ask<K extends StoreOp>(command: StoreCommand<K>, reply: (answer: StoreAnswer<K>) => void): void {
    const began = performance.now();
    inner.ask(command, (answer) => {
      to.storeSeconds.observe({ op: command.op }, (performance.now() - began) / 1000);
      if (answer.kind === "failed") to.storeFailures.inc({ cause: (answer as { cause: string }).cause });
      reply(answer);
    });
  },
});
