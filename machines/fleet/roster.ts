/**
 * The roster: who is well enough for what. A reducer, because health changes of five hundred devices pass through it.
 *
 * It knows which device speaks for which seat, tells seats about their holders, has candidates probed as soon as a holder is
 * suspected, and ranks them when asked. It decides nothing.
 * Laws: a device is ranked only if it is linked, healthy, not cordoned, of an account in good standing (a twin may be of a
 * restricted or capped one: it shares that and the warm chats), and showed a stanza within `candidateFresh`; twins come first,
 * then devices that hold no seat, then by the line's priority; a device left by an unplanned move is not ranked for that seat
 * during the cool-down, unless the present holder is gone for good.
 */
import type { DeviceId, Millis } from "../ports/ids.ts";
import type { Standing } from "../ports/store.ts";
import type { Effect, Reducer, RosterEvent, Step, StoreEvent } from "../protocol.ts";
import { homecomings } from "./failback.ts";
import { keptHere, nextMoves, noMoves, orderMoves } from "./moves.ts";
import { attend, onCleared, onLeft, onSettled, postView } from "./posts.ts";
import { availability, onHealth, onSeen, tellSeat, tellSeats } from "./roster/health.ts";
import { onHeld, onStands } from "./roster/holders.ts";
import { outageEndsAt, outlasted } from "./roster/outage.ts";
import { answer } from "./roster/ranking.ts";
import { inquire, onRerouteAnswer, onYielded, reroute, type RerouteAnswer } from "./roster/rerouting.ts";
import { tellRestricted } from "./roster/restrictions.ts";
import { beginsNothing, type DeviceView, type RosterInput, type RosterState } from "./roster/state.ts";
import { watchAll, watchCandidates } from "./roster/watching.ts";

export type { RosterInput, RosterMemory, RosterState, SeatView } from "./roster/state.ts";

type Event = RosterEvent | RerouteAnswer | StoreEvent<"post.clear">;

export const roster: Reducer<RosterState, Event, RosterInput> = {
  start(config, at) {
    const state: RosterState = {
      config,
      devices: new Map(),
      accounts: new Map(),
      lines: new Map(config.lines.map((line) => [line.id, line])),
      seats: new Map(),
      posts: new Map(),
      holds: new Map(),
      reroutes: [],
      moves: noMoves(),
      asked: 0,
      wakeAt: null,
      outage: config.memory?.outage ?? null,
    };
    for (const account of config.accounts) {
      state.accounts.set(account.id, {
        role: account.role,
        standing: account.standing,
        devices: account.devices.map(({ id }) => id),
        line: null,
      });
      for (const { id, linked, cordoned } of account.devices) {
        const known = config.memory?.devices.get(id);
        state.devices.set(id, {
          id,
          account: account.id,
          state: "unknown",
          cause: null,
          isFinal: false,
          lastSeenAt: known?.lastSeenAt ?? null,
          quietSince: known?.quietSince ?? null,
          unansweredAt: known?.unansweredAt ?? null,
          linked,
          cordoned,
        });
      }
    }
    for (const seat of config.seats) {
      const { left = null, homeNotBefore = 0, asker = null } = config.memory?.seats.get(seat.id) ?? {};
      state.seats.set(seat.id, { ...seat, left, homeNotBefore, asker });
    }
    for (const { id } of config.work?.posts ?? []) state.posts.set(id, postView(id, true));
    for (const id of config.work?.stray ?? []) state.posts.set(id, postView(id, false));
    const restricted = config.accounts.flatMap(({ id, standing }) => (beginsNothing(standing) ? tellRestricted(state, id) : []));
    const work = attend(state, at);
    state.wakeAt = earliest(work.wakeAt, outageEndsAt(state));
    return { state, effects: [...watchAll(state), ...restricted, ...work.effects], wakeAt: state.wakeAt };
  },

  receive(state, event): Step<RosterState> {
    // Of every stanza: it changes neither who may go home nor where servants stand, so nobody is gone through for it.
    if (event.type === "device.seen") return { state, effects: onSeen(state, event), wakeAt: state.wakeAt };
    const effects = react(state, event);
    const home = homecomings(state, event.at);
    if (home.offers.length > 0) effects.push(...home.offers);
    const work = attend(state, event.at);
    effects.push(...work.effects, ...outlasted(state, event.at));
    state.wakeAt = earliest(earliest(home.wakeAt, work.wakeAt), outageEndsAt(state));
    return { state, effects, wakeAt: state.wakeAt };
  },
};

