/** How accounts did in the last hour: what their deep checks found, and how soon their devices answered probes. In memory, bounded. */
import type { ConnectionFact } from "../../machines/ports/connection.ts";
import { type AccountId, accountOf, type DeviceId, type Millis } from "../../machines/ports/ids.ts";
import type { Standing } from "../../machines/ports/store.ts";

/** `standing` null: the check was not answered. `cap`: new chats that are left; `preKeys`: keys of the device; null: WhatsApp did not say. */
export interface Check {
  readonly at: Millis;
  readonly device: DeviceId;
  readonly standing: Standing | null;
  readonly cap: number | null;
  readonly preKeys: number | null;
}
export interface ProbeMinute {
  /** When it began. */
  readonly at: Millis;
  readonly probes: number;
  readonly unanswered: number;
  /** Milliseconds from a probe to its answer; null: none was answered. */
  readonly mean: number | null;
  readonly longest: number | null;
}
interface Tally {
  readonly at: Millis;
  probes: number;
  unanswered: number;
  sum: number;
  longest: number;
}

const MINUTE: Millis = 60_000;
const MINUTES = 60;
/** An hour of them, at the usual rate. */
const CHECKS = 120;

export class HealthLog {
  readonly #checks = new Map<AccountId, Check[]>();
  readonly #probes = new Map<AccountId, Tally[]>();

  note(fact: ConnectionFact): void {
    if (fact.kind === "probed") return this.#probed(accountOf(fact.device), fact.at, fact.rtt);
    if (fact.kind !== "checked") return;
    const { at, device, finding } = fact;
    const kept = this.#listOf(this.#checks, accountOf(device));
    const { standing = null, cap = null, preKeys = null } = finding ?? {};
    kept.push({ at, device, standing, cap, preKeys });
    if (kept.length > CHECKS) kept.shift();
  }

  /** Oldest first. */
  checks(account: AccountId): readonly Check[] {
    return this.#checks.get(account) ?? [];
  }
  minutes(account: AccountId): readonly ProbeMinute[] {
    return (this.#probes.get(account) ?? []).map(({ at, probes, unanswered, sum, longest }) => {
      const answered = probes - unanswered;
      return { at, probes, unanswered, mean: answered === 0 ? null : sum / answered, longest: answered === 0 ? null : longest };
    });
  }

  #probed(account: AccountId, at: Millis, rtt: Millis | null): void {
    const kept = this.#listOf(this.#probes, account);
    const began = at - (at % MINUTE);
    let last = kept.at(-1);
    if (last?.at !== began) {
      last = { at: began, probes: 0, unanswered: 0, sum: 0, longest: 0 };
      kept.push(last);
      if (kept.length > MINUTES) kept.shift();
    }
    last.probes++;
    if (rtt === null) {
      last.unanswered++;
      return;
    }
    last.sum += rtt;
    last.longest = Math.max(last.longest, rtt);
  }

  #listOf<T>(lists: Map<AccountId, T[]>, account: AccountId): T[] {
    const known = lists.get(account) ?? [];
    lists.set(account, known);
    return known;
  }
}
