/** Always: nothing passes the gate under a term that has ended. */
import { accountOf, type DeviceId, type SeatId, seatOf, servantOf } from "../../machines/ports/ids.ts";
import { eventsAmong, type Property } from "./life.ts";

/**
 * The store ends a term by its commit; the node learns of it with the answer, and must keep it from that turn on. Between the two
 * the old holder may still send: nobody speaks under the new term yet.
 */
export const gateKeepsTerms: Property = {
  name: "gate-keeps-terms",
  says: "a message passes the gate only on the holder of the seat's term, or from a servant's post on that servant, and never after the node has heard of a later term, or anything has passed under one",
  *broken(life) {
    const holders = new Map<SeatId, Map<number, DeviceId | null>>();
    const ended = new Map<SeatId, number>();
    for (const event of eventsAmong(life, "seat", "seatTold", "gate")) {
      if (event.kind === "seat") {
        const terms = holders.get(event.seat) ?? new Map();
        holders.set(event.seat, terms.set(event.term, event.holder));
      } else if (event.kind === "seatTold") ended.set(event.seat, Math.max(event.term, ended.get(event.seat) ?? 0));
      else {
        const { at, seat: place, term, device, message } = event;
        const seat = seatOf(place);
        const holder = holders.get(seat)?.get(term);
        const latest = ended.get(seat) ?? 0;
        if (!maySpeak(place, device, holder))
          yield { at, text: `${device} sent ${message} for ${place} under term ${term}, which is ${String(holder)}'s` };
        if (term < latest)
          yield { at, text: `${device} sent ${message} for ${place} under term ${term}, and term ${latest} was known` };
        ended.set(seat, Math.max(term, latest));
      }
    }
  },
};

/** A servant speaks for itself, as long as somebody holds its seat under that term. */
const maySpeak = (place: SeatId, device: DeviceId, holder: string | null | undefined): boolean => {
  const servant = servantOf(place);
  return servant === null ? holder === device : typeof holder === "string" && servant === accountOf(device);
};
