/** Planted bugs in what becomes of servants as their seat moves, or they fail. */
import { type SeatId, type SeatTerm, servantOf } from "../../machines/ports/ids.ts";
import type { Effect } from "../../machines/protocol.ts";
import type { FleetSettings } from "../plan/plan.ts";
import { referenceFleet } from "../world/reference.ts";
import { unfenced } from "./commits.ts";
import { inReducer, type Plant } from "./plant.ts";

/** Servants have something to do on every line. */
const AT_WORK: FleetSettings = {
  lines: Object.fromEntries(
    referenceFleet().lines.map(({ id }) => [
      id,
      { whenNumberChanges: "hold", outboxLimit: 10_000, failback: "manual", work: ["bulk", "overflow"] },
    ]),
  ),
};

export const SERVANTS: readonly Plant[] = [
  {
    name: "servants-forgotten",
    says: "a seat that goes back to its former holder leaves its servants under the term that ended",
    caughtBy: "grants-follow-terms",
    parts: () => ({ actors: servantsForgotten() }),
  },
  {
    name: "servants-left-behind",
    says: "servants go on under the term of before when their seat moves, and the store's fence is down",
    caughtBy: "gate-keeps-terms",
    settings: AT_WORK,
    profile: "work",
    parts: () => ({
      deviceStore: unfenced,
      actors: inReducer("roster", { effects: underFirstTerm() }),
    }),
  },
  {
    name: "servants-unrelieved",
    says: "what lies at the post of a servant that is out stays there",
    caughtBy: "outbox-drains",
    settings: AT_WORK,
    profile: "work",
    parts: () => ({
      actors: inReducer("roster", {
        effects: (effects) => effects.filter((effect) => effect.op !== "store" || effect.ask.op !== "post.clear"),
      }),
    }),
  },
];

/** Each servant's post keeps the term under which it was opened first. */
function underFirstTerm() {
  const terms = new Map<string, SeatTerm>();
  return (effects: readonly Effect[]): readonly Effect[] =>
    effects.map((effect) => {
      if (effect.op !== "tell" || !("term" in effect.event)) return effect;
      const event = effect.event as { readonly type: string; readonly term: SeatTerm; readonly seat?: SeatId };
      const post = event.seat ?? (effect.to.slice(effect.to.indexOf(":") + 1) as SeatId);
      if (servantOf(post) === null) return effect;
      const term = terms.get(post) ?? event.term;
      terms.set(post, term);
      return { ...effect, event: { ...event, term } };
    });
}

function servantsForgotten() {
  /** Of each seat: who holds it, and who did before. */
  const held = new Map<string, readonly (string | null)[]>();
  let isBack = false;
  return inReducer("roster", {
    events: (event) => {
      isBack = false;
      if (event.type === "seat.held") {
        const [now = null, before = null] = held.get(event.seat) ?? [];
        isBack = event.holder !== null && event.holder === before;
        if (event.holder !== now) held.set(event.seat, [event.holder, now]);
      }
      return [event];
    },
    effects: (effects) =>
      isBack ? effects.filter((effect) => effect.op !== "tell" || !effect.to.startsWith("servant:")) : effects,
  });
}
