/** Always: what goes to another number to even out what waits has not been heard of from any. */
import { type ConversationId, type SeatId, servantOf } from "../../machines/ports/ids.ts";
import { type Event, eventsAmong, eventsOf, type Life, type Property } from "./life.ts";
import { rowsOf } from "./messages.ts";

export const movesAreUnheard: Property = {
  name: "moves-are-unheard",
  says: "a conversation goes to another seat to even out what waits only if nothing of it has left, with its audit entry, and nothing of it leaves from the old seat then, unless the new one's account may not begin it",
  *broken(life) {
    if (!eventsOf(life, "said").some(({ type }) => type === "conversation.moved")) return;
    const audited = new Set(
      life.tables.audit.flatMap(({ action, evidence }) =>
        action === "conversation.moved" ? [String(evidence["conversation"])] : [],
      ),
    );
    const rows = rowsOf(life);
    const refused = refusals(life);
    // Then it may be given back because the other account may not begin it.
    const mayReturn = life.plan.fleet.settings.caps !== undefined || eventsOf(life, "standing").length > 0;
    const passed = new Map<ConversationId, Event<"gate">>();
    /** Where a conversation came from, until something of it leaves elsewhere. */
    const left = new Map<ConversationId, SeatId>();
    for (const event of eventsAmong(life, "gate", "said")) {
      if (event.kind === "gate") {
        const conversation = rows.get(event.message)?.conversation;
        if (!conversation) continue;
        if (!mayReturn && left.get(conversation) === event.seat) {
          yield { at: event.at, text: `${event.message} left from ${event.seat}, and ${conversation} had gone to another seat` };
        }
        left.delete(conversation);
        if (!refused.has(`${event.message} ${event.attempt}`)) passed.set(conversation, event);
      }
      if (event.kind === "gate" || event.type !== "conversation.moved") continue;
      const conversation = event.subject as ConversationId;
      const before = passed.get(conversation);
      // What a servant had begun is inherited when it fails: the contact hears from another number in any case.
      if (before && servantOf(before.seat) === null)
        yield { at: event.at, text: `${conversation} went to another seat, and ${before.message} had left from ${before.seat}` };
      if (!audited.has(conversation))
        yield { at: event.at, text: `${conversation} went to another seat, and no audit entry says so` };
      left.set(conversation, event.data["from"] as SeatId);
    }
  },
};

/** What WhatsApp refused nobody has heard. */
const refusals = (life: Life): ReadonlySet<string> => {
  const last = new Map<string, number>();
  const refused = new Set<string>();
  for (const event of eventsAmong(life, "written", "refused")) {
    if (event.kind === "written") last.set(`${event.device} ${event.message}`, event.attempt);
    else refused.add(`${event.message} ${last.get(`${event.device} ${event.message}`)}`);
  }
  return refused;
};
