/** Promises around the store port: they exist inside adapters only. */
import type { RequestId } from "../../../machines/ports/ids.ts";
import type { StoreAnswer, StoreCommand, StoreFailure, StoreOp, StoreOps, StorePort } from "../../../machines/ports/store.ts";

/** Never rejects: `failed` is an answer like the others, to be judged by the caller. */
export type Ask = <K extends StoreOp>(op: K, input: StoreOps[K]["in"]) => Promise<StoreOps[K]["out"] | StoreFailure>;

export const makeAsk = (store: StorePort, nextRequestId: () => RequestId): Ask => {
  return <K extends StoreOp>(op: K, input: StoreOps[K]["in"]) =>
    new Promise<StoreOps[K]["out"] | StoreFailure>((resolve) => {
      // The compiler can't see that the parts of one entry of StoreOps belong together once K is a parameter.
      const command = { op, reqId: nextRequestId(), ...input } as unknown as StoreCommand<K>;
      store.ask(command, (answer: StoreAnswer<K>) => resolve(answer as unknown as StoreOps[K]["out"] | StoreFailure));
    });
};
