/** An outbox full of messages that wait, written as fast as it goes. */
import { accountId, type ContactId, conversationId, type LineId, type RequestId, seatId } from "../machines/ports/ids.ts";
import type { OutboxDraft } from "../machines/ports/store.ts";
import { makeAsk } from "../src/adapters/baileys/ask.ts";
import { openStore } from "./fleet.ts";

const BATCH = 1000;
const CONVERSATIONS = 5000;

export const fillOutbox = async (directory: string, line: LineId, from: number, until: number): Promise<void> => {
  const store = openStore(directory);
  let requests = 0;
  const ask = makeAsk(store, () => `fill-${++requests}` as RequestId);
  try {
    for (let first = from; first < until; first += BATCH) {
      const messages = Array.from({ length: Math.min(BATCH, until - first) }, (_, n) => draftOf(line, first + n));
      const { kind } = await ask("outbox.accept", { messages, limit: 1e9 });
      if (kind !== "accepted") throw new Error(`the outbox could not be filled: ${kind}`);
    }
  } finally {
    store.close();
  }
};

/** Spread over many conversations; the numbers are scattered over the indexes as real ones are. */
export const draftOf = (line: LineId, n: number): OutboxDraft => {
  const contact = `c:${n % CONVERSATIONS}` as ContactId;
  return {
    id: `m${String(n).padStart(12, "0")}` as OutboxDraft["id"],
    waId: `3EB0${Math.imul(n, 0x9e3779b1).toString(16).toUpperCase()}${n}` as OutboxDraft["waId"],
    line,
    seat: seatId(line, accountId(`${line}-m0`)),
    conversation: conversationId(line, contact),
    contact,
    content: { kind: "text", text: "a message of about the length that people write to each other all day long" },
    priority: 5,
    expiresAt: null,
    idempotencyKey: null,
    acceptedAt: n,
  };
};
