/**
 * Who says what to whom. Every actor has an address, every event a type; the driver stamps `at` when it delivers.
 *
 * | address             | kind    | file                         | one for each |
 * | connection:DEVICE   | chart   | account/connection.ts        | device       |
 * | health:DEVICE       | chart   | account/health.ts            | device       |
 * | lease:DEVICE        | chart   | account/lease.ts             | device       |
 * | detector:DEVICE     | reducer | account/detector.ts          | device       |
 * | standing:ACCOUNT    | chart   | account/standing.ts          | account      |
 * | checkup:ACCOUNT     | reducer | account/checkup.ts           | account      |
 * | master:ACCOUNT      | chart   | account/master.ts            | master       |
 * | servant:ACCOUNT     | chart   | account/servant.ts           | servant      |
 * | dialler             | reducer | account/dialler.ts           | node         |
 * | orchestrator        | chart   | fleet/orchestrator.ts        | fleet        |
 * | roster              | reducer | fleet/roster.ts              | fleet        |
 * | seat:SEAT           | chart   | fleet/seat.ts                | seat         |
 * | failover:SEAT       | chart   | fleet/failover.ts            | failover     |
 * | switchover:SEAT     | chart   | fleet/switchover.ts          | switchover   |
 * | alert:KEY           | chart   | fleet/alert.ts               | open alert   |
 * | sender:SEAT         | chart   | delivery/sender.ts           | seat or post |
 * | queue:SEAT          | reducer | delivery/queue.ts            | seat or post |
 */
import type { Move } from "./delivery/balance/rebalance.ts";
import type { CloseReason, ConnectionCommand, Finding, LinkMethod } from "./ports/connection.ts";
import type {
  AccountId,
  ConversationId,
  DeviceId,
  FailoverId,
  LeaseTerm,
  LineId,
  MessageId,
  Millis,
  SeatId,
  SeatTerm,
  WaId,
} from "./ports/ids.ts";
import type { AlertLevel, AuditDraft, FailoverCause, FleetEvent, Ladder } from "./ports/records.ts";
import type { OfferedRow, SeatRow, Standing, StoreAnswer, StoreOp, StoreOps } from "./ports/store.ts";

export type Address =
  | `connection:${DeviceId}`
  | `health:${DeviceId}`
  | `lease:${DeviceId}`
  | `detector:${DeviceId}`
  | `standing:${AccountId}`
  | `checkup:${AccountId}`
  | `master:${AccountId}`
  | `servant:${AccountId}`
  | `seat:${SeatId}`
  | `failover:${SeatId}`
  | `switchover:${SeatId}`
  | `sender:${SeatId}`
  | `queue:${SeatId}`
  | `alert:${string}`
  | "dialler"
  | "orchestrator"
  | "roster";

type Stamped<T> = T extends unknown ? T & { readonly at: Millis } : never;

// ---- what happened on the link (the driver routes connection facts to connection:, health: and detector: of the device) ----

export type LinkEvent = Stamped<
  | { type: "connection.opened"; dial: number }
  | { type: "connection.serving"; dial: number }
  | { type: "connection.closed"; dial: number; reason: CloseReason; code: number | null; until: Millis | null }
  | { type: "connection.linked"; dial: number }
>;

// ---- account ---------------------------------------------------------------------------------------------------------

/** What `connection:DEVICE` understands besides LinkEvent. */
export type ConnectionRequest = Stamped<
  | { type: "start" }
  | { type: "stop" }
  | { type: "link.request"; method: LinkMethod }
  /** From health: drop the link and dial at once (the one repair of a suspicion). */
  | { type: "redial.request" }
  /** From an operator: have WhatsApp remove the device from its account. Heard while it serves, and not otherwise. */
  | { type: "unlink.request" }
  /** From the dialler: this dial is within the reconnect budget. */
  | { type: "dial.granted" }
  | { type: "lease.granted"; term: LeaseTerm }
  | { type: "lease.lost" }
>;

