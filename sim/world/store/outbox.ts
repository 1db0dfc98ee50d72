/** Accepted messages. */
import {
  freshDrafts,
  isMoreCertain,
  isOpen,
  isProved,
  mayBecome,
  mayCancel,
  OPEN_STATES,
  OUTBOX_STATES,
} from "../../../machines/delivery/outbox-state.ts";
import { accountOf, type LineId, type SeatId } from "../../../machines/ports/ids.ts";
import type { OutboxChange, OutboxDraft, OutboxRow, OutboxState } from "../../../machines/ports/store.ts";
import { assignConversation, seatOfConversation, warmUpContact } from "./contacts.ts";
import { writeAudit } from "./fleet.ts";
import type { Bench, Handlers } from "./handlers.ts";
import { compare, keyName, type State } from "./state.ts";

type Ops =
  | "outbox.accept"
  | "outbox.open"
  | "outbox.record"
  | "outbox.cancel"
  | "outbox.get"
  | "outbox.list"
  | "outbox.counts"
  | "media.needed"
  | "conversation.assign"
  | "post.clear";

export const outboxOps = ({ state }: Bench): Pick<Handlers, Ops> => ({
  "outbox.accept": ({ messages, limit }) => {
    const now = state();
    const drafts = fresh(now, messages);
    const full = overfull(now, drafts, limit);
    if (full !== null) return { kind: "full", open: full };
    refuseReusedWaIds(now, drafts);
    return { kind: "accepted", messages: messages.map((draft) => accept(now, draft)) };
  },
  "outbox.open": ({ seat, afterSeq, limit }) => page(state(), [seat], OPEN_STATES, afterSeq, limit),
  "outbox.record": ({ changes }) => {
    for (const change of changes) record(state(), change);
    return { kind: "recorded" };
  },
  "outbox.cancel": ({ id, reason, audit }) => {
    const seq = state().indexes.byId.get(id);
    const row = seq === undefined ? null : state().outboxRow(seq);
    if (!row || !mayCancel(row)) return { kind: "kept", row };
    const cancelled: OutboxRow = { ...row, state: "failed", reason };
    state().changeOutbox(cancelled);
    writeAudit(state(), audit);
    return { kind: "cancelled", row: cancelled };
  },
  "outbox.get": (which) => {
    const { byId, byWaId } = state().indexes;
    const seq = "id" in which ? byId.get(which.id) : byWaId.get(which.waId);
    return { kind: "row", row: seq === undefined ? null : state().outboxRow(seq) };
  },
  "outbox.list": ({ seat, states, limit }) =>
    page(state(), seat === null ? [...state().indexes.bySeat.keys()] : [seat], [...new Set(states)], 0, limit),
  "outbox.counts": () => ({ kind: "counts", seats: counts(state()) }),
  "media.needed": ({ ids, since }) => {
    const needed = new Set(
      state()
        .tables.outbox.filter((row) => isOpen(row.state) || row.state === "held" || row.acceptedAt >= since)
        .flatMap(({ content }) => ("media" in content ? [content.media.id] : [])),
    );
    return { kind: "needed", ids: ids.filter((id) => needed.has(id)) };
  },
  "conversation.assign": ({ conversation, seat, audit }) => {
    assignConversation(state(), conversation, seat);
    if (audit) writeAudit(state(), audit);
    const moved = [...OPEN_STATES, "held" as const]
      .flatMap((outboxState) => [...state().indexes.bySeat.values()].flatMap((states) => [...(states.get(outboxState) ?? [])]))
      .map((seq) => state().outboxRow(seq))
      .filter((row) => row.conversation === conversation && row.seat !== seat);
    for (const row of moved) state().changeOutbox({ ...row, seat });
    return { kind: "assigned", moved: moved.length };
  },
  "post.clear": ({ post, to, audit }) => {
    const states = state().indexes.bySeat.get(post);
    const moved = [...OPEN_STATES, "held" as const]
      .flatMap((outboxState) => [...(states?.get(outboxState) ?? [])])
      .map((seq) => state().outboxRow(seq));
    for (const row of moved) state().changeOutbox({ ...row, seat: to });
    for (const { conversation } of moved) assignConversation(state(), conversation, to);
    if (moved.length > 0) writeAudit(state(), audit);
    return { kind: "cleared", moved: moved.length };
  },
});

