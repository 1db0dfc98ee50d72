/**
 * One unplanned change of a seat's holder, from the decision to its end.
 *
 * Everything before the commit can be called off; the commit is one compare-and-set of the seat's row; what comes after it can
 * only be followed by another commit with a higher term (the next candidate, or the old holder as a rollback).
 * Invariants: at most one commit is under way; the seat's term grows by one with each; the failed holder is never asked anything;
 * a candidate is committed only if a stanza of it is younger than `candidateFresh` (the roster's rule).
 *
 * | from        | event                                   | to          |
 * | selecting   | candidates.ranked if mayCommitNow       | committing  |
 * | selecting   | candidates.ranked if mustWait           | preparing   |
 * | selecting   | candidates.ranked                       | selecting   |
 * | selecting   | after rerank if givenUp                 | exhausted   |
 * | selecting   | after rerank                            | selecting   |
 * | selecting   | holder.well if avertable                | averted     |
 * | preparing   | after untilCommit                       | selecting   |
 * | preparing   | candidates.ranked if mayCommitNow       | committing  |
 * | preparing   | holder.well if avertable                | averted     |
 * | committing  | holder.well                             | same        |
 * | committing  | holder.failed                           | same        |
 * | committing  | store.changed                           | verifying   |
 * | committing  | store.conflict if isOurCommit           | verifying   |
 * | committing  | store.conflict                          | aborted     |
 * | committing  | store.failed if hasTries                | retrying    |
 * | committing  | store.failed                            | exhausted   |
 * | retrying    | after commitRetry                       | committing  |
 * | verifying   | holder.well                             | same        |
 * | verifying   | holder.failed                           | same        |
 * | verifying   | probe.seen if isNewHolder               | settling    |
 * | verifying   | probe.missing if mayTryNext             | selecting   |
 * | verifying   | probe.missing if mayRollBack            | rollingBack |
 * | verifying   | probe.missing                           | exhausted   |
 * | verifying   | after verifyDeadline if mayTryNext      | selecting   |
 * | verifying   | after verifyDeadline if mayRollBack     | rollingBack |
 * | verifying   | after verifyDeadline                    | exhausted   |
 * | rollingBack | store.changed                           | rolledBack  |
 * | rollingBack | store.conflict if isOurRollback         | rolledBack  |
 * | rollingBack | store.conflict                          | aborted     |
 * | rollingBack | store.failed                            | exhausted   |
 * | settling    | store.changed                           | inService   |
 * | settling    | store.conflict                          | aborted     |
 * | settling    | store.failed                            | inService   |
 */
import { assign, emit, setup } from "xstate";
import type { DeviceId, Millis, SeatTerm } from "../ports/ids.ts";
import type { FailoverOutcome, FailoverRecord } from "../ports/records.ts";
import type { SeatRow } from "../ports/store.ts";
import {
  type Candidate,
  type CandidatesReply,
  type Emitted,
  effects,
  type FailoverInput,
  type HolderEvent,
  type ProbeReply,
  type StoreEvent,
  tell,
} from "../protocol.ts";

type FailoverEvent = CandidatesReply | HolderEvent | ProbeReply | StoreEvent<"seat.change" | "seat.settle">;

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
  /** The old holder recovered after the commit: a rollback has somewhere to go. */
  readonly fromIsWell: boolean;
  readonly steps: FailoverRecord["steps"];
  /** Time of the last event: timers carry none. */
  readonly now: Millis;
}

/** The first choice and one more: 1.2 s each still fits the ten seconds. */
const MAX_COMMITS = 2;
const MAX_STORE_TRIES = 4;
/** A twin that is being probed is worth this long a wait before another number is taken. */
const TWIN_PATIENCE: Millis = 700;
const COMMIT_RETRY: Millis = 250;

const commitAt = (context: FailoverContext, candidate: Candidate): Millis =>
  candidate.ladder === "twin" ? context.twinAt : context.numberAt;

