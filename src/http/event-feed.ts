/**
 * What happens, numbered as the store numbers it: events are told once they are durable, so whoever has seen number n and comes
 * back with n misses nothing and sees nothing twice.
 */
import type { FleetEvent, FleetEventRow } from "../../machines/ports/records.ts";
import type { StoreAnswer, StoreCommand, StoreOp, StorePort } from "../../machines/ports/store.ts";

type Listener = (events: readonly FleetEventRow[]) => void;

export class EventFeed {
  readonly #listeners = new Set<Listener>();
  #lastSeq = 0;

  /** The newest that is durable. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** What the store knew before. */
  begin(lastSeq: number): void {
    this.#lastSeq = Math.max(this.#lastSeq, lastSeq);
  }

  /** From the next one on. Returns how to stop listening. */
  onEvents(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The same store, looked at: the numbers come with the answer to what is appended. */
  watching(store: StorePort): StorePort {
    return {
      ask: <K extends StoreOp>(command: StoreCommand<K>, reply: (answer: StoreAnswer<K>) => void): void => {
        if (command.op !== "events.append") return store.ask(command, reply);
        const { events } = command as StoreCommand<"events.append">;
        store.ask<K>(command, (answer) => {
          if ("lastSeq" in answer) this.#note(events, answer.lastSeq);
          reply(answer);
        });
      },
    };
  }

  /** They were appended together, so their numbers follow each other. */
  #note(events: readonly FleetEvent[], lastSeq: number): void {
    const first = lastSeq - events.length + 1;
    const rows = events.map((event, place) => ({ ...event, at: Math.round(event.at), seq: first + place }));
    this.#lastSeq = Math.max(this.#lastSeq, lastSeq);
    for (const listener of this.#listeners) listener(rows);
  }
}
