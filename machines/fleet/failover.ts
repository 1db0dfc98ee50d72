/**
 * One unplanned change of a seat's holder, from the decision to its end.
 *
 * Everything before the commit can be called off; the commit is one compare-and-set of the seat's row; what comes after it can
 * only be followed by another commit with a higher term: the old holder again if it is well by then (a rollback), else the next
 * candidate.
 * Invariants: at most one commit is under way; the seat's term grows by one with each; the failed holder is never asked anything;
 * a candidate is committed only if a stanza of it is younger than `candidateFresh` (the roster's rule); every phase has a deadline.
 * A commit without an answer is asked again as it was: if the first one was carried out, the second finds its own row. Answers
 * that come late speak of a term that is no longer news, and change nothing.
 *
 * | from          | event                                  | to            |
 * | any           | candidates.ranked                      | same          |
 * | any           | holder.well                            | same          |
 * | any           | holder.failed                          | same          |
 * | any           | probe.seen                             | same          |
 * | any           | probe.missing                          | same          |
 * | any           | store.changed                          | same          |
 * | any           | store.conflict                         | same          |
 * | any           | store.failed                           | same          |
 * | selecting     | candidates.ranked if mayRollBack       | rollingBack   |
 * | selecting     | candidates.ranked if isSpent           | exhausted     |
 * | selecting     | candidates.ranked if mayCommitNow      | committing    |
 * | selecting     | candidates.ranked if mustWait          | preparing     |
 * | selecting     | holder.well if isAverted               | averted       |
 * | selecting     | holder.well if isLateHolder            | inService     |
 * | selecting     | holder.failed if isHopeless            | selecting     |
 * | selecting     | after rerank if givenUp                | exhausted     |
 * | selecting     | after rerank                           | selecting     |
 * | preparing     | candidates.ranked if mayCommitNow      | committing    |
 * | preparing     | holder.well if isAverted               | averted       |
 * | preparing     | holder.failed if isHopeless            | selecting     |
 * | preparing     | after untilCommit                      | selecting     |
 * | committing    | store.changed if isOurs                | verifying     |
 * | committing    | store.conflict if isOurs               | verifying     |
 * | committing    | store.conflict if isNews               | aborted       |
 * | committing    | store.failed if hasTries               | retrying      |
 * | committing    | store.failed                           | exhausted     |
 * | committing    | after commitDeadline if hasTries       | committing    |
 * | committing    | after commitDeadline                   | exhausted     |
 * | retrying      | store.changed if isOurs                | verifying     |
 * | retrying      | store.conflict if isOurs               | verifying     |
 * | retrying      | after commitRetry                      | committing    |
 * | verifying     | probe.seen if isNewHolder              | inService     |
 * | verifying     | probe.missing if isNewHolder           | selecting     |
 * | verifying     | after verifyDeadline                   | selecting     |
 * | rollingBack   | store.changed if isRolledBack          | rolledBack    |
 * | rollingBack   | store.conflict if isRolledBack         | rolledBack    |
 * | rollingBack   | store.conflict if isNews               | aborted       |
 * | rollingBack   | store.failed if hasTries               | retryingBack  |
 * | rollingBack   | store.failed                           | exhausted     |
 * | rollingBack   | after commitDeadline if hasTries       | rollingBack   |
 * | rollingBack   | after commitDeadline                   | exhausted     |
 * | retryingBack  | store.changed if isRolledBack          | rolledBack    |
 * | retryingBack  | store.conflict if isRolledBack         | rolledBack    |
 * | retryingBack  | after commitRetry                      | rollingBack   |
 */
import { assign, emit, setup } from "xstate";
import type { DeviceId, Millis, SeatTerm } from "../ports/ids.ts";
import type { FailoverOutcome, FailoverRecord } from "../ports/records.ts";
import type { SeatRow } from "../ports/store.ts";
import { choiceOf } from "./choice.ts";
import {
  type Candidate,
  type CandidatesReply,
  type Emitted,
  effects,
  type FailoverInput,
  type HolderVerdict,
  type ProbeReply,
  type StoreEvent,
  tell,
} from "../protocol.ts";