const known = ({ indexes }: State, { id, line, idempotencyKey }: OutboxDraft): number | undefined =>
  indexes.byId.get(id) ?? (idempotencyKey === null ? undefined : indexes.byKey.get(keyName(line, idempotencyKey)));

const fresh = (state: State, messages: readonly OutboxDraft[]): OutboxDraft[] =>
  freshDrafts(messages, (draft) => known(state, draft) !== undefined);

const overfull = (state: State, drafts: readonly OutboxDraft[], limit: number): number | null => {
  const wanted = new Map<LineId, number>();
  for (const { line } of drafts) wanted.set(line, (wanted.get(line) ?? 0) + 1);
  for (const [line, more] of wanted) {
    const open = state.indexes.openOnLine.get(line) ?? 0;
    if (open + more > limit) return open;
  }
  return null;
};

const refuseReusedWaIds = (state: State, drafts: readonly OutboxDraft[]): void => {
  const taken = new Set<string>();
  for (const { id, waId } of drafts) {
    if (taken.has(waId) || state.indexes.byWaId.has(waId)) throw new Error(`WhatsApp's id of message ${id} is taken`);
    taken.add(waId);
  }
};

const accept = (
  state: State,
  draft: OutboxDraft,
): { id: OutboxRow["id"]; seq: number; duplicate: boolean; seat: SeatId; first: boolean } => {
  const first = known(state, draft);
  if (first !== undefined) {
    const row = state.outboxRow(first);
    return { id: row.id, seq: row.seq, duplicate: true, seat: row.seat, first: false };
  }
  const seat = seatOfConversation(state, draft.conversation, draft.seat);
  const seq = state.tables.outbox.length + 1;
  const isFirst = (state.indexes.unsettled.get(draft.conversation) ?? 0) === 0;
  state.addOutbox({ ...draft, seat, seq, state: "accepted", reason: null, attempts: [] });
  return { id: draft.id, seq, duplicate: false, seat, first: isFirst };
};

const record = (state: State, { id, state: to, reason, attempt }: OutboxChange): void => {
  const seq = state.indexes.byId.get(id);
  if (seq === undefined) return;
  const row = state.outboxRow(seq);
  const attempts = attempt ? withOutcome(row.attempts, attempt) : row.attempts;
  const moves = mayBecome(row.state, to);
  state.changeOutbox(moves ? { ...row, attempts, state: to, reason } : { ...row, attempts });
  if (!moves || !isProved(to) || isProved(row.state)) return;
  const proved = attempt ? attempts.find(({ number }) => number === attempt.number) : attempts.at(-1);
  if (proved) warmUpContact(state, row.contact, accountOf(proved.device));
};

const withOutcome = (
  attempts: OutboxRow["attempts"],
  { number, outcome, detail }: NonNullable<OutboxChange["attempt"]>,
): OutboxRow["attempts"] =>
  attempts.map((known) =>
    known.number === number && isMoreCertain(known.outcome, outcome) ? { ...known, outcome, detail } : known,
  );

const page = (
  state: State,
  seats: readonly SeatId[],
  states: readonly OutboxState[],
  afterSeq: number,
  limit: number,
): { kind: "rows"; rows: OutboxRow[]; more: boolean } => {
  const seqs = seats
    .flatMap((seat) => states.flatMap((wanted) => [...(state.indexes.bySeat.get(seat)?.get(wanted) ?? [])]))
    .filter((seq) => seq > afterSeq)
    .sort((a, b) => a - b);
  return { kind: "rows", rows: seqs.slice(0, limit).map((seq) => state.outboxRow(seq)), more: seqs.length > limit };
};

const counts = (state: State): { seat: SeatId; state: OutboxState; count: number; oldest: number }[] =>
  [...state.indexes.bySeat]
    .sort(([a], [b]) => compare(a, b))
    .flatMap(([seat, states]) =>
      OUTBOX_STATES.flatMap((wanted) => {
        const seqs = [...(states.get(wanted) ?? [])];
        if (seqs.length === 0) return [];
        const oldest = state.outboxRow(seqs.reduce((a, b) => Math.min(a, b))).acceptedAt;
        return [{ seat, state: wanted, count: seqs.length, oldest }];
      }),
    );
