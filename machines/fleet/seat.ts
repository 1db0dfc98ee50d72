/**
 * One seat of a line: who speaks for it, and what is done when that ends.
 *
 * The row in the store is the truth; this chart follows it. Only a failover (or a switchover) changes the row; it tells this
 * chart at the commit, and the grants change in the same turn.
 * Invariants: a grant exists exactly for the row's holder and term; at most one failover is under way; a holder that is back
 * before the commit keeps the seat; what is said of a device that is not (or no longer) the holder changes nothing; a switchover
 * that is not made leaves the holder speaking, and a holder in trouble calls it off.
 *
 * | from       | event                         | to         |
 * | any        | seat.changed if isOld         | same       |
 * | any        | seat.changed if isOurs        | same       |
 * | any        | seat.changed                  | waiting    |
 * | any        | holder.suspect                | same       |
 * | any        | holder.well                   | same       |
 * | any        | holder.failed                 | same       |
 * | any        | candidate.available           | same       |
 * | any        | failover.granted              | same       |
 * | any        | failover.demand               | same       |
 * | any        | switchover.request            | same       |
 * | any        | switchover.ready              | same       |
 * | any        | switchover.refused            | same       |
 * | starting   | start if hasHolder            | waiting    |
 * | starting   | start                         | vacant     |
 * | waiting    | holder.well if isHolder       | serving    |
 * | waiting    | holder.failed if isHolder     | asking     |
 * | waiting    | failover.demand               | moving     |
 * | vacant     | candidate.available           | asking     |
 * | vacant     | failover.demand               | moving     |
 * | serving    | holder.suspect if isHolder    | threatened |
 * | serving    | holder.failed if isHolder     | asking     |
 * | serving    | holder.well if isHolder       | serving    |
 * | serving    | failover.demand               | moving     |
 * | serving    | switchover.request            | switching  |
 * | serving    | switchover.ready              | serving    |
 * | serving    | switchover.refused            | serving    |
 * | switching  | switchover.ready              | moving     |
 * | switching  | switchover.refused            | serving    |
 * | switching  | holder.suspect if isHolder    | threatened |
 * | switching  | holder.failed if isHolder     | asking     |
 * | switching  | failover.demand               | moving     |
 * | threatened | holder.well if isHolder       | serving    |
 * | threatened | holder.failed if isHolder     | asking     |
 * | threatened | failover.demand               | moving     |
 * | asking     | failover.granted              | moving     |
 * | asking     | failover.denied               | denied     |
 * | asking     | holder.well if isHolder       | serving    |
 * | asking     | holder.failed if isHolder     | asking     |
 * | denied     | failover.granted              | moving     |
 * | denied     | holder.well if isHolder       | serving    |
 * | denied     | holder.failed if isHolder     | denied     |
 * | denied     | failover.demand               | moving     |
 * | moving     | seat.changed if isOld         | same       |
 * | moving     | seat.changed if isOurs        | same       |
 * | moving     | seat.changed                  | same       |
 * | moving     | failover.ended if isServing   | serving    |
 * | moving     | failover.ended if isUndecided | waiting    |
 * | moving     | failover.ended                | stranded   |
 * | moving     | holder.failed                 | moving     |
 * | moving     | holder.well                   | moving     |
 * | moving     | failover.demand               | moving     |
 * | stranded   | holder.well if isHolder       | serving    |
 * | stranded   | holder.failed if isHolder     | stranded   |
 * | stranded   | candidate.available           | asking     |
 * | stranded   | failover.demand               | moving     |
 * | stranded   | after askAgain                | asking     |
 */
import { assign, emit, setup } from "xstate";
import { accountOf, type DeviceId, type FailoverId, type LineId, type Millis, type SeatId, type SeatTerm } from "../ports/ids.ts";
import type { FailoverCause } from "../ports/records.ts";
import type { SeatRow } from "../ports/store.ts";
import {
  type Effect,
  type Emitted,
  effects,
  type FailoverInput,
  type HolderEvent,
  type HolderVerdict,
  type SeatRequest,
  tell,
} from "../protocol.ts";