type FailoverEvent = CandidatesReply | HolderVerdict | ProbeReply | StoreEvent<"seat.change">;

export interface FailoverContext extends FailoverInput {
  /** The seat's term as last known: what the next commit expects. */
  readonly expect: SeatTerm;
  readonly candidate: Candidate | null;
  /** Devices that were committed and did not come into service. */
  readonly tried: readonly DeviceId[];
  readonly commits: number;
  readonly storeTries: number;
  readonly chosenAt: Millis | null;
  readonly committedAt: Millis | null;
  readonly inServiceAt: Millis | null;
  readonly steps: FailoverRecord["steps"];
  /** Time of the last event: timers carry none. */
  readonly now: Millis;
}

/** The first choice and one more: 1.2 s each still fits the ten seconds. */
const MAX_COMMITS = 2;
const MAX_STORE_TRIES = 4;
/** A store that has not answered by then is asked again. */
const COMMIT_DEADLINE: Millis = 1000;
const COMMIT_RETRY: Millis = 250;

const commitAt = (context: FailoverContext, candidate: Candidate): Millis =>
  candidate.ladder === "twin" ? context.twinAt : context.numberAt;

/** The best candidate not yet tried. */
const best = (context: FailoverContext, event: CandidatesReply): Candidate | undefined => {
  const able = event.ranked.filter((candidate) => !context.tried.includes(candidate.device));
  const named = context.to && able.find((candidate) => candidate.device === context.to);
  if (context.to && context.commits === 0) return named || undefined;
  return choiceOf(able, event, context.detectedAt);
};

/** Nobody gave out where somebody ordered it. */
const ORDERED: ReadonlySet<FailoverRecord["cause"]> = new Set(["operator", "failback", "removed"]);
const begunText = ({ from, cause }: Pick<FailoverRecord, "cause" | "from">): string => {
  if (from === null) return `nobody spoke for it: ${cause}`;
  return ORDERED.has(cause) ? `${from} is to go: ${cause}` : `${from} gave out: ${cause}`;
};

const said = (context: FailoverContext, at: Millis, text: string): FailoverRecord["steps"] => [...context.steps, { at, text }];

const record = (context: FailoverContext, outcome: FailoverOutcome, endedAt: Millis | null): FailoverRecord => ({
  id: context.id,
  seat: context.seat,
  cause: context.cause,
  from: context.from,
  to: context.commits > 0 && context.candidate ? context.candidate.device : null,
  termBefore: context.term,
  termAfter: context.commits > 0 ? context.expect : null,
  outcome,
  ladder: outcome === "averted" ? "reconnect" : context.commits > 0 ? (context.candidate?.ladder ?? null) : null,
  lastEvidenceAt: context.lastEvidenceAt,
  detectedAt: context.detectedAt,
  chosenAt: context.chosenAt,
  committedAt: context.committedAt,
  inServiceAt: context.inServiceAt,
  endedAt,
  steps: context.steps,
});

const rowOf = (event: FailoverEvent): SeatRow | undefined =>
  event.type === "store.changed" || event.type === "store.conflict" ? event.answer.row : undefined;
const isTaken = (context: FailoverContext, event: FailoverEvent, holder: DeviceId | null): boolean => {
  const row = rowOf(event);
  return row !== undefined && row.holder === holder && row.term === context.expect + 1;
};
const timeOf = (context: FailoverContext, event: { readonly at?: Millis }): Millis => event.at ?? context.now;

