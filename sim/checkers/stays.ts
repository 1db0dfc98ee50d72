/** Always: a conversation that has begun stays on its seat, whoever holds it. */
import { type AccountId, accountOf, type ConversationId, type Millis, type SeatId } from "../../machines/ports/ids.ts";
import { type Event, eventsAmong, eventsOf, type Property } from "./life.ts";
import { rowsOf } from "./messages.ts";

interface Home {
  readonly seat: SeatId;
  /** When the last that WhatsApp took of it had left: a frame may be under way for minutes. */
  readonly at: Millis;
  /** Numbers from which the contact has heard. */
  readonly known: Set<AccountId>;
}

export const conversationsStay: Property = {
  name: "conversations-stay",
  says: "once WhatsApp has taken a message of a conversation, all that follows leaves from the same seat, or from the same servant of it until that is out, unless another number speaks for that, which the contact does not know",
  *broken(life) {
    const messages = rowsOf(life);
    const rows = Map.groupBy(eventsOf(life, "seat"), ({ seat }) => seat);
    const relieved = Map.groupBy(
      eventsOf(life, "said").filter(({ type }) => type === "servant.relieved"),
      ({ subject }) => subject,
    );
    /** From where a message left last. */
    const left = new Map<string, Omit<Home, "known">>();
    const homes = new Map<ConversationId, Home>();
    for (const event of eventsAmong(life, "gate", "accepted")) {
      const conversation = messages.get(event.message)?.conversation;
      const home = conversation && homes.get(conversation);
      if (event.kind === "gate") {
        left.set(event.message, event);
        const wasRelieved = home && relieved.get(home.seat)?.some(({ at }) => at >= home.at && at <= event.at);
        if (home && home.seat !== event.seat && !wasRelieved && !wasStranger(rows.get(home.seat) ?? [], home, event.at)) {
          yield {
            at: event.at,
            text: `${event.message} left from ${event.seat}, and ${conversation} has been heard from ${home.seat}`,
          };
        }
      } else if (conversation) {
        const last = left.get(event.message) ?? home;
        const known = home?.known ?? new Set();
        if (last) homes.set(conversation, { seat: last.seat, at: last.at, known: known.add(event.account) });
      }
    }
  },
};

/** Somebody spoke for the seat since then whom the contact does not know, and who may have been allowed to begin nothing. */
const wasStranger = (rows: readonly Event<"seat">[], { at: since, known }: Home, at: Millis): boolean =>
  rows.some(({ at: from, holder }, i) => {
    const until = rows[i + 1]?.at ?? Number.POSITIVE_INFINITY;
    return from <= at && until >= since && holder !== null && !known.has(accountOf(holder));
  });
