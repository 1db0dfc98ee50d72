/**
 * Looks through the audit once a day: whoever changed it is noticed without being looked for, and what is older than the fleet file wants
 * is removed. What is broken is not shortened: it is evidence.
 */
import type { Millis } from "../../machines/ports/ids.ts";
import type { AuditDraft } from "../../machines/ports/records.ts";
import type { Effect } from "../../machines/protocol.ts";
import type { AuditBook } from "../adapters/sqlite/audit-book.ts";
import type { Verdict } from "../adapters/sqlite/audit-chain.ts";

export interface AuditKeeperOptions {
  readonly audit: AuditBook;
  /** Days; null: it is shortened by order only. */
  readonly days: number | null;
  readonly now: () => Millis;
  /** Carries out what alerts are told. */
  readonly perform: (effects: readonly Effect[]) => void;
  readonly onFault: (error: unknown) => void;
}

const DAY: Millis = 86_400_000;
/** A start has other things to do. */
const FIRST_AFTER: Millis = 60_000;
const RULE = "audit.broken";

export class AuditKeeper {
  readonly #options: AuditKeeperOptions;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: AuditKeeperOptions) {
    this.#options = options;
  }

  begin(): void {
    this.#plan(FIRST_AFTER);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  async look(): Promise<void> {
    const { audit, days, now, perform, onFault } = this.#options;
    try {
      const verdict = await audit.verify();
      if (verdict.broken) {
        const text = `${brokenText(verdict)}. Somebody or something changed the store past Greenroom: keep a copy of it, look at "greenroom audit verify", and restore a backup`;
        return perform([{ op: "raise", key: RULE, rule: RULE, subject: "fleet", level: "critical", text }]);
      }
      perform([{ op: "resolve", key: RULE, text: "the audit is as it was written" }]);
      if (days !== null) await shortened(audit, { at: now(), before: now() - days * DAY, actor: "orchestrator" });
    } catch (error) {
      onFault(error);
    }
  }

  #plan(after: Millis): void {
    this.#timer = setTimeout(() => {
      this.#plan(DAY);
      void this.look();
    }, after).unref();
  }
}

/** Verify first. Says how many entries went; that they did is an entry itself. */
export const shortened = (
  audit: AuditBook,
  { at, before, actor }: Pick<AuditDraft, "at" | "actor"> & { readonly before: Millis },
): Promise<number> =>
  audit.prune(before, (removed) => ({
    at,
    actor,
    action: "audit.pruned",
    subject: "fleet",
    text: `${removed} entries from before ${new Date(before).toISOString()} were removed`,
    evidence: { removed, before },
  }));

export const brokenText = ({ broken }: Verdict): string => `the audit is not as it was written: ${broken?.why ?? "-"}`;
