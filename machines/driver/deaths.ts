/** How often actors have died of late. Let it crash, and start it anew; one that keeps dying is left alone and a person called. */
import type { Millis } from "../ports/ids.ts";
import type { Address, Effect } from "../protocol.ts";

/** Deaths of one actor within `DEATHS_WITHIN` before it is left alone. */
const MAX_DEATHS = 3;
export const DEATHS_WITHIN: Millis = 60_000;

export class Deaths {
  readonly #of = new Map<Address, Millis[]>();

  /** The deaths within `DEATHS_WITHIN`, this one included. */
  note(address: Address, at: Millis): number {
    const recent = (this.#of.get(address) ?? []).filter((death) => death > at - DEATHS_WITHIN);
    recent.push(at);
    this.#of.set(address, recent);
    return recent.length;
  }

  /** Forgets an actor that has not died for `DEATHS_WITHIN`; false if it has. */
  settle(address: Address, at: Millis): boolean {
    const last = this.#of.get(address)?.at(-1) ?? 0;
    if (at < last + DEATHS_WITHIN) return false;
    this.#of.delete(address);
    return true;
  }
}

export const isLeftDown = (deaths: number): boolean => deaths > MAX_DEATHS;

/** What is said of a death, and to whom. */
export const obituary = (address: Address, kind: string, error: unknown, deaths: number): readonly Effect[] => {
  const reason = error instanceof Error ? error.message : String(error);
  const next = isLeftDown(deaths) ? "is left down: restart the supervisor" : "is started again";
  const event: Effect = { op: "event", event: { type: "actor.died", subject: address, data: { kind, deaths } } };
  // An alert about an alert might die of the same.
  if (kind === "alert") return [event];
  return [
    event,
    {
      op: "raise",
      key: `actor.died:${address}`,
      rule: "actor.died",
      subject: address,
      level: "critical",
      text: `${kind} ${address} died (${reason}) and ${next}. The rest goes on. Please report it with the journal`,
    },
  ];
};