/** The best candidate not yet tried; nobody while a twin may still turn up. */
const best = (context: FailoverContext, event: CandidatesReply): Candidate | undefined => {
  const able = event.ranked.filter((candidate) => !context.tried.includes(candidate.device));
  const named = context.to && able.find((candidate) => candidate.device === context.to);
  if (context.to && context.commits === 0) return named || undefined;
  const first = able[0];
  if (first && first.ladder !== "twin" && event.twinPending && event.at < context.detectedAt + TWIN_PATIENCE) return undefined;
  return first;
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

const isTaken = (row: SeatRow, context: FailoverContext, holder: DeviceId | null): boolean =>
  row.holder === holder && row.term === context.expect + 1;

export const failoverMachine = setup({
  types: { events: {} as FailoverEvent, input: {} as FailoverInput, context: {} as FailoverContext, emitted: {} as Emitted },
  guards: {
    avertable: ({ context, event }) => context.avertable && event.type === "holder.well" && event.device === context.from,
    mayCommitNow: ({ context, event }) => {
      if (event.type !== "candidates.ranked") return false;
      const candidate = best(context, event);
      return candidate !== undefined && event.at >= commitAt(context, candidate);
    },
    mustWait: ({ context, event }) => event.type === "candidates.ranked" && best(context, event) !== undefined,
    givenUp: ({ context }) => context.now + context.retryEvery >= context.giveUpAt,
    isNewHolder: ({ context, event }) => event.type === "probe.seen" && event.device === context.candidate?.device,
    isOurCommit: ({ context, event }) =>
      event.type === "store.conflict" && isTaken(event.answer.row, context, context.candidate?.device ?? null),
    isOurRollback: ({ context, event }) => event.type === "store.conflict" && isTaken(event.answer.row, context, context.from),
    hasTries: ({ context }) => context.storeTries < MAX_STORE_TRIES,
    mayTryNext: ({ context }) => context.commits < MAX_COMMITS && !context.fromIsWell,
    mayRollBack: ({ context }) => context.fromIsWell && context.from !== null,
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
            text: `${context.from ?? "nobody"} no longer speaks for ${context.seat}: ${context.cause}`,
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
    countTry: assign(({ context, event }) => ({
      storeTries: context.storeTries + 1,
      now: "at" in event ? event.at : context.now,
    })),
    committed: assign(({ context, event }) => ({
      expect: (context.expect + 1) as SeatTerm,
      commits: context.commits + 1,
      committedAt: "at" in event ? event.at : context.now,
      now: "at" in event ? event.at : context.now,
      storeTries: 0,
      steps: said(
        context,
        "at" in event ? event.at : context.now,
        `committed term ${context.expect + 1} for ${context.candidate?.device ?? "nobody"}`,
      ),
    })),
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
      return {
        tried: device ? [...context.tried, device] : context.tried,
        candidate: context.candidate,
        now: at,
        steps: said(context, at, `${device ?? "nobody"} did not come into service within ${context.verifyFor} ms`),
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
          failover: record(context, "rolledBack", context.now),
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
    noteWell: assign(({ context, event }) =>
      event.type === "holder.well" && event.device === context.from ? { fromIsWell: true, now: event.at } : {},
    ),
    noteLost: assign(({ context, event }) =>
      event.type === "holder.failed" && event.device === context.from ? { fromIsWell: false, now: event.at } : {},
    ),
    verified: assign(({ context, event }) => {
      const at = "at" in event ? event.at : context.now;
      return {
        inServiceAt: at,
        now: at,
        steps: said(context, at, `${context.candidate?.device ?? "nobody"} answered: in service`),
      };
    }),
    settle: emit(({ context }) =>
      effects({
        op: "store",
        ask: {
          op: "seat.settle",
          seat: context.seat,
          term: context.expect,
          phase: "serving",
          failover: record(context, "inService", context.now),
          audit: {
            at: context.now,
            actor: "orchestrator",
            action: "seat.inService",
            subject: context.seat,
            text: `${context.candidate?.device ?? "nobody"} speaks for ${context.seat}`,
            evidence: {
              detectedMs: context.detectedAt - (context.lastEvidenceAt ?? context.detectedAt),
              inServiceMs: context.now - context.detectedAt,
              term: context.expect,
            },
          },
        },
      }),
    ),
    end: emit(({ context }, { outcome }: { outcome: "inService" | "averted" | "rolledBack" | "exhausted" | "aborted" }) =>
      effects(
        ...(outcome === "inService" || outcome === "rolledBack"
          ? []
          : [
              {
                op: "write" as const,
                ask: {
                  op: "failover.record" as const,
                  failover: record(context, outcome, context.now),
                  audit: {
                    at: context.now,
                    actor: "orchestrator",
                    action: `failover.${outcome}`,
                    subject: context.seat,
                    text: ENDINGS[outcome](context),
                    evidence: { cause: context.cause, commits: context.commits },
                  },
                },
              },
            ]),
        tell(`seat:${context.seat}`, {
          type: "failover.ended",
          outcome,
          holder: context.commits > 0 && outcome !== "rolledBack" ? (context.candidate?.device ?? null) : context.from,
          term: context.expect,
        }),
      ),
    ),
    noteEnd: assign(({ context, event }, { outcome }: { outcome: FailoverOutcome }) => {
      const at = "at" in event ? event.at : context.now;
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
    fromIsWell: false,
    steps: [{ at: input.detectedAt, text: `${input.from ?? "nobody"} gave out: ${input.cause}` }],
    now: input.detectedAt,
  }),
  initial: "selecting",
  entry: "recordIntent",
  states: {
    selecting: {
      entry: "requestCandidates",
      on: {
        "candidates.ranked": [
          { guard: "mayCommitNow", target: "committing", actions: "choose" },
          { guard: "mustWait", target: "preparing", actions: "choose" },
          { actions: "clock" },
        ],
        "holder.well": { guard: "avertable", target: "averted" },
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
        "holder.well": { guard: "avertable", target: "averted" },
      },
      after: {
        untilCommit: {
          target: "selecting",
          actions: "clockCommit",
        },
      },
    },
    committing: {
      entry: "commit",
      on: {
        "store.changed": { target: "verifying", actions: ["committed", "announce"] },
        "store.conflict": [
          { guard: "isOurCommit", target: "verifying", actions: ["committed", "announce"] },
          { target: "aborted", actions: "announce" },
        ],
        "store.failed": [{ guard: "hasTries", target: "retrying", actions: "countTry" }, { target: "exhausted" }],
        "holder.well": { actions: "noteWell" },
        "holder.failed": { actions: "noteLost" },
      },
    },
    retrying: { after: { commitRetry: "committing" } },
    verifying: {
      entry: "probeNewHolder",
      on: {
        "probe.seen": { guard: "isNewHolder", target: "settling", actions: "verified" },
        "probe.missing": [
          { guard: "mayTryNext", target: "selecting", actions: "reject" },
          { guard: "mayRollBack", target: "rollingBack", actions: "reject" },
          { target: "exhausted", actions: "reject" },
        ],
        "holder.well": { actions: "noteWell" },
        "holder.failed": { actions: "noteLost" },
      },
      after: {
        verifyDeadline: [
          { guard: "mayTryNext", target: "selecting", actions: "reject" },
          { guard: "mayRollBack", target: "rollingBack", actions: "reject" },
          { target: "exhausted", actions: "reject" },
        ],
      },
    },
    rollingBack: {
      entry: "rollBack",
      on: {
        "store.changed": { target: "rolledBack", actions: "announce" },
        "store.conflict": [
          { guard: "isOurRollback", target: "rolledBack", actions: "announce" },
          { target: "aborted", actions: "announce" },
        ],
        "store.failed": "exhausted",
      },
    },
    settling: {
      entry: "settle",
      on: {
        "store.changed": "inService",
        "store.conflict": { target: "aborted", actions: "announce" },
        "store.failed": "inService",
      },
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

const ENDINGS: Record<FailoverOutcome, (context: FailoverContext) => string> = {
  running: () => "under way",
  interrupted: () => "interrupted by a restart",
  inService: (context) => `${context.candidate?.device ?? "nobody"} is in service under term ${context.expect}`,
  averted: (context) => `${context.from ?? "nobody"} is back: nothing moves`,
  rolledBack: (context) => `rolled back to ${context.from ?? "nobody"}`,
  exhausted: () => "no candidate could take the seat",
  aborted: () => "the seat was changed by somebody else",
};
