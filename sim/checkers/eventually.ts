/** Eventually: once the core is healed the fleet converges, whatever stays broken beside it. */
import { isOpen } from "../../machines/delivery/outbox-state.ts";
import type { Pace } from "../../machines/delivery/pace.ts";
import { type AccountId, accountOf, type DeviceId, type Millis, servantOf } from "../../machines/ports/ids.ts";
import { usedUp } from "./caps.ts";
import { eventsOf, type Life, type Property } from "./life.ts";
import { keptIn } from "./messages.ts";
import { timelineOf } from "./timeline.ts";

/** A holder that is being dialled anew at the very end is in service all the same. */
const MOMENT: Millis = 15_000;
/** Accepted so late, a message may still be on its way. */
const FRESH: Millis = 30_000;

export const seatsAreHeld: Property = {
  name: "seats-are-held",
  says: "at the end every seat is in service, with a holder that really is",
  *broken(life) {
    if (!life.plan.liveness) return;
    const timeline = timelineOf(life);
    for (const { id, holder, phase } of life.tables.seats.values()) {
      if (holder === null || phase !== "serving") yield { at: life.to, text: `${id} is ${phase}, held by ${String(holder)}` };
      else if (!timeline.servedWithin(holder, life.to - MOMENT, life.to)) {
        yield { at: life.to, text: `${holder} holds ${id} and has no link in service` };
      }
    }
  },
};

export const outboxDrains: Property = {
  name: "outbox-drains",
  says: "at the end nothing accepted waits, but for what is held, what comes after it in its conversation, and what an account at its pace has no time for, or has used up its cap before",
  *broken(life) {
    if (!life.plan.liveness) return;
    const busy = new Set([...atTheirPace(life), ...usedUp(life)]);
    const held = new Set(life.tables.outbox.flatMap(({ state, conversation }) => (state === "held" ? [conversation] : [])));
    for (const { id, seat, state, acceptedAt, conversation, attempts } of life.tables.outbox) {
      if (!isOpen(state) || held.has(conversation) || acceptedAt > life.to - FRESH) continue;
      const holder = life.tables.seats.get(seat)?.holder;
      const speaker = servantOf(seat) ?? (holder ? accountOf(holder) : null);
      if (speaker !== null && busy.has(speaker)) continue;
      yield { at: acceptedAt, text: `message ${id} of ${seat} is still ${state} after ${attempts.length} attempts` };
      return;
    }
  },
};

/** Accounts that the operator lets speak only so often, and that spoke as often as that to the end. */
const atTheirPace = (life: Life): ReadonlySet<AccountId> => {
  const sent = new Map<AccountId, number>();
  for (const { at, device } of eventsOf(life, "gate")) {
    if (at > life.to - FRESH) sent.set(accountOf(device), (sent.get(accountOf(device)) ?? 0) + 1);
  }
  const paces = Object.entries(life.plan.fleet.settings.pacing ?? {}) as [AccountId, Pace][];
  return new Set(paces.flatMap(([id, { perSecond }]) => ((sent.get(id) ?? 0) >= 0.8 * perSecond * (FRESH / 1_000) ? [id] : [])));
};

export const inboxFills: Property = {
  name: "inbox-fills",
  says: "at the end every message that people wrote is in the inbox, if a device of the core could hear it all the time",
  *broken(life) {
    if (!life.plan.liveness) return;
    const kept = keptIn(life);
    const linkedFrom = linkedSince(life);
    for (const { at, account, waId, person } of eventsOf(life, "wrote")) {
      if (kept.has(waId) || at > life.to - 2 * FRESH) continue;
      const ears = life.plan.liveness.core.filter((device) => accountOf(device) === account);
      if (ears.some((device) => (linkedFrom.get(device) ?? Number.NEGATIVE_INFINITY) < at)) {
        yield { at, text: `what ${person} wrote to ${account} (${waId}) never came in` };
        return;
      }
    }
  },
};

/** Since when without a break; Infinity: not linked at the end. */
const linkedSince = (life: Life): ReadonlyMap<DeviceId, Millis> =>
  new Map(
    eventsOf(life, "credentials").map(({ at, device, state }) => [device, state === "linked" ? at : Number.POSITIVE_INFINITY]),
  );
