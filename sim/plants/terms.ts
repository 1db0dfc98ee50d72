/** Planted bugs in who may speak, under which term, and what has to be kept before. */
import type { SeatTerm } from "../../machines/ports/ids.ts";
import type { Effect } from "../../machines/protocol.ts";
import { hasty, unfenced, inCommits, committed } from "./commits.ts";
import { inChart, inEffects, inReducer, nothing, type Plant } from "./plant.ts";

/** Leases end with time. */
const SHARED_STORE = { lease: { ttl: 4_000, renewEvery: 1_000 } } as const;

/** The connection's grant and the sender's term stay what they were before the seat moved. */
const underOldTerm = (effect: Effect): readonly Effect[] => {
  const old = (term: SeatTerm): SeatTerm => Math.max(1, term - 1) as SeatTerm;
  if (effect.op === "connection" && effect.command.op === "grant")
    return [{ ...effect, command: { ...effect.command, term: old(effect.command.term) } }];
  if (effect.op === "tell" && effect.event.type === "sender.open") {
    const event = effect.event as { readonly type: "sender.open"; readonly term: SeatTerm };
    const changed = { ...event, term: old(event.term) };
    return [{ ...effect, event: changed }];
  }
  return [effect];
};

export const TERMS: readonly Plant[] = [
  {
    name: "gate-skipped",
    says: "the gate lets everything through, and so does the store's fence",
    caughtBy: "gate-keeps-terms",
    parts: () => ({ gate: () => true, deviceStore: unfenced }),
  },
  {
    name: "revoke-forgotten",
    says: "a seat that changes hands leaves the old holder its grant, and the store's fence is down",
    caughtBy: "gate-keeps-terms",
    parts: () => ({
      deviceStore: unfenced,
      actors: inEffects("seat", "follow", (effect) =>
        (effect.op === "connection" && effect.command.op === "revoke") ||
        (effect.op === "tell" && effect.event.type === "sender.close")
          ? []
          : [effect],
      ),
    }),
  },
  {
    name: "term-not-bumped",
    says: "a new holder speaks under the term of the one before it, and the store's fence is down",
    caughtBy: "gate-keeps-terms",
    parts: () => ({
      deviceStore: unfenced,
      actors: inEffects("seat", "open", underOldTerm, inEffects("seat", "follow", underOldTerm)),
    }),
  },
  {
    name: "lease-kept",
    says: "a device is not told that its lease has ended",
    caughtBy: "links-end-with-leases",
    settings: SHARED_STORE,
    parts: () => ({ actors: inChart("lease", { actions: { tellLost: nothing } }) }),
  },
  {
    name: "canary-forgotten",
    says: "a version that WhatsApp refuses holds nobody back",
    caughtBy: "one-canary",
    kinds: ["login-refused", "outage"],
    parts: () => ({
      actors: inReducer("dialler", { events: (event) => (event.type === "version.refused" ? [] : [event]) }),
    }),
  },
  {
    name: "keys-after-bytes",
    says: "ciphertext and receipts leave before the keys are kept",
    caughtBy: "keys-before-bytes",
    settings: SHARED_STORE,
    parts: () => ({ deviceStore: hasty }),
  },
  {
    name: "inbox-after-receipt",
    says: "an inbound message is receipted though its row is not kept",
    caughtBy: "kept-before-receipt",
    parts: () => ({
      deviceStore: inCommits((commit, reply, ask) =>
        ask({ ...commit, inbound: [] }, (answer) => reply(answer.kind === "committed" ? committed(commit) : answer)),
      ),
    }),
  },
  {
    name: "attempt-unrecorded",
    says: "attempts leave without a row of their own",
    caughtBy: "duplicates-are-marked",
    parts: () => ({ deviceStore: inCommits((commit, reply, ask) => ask({ ...commit, attempt: null }, reply)) }),
  },
];
