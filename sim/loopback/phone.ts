/**
 * An account's phone: its primary device. It owns the identity that vouches for linked devices, and receives what they do.
 *
 * By default it is a sink: what arrives is counted, and confirmed if a companion of the account wrote it. `Person` replaces `take`
 * to make one that reads, answers and remembers. While it is off, everything waits for it.
 */
import type { Account } from "./directory.ts";
import type { Node } from "./node.ts";
import { SignalEndpoint } from "./signal-endpoint.ts";

export class Phone {
  readonly account: Account;
  readonly signal = new SignalEndpoint();
  /** Stanzas that arrived, whatever became of them. */
  arrived = 0;
  /** Set by a person; otherwise it is a sink. */
  take: (node: Node) => void;
  /** Says to the companion that wrote it that this has arrived; nothing if it was none. */
  readonly confirm: (node: Node) => void;
  /** True: wants `<plaintext>` or real ciphertext; false: nobody needs to encrypt for it. */
  reads = false;
  private online = true;
  private readonly waiting: Node[] = [];
  private queue: Promise<unknown> = Promise.resolve();

  constructor(account: Account, confirm: (node: Node) => void) {
    this.account = account;
    this.confirm = confirm;
    this.take = confirm;
  }

  receive(node: Node): void {
    if (!this.online) {
      this.waiting.push(node);
      return;
    }
    this.arrived++;
    this.take(node);
  }

  goOffline(): void {
    this.online = false;
  }

  goOnline(): void {
    this.online = true;
    for (const node of this.waiting.splice(0)) this.receive(node);
  }

  /** Runs one piece of work after the other: the ratchet must not be used twice at once. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.queue.then(work);
    this.queue = done.catch(() => undefined);
    return done;
  }
}
