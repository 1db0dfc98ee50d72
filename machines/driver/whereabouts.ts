/** Which seat, or servant's post, a message under way belongs to: by the message's id and by WhatsApp's id of each attempt. */
import type { MessageId, SeatId } from "../ports/ids.ts";

/** Messages under way or lately sent that are still known. Older ones are looked up in the store. */
const KNOWN_MESSAGES = 50_000;

export class Whereabouts {
  readonly #ofMessage = new Map<string, SeatId>();
  readonly #ofWaId = new Map<string, SeatId>();

  ofMessage(message: string): SeatId | undefined {
    return this.#ofMessage.get(message);
  }
  ofWaId(waId: string): SeatId | undefined {
    return this.#ofWaId.get(waId);
  }

  note(message: MessageId, waId: string, seat: SeatId): void {
    for (const map of [this.#ofMessage, this.#ofWaId]) {
      if (map.size >= KNOWN_MESSAGES) map.delete(map.keys().next().value as string);
    }
    this.#ofMessage.set(message, seat);
    this.#ofWaId.set(waId, seat);
  }

  /** Facts about what one post had are another's now. */
  inherit(from: SeatId, to: SeatId): void {
    for (const map of [this.#ofMessage, this.#ofWaId]) {
      for (const [id, seat] of map) if (seat === from) map.set(id, to);
    }
  }
}
