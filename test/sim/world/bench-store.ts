/** Just enough of a store for tests of the world alone: credentials, keys, contacts, and commits that can be watched or fenced. */
import type { ContactId, DeviceId, LeaseTerm, Millis } from "../../../machines/ports/ids.ts";
import type { InboundRow, StoreAnswer, StoreCommand, StoreOp, StorePort } from "../../../machines/ports/store.ts";
import type { WorldClock } from "../../../sim/world/clock.ts";

export interface BenchStore extends StorePort {
  readonly commits: StoreCommand<"keys.commit">[];
  readonly inbox: InboundRow[];
  readonly creds: Map<DeviceId, Uint8Array>;
  readonly contacts: Map<ContactId, string>;
  /** Lease terms that are over. */
  readonly ended: Set<LeaseTerm>;
  latency: Millis;
}

export const createBenchStore = (clock: WorldClock): BenchStore => {
  const keys = new Map<string, Uint8Array | null>();
  const known = new Set<string>();
  const store: BenchStore = {
    commits: [],
    inbox: [],
    creds: new Map(),
    contacts: new Map(),
    ended: new Set(),
    latency: 1,
    ask<K extends StoreOp>(command: StoreCommand<K>, reply: (answer: StoreAnswer<K>) => void): void {
      clock.setTimeout(() => {
        const out = carryOut(command as StoreCommand);
        reply({ op: command.op, reqId: command.reqId, at: clock.now(), ...out } as unknown as StoreAnswer<K>);
      }, store.latency);
    },
  };
  const carryOut = (command: StoreCommand): object => {
    switch (command.op) {
      case "creds.load":
        return { kind: "creds", value: store.creds.get(command.device) ?? null };
      case "contact.get": {
        const lid = store.contacts.get(command.id) ?? null;
        return { kind: "contact", row: lid && { id: command.id, lid, pn: null, country: null, tier: null } };
      }
      case "keys.load":
        return { kind: "keys", values: command.ids.map((id) => keys.get(`${command.device}|${id}`) ?? null) };
      case "keys.wipe":
        for (const name of keys.keys()) if (name.startsWith(`${command.device}|`)) keys.delete(name);
        store.creds.delete(command.device);
        return { kind: "wiped" };
      case "keys.commit": {
        if (store.ended.has(command.leaseTerm)) return { kind: "stale", what: "lease" };
        store.commits.push(command);
        for (const { id, value } of command.keys) keys.set(`${command.device}|${id}`, value);
        if (command.creds) store.creds.set(command.device, command.creds);
        const rows: InboundRow[] = [];
        for (const draft of command.inbound) {
          const name = `${draft.account}|${draft.waId}`;
          if (known.has(name)) continue;
          known.add(name);
          rows.push({ ...draft, seq: store.inbox.length + rows.length + 1 });
        }
        store.inbox.push(...rows);
        return { kind: "committed", inbound: rows };
      }
      default:
        throw new Error(`the bench store knows no ${command.op}`);
    }
  };
  return store;
};
