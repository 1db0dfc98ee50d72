/** What a terminal may ask about the audit as a whole. */
import type { AuditBook } from "../adapters/sqlite/audit-book.ts";
import { brokenText, shortened } from "./audit-keeper.ts";
import { ControlError, type ControlHandlers } from "./control-protocol.ts";

export interface AuditDeskParts {
  readonly audit: AuditBook;
  readonly now: () => number;
  readonly by: () => string;
}

export const auditHandlers = ({
  audit,
  now,
  by,
}: AuditDeskParts): Pick<ControlHandlers, "auditVerify" | "auditPage" | "auditPrune"> => ({
  auditVerify: () => audit.verify(),
  auditPage: ({ after, limit }) => audit.page(after, limit),
  auditPrune: async ({ before }) => {
    if (before > now())
      throw new ControlError("E_BAD_REQUEST", "before: that is in the future; the audit is shortened to what is newer");
    const verdict = await audit.verify();
    if (verdict.broken)
      throw new ControlError("E_REFUSED", `${brokenText(verdict)}. What is broken is not shortened: it is evidence`);
    const removed = await shortened(audit, { at: now(), before, actor: `operator:${by()}` });
    return { removed };
  },
});
