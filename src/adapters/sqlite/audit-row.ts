/**
 * An entry of the audit as it stands in the file. Somebody may have written there what we never would: that is read all the same, so that
 * it shows as changed and not as an audit that can't be read.
 */
import type { AuditRow } from "../../../machines/ports/records.ts";
import { numberOf, type Row, textOf, textOrNull } from "./database.ts";

/** As a real, because an integer beyond those of JavaScript would be refused with the whole answer. */
export const AUDIT_COLUMNS = "seq, cast(at as real) as at, actor, action, subject, text, evidence, hash";

export const auditRow = (row: Row): AuditRow => ({
  seq: numberOf(row, "seq"),
  at: numberOf(row, "at"),
  actor: textOf(row, "actor"),
  action: textOf(row, "action"),
  subject: textOf(row, "subject"),
  text: textOf(row, "text"),
  evidence: evidenceOf(textOf(row, "evidence")),
});
/** With the hash that it was given; null: none. */
export const entryOf = (row: Row): AuditRow & { readonly hash: string | null } => ({
  ...auditRow(row),
  hash: textOrNull(row, "hash"),
});

const evidenceOf = (text: string): AuditRow["evidence"] => {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as AuditRow["evidence"];
  } catch {
    // Shown as it is.
  }
  return { unreadable: text };
};