/** What `health:DEVICE` understands besides: an operator's order will end the link so, and that is no fault. */
export type EndOrdered = Stamped<{ type: "end.ordered"; reason: CloseReason }>;

/** How closely a device is watched. `holder`: speaks for a seat. `candidate`: may have to, soon: probed as a holder, and reported to the roster. */
export type Watch = "holder" | "candidate" | "standby" | "servant";

export type DetectorEvent =
  | LinkEvent
  | Stamped<
      | { type: "evidence" }
      | { type: "watch"; watch: Watch }
      | { type: "attempt.sent"; message: MessageId }
      /** Ack, copy, receipt or refusal: WhatsApp has dealt with it. Any one resets the second clock. */
      | { type: "attempt.answered"; message: MessageId; byAck: boolean }
      /** No longer waited for (given up, link lost, moved to another holder). */
      | { type: "attempt.dropped"; message: MessageId }
      /** Our own timers ran late by `by` ms: accuse nobody on what was missed meanwhile. */
      | { type: "loop.late"; by: Millis }
      /** Probe now; answered to `replyTo` by `probe.seen` at the next stanza, or `probe.missing` after `deadline` ms. */
      | { type: "probe.request"; replyTo: Address; deadline: Millis }
      | { type: "wake" }
    >;
export type ProbeReply = Stamped<{ type: "probe.seen"; device: DeviceId } | { type: "probe.missing"; device: DeviceId }>;

/** Edges of the failure detector. `clock`: silent link, or sends without an answer. Times on the device's evidence. */
export type EvidenceEdge = Stamped<
  | { type: "evidence.fresh"; lastEvidenceAt: Millis }
  | { type: "evidence.late"; lastEvidenceAt: Millis; clock: "link" | "ack" }
  | { type: "evidence.overdue"; lastEvidenceAt: Millis; clock: "link" | "ack" }
  | { type: "evidence.gone"; lastEvidenceAt: Millis; clock: "link" | "ack" }
>;
export type HealthState = "unknown" | "healthy" | "suspect" | "repairing" | "failed" | "recovering";
/** What the roster is told of each change of a device's health. `isFinal`: no re-dial can heal it. */
export type HealthReport = {
  type: "device.health";
  device: DeviceId;
  state: HealthState;
  cause: FailoverCause | null;
  isFinal: boolean;
  lastEvidenceAt: Millis | null;
};

export type StandingEvent =
  | Stamped<{ type: "standing.reported"; standing: Standing; until: Millis | null }>
  | StoreEvent<"account.update">;

export type DiallerEvent = Stamped<
  | { type: "dial.request"; device: DeviceId }
  /** Not wanted any more. */
  | { type: "dial.cancel"; device: DeviceId }
  /** 0: holds a seat. 1: may stand in. 2: the rest. */
  | { type: "dial.rank"; device: DeviceId; rank: 0 | 1 | 2 }
  /** A person wants it dialled now: its pause is over. */
  | { type: "dial.urge"; device: DeviceId }
  /** WhatsApp refused its login because of our version, or took it. */
  | { type: "version.refused" | "version.accepted"; device: DeviceId }
  | { type: "wake" }
>;

export type CheckupEvent = Stamped<
  | { type: "device.serving"; device: DeviceId; serving: boolean }
  /** From the queue: WhatsApp refused a message in a way that accuses the account. Look now. */
  | { type: "check.request" }
  /** From the standing chart: what is held to be so. Only news is reported. */
  | { type: "standing.noted"; standing: Standing; until: Millis | null }
  | {
      type: "checked";
      device: DeviceId;
      reqId: string;
      finding: Finding | null;
    }
  | { type: "wake" }
>;

/** Duty: what an account is there for at present. From the roster. */
export type DutyEvent = Stamped<
  | { type: "seat.granted"; seat: SeatId; device: DeviceId; term: SeatTerm }
  | { type: "seat.released"; seat: SeatId }
  | { type: "account.well" }
  | { type: "account.out"; why: string }
>;

// ---- fleet -----------------------------------------------------------------------------------------------------------

