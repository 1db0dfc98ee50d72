/**
 * What one device has not confirmed yet, in order: kept while it is away, and until its receipt or ack says that it has it.
 *
 * The id of a stanza is chosen by its sender, so two senders may use the same one; the sender tells them apart.
 */
import { parseJid } from "./jids.ts";
import type { Node } from "./node.ts";

interface Entry {
  readonly node: Node;
  readonly order: number;
}

const keyOf = (tag: string, id: string | undefined): string => `${tag} ${id ?? ""}`;

export class Mailbox {
  private readonly entries = new Map<string, Entry[]>();
  private order = 0;
  size = 0;

  keep(node: Node): void {
    const key = keyOf(node.tag, node.attrs.id);
    const entry = { node, order: ++this.order };
    const same = this.entries.get(key);
    if (same) same.push(entry);
    else this.entries.set(key, [entry]);
    this.size++;
  }

  has(tag: string, id: string): boolean {
    return this.entries.has(keyOf(tag, id));
  }

  /** Drops the stanza that a receipt or an ack names. `from`: where the client says it came from, if it says so. */
  confirm(tag: string, id: string | undefined, from: string | undefined): Node | undefined {
    const key = keyOf(tag, id);
    const same = this.entries.get(key);
    if (!same) return undefined;
    const at =
      same.length > 1 && from
        ? Math.max(
            0,
            same.findIndex((entry) => concerns(entry.node, from)),
          )
        : 0;
    const [gone] = same.splice(at, 1);
    if (same.length === 0) this.entries.delete(key);
    this.size--;
    return gone?.node;
  }

  /** Everything unconfirmed that came after the stanza numbered `after`, oldest first, with the number to continue from. */
  since(after = 0): { nodes: Node[]; upTo: number } {
    const found: Entry[] = [];
    for (const same of this.entries.values()) for (const entry of same) if (entry.order > after) found.push(entry);
    found.sort((a, b) => a.order - b.order);
    return { nodes: found.map((entry) => entry.node), upTo: this.order };
  }
}

function concerns(node: Node, jid: string): boolean {
  const { from, recipient, participant } = node.attrs;
  const user = parseJid(jid)?.user ?? jid;
  return [from, recipient, participant].some((each) => each !== undefined && (each === jid || parseJid(each)?.user === user));
}
