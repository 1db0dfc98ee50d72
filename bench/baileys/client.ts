/** What each arm must be able to do. Connections are numbered from 0. */
import type { Answer, PeerOp, Ready } from "../peer/messages.ts";

export interface Client {
  /** Links and opens connections until there are `count`. */
  connect(count: number): Promise<void>;
  /** What must be there before `messages` can be sent: outbox rows. */
  prepare(connection: number, contact: number, messages: number): Promise<void>;
  /** Sends one and resolves with its ack. */
  send(connection: number, contact: number): Promise<void>;
  onReceived(listener: () => void): void;
}
export interface Bench {
  readonly ready: Ready;
  readonly directory: string;
  readonly call: (op: PeerOp) => Promise<Answer>;
  /** A number by connection; people by contact. */
  readonly numberOf: (connection: number) => string;
  readonly personOf: (contact: number) => string;
}

export const CONTACTS = 8;
export const WRITERS = 10;
