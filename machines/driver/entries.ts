/** What a node itself has to put on record: of a failover that was cut short, of a device that was linked, of a strategy that erred. */
import type { Misconduct } from "../delivery/balance/index.ts";
import type { Millis } from "../ports/ids.ts";
import type { ConnectionFact } from "../ports/connection.ts";
import type { AuditDraft, FailoverRecord } from "../ports/records.ts";
import type { Effect, FailoverInput } from "../protocol.ts";

/** A failover that was cut short: the seat's row says how far it came, and the seat goes on from there. */
export const interruption = (failover: FailoverRecord, by: string, at: Millis): Effect => {
  const ended: FailoverRecord = {
    ...failover,
    outcome: "interrupted",
    endedAt: at,
    steps: [...failover.steps, { at, text: `interrupted by ${by}; the seat goes on from its row` }],
  };
  const audit: AuditDraft = {
    at,
    actor: "supervisor",
    action: "failover.interrupted",
    subject: failover.seat,
    text: `the failover of ${failover.seat} that began at ${failover.detectedAt} was interrupted by ${by}`,
    evidence: { id: failover.id, termAfter: failover.termAfter },
  };
  return { op: "write", ask: { op: "failover.record", failover: ended, audit } };
};

/** What is known of a failover of which nothing was written yet. */
export const intentOf = ({ id, seat, cause, from, term, lastEvidenceAt, detectedAt }: FailoverInput): FailoverRecord => ({
  id,
  seat,
  cause,
  from,
  to: null,
  termBefore: term,
  termAfter: null,
  outcome: "running",
  ladder: null,
  lastEvidenceAt,
  detectedAt,
  chosenAt: null,
  committedAt: null,
  inServiceAt: null,
  endedAt: null,
  steps: [],
});

/** Here and not in the chart, which must not see the addresses. */
export const linkage = ({ device, at, jid, lid }: Extract<ConnectionFact, { kind: "linked" }>): Effect => {
  const audit: AuditDraft = {
    at,
    actor: "supervisor",
    action: "device.linked",
    subject: device,
    text: `${device} was linked by its owner`,
    evidence: {},
  };
  return { op: "write", ask: { op: "device.update", device, link: "linked", jid, lid, audit } };
};

/** A strategy that is not ours to mend: a person is told, and the line goes on in turn. */
export const misconduct = ({ line, strategy, what }: Misconduct): Extract<Effect, { op: "raise" }> => ({
  op: "raise",
  key: `balance.strategy:${line}`,
  rule: "balance.strategy",
  subject: line,
  level: "warning",
  text: `the strategy ${strategy} of line ${line} erred: ${what}. Such conversations are shared out in turn; mend the strategy and restart`,
});
