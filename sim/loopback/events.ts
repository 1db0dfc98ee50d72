/** What the service tells whoever watches it: ground truth, to compare a client's opinion with. */
export interface LoopbackEvents {
  /** A device was paired. */
  linked: { at: number; account: string; device: number };
  /** A device logged in. `link` counts up over all connections, so that an `opened` and its `closed` can be matched. */
  opened: { at: number; account: string; device: number; link: number };
  /** That link ended, for whatever reason. */
  closed: { at: number; account: string; device: number; link: number };
  /** A `<message>` of a linked device was accepted. `to`: digits, or the jid of a group. */
  accepted: { at: number; account: string; device: number; waId: string; to: string };
  /** A fault began or ended. */
  fault: { at: number; id: number; kind: string; phase: "injected" | "healed" };
}

export type EventName = keyof LoopbackEvents;
export type Listener<K extends EventName> = (event: LoopbackEvents[K]) => void;

export class Events {
  private readonly listeners: { [K in EventName]: Set<Listener<K>> } = {
    linked: new Set(),
    opened: new Set(),
    closed: new Set(),
    accepted: new Set(),
    fault: new Set(),
  };

  on<K extends EventName>(name: K, listener: Listener<K>): () => void {
    const set: Set<Listener<K>> = this.listeners[name];
    set.add(listener);
    return () => {
      set.delete(listener);
    };
  }

  emit<K extends EventName>(name: K, event: LoopbackEvents[K]): void {
    const set: Set<Listener<K>> = this.listeners[name];
    for (const listener of set) listener(event);
  }
}