export type RosterEvent =
  | Stamped<HealthReport>
  | Stamped<
      | { type: "account.standing"; account: AccountId; standing: Standing }
      /** From a detector that watches a candidate or a holder: a stanza was seen, now or before that watch began. */
      | { type: "device.seen"; device: DeviceId; lastEvidenceAt: Millis }
      | { type: "device.linked"; device: DeviceId; linked: boolean }
      | { type: "device.cordon"; device: DeviceId; cordoned: boolean }
      /** From seats: who speaks now. `left`: the device given up by an unplanned move (cool-down). */
      | { type: "seat.held"; seat: SeatId; holder: DeviceId | null; term: SeatTerm; left: DeviceId | null }
      /** The same, to a roster that was started again: nothing has changed. */
      | { type: "seat.stands"; seat: SeatId; holder: DeviceId | null; term: SeatTerm }
      /** From seats: say again how the holder is. */
      | { type: "holder.review"; seat: SeatId }
      /** `former`: who held the seat before. `named`: an operator's choice, for which no cool-down holds. */
      | {
          type: "candidates.request";
          seat: SeatId;
          replyTo: Address;
          former: DeviceId | null;
          exclude: readonly DeviceId[];
          named: DeviceId | null;
        }
      /**
       * `unlessWarm`: the account is restricted, which matters only if it has not spoken to the contact before. Otherwise WhatsApp has refused it.
       * `as`: it has a cap, and is not restricted. `new`: whether it knows the contact is all that is asked; `full`: it may begin
       * no more chats for now, and the conversation may go if nobody of the line knows the contact and another account has room.
       */
      | {
          type: "reroute.request";
          seat: SeatId;
          conversation: ConversationId;
          message: MessageId;
          unlessWarm: AccountId | null;
          as?: "new" | "full";
        }
      /** Conversations that are to go to other seats of their line, so that what waits is shared out again. A few at a time. */
      | { type: "rebalance.request"; moves: readonly Move[]; by: string }
      /** From a queue: it has stopped at this message, and holds the conversation until it hears what became of it. `seq`: the message's. */
      | { type: "conversation.yielded"; seat: SeatId; conversation: ConversationId; message: MessageId; seq: number }
      | { type: "conversation.kept"; conversation: ConversationId; why: string }
      /** Something was accepted for a servant's post at which nobody stands. */
      | { type: "post.left"; post: SeatId }
      /** From a post's queue, as it was asked: whatever it knows of what lies there is durable. */
      | { type: "post.settled"; post: SeatId }
      | { type: "wake" }
    >;
export interface Candidate {
  readonly device: DeviceId;
  readonly ladder: Exclude<Ladder, "reconnect">;
  readonly lastSeenAt: Millis;
  /** In words: why it stands where it stands. */
  readonly why: string;
}
/**
 * `twinPending`: a twin may well be able, and is being probed: worth a moment before taking another number. `isFormerWell`: the
 * seat could go back to who held it before.
 */
export type CandidatesReply = Stamped<{
  type: "candidates.ranked";
  ranked: readonly Candidate[];
  twinPending: boolean;
  isFormerWell: boolean;
  rejected: readonly { device: DeviceId; why: string }[];
}>;

/** What seats and failovers hear of the seat's holder, from the roster. */
export type HolderEvent = Stamped<
  | { type: "holder.suspect"; device: DeviceId; lastEvidenceAt: Millis | null }
  | { type: "holder.well"; device: DeviceId }
  | { type: "holder.failed"; device: DeviceId; cause: FailoverCause; isFinal: boolean; lastEvidenceAt: Millis | null }
