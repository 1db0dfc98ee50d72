/** A store that keeps key commits, or answers about keys, back until it is told to go on, so that a test sees what waits for them. */
import type { StoreAnswer, StoreCommand, StoreOp, StorePort } from "../../../machines/ports/store.ts";

type Commit = StoreCommand<"keys.commit">;
type Load = StoreCommand<"keys.load">;

export class HoldingStore {
  /** Commits kept back, in order. */
  readonly held: Commit[] = [];
  #holds: (commit: Commit) => boolean = () => false;
  #holdsLoad: (load: Load) => boolean = () => false;
  #waiting: (() => void)[] = [];

  readonly wrap = (store: StorePort): StorePort => ({
    ask: <K extends StoreOp>(command: StoreCommand<K>, reply: (answer: StoreAnswer<K>) => void): void => {
      if (command.op === "keys.load" && this.#holdsLoad(command as unknown as Load))
        return void this.#waiting.push(() => store.ask(command, reply));
      const commit = command.op === "keys.commit" ? (command as unknown as Commit) : undefined;
      if (!commit || !this.#holds(commit)) return store.ask(command, reply);
      this.held.push(commit);
      this.#waiting.push(() => store.ask(command, reply));
    },
  });

  hold(which: (commit: Commit) => boolean): void {
    this.#holds = which;
  }

  holdLoads(which: (load: Load) => boolean): void {
    this.#holdsLoad = which;
  }

  release(): void {
    this.#holds = () => false;
    this.#holdsLoad = () => false;
    this.held.length = 0;
    for (const go of this.#waiting.splice(0)) go();
  }
}