export interface SeatInput {
  readonly row: SeatRow;
  readonly timings: SeatTimings;
  /** Distinguishes the failovers of this life of the process from those of others. */
  readonly life: string;
}
/** Milliseconds after detection (which is `failed` after the last evidence) at which the seat may move, and so on. */
export interface SeatTimings {
  readonly twinAfter: Millis;
  readonly numberAfter: Millis;
  /** For a link that is known to be closed, and was well until then: a re-dial gets this long before another number speaks. */
  readonly numberAfterClose: Millis;
  readonly verify: Millis;
  /** How long a failover looks for a candidate before the seat counts as stranded. */
  readonly patience: Millis;
  readonly rerank: Millis;
  /** A stranded seat asks again after this, then after twice as long, and so on: it is also told when somebody becomes able. */
  readonly askAgain: Millis;
}
export interface SeatContext extends SeatInput {
  readonly seat: SeatId;
  readonly line: LineId;
  readonly cause: FailoverCause;
  readonly isFinal: boolean;
  readonly lastEvidenceAt: Millis | null;
  readonly detectedAt: Millis;
  readonly demand: { readonly to: DeviceId | null; readonly by: string } | null;
  /** The last switchover that was asked for. */
  readonly plan: { readonly to: DeviceId | null; readonly by: string } | null;
  /** Failovers of this life. */
  readonly count: number;
  /** The row's term when the last one began. */
  readonly termBefore: SeatTerm;
  /** How often it was stranded since somebody last spoke. */
  readonly strandings: number;
  readonly servingSince: Millis | null;
  /** Nothing was heard from the holder already: a link that ends during its re-dial buys it no further time. */
  readonly wasSuspect: boolean;
}
type SeatEvent = HolderEvent | SeatRequest;

/** The longest pause of a stranded seat is so many times the first one. */
const MOST_PAUSES = 32;

const waits = (context: SeatContext): { twin: Millis; number: Millis } => {
  const { timings } = context;
  if (context.demand || context.isFinal || context.cause === "startup") return { twin: 0, number: 0 };
  if (context.cause === "closed" && !context.wasSuspect) return { twin: 0, number: timings.numberAfterClose };
  return { twin: timings.twinAfter, number: timings.numberAfter };
};

const failoverInput = (context: SeatContext): FailoverInput => {
  const wait = waits(context);
  const { row, timings, detectedAt } = context;
  return {
    id: `${context.life}/${context.seat}/${row.term}/${context.count}` as FailoverId,
    seat: context.seat,
    line: context.line,
    from: row.holder,
    term: row.term,
    cause: context.cause,
    to: context.demand?.to ?? null,
    avertable: context.demand === null && row.holder !== null,
    lastEvidenceAt: context.lastEvidenceAt,
    detectedAt,
    twinAt: detectedAt + wait.twin,
    numberAt: detectedAt + wait.number,
    verifyFor: timings.verify,
    retryEvery: timings.rerank,
    giveUpAt: detectedAt + wait.number + timings.patience,
  };
};

const grant = ({ row }: SeatContext): Effect[] =>
  row.holder ? [{ op: "connection", command: { op: "grant", device: row.holder, seat: row.id, term: row.term } }] : [];

const held = (context: SeatContext, left: DeviceId | null): Effect =>
  tell("roster", { type: "seat.held", seat: context.seat, holder: context.row.holder, term: context.row.term, left });

const openSender = ({ row }: SeatContext): Effect[] =>
  row.holder
    ? [tell(`sender:${row.id}`, { type: "sender.open", device: row.holder, account: accountOf(row.holder), term: row.term })]
    : [];

/** From a stand-in with another number to the seat's own account. */
const goesHome = ({ row: { account, holder } }: SeatContext, to: DeviceId): boolean =>
  accountOf(to) === account && holder !== null && accountOf(holder) !== account;

