/** Calling a message back: possible until an attempt of it may have left. */
import type { MessageId } from "../../machines/ports/ids.ts";
import type { OutboxState } from "../../machines/ports/store.ts";
import { type CancelAnswer, ControlError } from "./control-protocol.ts";
import type { Supervisor } from "./supervisor.ts";
import type { Views } from "./views.ts";

export interface CancellingParts {
  readonly supervisor: Supervisor;
  readonly views: Views;
}

/** Resolves once it is durable that the message is not sent. Throws ControlError. */
export const cancelMessage = async ({ supervisor, views }: CancellingParts, id: string, by: string): Promise<CancelAnswer> => {
  const message = id as MessageId;
  const audit = {
    at: views.now(),
    actor: by,
    action: "message.cancelled",
    subject: message,
    text: `${by} called the message ${message} back`,
    evidence: {},
  };
  const answer = await views.ask("outbox.cancel", { id: message, reason: "cancelled by an operator", audit });
  const { row } = answer;
  if (!row) throw new ControlError("E_UNKNOWN_MESSAGE", `there is no message ${id}`);
  if (answer.kind === "kept") throw new ControlError("E_REFUSED", `${id} can't be called back: ${TOO_LATE[row.state]}`);
  supervisor.node.cancelled(row.seat, row.id);
  return { id: row.id, seat: row.seat };
};

const LEFT = "WhatsApp has it";
const TOO_LATE: Readonly<Record<OutboxState, string>> = {
  accepted: "an attempt of it may have left",
  held: "an attempt of it may have left",
  dispatched: "it is being sent",
  unanswered: "an attempt has left, and nobody knows yet what became of it",
  acknowledged: LEFT,
  delivered: LEFT,
  read: LEFT,
  failed: "it has failed already, and is not sent",
};
