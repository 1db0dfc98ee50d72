/**
 * Which actors hear of which fact of a connection: pure, and the only place that knows.
 *
 * Stanzas and acks go to reducers; charts hear of links only.
 */
import type { ConnectionFact } from "../ports/connection.ts";
import { accountOf, type DeviceId, type SeatId } from "../ports/ids.ts";
import { detectorOf, type EventFor, queueOf, type Tell, tell } from "../protocol.ts";

export interface Routes {
  /** Seats that the device speaks for. */
  seatsOf(device: DeviceId): readonly SeatId[];
  /** The seat whose message it is, if this life has sent it. */
  seatOfMessage(message: string): SeatId | undefined;
  seatOfWaId(waId: string): SeatId | undefined;
}

export const route = (fact: ConnectionFact, routes: Routes): readonly Tell[] => {
  switch (fact.kind) {
    case "evidence":
      return [tell(detectorOf(fact.device), { type: "evidence", at: fact.at })];
    case "opened": {
      const event = { type: "connection.opened" as const, dial: fact.dial };
      return [
        tell(`connection:${fact.device}`, event),
        tell(`detector:${fact.device}`, event),
        tell(`health:${fact.device}`, event),
      ];
    }
    case "serving": {
      const event = { type: "connection.serving" as const, dial: fact.dial };
      return [
        tell(`connection:${fact.device}`, event),
        tell(`detector:${fact.device}`, event),
        tell(`health:${fact.device}`, event),
        tell(`checkup:${accountOf(fact.device)}`, { type: "device.serving", device: fact.device, serving: true }),
      ];
    }
    case "closed": {
      const { dial, reason, code, until } = fact;
      const event = { type: "connection.closed" as const, dial, reason, code, until };
      return [
        // The queue first: what was in flight is unanswered before anybody decides who sends next.
        ...routes.seatsOf(fact.device).map((seat) => tell(`queue:${seat}`, { type: "link.lost", device: fact.device })),
        tell(`connection:${fact.device}`, event),
        tell(`detector:${fact.device}`, event),
        tell(`health:${fact.device}`, event),
        tell(`checkup:${accountOf(fact.device)}`, { type: "device.serving", device: fact.device, serving: false }),
      ];
    }
    case "linked":
      return [tell(`connection:${fact.device}`, { type: "connection.linked", dial: fact.dial })];
    case "sent":
      return toSeat(routes.seatOfMessage(fact.message), {
        type: "sent",
        at: fact.at,
        device: fact.device,
        message: fact.message,
        attempt: fact.attempt,
      });
    case "unsent": {
      const { device, message, attempt, why, detail, code } = fact;
      const said = { why, detail, ...(code === undefined ? {} : { code }) };
      return toSeat(routes.seatOfMessage(message), { type: "unsent", device, message, attempt, ...said });
    }
    case "acked":
      return toSeat(routes.seatOfWaId(fact.waId), { type: "proved", at: fact.at, waId: fact.waId, by: "ack", receipt: null });
    case "copied":
      return toSeat(routes.seatOfWaId(fact.waId), { type: "proved", at: fact.at, waId: fact.waId, by: "copy", receipt: null });
    case "receipt":
      return toSeat(routes.seatOfWaId(fact.waId), {
        type: "proved",
        at: fact.at,
        waId: fact.waId,
        by: "receipt",
        receipt: fact.receipt,
      });
    case "refused":
      return toSeat(routes.seatOfWaId(fact.waId), { type: "refused", device: fact.device, waId: fact.waId, code: fact.code });
    case "standing":
      return [tell(`standing:${fact.account}`, { type: "standing.reported", standing: fact.standing, until: fact.until })];
    case "checked":
      return [
        tell(`checkup:${accountOf(fact.device)}`, {
          type: "checked",
          device: fact.device,
          reqId: fact.reqId,
          finding: fact.finding,
        }),
      ];
    case "linkOffer":
    case "received":
    // Its answer was evidence before.
    case "probed":
      return [];
  }
};

const toSeat = (seat: SeatId | undefined, event: EventFor<`queue:${SeatId}`>): readonly Tell[] =>
  seat ? [tell(queueOf(seat), event)] : [];