const alertKey = (context: SeatContext): string => `seat.stranded:${context.seat}`;

export const seatMachine = setup({
  types: { events: {} as SeatEvent, input: {} as SeatInput, context: {} as SeatContext, emitted: {} as Emitted },
  guards: {
    hasHolder: ({ context }) => context.row.holder !== null,
    isHolder: ({ context, event }) => "device" in event && event.device === context.row.holder,
    isOld: ({ context, event }) => event.type === "seat.changed" && event.row.term < context.row.term,
    /** Settled, or said twice: nothing changed hands. */
    isOurs: ({ context, event }) =>
      event.type === "seat.changed" && event.row.term === context.row.term && event.row.holder === context.row.holder,
    /** Somebody holds it: the one whom an operator wanted gone and nobody could replace, or whom somebody else put there. */
    isUndecided: ({ context, event }) =>
      event.type === "failover.ended" &&
      context.row.holder !== null &&
      (event.outcome === "aborted" || (context.demand !== null && event.holder === context.row.holder)),
    isServing: ({ event }) =>
      event.type === "failover.ended" &&
      (event.outcome === "inService" || event.outcome === "averted" || event.outcome === "rolledBack"),
  },
  actions: {
    sayRefused: emit(({ context }) =>
      context.demand
        ? effects({
            op: "event",
            event: { type: "failover.refused", subject: context.seat, data: { holder: context.row.holder } },
          })
        : effects(),
    ),
    sayBusy: emit(({ context }) =>
      effects({
        op: "event",
        event: {
          type: "failover.refused",
          subject: context.seat,
          data: { holder: context.row.holder, why: "it is moving already" },
        },
      }),
    ),
    notePlan: assign(({ event }) => (event.type === "switchover.request" ? { plan: { to: event.to, by: event.by } } : {})),
    auditPlan: emit(({ context }) =>
      effects({
        op: "audit",
        entry: {
          actor: context.plan?.by ?? "unknown",
          action: "switchover.demanded",
          subject: context.seat,
          text: `switchover of ${context.seat} demanded${context.plan?.to ? ` to ${context.plan.to}` : ""}`,
          evidence: { holder: context.row.holder, to: context.plan?.to ?? null },
        },
      }),
    ),
    startSwitchover: emit(({ context: { seat, row, plan } }) =>
      row.holder === null
        ? effects()
        : effects({
            op: "start",
            kind: "switchover",
            address: `switchover:${seat}`,
            input: { seat, from: row.holder, to: plan?.to ?? null },
          }),
    ),
    cancelSwitchover: emit(({ context }) => effects(tell(`switchover:${context.seat}`, { type: "switchover.cancel" }))),
    /** From here on it is a failover to the target. */
    notePlanned: assign(({ context, event }) =>
      event.type === "switchover.ready"
        ? {
            demand: { to: event.to, by: context.plan?.by ?? "unknown" },
            cause: goesHome(context, event.to) ? ("failback" as const) : ("operator" as const),
            isFinal: true,
            detectedAt: event.at,
          }
        : {},
    ),
    /** What was drained goes on under the same holder. */
    reopen: emit(({ context }) => effects(...openSender(context))),
    sayNotSwitched: emit(({ context: { seat, row }, event }) =>
      effects({
        op: "event",
        event: { type: "switchover.refused", subject: seat, data: { holder: row.holder, why: whyNotSwitched(event) } },
      }),
    ),
    sayFailed: emit(({ context, event }) =>
      event.type === "holder.failed"
        ? effects({
            op: "event",
            event: { type: "holder.failed", subject: context.seat, data: { device: event.device, cause: event.cause } },
          })
        : effects(),
    ),
    announce: emit(({ context }) => effects(...grant(context), held(context, null))),
    noteFailure: assign(({ event }) =>
      event.type === "holder.failed"
        ? {
            cause: event.cause,
            isFinal: event.isFinal,
            lastEvidenceAt: event.lastEvidenceAt,
            detectedAt: event.at,
            servingSince: null,
          }
        : {},
    ),
    noteSuspicion: assign({ wasSuspect: true }),
    noteCause: assign(({ event }) => (event.type === "holder.failed" ? { cause: event.cause } : {})),
    noteVacancy: assign(({ event }) => ({
      cause: "startup" as const,
      isFinal: true,
      lastEvidenceAt: null,
      detectedAt: event.at,
    })),
    noteDemand: assign(({ event }) =>
      event.type === "failover.demand"
        ? {
            demand: { to: event.to, by: event.by },
            cause: "operator" as const,
            isFinal: true,
            detectedAt: event.at,
          }
        : {},
    ),
    /** A failure that waited for its turn is judged from now on: time that the brake took is not the holder's. */
    restartClock: assign(({ event }) => ({ detectedAt: event.at })),
    passAskAgain: assign(({ context }) => ({ detectedAt: context.detectedAt + askAgain(context) })),
    /** Its holder had all the time that a re-dial gets: from now on nobody waits for it. */
    noteStranded: assign(({ context, event }) => ({ strandings: context.strandings + 1, isFinal: true, detectedAt: event.at })),
    /** A failover that moved nothing (averted, or nobody was able) takes no turn of the brake's from another seat. */
    giveUpTurn: emit(({ context }) =>
      context.demand === null && context.row.term === context.termBefore
        ? effects(tell("orchestrator", { type: "failover.gaveUp", seat: context.seat }))
        : effects(),
    ),
    /** The brake need not keep a turn for a seat that an operator moves. */
    leaveQueue: emit(({ context }) => effects(tell("orchestrator", { type: "failover.finished", seat: context.seat }))),
    ask: emit(({ context }) =>
      effects(
        tell("orchestrator", {
          type: "failover.request",
          seat: context.seat,
          cause: context.cause,
          isVacant: context.row.holder === null,
        }),
      ),
    ),
    startFailover: emit(({ context }) =>
      effects({ op: "start", kind: "failover", address: `failover:${context.seat}`, input: failoverInput(context) }),
    ),
    countFailover: assign(({ context }) => ({ count: context.count + 1, termBefore: context.row.term })),
    auditDemand: emit(({ context }) =>
      effects({
        op: "audit",
        entry: {
          actor: context.demand?.by ?? "unknown",
          action: "failover.demanded",
          subject: context.seat,
          text: `failover of ${context.seat} demanded${context.demand?.to ? ` to ${context.demand.to}` : ""}`,
          evidence: { holder: context.row.holder, to: context.demand?.to ?? null },
        },
      }),
    ),
    toFailover: emit(({ context, event }) => effects(tell(`failover:${context.seat}`, event as HolderVerdict))),
    /** The commit has happened: the old grant ends and the new one begins in this very turn. */
    follow: emit(({ context, event }) => {
      if (event.type !== "seat.changed") return effects();
      const before = context.row;
      const after: SeatContext = { ...context, row: event.row };
      const revoke: Effect[] = before.holder
        ? [
            tell(`sender:${context.seat}`, { type: "sender.close", why: `term ${before.term} ended` }),
            { op: "connection", command: { op: "revoke", device: before.holder, seat: context.seat } },
          ]
        : [];
      return effects(...revoke, ...grant(after), held(after, context.demand ? null : before.holder));
    }),
    takeRow: assign(({ event }) => (event.type === "seat.changed" ? { row: event.row } : {})),
    open: emit(({ context }) =>
      effects(...openSender(context), tell("orchestrator", { type: "failover.finished", seat: context.seat }), {
        op: "resolve",
        key: alertKey(context),
        text: `${context.row.holder ?? "nobody"} speaks for ${context.seat}`,
      }),
    ),
    noteServing: assign(({ context, event }) => ({
      servingSince: context.servingSince ?? event.at,
      wasSuspect: false,
      demand: null,
      strandings: 0,
    })),
    /** Whatever came between a commit and its end: somebody speaks under this term, so the row has to say so. */
    settle: emit(({ context }) =>
      context.row.phase === "serving"
        ? effects()
        : effects({
            op: "write",
            ask: {
              op: "seat.settle",
              seat: context.seat,
              term: context.row.term,
              phase: "serving",
              failover: null,
              audit: null,
            },
          }),
    ),
    /** A commit that was answered "failed" may have happened: the answer to this says what the row really is. */
    recheck: emit(({ context: { seat, row } }) =>
      effects({
        op: "write",
        ask: { op: "seat.settle", seat, term: row.term, phase: row.phase, failover: null, audit: null },
      }),
    ),
    noteSettled: assign(({ context }) => ({ row: { ...context.row, phase: "serving" as const } })),
    sayServing: emit(({ context }) =>
      effects({
        op: "event",
        event: { type: "seat.serving", subject: context.seat, data: { device: context.row.holder, term: context.row.term } },
      }),
    ),
    /** The holder may have changed its state while the seat was moving. */
    review: emit(({ context }) => effects(tell("roster", { type: "holder.review", seat: context.seat }))),
    saySuspect: emit(({ context }) =>
      effects({ op: "event", event: { type: "holder.suspect", subject: context.seat, data: { device: context.row.holder } } }),
    ),
    forgetDemand: assign({ demand: null }),
    raiseStranded: emit(({ context }) =>
      effects({
        op: "raise",
        key: alertKey(context),
        rule: "seat.stranded",
        subject: context.seat,
        level: "critical",
        text: `nobody speaks for ${context.seat}: ${context.row.holder ?? "its holder"} is out (${context.cause}) and no other device of the line is able. Messages are kept. Bring a device of the line back, or link another one`,
      }),
    ),
  },
  delays: { askAgain: ({ context }) => askAgain(context) },
}).createMachine({
  id: "seat",
  options: { maxIterations: 1000 },
  context: ({ input }) => ({
    ...input,
    seat: input.row.id,
    line: input.row.line,
    cause: "startup",
    isFinal: false,
    lastEvidenceAt: null,
    detectedAt: 0,
    demand: null,
    plan: null,
    count: 0,
    termBefore: input.row.term,
    strandings: 0,
    servingSince: null,
    wasSuspect: false,
  }),
  initial: "starting",
  on: {
    // A change that nobody waited for any more: the new holder has to show that it is well.
    "seat.changed": [
      { guard: "isOld" },
      { guard: "isOurs", actions: "takeRow" },
      { target: ".waiting", actions: ["follow", "takeRow"] },
    ],
    // Said of somebody else, or at a time when it makes no difference.
    "holder.suspect": {},
    "holder.well": {},
    "holder.failed": {},
    "candidate.available": {},
    "failover.granted": {},
    "failover.demand": { actions: "sayBusy" },
    "switchover.request": { actions: "sayNotSwitched" },
    "switchover.ready": {},
    "switchover.refused": {},
  },
  states: {
    starting: {
      on: {
        start: [
          { guard: "hasHolder", target: "waiting", actions: "announce" },
          { target: "vacant", actions: ["announce", "noteVacancy"] },
        ],
      },
    },
    waiting: {
      on: {
        "holder.well": { guard: "isHolder", target: "serving" },
        "holder.failed": { guard: "isHolder", target: "asking", actions: ["noteFailure", "sayFailed"] },
        "failover.demand": { target: "moving", actions: ["noteDemand", "auditDemand"] },
      },
    },
    vacant: {
      on: {
        "candidate.available": { target: "asking", actions: "noteVacancy" },
        "failover.demand": { target: "moving", actions: ["noteDemand", "auditDemand"] },
      },
    },
    serving: {
      entry: ["noteServing", "settle", "noteSettled", "open", "sayServing"],
      on: {
        "holder.suspect": { guard: "isHolder", target: "threatened", actions: "saySuspect" },
        "holder.failed": { guard: "isHolder", target: "asking", actions: ["noteFailure", "sayFailed"] },
        "holder.well": { guard: "isHolder", actions: "open" },
        "failover.demand": { target: "moving", actions: ["noteDemand", "auditDemand"] },
        "switchover.request": { target: "switching", actions: ["notePlan", "auditPlan"] },
        // Of a switchover that outlived its seat: it may have drained the sender.
        "switchover.ready": { actions: "reopen" },
        "switchover.refused": { actions: "reopen" },
      },
    },
    switching: {
      entry: "startSwitchover",
      on: {
        "switchover.ready": { target: "moving", actions: "notePlanned" },
        "switchover.refused": { target: "serving", actions: ["sayNotSwitched", "review"] },
        "holder.suspect": {
          guard: "isHolder",
          target: "threatened",
          actions: ["cancelSwitchover", "sayNotSwitched", "reopen", "saySuspect"],
        },
        "holder.failed": {
          guard: "isHolder",
          target: "asking",
          actions: ["cancelSwitchover", "sayNotSwitched", "reopen", "noteFailure", "sayFailed"],
        },
        "failover.demand": { target: "moving", actions: ["cancelSwitchover", "noteDemand", "auditDemand"] },
      },
    },
    threatened: {
      entry: "noteSuspicion",
      on: {
        "holder.well": { guard: "isHolder", target: "serving" },
        "holder.failed": { guard: "isHolder", target: "asking", actions: ["noteFailure", "sayFailed"] },
        "failover.demand": { target: "moving", actions: ["noteDemand", "auditDemand"] },
      },
    },
    asking: {
      entry: "ask",
      on: {
        "failover.granted": "moving",
        "failover.denied": "denied",
        "holder.well": { guard: "isHolder", target: "serving" },
        "holder.failed": { guard: "isHolder", actions: "noteFailure" },
      },
    },
    denied: {
      on: {
        "failover.granted": { target: "moving", actions: "restartClock" },
        "holder.well": { guard: "isHolder", target: "serving" },
        "holder.failed": { guard: "isHolder", actions: "noteFailure" },
        "failover.demand": { target: "moving", actions: ["leaveQueue", "noteDemand", "auditDemand"] },
      },
    },
    moving: {
      entry: ["countFailover", "startFailover"],
      on: {
        "seat.changed": [{ guard: "isOld" }, { guard: "isOurs", actions: "takeRow" }, { actions: ["follow", "takeRow"] }],
        "failover.ended": [
          { guard: "isServing", target: "serving", actions: ["giveUpTurn", "review"] },
          { guard: "isUndecided", target: "waiting", actions: ["recheck", "sayRefused", "forgetDemand", "review"] },
          { target: "stranded", actions: ["recheck", "review"] },
        ],
        "holder.well": { actions: "toFailover" },
        "holder.failed": { actions: "toFailover" },
        "failover.demand": { actions: "sayBusy" },
      },
    },
    stranded: {
      entry: ["giveUpTurn", "forgetDemand", "noteStranded", "raiseStranded"],
      on: {
        "holder.well": { guard: "isHolder", target: "serving" },
        "holder.failed": { guard: "isHolder", actions: "noteCause" },
        "candidate.available": { target: "asking", actions: "restartClock" },
        "failover.demand": { target: "moving", actions: ["noteDemand", "auditDemand"] },
      },
      after: { askAgain: { target: "asking", actions: "passAskAgain" } },
    },
  },
});

const whyNotSwitched = (event: SeatEvent): string => {
  if (event.type === "switchover.refused") return event.why;
  return event.type === "switchover.request" ? "it is not in service at present" : "its holder is in trouble";
};

const askAgain = ({ timings, strandings }: SeatContext): Millis =>
  timings.askAgain * Math.min(MOST_PAUSES, 2 ** Math.max(0, strandings - 1));
