import { transition } from "xstate";
import { describe, expect, it } from "vitest";
import { OUTBOX_EVENTS, type OutboxEvent, outboxMachine, stepOutbox } from "../../machines/delivery/outbox.ts";
import {
  freshDrafts,
  isMoreCertain,
  isOpen,
  isProved,
  mayBecome,
  mayRetryAttempt,
  OPEN_STATES,
  OUTBOX_STATES,
} from "../../machines/delivery/outbox-state.ts";
import { mayAnotherAccountTry, refusalReason } from "../../machines/delivery/refusals.ts";
import type { LineId, MessageId } from "../../machines/ports/ids.ts";
import type { AttemptOutcome, OutboxDraft, OutboxState } from "../../machines/ports/store.ts";

/** Every step of a row that some event takes. */
const steps = OUTBOX_STATES.flatMap((from) =>
  OUTBOX_EVENTS.map((event) => ({ from, event, to: stepOutbox(from, event) })).filter(({ to }) => to !== from),
);
const doubtful = (type: "attempt.unsent" | "attempt.refused" | "attempt.proved", isDoubtful: boolean): OutboxEvent => ({
  type,
  doubtful: isDoubtful,
});

describe("a row of the outbox", () => {
  it("steps as its chart says, for every event there is", () => {
    const table = OUTBOX_STATES.flatMap((state) => OUTBOX_EVENTS.map((event) => stepOutbox(state, event)));
    const chart = OUTBOX_STATES.flatMap((value) =>
      OUTBOX_EVENTS.map((event) => transition(outboxMachine, outboxMachine.resolveState({ value }), event)[0].value),
    );
    expect(table).toEqual(chart);
    const named = new Set(OUTBOX_EVENTS.map(({ type }) => type));
    expect([...named].sort()).toEqual([...new Set(outboxMachine.events)].sort());
  });

  it("is unanswered after an attempt that failed only if an earlier one may have arrived", () => {
    for (const type of ["attempt.unsent", "attempt.refused"] as const) {
      expect(stepOutbox("dispatched", doubtful(type, true))).toBe("unanswered");
      expect(stepOutbox("dispatched", doubtful(type, false))).toBe("accepted");
    }
    expect(stepOutbox("failed", doubtful("attempt.proved", true))).toBe("acknowledged");
    expect(stepOutbox("failed", doubtful("attempt.proved", false))).toBe("failed");
  });

  it("never unlearns a proof, and is sent again by no event once it is proved", () => {
    expect(steps.filter(({ from, to }) => isProved(from) && !isProved(to))).toEqual([]);
    expect(steps.filter(({ to }) => to === "dispatched").map(({ from }) => from)).toEqual(["accepted", "unanswered"]);
  });

  it("steps only where the store lets it, but for a proof of what was given up as failed", () => {
    expect(steps.filter(({ from, to }) => from !== to && !mayBecome(from, to)).map(({ from, to }) => `${from} ${to}`)).toEqual([
      "failed acknowledged",
    ]);
  });
});

describe("the states of the outbox", () => {
  it("are open until something is proved or decided", () => {
    expect(OUTBOX_STATES.filter(isOpen)).toEqual([...OPEN_STATES]);
    expect(OUTBOX_STATES.filter(isProved)).toEqual(["acknowledged", "delivered", "read"]);
  });

  it("may be left for these, and no others", () => {
    const ways = (from: OutboxState): OutboxState[] => OUTBOX_STATES.filter((to) => to !== from && mayBecome(from, to));
    for (const open of OPEN_STATES) expect(ways(open)).toHaveLength(OUTBOX_STATES.length - 1);
    expect(ways("acknowledged")).toEqual(["delivered", "read"]);
    expect(ways("delivered")).toEqual(["read"]);
    expect(ways("held")).toEqual(["accepted", "acknowledged", "delivered", "read", "failed"]);
    expect([...ways("read"), ...ways("failed")]).toEqual([]);
    // Why it failed stays as it was said first.
    expect(OUTBOX_STATES.filter((state) => !mayBecome(state, state))).toEqual(["failed"]);
  });
});

describe("the outcome of an attempt", () => {
  it("gives way to what is more certain only", () => {
    const all: AttemptOutcome[] = ["pending", "unanswered", "unsent", "refused", "acknowledged"];
    const ways = Object.fromEntries(all.map((from) => [from, all.filter((to) => isMoreCertain(from, to))]));
    expect(ways).toEqual({
      pending: ["unanswered", "unsent", "refused", "acknowledged"],
      unanswered: ["unsent", "refused", "acknowledged"],
      unsent: ["acknowledged"],
      refused: ["acknowledged"],
      acknowledged: [],
    });
    expect(all.filter(mayRetryAttempt)).toEqual(["pending", "unsent"]);
  });
});

describe("messages that are accepted together", () => {
  const draft = (id: string, idempotencyKey: string | null = null, line = "sales"): OutboxDraft =>
    ({ id: id as MessageId, line: line as LineId, idempotencyKey }) as OutboxDraft;
  const fresh = (drafts: OutboxDraft[], known: (draft: OutboxDraft) => boolean = () => false): string[] =>
    freshDrafts(drafts, known).map(({ id }) => id);

  it("are rows of their own once for each id, and once for each key of a line", () => {
    expect(fresh([draft("a"), draft("b"), draft("a")])).toEqual(["a", "b"]);
    expect(fresh([draft("a", "k"), draft("b", "k"), draft("c", "k", "support"), draft("d", "other")])).toEqual(["a", "c", "d"]);
  });

  it("are none of what is known already, and what is known stands for nothing else", () => {
    const drafts = [draft("a", "k"), draft("b", "k")];
    expect(fresh(drafts, ({ id }) => id === "a")).toEqual(["b"]);
    expect(fresh(drafts, () => true)).toEqual([]);
  });
});

describe("a refusal", () => {
  it("of a restricted account is the only one that another account may get round", () => {
    const codes = [400, 401, 403, 404, 405, 408, 421, 429, 463, 475, 479, 500, 999];
    expect(codes.filter(mayAnotherAccountTry)).toEqual([463]);
  });

  it("is written with its code and what it means, if that is known", () => {
    expect(refusalReason(404)).toBe("refused:404 unknown: that chat does not exist");
    expect(refusalReason(999)).toBe("refused:999 WhatsApp refused the message and did not say why");
    const meanings = [400, 401, 403, 404, 405, 408, 421, 429, 463, 475, 479, 500].map((code) =>
      refusalReason(code).replace(`refused:${code} `, ""),
    );
    expect(new Set([...meanings, "WhatsApp refused the message and did not say why"]).size).toBe(meanings.length + 1);
  });
});