const earliest = (one: Millis | null, other: Millis | null): Millis | null =>
  one === null || other === null ? (one ?? other) : Math.min(one, other);

const react = (state: RosterState, event: Exclude<Event, { type: "device.seen" }>): Effect[] => {
  switch (event.type) {
    case "device.health":
      return onHealth(state, event);
    case "account.standing": {
      const account = state.accounts.get(event.account);
      if (!account) return [];
      const { standing: before } = account;
      account.standing = event.standing;
      const isNews = (is: (standing: Standing) => boolean): boolean => is(before) !== is(event.standing);
      const told = isNews((standing) => standing === "banned") ? account.devices.flatMap((id) => tellSeats(state, id)) : [];
      if (isNews(beginsNothing)) told.push(...tellRestricted(state, event.account));
      return event.standing === "good" ? [...told, ...availability(state, account.devices)] : told;
    }
    case "device.linked":
      return edit(state, event.device, { linked: event.linked });
    case "device.cordon":
      return edit(state, event.device, { cordoned: event.cordoned });
    case "seat.held":
      return onHeld(state, event);
    case "seat.stands":
      return onStands(state, event);
    case "holder.review": {
      const seat = state.seats.get(event.seat);
      const device = seat?.holder ? state.devices.get(seat.holder) : undefined;
      if (seat) seat.asker = null;
      return seat && device ? tellSeat(state, seat, device) : [];
    }
    case "candidates.request": {
      const seat = state.seats.get(event.seat);
      if (!seat) return [];
      seat.asker = { replyTo: event.replyTo, former: event.former, exclude: event.exclude, named: event.named };
      return [...watchCandidates(state, seat), answer(state, seat, event.at)];
    }
    case "reroute.request": {
      const { seat: from, conversation, message, unlessWarm: account, as = null } = event;
      // A queue that has waited too long asks again.
      if (state.reroutes.some((each) => each.from === from && each.message === message)) return [];
      if (account === null) return reroute(state, from, conversation, message, event.at);
      return inquire(state, { conversation, message, from, to: null, account, as });
    }
    case "rebalance.request":
      orderMoves(state, event.moves, event.by);
      return nextMoves(state, event.at);
    case "conversation.kept":
      return [...keptHere(state, event.conversation, event.why), ...nextMoves(state, event.at)];
    case "conversation.yielded":
      return onYielded(state, event);
    case "post.left":
      onLeft(state, event.post);
      return [];
    case "post.settled":
      onSettled(state, event.post);
      return [];
    case "store.conversation":
    case "store.assigned":
      return onRerouteAnswer(state, event);
    case "store.cleared":
      return onCleared(state, event);
    case "store.failed":
      return isAboutPost(event) ? onCleared(state, event) : onRerouteAnswer(state, event);
    case "wake":
      return [];
  }
};

const edit = (state: RosterState, id: DeviceId, change: Partial<Pick<DeviceView, "linked" | "cordoned">>): Effect[] => {
  const device = state.devices.get(id);
  if (!device) return [];
  Object.assign(device, change);
  return availability(state, [id]);
};

const isAboutPost = (event: Extract<Event, { type: "store.failed" }>): event is StoreEvent<"post.clear"> & typeof event =>
  event.answer.op === "post.clear";