>;
/** What a seat passes on while it moves: a doubt about a holder that was given up is no news. */
export type HolderVerdict = Exclude<HolderEvent, { type: "holder.suspect" }>;
export type SeatRequest = Stamped<
  /** Move now; `to` null lets the roster choose. `by`: "operator:NAME". */
  | { type: "failover.demand"; to: DeviceId | null; by: string }
  /** The planned move: first nothing must be under way. `to` null lets the roster choose. `by`: as above, or "orchestrator" for a failback. */
  | { type: "switchover.request"; to: DeviceId | null; by: string }
  /** From the switchover: now, to this device; or not at all. */
  | { type: "switchover.ready"; to: DeviceId }
  | { type: "switchover.refused"; why: string }
  | { type: "failover.granted" }
  | { type: "failover.denied"; why: string }
  | {
      type: "failover.ended";
      outcome: "inService" | "averted" | "rolledBack" | "exhausted" | "aborted";
      holder: DeviceId | null;
      term: SeatTerm;
    }
  /** From the failover, at the commit: the row has changed; grants follow at once. */
  | { type: "seat.changed"; row: SeatRow }
  /** From the roster: somebody who might take the seat has become available. */
  | { type: "candidate.available" }
  | { type: "start" }
>;
export type SwitchoverEvent =
  | CandidatesReply
  /** From the sender: nothing that was handed over waits for an answer. */
  | Stamped<{ type: "sender.drained" }>
  /** From the seat: its holder is in trouble, which is more urgent. */
  | Stamped<{ type: "switchover.cancel" }>;
export type OrchestratorEvent = Stamped<
  | { type: "failover.request"; seat: SeatId; cause: FailoverCause; isVacant: boolean }
  | { type: "failover.finished"; seat: SeatId }
  /** It could not move: what it was granted took nothing from anybody. */
  | { type: "failover.gaveUp"; seat: SeatId }
  /** From the roster: a device of the seat's own account is well again, and the line wants its seats to return by themselves. */
  | { type: "home.recovered"; seat: SeatId; device: DeviceId }
  | { type: "pause.request"; by: string }
  | { type: "resume.request"; by: string }
  /** From the roster: many links went quiet together. */
  | { type: "outage.suspected"; quiet: number; of: number }
  | { type: "outage.over" }
>;
export type AlertEvent = Stamped<{ type: "raise"; level: AlertLevel; text: string } | { type: "resolve"; text: string }>;

// ---- delivery --------------------------------------------------------------------------------------------------------

export type SenderEvent = Stamped<
  /** The seat's holder may speak from now on. `sameAccount`: as the one before: unanswered attempts may be sent again under policy. */
  | { type: "sender.open"; device: DeviceId; account: AccountId; term: SeatTerm }
  | { type: "sender.close"; why: string }
  | { type: "drain.request" }
  /** From the queue. */
  | { type: "queue.drained" }
  | { type: "queue.resolved" }