export const failoverMachine = setup({
  types: { events: {} as FailoverEvent, input: {} as FailoverInput, context: {} as FailoverContext, emitted: {} as Emitted },
  guards: {
    /** Before the commit only: afterwards the seat is another's, and what is left is the way back. */
    isAverted: ({ context, event }) =>
      context.avertable && context.commits === 0 && event.type === "holder.well" && event.device === context.from,
    /** Whom the seat was given shows life after all, though later than it was waited for, and nobody else has been chosen since. */
    isLateHolder: ({ context, event }) =>
      context.commits > 0 &&
      event.type === "holder.well" &&
      event.device === context.candidate?.device &&
      event.device === context.tried.at(-1),
    /** What looked as if it might pass will not: nobody waits for a re-dial any more. */
    isHopeless: ({ context, event }) =>
      context.commits === 0 && event.type === "holder.failed" && event.device === context.from && event.isFinal,
    mayRollBack: ({ context, event }) => context.commits > 0 && event.type === "candidates.ranked" && event.isFormerWell,
    isSpent: ({ context }) => context.commits >= MAX_COMMITS,
    mayCommitNow: ({ context, event }) => {
      if (event.type !== "candidates.ranked") return false;
      const candidate = best(context, event);
      return candidate !== undefined && event.at >= commitAt(context, candidate);
    },
    mustWait: ({ context, event }) => event.type === "candidates.ranked" && best(context, event) !== undefined,
    givenUp: ({ context }) => context.now + context.retryEvery >= context.giveUpAt,
    isNewHolder: ({ context, event }) =>
      (event.type === "probe.seen" || event.type === "probe.missing") && event.device === context.candidate?.device,
    isOurs: ({ context, event }) => isTaken(context, event, context.candidate?.device ?? null),
    isRolledBack: ({ context, event }) => isTaken(context, event, context.from),
    isNews: ({ context, event }) => (rowOf(event)?.term ?? 0) > context.expect,
    hasTries: ({ context }) => context.storeTries < MAX_STORE_TRIES,
  },
  actions: {
    clock: assign(({ context, event }) => ({ now: "at" in event ? event.at : context.now })),
    clockRerank: assign(({ context }) => ({ now: context.now + context.retryEvery })),
    clockCommit: assign(({ context }) => ({
      now: context.candidate ? Math.max(context.now, commitAt(context, context.candidate)) : context.now,
    })),
    requestCandidates: emit(({ context }) =>
      effects(
        tell("roster", {
          type: "candidates.request",
          seat: context.seat,
          replyTo: `failover:${context.seat}`,
          former: context.from,
          exclude: [...context.tried, ...(context.from ? [context.from] : [])],
          named: context.to,
        }),
      ),
    ),
    choose: assign(({ context, event }) => {
      if (event.type !== "candidates.ranked") return {};
      const candidate = best(context, event);
      if (!candidate) return { now: event.at };
      if (candidate.device === context.candidate?.device && context.chosenAt !== null) return { candidate, now: event.at };
      const rejected = event.rejected.map(({ device, why }) => `${device}: ${why}`).join("; ");
      return {
        candidate,
        now: event.at,
        chosenAt: context.chosenAt ?? event.at,
        steps: said(
          context,
          event.at,
          `chose ${candidate.device} (${candidate.ladder}: ${candidate.why})${rejected ? `; not: ${rejected}` : ""}`,
        ),
      };
    }),
    recordIntent: emit(({ context }) =>
      effects({
        op: "write",
        ask: {
          op: "failover.record",
          failover: record(context, "running", null),
          audit: {
            at: context.detectedAt,
            actor: "orchestrator",
            action: "failover.began",
            subject: context.seat,
            text: `${context.from === null ? "nobody speaks" : `${context.from} no longer speaks`} for ${context.seat}: ${context.cause}`,
            evidence: { cause: context.cause, lastEvidenceAt: context.lastEvidenceAt, detectedAt: context.detectedAt },
          },
        },
      }),
    ),
    commit: emit(({ context }) => {
      const holder = context.candidate?.device ?? null;
      return effects({
        op: "store",
        ask: {
          op: "seat.change",
          seat: context.seat,
          expect: context.expect,
          holder,
          phase: "moving",
          failover: record(
            { ...context, commits: context.commits + 1, expect: (context.expect + 1) as SeatTerm },
            "running",
            null,
          ),
          audit: {
            at: context.now,
            actor: "orchestrator",
            action: "seat.moved",
            subject: context.seat,
            text: `${context.seat} moves from ${context.from ?? "nobody"} to ${holder ?? "nobody"} under term ${context.expect + 1}: ${context.candidate?.why ?? ""}`,
            evidence: {
              cause: context.cause,
              from: context.from,
              to: holder,
              term: context.expect + 1,
              ladder: context.candidate?.ladder ?? null,
            },
          },
        },
      });
    }),
    countTry: assign(({ context, event }) => {
      const at = timeOf(context, event);
      return { storeTries: context.storeTries + 1, now: at, steps: said(context, at, "the store could not do it: asking again") };
    }),
    countSilence: assign(({ context }) => {
      const at = context.now + COMMIT_DEADLINE;
      return {
        storeTries: context.storeTries + 1,
        now: at,
        steps: said(context, at, `the store did not answer within ${COMMIT_DEADLINE} ms: asking again`),
      };
    }),
    clockRetry: assign(({ context }) => ({ now: context.now + COMMIT_RETRY })),
    committed: assign(({ context, event }) => {
      const at = timeOf(context, event);
      const expect = (context.expect + 1) as SeatTerm;
      return {
        expect,
        commits: context.commits + 1,
        committedAt: at,
        now: at,
        storeTries: 0,
        steps: said(context, at, `committed term ${expect} for ${context.candidate?.device ?? "nobody"}`),
      };
    }),
    giveUpFrom: assign(({ context, event }) =>
      event.type === "holder.failed"
        ? {
            now: event.at,
            twinAt: Math.min(context.twinAt, event.at),
            numberAt: Math.min(context.numberAt, event.at),
            steps: said(context, event.at, `${event.device} will not come back by itself: ${event.cause}`),
          }
        : {},
    ),
    announce: emit(({ context, event }) => {
      if (event.type !== "store.changed" && event.type !== "store.conflict") return effects();
      return effects(tell(`seat:${context.seat}`, { type: "seat.changed", row: event.answer.row }));
    }),
    probeNewHolder: emit(({ context }) =>
      context.candidate
        ? effects(
            tell(`detector:${context.candidate.device}`, {
              type: "probe.request",
              replyTo: `failover:${context.seat}`,
              deadline: context.verifyFor,
            }),
          )
        : effects(),
    ),
    reject: assign(({ context, event }) => {
      const at = "at" in event ? event.at : context.now + context.verifyFor;
      const device = context.candidate?.device;
      const after = at - (context.committedAt ?? at);
      return {
        tried: device ? [...context.tried, device] : context.tried,
        now: at,
        steps: said(context, at, `${device ?? "nobody"} showed no sign of service, ${after} ms after the commit`),
      };
    }),
    rollBack: emit(({ context }) =>
      effects({
        op: "store",
        ask: {
          op: "seat.change",
          seat: context.seat,
          expect: context.expect,
          holder: context.from,
          phase: "serving",
          failover: record({ ...context, expect: (context.expect + 1) as SeatTerm }, "running", null),
          audit: {
            at: context.now,
            actor: "orchestrator",
            action: "seat.rolledBack",
            subject: context.seat,
            text: `${context.seat} goes back to ${context.from ?? "nobody"} under term ${context.expect + 1}: ${context.candidate?.device ?? "the candidate"} did not come into service`,
            evidence: { to: context.from, term: context.expect + 1 },
          },
        },
      }),
    ),
    verified: assign(({ context, event }) => {
      const at = "at" in event ? event.at : context.now;
      return {
        inServiceAt: at,
        now: at,
        steps: said(context, at, `${context.candidate?.device ?? "nobody"} answered: in service`),
      };
    }),
    end: emit(({ context }, { outcome }: { outcome: Ending }) =>
      effects(
        {
          op: "write",
          ask: {
            op: "failover.record",
            failover: record(context, outcome, context.now),
            audit: {
              at: context.now,
              actor: "orchestrator",
              action: outcome === "inService" ? "seat.inService" : `failover.${outcome}`,
              subject: context.seat,
              text: ENDINGS[outcome](context),
              evidence: {
                cause: context.cause,
                commits: context.commits,
                term: context.expect,
                detectedMs: context.lastEvidenceAt === null ? null : context.detectedAt - context.lastEvidenceAt,
                inServiceMs: context.inServiceAt === null ? null : context.inServiceAt - context.detectedAt,
              },
            },
          },
        },
        tell(`seat:${context.seat}`, {
          type: "failover.ended",
          outcome,
          holder: context.commits > 0 && outcome !== "rolledBack" ? (context.candidate?.device ?? null) : context.from,
          term: context.expect,
        }),
      ),
    ),
    noteEnd: assign(({ context, event }, { outcome }: { outcome: Ending }) => {
      const at = timeOf(context, event);
      return {
        now: at,
        expect: outcome === "rolledBack" ? ((context.expect + 1) as SeatTerm) : context.expect,
        inServiceAt: outcome === "averted" ? at : context.inServiceAt,
        steps: said(context, at, ENDINGS[outcome](context)),
      };
    }),
  },
  delays: {
    rerank: ({ context }) => context.retryEvery,
    untilCommit: ({ context }) => (context.candidate ? Math.max(0, commitAt(context, context.candidate) - context.now) : 0),
    commitRetry: COMMIT_RETRY,
    commitDeadline: COMMIT_DEADLINE,
    verifyDeadline: ({ context }) => context.verifyFor,
  },
}).createMachine({
  id: "failover",
  options: { maxIterations: 1000 },
  context: ({ input }) => ({
    ...input,
    expect: input.term,
    candidate: null,
    tried: [],
    commits: 0,
    storeTries: 0,
    chosenAt: null,
    committedAt: null,
    inServiceAt: null,
    steps: [{ at: input.detectedAt, text: begunText(input) }],
    now: input.detectedAt,
  }),
  initial: "selecting",
  entry: "recordIntent",
  // What comes too late, or is of no interest in the present phase.
  on: {
    "candidates.ranked": { actions: "clock" },
    "holder.well": { actions: "clock" },
    "holder.failed": { actions: "clock" },
    "probe.seen": { actions: "clock" },
    "probe.missing": { actions: "clock" },
    "store.changed": { actions: "clock" },
    "store.conflict": { actions: "clock" },
    "store.failed": { actions: "clock" },
  },
  states: {
    selecting: {
      entry: "requestCandidates",
      on: {
        "candidates.ranked": [
          { guard: "mayRollBack", target: "rollingBack", actions: "clock" },
          { guard: "isSpent", target: "exhausted" },
          { guard: "mayCommitNow", target: "committing", actions: "choose" },
          { guard: "mustWait", target: "preparing", actions: "choose" },
        ],
        "holder.well": [
          { guard: "isAverted", target: "averted" },
          { guard: "isLateHolder", target: "inService", actions: "verified" },
        ],
        "holder.failed": { guard: "isHopeless", target: "selecting", reenter: true, actions: "giveUpFrom" },
      },
      after: {
        rerank: [
          { guard: "givenUp", target: "exhausted", actions: "clockRerank" },
          { target: "selecting", reenter: true, actions: "clockRerank" },
        ],
      },
    },
    preparing: {
      on: {
        "candidates.ranked": { guard: "mayCommitNow", target: "committing", actions: "choose" },
        "holder.well": { guard: "isAverted", target: "averted" },
        "holder.failed": { guard: "isHopeless", target: "selecting", actions: "giveUpFrom" },
      },
      after: { untilCommit: { target: "selecting", actions: "clockCommit" } },
    },
    committing: {
      entry: "commit",
      on: {
        "store.changed": { guard: "isOurs", target: "verifying", actions: ["committed", "announce"] },
        "store.conflict": [
          { guard: "isOurs", target: "verifying", actions: ["committed", "announce"] },
          { guard: "isNews", target: "aborted", actions: "announce" },
        ],
        "store.failed": [{ guard: "hasTries", target: "retrying", actions: "countTry" }, { target: "exhausted" }],
      },
      after: {
        commitDeadline: [
          { guard: "hasTries", target: "committing", reenter: true, actions: "countSilence" },
          { target: "exhausted", actions: "countSilence" },
        ],
      },
    },
    retrying: {
      on: {
        "store.changed": { guard: "isOurs", target: "verifying", actions: ["committed", "announce"] },
        "store.conflict": { guard: "isOurs", target: "verifying", actions: ["committed", "announce"] },
      },
      after: { commitRetry: { target: "committing", actions: "clockRetry" } },
    },
    verifying: {
      entry: "probeNewHolder",
      on: {
        "probe.seen": { guard: "isNewHolder", target: "inService", actions: "verified" },
        "probe.missing": { guard: "isNewHolder", target: "selecting", actions: "reject" },
      },
      after: { verifyDeadline: { target: "selecting", actions: "reject" } },
    },
    rollingBack: {
      entry: "rollBack",
      on: {
        "store.changed": { guard: "isRolledBack", target: "rolledBack", actions: "announce" },
        "store.conflict": [
          { guard: "isRolledBack", target: "rolledBack", actions: "announce" },
          { guard: "isNews", target: "aborted", actions: "announce" },
        ],
        "store.failed": [{ guard: "hasTries", target: "retryingBack", actions: "countTry" }, { target: "exhausted" }],
      },
      after: {
        commitDeadline: [
          { guard: "hasTries", target: "rollingBack", reenter: true, actions: "countSilence" },
          { target: "exhausted", actions: "countSilence" },
        ],
      },
    },
    retryingBack: {
      on: {
        "store.changed": { guard: "isRolledBack", target: "rolledBack", actions: "announce" },
        "store.conflict": { guard: "isRolledBack", target: "rolledBack", actions: "announce" },
      },
      after: { commitRetry: { target: "rollingBack", actions: "clockRetry" } },
    },
    inService: {
      type: "final",
      entry: [
        { type: "noteEnd", params: { outcome: "inService" } },
        { type: "end", params: { outcome: "inService" } },
      ],
    },
    averted: {
      type: "final",
      entry: [
        { type: "noteEnd", params: { outcome: "averted" } },
        { type: "end", params: { outcome: "averted" } },
      ],
    },
    rolledBack: {
      type: "final",
      entry: [
        { type: "noteEnd", params: { outcome: "rolledBack" } },
        { type: "end", params: { outcome: "rolledBack" } },
      ],
    },
    exhausted: {
      type: "final",
      entry: [
        { type: "noteEnd", params: { outcome: "exhausted" } },
        { type: "end", params: { outcome: "exhausted" } },
      ],
    },
    aborted: {
      type: "final",
      entry: [
        { type: "noteEnd", params: { outcome: "aborted" } },
        { type: "end", params: { outcome: "aborted" } },
      ],
    },
  },
});

type Ending = Exclude<FailoverOutcome, "running" | "interrupted">;
const ENDINGS: Record<Ending, (context: FailoverContext) => string> = {
  inService: (context) => `${context.candidate?.device ?? "nobody"} is in service under term ${context.expect}`,
  averted: (context) => `${context.from ?? "nobody"} is back: nothing moves`,
  rolledBack: (context) => `rolled back to ${context.from ?? "nobody"}`,
  exhausted: () => "no candidate could take the seat",
  aborted: () => "the seat was changed by somebody else",
};
