/** A store as before, with somebody who is told of each failover that has ended, once that is durable. */
import type { FailoverId } from "../../machines/ports/ids.ts";
import type { FailoverRecord } from "../../machines/ports/records.ts";
import type { StoreAnswer, StoreCommand, StoreOp, StorePort } from "../../machines/ports/store.ts";

/** A record may be written again after its end; so many ends are remembered. */
const REMEMBERED = 1000;

export const tellingEnds = (store: StorePort, onEnd: (record: FailoverRecord) => void): StorePort => {
  const told = new Set<FailoverId>();
  const tell = (record: FailoverRecord): void => {
    if (told.has(record.id)) return;
    if (told.size >= REMEMBERED) told.delete(told.values().next().value as FailoverId);
    told.add(record.id);
    onEnd(record);
  };
  return {
    ask<K extends StoreOp>(command: StoreCommand<K>, reply: (answer: StoreAnswer<K>) => void): void {
      const record = "failover" in command ? command.failover : null;
      store.ask<K>(command, (answer) => {
        const kind: string = answer.kind;
        if (record && record.endedAt !== null && (kind === "changed" || kind === "recorded")) tell(record);
        reply(answer);
      });
    },
  };
};
