/** WhatsApp refused an attempt. */
import { type AccountId, accountOf } from "../../ports/ids.ts";
import { checkupOf, type QueueEvent, tell } from "../../protocol.ts";
import { mayAnotherAccountTry, refusalReason } from "../refusals.ts";
import { isUnderWay, type Row } from "../window-row.ts";
import { refuse } from "./fates.ts";
import { attempt, type QueueState } from "./state.ts";

export const onRefused = (queue: QueueState, { device, waId, code, at }: Extract<QueueEvent, { type: "refused" }>): void => {
  const row = queue.window.byWaId(waId);
  if (!row || row.phase === "settled") return;
  const account = accountOf(device);
  const isAnswer = row.device === device && queue.sent.delete(row);
  const doubt = isAnswer ? undefined : takeDoubt(row, account);
  if (!isAnswer && !doubt) return;
  const outcome = attempt(doubt?.number ?? row.attempt, "refused", String(code));
  const isAboutAccount = mayAnotherAccountTry(code);
  if (isAboutAccount) {
    row.refusedBy.push(account);
    queue.out.push(tell(checkupOf(account), { type: "check.request" }));
  }
  if (isAnswer) {
    queue.lastProofAt = at;
    queue.out.push(tell(`detector:${device}`, { type: "attempt.answered", message: row.id, byAck: true }));
  } else if (isUnderWay(row)) {
    // About an earlier attempt; the one under way gets its own answer.
    return row.phase === "sent" ? queue.write(row, outcome) : undefined;
  }
  if (!isAboutAccount) return refuse(queue, row, refusalReason(code), at, outcome);
  const isDoubtful = row.doubts.length > 0;
  if (!isAnswer && isDoubtful) return queue.write(row, outcome);
  queue.record(row, { type: "attempt.refused", doubtful: isDoubtful }, refusalReason(code), outcome);
  if (row.isLeaving) return queue.window.leave(row);
  if (row.phase === "rerouting" || row.phase === "releasing") return;
  queue.unanswered.delete(row);
  // What was held is handed over only once the store knows that it no longer is. The pump asks for another seat if it must.
  queue.window.move(row, row.phase === "held" ? "releasing" : "ready", at);
};

/** The latest attempt of that account of which nobody knows whether it arrived, which no longer is one. */
const takeDoubt = (row: Row, account: AccountId): Row["doubts"][number] | undefined => {
  const place = row.doubts.findLastIndex((doubt) => doubt.account === account);
  return place < 0 ? undefined : row.doubts.splice(place, 1)[0];
};
