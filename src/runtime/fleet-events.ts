/** What a running fleet says, by type. `subject` is whom it is about: a seat, a device, an account, a line. */
import type { CloseReason } from "../../machines/ports/connection.ts";
import type { AccountId, ConversationId, DeviceId, MessageId, Millis, SeatId, SeatTerm } from "../../machines/ports/ids.ts";
import type { AlertLevel, FailoverCause, FailoverRecord } from "../../machines/ports/records.ts";

interface AlertTold {
  readonly key: string;
  readonly rule: string;
  readonly level: AlertLevel;
  readonly text: string;
  readonly raisedAt: Millis;
}
interface Refused {
  readonly holder: DeviceId | null;
  readonly why?: string;
}

export interface EventData {
  /** The seat's holder can speak. */
  readonly "seat.serving": { readonly device: DeviceId | null; readonly term: SeatTerm };
  readonly "holder.suspect": { readonly device: DeviceId | null };
  readonly "holder.failed": { readonly device: DeviceId | null; readonly cause: FailoverCause };
  /** A change of holder has ended, well or not: `outcome`. In the log, and so to webhooks and streams, without its steps: `subject` is the seat. */
  readonly "failover.ended": FailoverRecord;
  readonly "failover.refused": Refused;
  readonly "switchover.refused": Refused;
  /** A conversation has gone to another seat, so that what waits is shared out again, or could not. `subject`: the conversation. */
  readonly "conversation.moved": { readonly from: SeatId; readonly to: SeatId; readonly by: string; readonly messages: number };
  readonly "conversation.stayed": { readonly from: SeatId; readonly to: SeatId; readonly by: string; readonly why: string };
  /** What a servant had to do at a seat (`subject`: its post there, SEAT#SERVANT) is done by others. `moved`: messages; null: not known. */
  readonly "servant.relieved": { readonly servant: AccountId; readonly to: SeatId; readonly moved: number | null };
  /** Before a planned move: nothing is under way any more. */
  readonly "sender.drained": { readonly device: DeviceId | null };
  /** The fleet that runs has taken up a change: `text` says which. `subject`: whom it is about. */
  readonly "fleet.changed": { readonly text: string; readonly by: string };
  readonly "device.linked": object;
  /** A code ran out, or linking failed. */
  readonly "device.linkEnded": { readonly reason: CloseReason };
  readonly "alert.raised": AlertTold;
  readonly "alert.escalated": AlertTold;
  readonly "alert.resolved": AlertTold;
  /** Somebody looks after it: nobody is told a second time. */
  readonly "alert.acknowledged": { readonly key: string; readonly by: string; readonly text: string };
  readonly "actor.died": { readonly kind: string; readonly deaths: number };
  /** A delivery was given up; `subject` is the webhook, `event` the type of what it did not get. */
  readonly "webhook.dead": { readonly event: string; readonly tries: number; readonly why: string };
  /** Accepted, and then refused: by WhatsApp (`refused:CODE`, with what that means), or because it can't be made. `subject`: its seat. */
  readonly "message.failed": { readonly message: MessageId; readonly conversation: ConversationId; readonly reason: string };
  /** A handler failed as often as it may: the message is passed over. `from: seq` hands it over again. */
  readonly "message.passedOver": {
    readonly reader: string;
    readonly seq: number;
    readonly tries: number;
    readonly error: string;
  };
}
export type EventType = keyof EventData;
export interface TypedEvent<T extends EventType> {
  readonly at: Millis;
  readonly type: T;
  readonly subject: string;
  readonly data: EventData[T];
}
