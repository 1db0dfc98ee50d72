/** Devices whose keys are kept otherwise than they should. */
import type { StoreAnswer, StoreCommand, StoreOp, StorePort } from "../../machines/ports/store.ts";
import { nothing } from "./plant.ts";

type Commit = StoreCommand<"keys.commit">;
type Ask = (commit: Commit, reply: (answer: StoreAnswer<"keys.commit">) => void) => void;

/** What becomes of a device's commits of its keys on their way to the store. */
export const inCommits =
  (change: (commit: Commit, reply: (answer: StoreAnswer<"keys.commit">) => void, ask: Ask) => void) =>
  (store: StorePort): StorePort => ({
    ask<K extends StoreOp>(command: StoreCommand<K>, reply: (answer: StoreAnswer<K>) => void): void {
      if (command.op !== "keys.commit") return store.ask<K>(command, reply);
      change(command as unknown as Commit, reply as never, (commit, then) => store.ask(commit, then));
    },
  });
export const committed = (commit: Commit): StoreAnswer<"keys.commit"> =>
  ({
    op: "keys.commit",
    reqId: commit.reqId,
    kind: "committed",
    inbound: commit.inbound.map((draft, i) => ({ ...draft, seq: i + 1 })),
  }) as unknown as StoreAnswer<"keys.commit">;

/** The device believes its keys to be kept before they are. */
export const hasty = inCommits((commit, reply, ask) => {
  ask(commit, nothing);
  reply(committed(commit));
});
/** What the store refuses because a term has ended counts as done. */
export const unfenced = inCommits((commit, reply, ask) =>
  ask(commit, (answer) => reply(answer.kind === "stale" ? committed(commit) : answer)),
);