>;
export type QueueEvent =
  | Stamped<
      | { type: "queue.open"; device: DeviceId; account: AccountId; term: SeatTerm; resolveFor: Millis }
      | { type: "queue.close" }
      | { type: "queue.drain" }
      /** Rows just accepted for this seat, in order of `seq`. */
      | { type: "queue.offer"; rows: readonly OfferedRow[] }
      /**
       * There may be rows in the store that were not offered; `from`: open ones, from this seq on. `conversation`: it was on its way
       * here, and has come or not. `isAnew`: the roster was started again, and knows of none on its way. `isAll`: conversations have come
       * that nobody named: what a read under way brings may be their later rows.
       */
      | { type: "queue.reload"; from?: number; conversation?: ConversationId; isAnew?: true; isAll?: true }
      /** From now on this holds; what is held stays so. */
      | { type: "queue.policy"; whenNumberChanges: "hold" | "resend"; whenRefused: "reroute" | "fail" }
      /** From the roster: say when nothing is under way here any more, and the store knows what became of everything. */
      | { type: "queue.settle" }
      /** From the roster: all that lay at this post lies elsewhere now. */
      | { type: "queue.clear" }
      /** From the roster: the store is asked to give it to this seat. Until the reload that follows, a row of it may be seen before an earlier one. */
      | { type: "conversation.coming"; conversation: ConversationId }
      /** From the roster: let it go to another seat, if nothing of it is under way and its contact has not heard from this line. */
      | { type: "conversation.yield"; conversation: ConversationId }
      | { type: "sent"; device: DeviceId; message: MessageId; attempt: number }
      | {
          type: "unsent";
          device: DeviceId;
          message: MessageId;
          attempt: number;
          why: "stale" | "closed" | "unpreparable" | "store" | "lookup";
          detail: string;
          code?: number;
        }
      | { type: "proved"; waId: WaId; by: "ack" | "copy" | "receipt"; receipt: "delivered" | "read" | null }
      | { type: "refused"; device: DeviceId; waId: WaId; code: number }
      | { type: "link.lost"; device: DeviceId }
      | { type: "rerouted"; conversation: ConversationId; message: MessageId; to: SeatId }
      /**
       * It stays. `warm`: the account may write there; `cold`: it does not know the contact; `known`: the contact knows a number of the line;
       * `nobody`: no other seat may; `store`: ask again later.
       */
      | { type: "notRerouted"; message: MessageId; why: "warm" | "cold" | "known" | "nobody" | "store" }
      /** From the roster, about every master of the line: whether it may begin conversations. */
      | { type: "account.restricted"; account: AccountId; restricted: boolean }
      /** An operator's word on a held message. */
      | { type: "held.release"; message: MessageId }
      | { type: "held.fail"; message: MessageId }
      /** It was called back, and the store knows: it is failed there. */
      | { type: "message.cancelled"; message: MessageId }
      | { type: "wake" }
    >
  | StoreEvent<"outbox.open">
  | StoreEvent<"outbox.list">
  | StoreEvent<"outbox.get">
  | StoreEvent<"outbox.record">;

// ---- effects ---------------------------------------------------------------------------------------------------------

/**
 * The answer to a store command that the actor itself asked for. `type` is "store." and the answer's kind. Answers to questions of
 * different moments come in any order: who asks several things of a kind at once knows by the `tag` which it is about.
 */
export type StoreEvent<K extends StoreOp> = {
  [P in K]: StoreAnswer<P> extends infer A
    ? A extends { kind: string }
      ? { type: `store.${A["kind"]}`; at: Millis; answer: A; tag?: number }
      : never
    : never;
}[K];

type Unstamped<T> = T extends unknown ? Omit<T, "at"> & { readonly at?: Millis } : never;

/** What `to` understands. The driver stamps it; who tells very often may do so itself, with the present. */
export type EventFor<A extends Address> = A extends `connection:${string}`
  ? Unstamped<ConnectionRequest | LinkEvent>
  : A extends `health:${string}`
    ? Unstamped<EvidenceEdge | LinkEvent | EndOrdered>
    : A extends `detector:${string}`
      ? Unstamped<DetectorEvent>
      : A extends "dialler"
        ? Unstamped<DiallerEvent>
        : A extends "roster"
          ? Unstamped<RosterEvent>
          : A extends "orchestrator"
            ? Unstamped<OrchestratorEvent>
            : A extends `seat:${string}`
              ? Unstamped<HolderEvent | SeatRequest>
              : A extends `failover:${string}`
                ? Unstamped<HolderVerdict | CandidatesReply | ProbeReply>
                : A extends `switchover:${string}`
                  ? Unstamped<SwitchoverEvent>
                  : A extends `master:${string}` | `servant:${string}`
                    ? Unstamped<DutyEvent>
                    : A extends `sender:${string}`
                      ? Unstamped<SenderEvent>
                      : A extends `queue:${string}`
                        ? Unstamped<QueueEvent>
                        : A extends `standing:${string}`
                          ? Unstamped<StandingEvent>
                          : A extends `checkup:${string}`
                            ? Unstamped<CheckupEvent>
                            : A extends `lease:${string}`
                              ? Unstamped<ConnectionRequest>
                              : Unstamped<AlertEvent>;

export interface Tell {
  readonly op: "tell";
  readonly to: Address;
  readonly event: { readonly type: string };
}
/** Store operations that record a decision already taken. */
export type WriteOp =
  | "seat.settle"
  | "failover.record"
  | "alert.record"
  | "account.update"
  | "device.update"
  | "orders.write"
  | "audit.append"
  | "events.append";
