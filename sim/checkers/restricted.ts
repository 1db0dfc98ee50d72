/** Always: an account that is known to be restricted begins no conversation. Who goes on trying is banned. */
import type { AccountId, MessageId, Millis } from "../../machines/ports/ids.ts";
import { eventsAmong, eventsOf, type Property } from "./life.ts";

/** What was being prepared when the restriction became known still leaves: as fast as the store and the node are. */
const UNDER_WAY: Millis = 2_000;
const UNDER_WAY_AT_MOST: Millis = 30_000;
const SLOWS: ReadonlySet<string> = new Set(["store-slow", "store-failing", "store-partition", "late-timers", "node-pause"]);

export const restrictedBeginNothing: Property = {
  name: "restricted-begin-nothing",
  says: "once it is known that an account is restricted, WhatsApp has no more messages of it to refuse",
  *broken(life) {
    if (eventsOf(life, "refused").length === 0) return;
    const known = new Map<AccountId, Millis>();
    const passed = new Map<MessageId, Millis>();
    const slow = new Set<number>();
    let slowUntil = Number.NEGATIVE_INFINITY;
    for (const event of eventsAmong(life, "fault", "said", "gate", "refused")) {
      if (event.kind === "fault" && SLOWS.has(event.fault)) {
        if (event.what === "began") slow.add(event.index);
        else slow.delete(event.index);
        slowUntil = slow.size > 0 ? Number.POSITIVE_INFINITY : event.at + UNDER_WAY;
      }
      if (event.kind === "said" && event.data["key"] === `account.restricted:${event.subject}`) {
        if (event.type === "alert.raised") known.set(event.subject as AccountId, event.at);
        else if (event.type === "alert.resolved") known.delete(event.subject as AccountId);
      } else if (event.kind === "gate") passed.set(event.message, event.at);
      else if (event.kind === "refused") {
        const since = known.get(event.account);
        const left = passed.get(event.message) ?? event.at;
        const allowed = since !== undefined && since <= slowUntil ? UNDER_WAY_AT_MOST : UNDER_WAY;
        if (since !== undefined && left > since + allowed) {
          yield {
            at: left,
            text: `${event.account} sent ${event.message} to a contact that does not know it, ${left - since} ms after its restriction was known`,
          };
        }
      }
    }
  },
};
