/** A node's way to the store: the faults of the store act here, whatever store stands behind. Answers reach the node through its event loop. */
import type { Millis, NodeId } from "../../machines/ports/ids.ts";
import type { StoreAnswer, StoreCommand, StoreFailure, StoreOp, StorePort } from "../../machines/ports/store.ts";
import type { FaultBoard } from "../faults/board.ts";
import type { StoreFate } from "../faults/rule.ts";
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

interface Question {
  readonly command: StoreCommand;
  readonly reply: (answer: StoreAnswer) => void;
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
  const deliver = (late: Millis, tell: () => void): void => {
    answeredAt = Math.max(answeredAt, world.now() + late);
    clock.arrive(tell, answeredAt - world.now());
  };
  const tell = ({ reply }: Question, answer: StoreAnswer): void => {
    heard(answer);
    reply(answer);
  };
  const answered = (question: Question, answer: StoreAnswer, late: Millis): void => {
    // Nothing to wait for: the same instant, one event less.
    if (late === 0 && answeredAt <= world.now() && clock.alive && !clock.stalled) return tell(question, answer);
    deliver(late, () => tell(question, answer));
  };
  const fail = ({ command, reply }: Question, cause: StoreFailure["cause"]): void =>
    deliver(1, () => reply(failure(command, clock.now(), cause)));
  /** Asked and not answered, by number and so in order. */
  const waiting = new Map<number, Question>();
  let asked = 0;
  const put = (key: number, question: Question, fate: StoreFate | null): void =>
    inner.ask(question.command, (answer) => {
      if (!waiting.delete(key)) return;
      if (fate?.kind === "fail") fail(question, fate.cause);
      else answered(question, answer, fate?.kind === "slow" ? fate.by : 0);
    });
  return {
    node: clock.id,
    crash() {
      const lost = [...waiting.values()];
      waiting.clear();
      for (const question of lost) fail(question, "lost");
    },
    ask<K extends StoreOp>(command: StoreCommand<K>, reply: (answer: StoreAnswer<K>) => void): void {
      const fate = board.asksStore ? board.store({ node: clock.id, op: command.op, writes: !READS.has(command.op) }) : null;
      const question = { command, reply } as unknown as Question;
      if (fate?.kind === "fail" && !fate.applied) return fail(question, fate.cause);
      const key = ++asked;
      waiting.set(key, question);
      // Held: the question itself does not get through before the end; a permanent partition never answers.
      if (fate?.kind !== "hold") return put(key, question, fate);
      if (Number.isFinite(fate.until)) world.setTimeout(() => put(key, question, null), Math.max(0, fate.until - world.now()));
    },
  };
};

const failure = ({ op, reqId }: StoreCommand, at: Millis, cause: StoreFailure["cause"]): StoreAnswer =>
  ({ op, reqId, at, kind: "failed", cause, message: `simulated store failure: ${cause}` }) as StoreAnswer;