export type Effect =
  | Tell
  | { readonly op: "connection"; readonly command: ConnectionCommand }
  /** The answer comes back to the asker as a StoreEvent. */
  | {
      readonly op: "store";
      readonly ask: { [K in StoreOp]: { op: K } & StoreOps[K]["in"] }[StoreOp];
      readonly tag?: number;
    }
  /** Has to become durable, and nobody waits for it: the driver asks again until it is. */
  | {
      readonly op: "write";
      readonly ask: { [K in WriteOp]: { op: K } & StoreOps[K]["in"] }[WriteOp];
    }
  | { readonly op: "start"; readonly kind: "failover"; readonly address: `failover:${SeatId}`; readonly input: FailoverInput }
  | {
      readonly op: "start";
      readonly kind: "switchover";
      readonly address: `switchover:${SeatId}`;
      readonly input: SwitchoverInput;
    }
  | {
      readonly op: "raise";
      readonly key: string;
      readonly rule: string;
      readonly subject: string;
      readonly level: AlertLevel;
      readonly text: string;
    }
  | { readonly op: "resolve"; readonly key: string; readonly text: string }
  | { readonly op: "audit"; readonly entry: Omit<AuditDraft, "at"> }
  | { readonly op: "event"; readonly event: Omit<FleetEvent, "at"> };

/** What charts emit; the driver carries it out in order. */
export type Emitted = { readonly type: "effects"; readonly effects: readonly Effect[] };
export const effects = (...list: readonly Effect[]): Emitted => ({ type: "effects", effects: list });
/**
 * An address that much is told to, made once for each id: a new string would be hashed anew and compared letter by letter at each
 * delivery. Ids are those of declared devices and seats, so there are few.
 */
const addresses = <Kind extends string, Id extends string>(kind: Kind): ((id: Id) => `${Kind}:${Id}`) => {
  const known = new Map<Id, `${Kind}:${Id}`>();
  return (id) => {
    let address = known.get(id);
    if (address === undefined) {
      address = `${kind}:${id}`;
      known.set(id, address);
    }
    return address;
  };
};
export const checkupOf = addresses<"checkup", AccountId>("checkup");
export const detectorOf = addresses<"detector", DeviceId>("detector");
export const queueOf = addresses<"queue", SeatId>("queue");

export const tell = <A extends Address>(to: A, event: EventFor<A>): Tell => ({ op: "tell", to, event });

/** A reducer that the driver hosts beside the charts: high-rate events end here, and only edges go on. */
export interface Reducer<S, E, I> {
  start(input: I, at: Millis): Step<S>;
  receive(state: S, event: E): Step<S>;
}
export interface Step<S> {
  readonly state: S;
  readonly effects?: readonly Effect[];
  /** When to send `wake` next, or null for never. Replaces the former wish. */
  readonly wakeAt: Millis | null;
}

export interface SwitchoverInput {
  readonly seat: SeatId;
  /** Who speaks at present. */
  readonly from: DeviceId;
  /** Who is to speak; null: whom the roster ranks first. */
  readonly to: DeviceId | null;
}
export interface FailoverInput {
  readonly id: FailoverId;
  readonly seat: SeatId;
  readonly line: LineId;
  readonly from: DeviceId | null;
  readonly term: SeatTerm;
  readonly cause: FailoverCause;
  /** A target named by an operator. */
  readonly to: DeviceId | null;
  /** Averted if the old holder recovers before the commit. False for an operator's demand. */
  readonly avertable: boolean;
  readonly lastEvidenceAt: Millis | null;
  readonly detectedAt: Millis;
  /** Not before these times (on the fleet's clock) may the seat move to a twin, to another number. */
  readonly twinAt: Millis;
  readonly numberAt: Millis;
  readonly verifyFor: Millis;
  readonly retryEvery: Millis;
  /** When nobody could be found: give up, tell the seat, be asked again. */
  readonly giveUpAt: Millis;
}
