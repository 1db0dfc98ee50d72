/** A node's way to the store: the faults of the store act here, whatever store stands behind. Answers reach the node through its event loop. */
import type { Millis, NodeId } from "../../machines/ports/ids.ts";
import type { StoreAnswer, StoreCommand, StoreFailure, StoreOp, StorePort } from "../../machines/ports/store.ts";
import type { FaultBoard } from "../faults/board.ts";
import type { NodeClock, WorldClock } from "./clock.ts";

const READS: ReadonlySet<StoreOp> = new Set([
  "fleet.load",
  "failover.list",
  "outbox.open",
  "outbox.get",
  "outbox.list",
  "outbox.counts",
  "conversation.get",
  "traffic.load",
  "contact.get",
  "inbox.get",
  "inbox.read",
  "media.needed",
  "performance.read",
  "creds.load",
  "keys.load",
  "alert.list",
  "audit.read",
  "events.read",
  "journal.read",
]);

export interface FaultyStore extends StorePort {
  readonly node: NodeId;
  /** The store behind has died: whoever waits is told that the outcome is unknown. */
  crash(): void;
}

export const createFaultyStore = (
  inner: StorePort,
  clock: NodeClock,
  world: WorldClock,
  board: FaultBoard,
  /** Called in the turn in which the node gets an answer. */
  heard: (answer: StoreAnswer) => void = () => {},
): FaultyStore => {
  /** However late: answers come in the order in which the store gave them. */
  let answeredAt: Millis = 0;
  const deliver = (late: Millis, answer: () => void): void => {
    // Nothing to wait for: the same instant, one event less.
    if (late === 0 && answeredAt <= world.now() && clock.alive && !clock.stalled) return answer();
    answeredAt = Math.max(answeredAt, world.now() + late);
    clock.arrive(answer, answeredAt - world.now());
  };
  /** Asked and not answered, by number and so in order. */
  const waiting = new Map<number, () => void>();
  let asked = 0;
  return {
    node: clock.id,
    crash() {
      const lost = [...waiting.values()];
      waiting.clear();
      for (const tell of lost) tell();
    },
    ask<K extends StoreOp>(command: StoreCommand<K>, reply: (answer: StoreAnswer<K>) => void): void {
      const fate = board.store({ node: clock.id, op: command.op, writes: !READS.has(command.op) });
      const fail = (cause: StoreFailure["cause"]) => deliver(1, () => reply(failure(command, clock.now(), cause)));
      if (fate?.kind === "fail" && !fate.applied) {
        fail(fate.cause);
        return;
      }
      const key = ++asked;
      waiting.set(key, () => fail("lost"));
      const put = (late: number): void =>
        inner.ask(command, (answer) => {
          if (!waiting.delete(key)) return;
          if (fate?.kind === "fail") fail(fate.cause);
          else
            deliver(late, () => {
              heard(answer as unknown as StoreAnswer);
              reply(answer);
            });
        });
      // Held: the question itself does not get through before the end; a permanent partition never answers.
      if (fate?.kind !== "hold") return put(fate?.kind === "slow" ? fate.by : 0);
      if (Number.isFinite(fate.until)) world.setTimeout(() => put(0), Math.max(0, fate.until - world.now()));
    },
  };
};

const failure = <K extends StoreOp>({ op, reqId }: StoreCommand<K>, at: number, cause: StoreFailure["cause"]): StoreAnswer<K> =>
  ({ op, reqId, at, kind: "failed", cause, message: `simulated store failure: ${cause}` }) as unknown as StoreAnswer<K>;
