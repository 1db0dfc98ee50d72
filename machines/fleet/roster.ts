/**
 * The roster: who is well enough for what. A reducer, because health changes of five hundred devices pass through it.
 *
 * It knows which device speaks for which seat, tells seats about their holders, has candidates probed as soon as a holder is
 * suspected, and ranks them when asked. It decides nothing.
 * Laws: a device is ranked only if it is linked, healthy, not cordoned, of an account in good standing (a twin may be of a
 * restricted one: it shares the restriction and the warm chats), and showed a stanza within `candidateFresh`; twins come first,
 * then devices that hold no seat, then by the line's priority; a device left by an unplanned move is not ranked for that seat
 * during the cool-down, unless the present holder is gone for good.
 */
import type { Allowance } from "../delivery/caps.ts";
import { homecomings } from "./failback.ts";
import { type Moves, keptHere, mayTakeOver, nextMoves, noMoves, over, orderMoves } from "./moves.ts";
import { attend, heirOf, onCleared, onLeft, postView, type PostView, servantsOf, type WorkInput } from "./posts.ts";
import { chooseReroute } from "./reroute.ts";
import {
  accountOf,
  type AccountId,
  type ConversationId,
  type DeviceId,
  type LineId,
  type MessageId,
  type Millis,
  type SeatId,
  postOf,
  seatOf,
  servantOf,
  type SeatTerm,
} from "../ports/ids.ts";
import type { AuditDraft, FailoverCause } from "../ports/records.ts";
import type { LineRow, Role, Standing } from "../ports/store.ts";
import {
  type Address,
  type Candidate,
  type Effect,
  type HealthState,
  type Reducer,
  type RosterEvent,
  type Step,
  type StoreEvent,
  type Tell,
  tell,
} from "../protocol.ts";

export interface RosterInput {
  readonly accounts: readonly {
    id: AccountId;
    role: Role;
    standing: Standing;
    devices: readonly { id: DeviceId; linked: boolean; cordoned: boolean }[];
  }[];
  readonly lines: readonly LineRow[];
  readonly seats: readonly { id: SeatId; line: LineId; account: AccountId; holder: DeviceId | null; term: SeatTerm }[];
  /** Lines whose seats go back to their own account by themselves. */
  readonly failback: readonly LineId[];
  readonly candidateFresh: Millis;
  readonly cooldown: Millis;
  /** Links that fall silent within this span of each other fell silent together. */
  readonly togetherWithin: Millis;
  /** What its predecessor knew that no row says, where that had not died; left out: nothing. */
  readonly memory?: RosterMemory;
  /** Left out: no line gives its servants work. */
  readonly work?: WorkInput;
  /** Which accounts may begin how many chats; left out: none has a cap. */
  readonly allowance?: Allowance;
}
export type RosterMemory = Pick<RosterState, "devices" | "seats" | "outage">;
export interface DeviceView {
  readonly id: DeviceId;
  readonly account: AccountId;
  state: HealthState;
  cause: FailoverCause | null;
  isFinal: boolean;
  lastSeenAt: Millis | null;
  quietSince: Millis | null;
  linked: boolean;
  cordoned: boolean;
}
export interface SeatView {
  readonly id: SeatId;
  readonly line: LineId;
  readonly account: AccountId;
  holder: DeviceId | null;
  term: SeatTerm;
  left: { device: DeviceId; until: Millis } | null;
  /** It is not sent home before this. */
  homeNotBefore: Millis;
  /** Somebody waits for a ranking: pushed again at each stanza of a candidate. */
  asker: { replyTo: Address; former: DeviceId | null; exclude: readonly DeviceId[]; named: DeviceId | null } | null;
}
/** Owned by the reducer and changed in place: copied maps would make a five-hundred-device boot quadratic. */
export interface RosterState {
  readonly config: RosterInput;
  readonly devices: Map<DeviceId, DeviceView>;
  readonly accounts: Map<AccountId, { role: Role; standing: Standing; devices: DeviceId[]; line: LineId | null }>;
  readonly lines: Map<LineId, LineRow>;
  readonly seats: Map<SeatId, SeatView>;
  readonly posts: Map<SeatId, PostView>;
  /** Seats that a device holds. */
  readonly holds: Map<DeviceId, SeatId[]>;
  /** Asked of the store. `to` null: whether the account may write there. */
  readonly reroutes: {
    readonly tag: number;
    conversation: ConversationId;
    message: MessageId;
    from: SeatId;
    to: SeatId | null;
    account: AccountId | null;
    as: "new" | "full" | "rebalance" | null;
    /** Of the message at which its queue has stopped, if that has waited there from the first on. */
    seq?: number;
  }[];
  /** Conversations that are to go to other seats, so that what waits is shared out again. */
  readonly moves: Moves;
  /** Questions asked of the store so far. */
  asked: number;
  outage: boolean;
}
type Of<T extends RosterEvent["type"]> = Extract<RosterEvent, { type: T }>;
type RerouteAnswer = StoreEvent<"conversation.assign"> | StoreEvent<"conversation.get">;
type Event = RosterEvent | RerouteAnswer | StoreEvent<"post.clear">;

const isWell = (state: HealthState): boolean => state === "healthy" || state === "recovering";
const isQuiet = (device: DeviceView): boolean =>
  device.quietSince !== null &&
  (device.state === "suspect" || device.state === "repairing" || (device.state === "failed" && device.cause === "silent"));

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
      outage: config.memory?.outage ?? false,
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
    const restricted = config.accounts.flatMap(({ id, standing }) =>
      standing === "restricted" ? tellRestricted(state, id) : [],
    );
    const { effects, wakeAt } = attend(state, at);
    return { state, effects: [...watchAll(state), ...restricted, ...effects], wakeAt };
  },

  receive(state, event): Step<RosterState> {
    const effects = react(state, event);
    const home = homecomings(state, event.at);
    if (home.offers.length > 0) effects.push(...home.offers);
    if (state.posts.size === 0) return { state, effects, wakeAt: home.wakeAt };
    const work = attend(state, event.at);
    effects.push(...work.effects);
    return { state, effects, wakeAt: earliest(home.wakeAt, work.wakeAt) };
  },
};

const earliest = (one: Millis | null, other: Millis | null): Millis | null =>
  one === null || other === null ? (one ?? other) : Math.min(one, other);

const react = (state: RosterState, event: Event): Effect[] => {
  switch (event.type) {
    case "device.health":
      return onHealth(state, event);
    case "device.seen":
      return onSeen(state, event.device, event.at);
    case "account.standing": {
      const account = state.accounts.get(event.account);
      if (!account) return [];
      const { standing: before } = account;
      account.standing = event.standing;
      const isNews = (standing: Standing): boolean => (before === standing) !== (event.standing === standing);
      const told = isNews("banned") ? account.devices.flatMap((id) => tellSeats(state, id)) : [];
      if (isNews("restricted")) told.push(...tellRestricted(state, event.account));
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

// ---- conversations that the present account may not begin ----

const isRestricted = (state: RosterState, account: AccountId): boolean => state.accounts.get(account)?.standing === "restricted";

const isAboutPost = (event: Extract<Event, { type: "store.failed" }>): event is StoreEvent<"post.clear"> & typeof event =>
  event.answer.op === "post.clear";

/** Every seat that the account may come to speak for, and every post where it works. */
const tellRestricted = (state: RosterState, account: AccountId): Effect[] => {
  const restricted = isRestricted(state, account);
  const seats = [...state.seats.values()].filter(({ line }) => state.lines.get(line)?.masters.includes(account));
  const posts = [...state.posts.values()].filter(({ servant, isKept }) => isKept && servant === account);
  return [...seats, ...posts].map(({ id }) => tell(`queue:${id}`, { type: "account.restricted", account, restricted }));
};

/** What a queue that was started again has to know of the masters of its line, or of its servant. */
export const restrictionsOf = (state: RosterState, seat: SeatId): Tell[] => {
  const line = state.seats.get(seat)?.line;
  const servant = servantOf(seat);
  const speakers = servant === null ? ((line && state.lines.get(line)?.masters) ?? []) : [servant];
  return speakers
    .filter((account) => isRestricted(state, account))
    .map((account) => tell(`queue:${seat}`, { type: "account.restricted", account, restricted: true }));
};

const reroute = (
  state: RosterState,
  from: SeatId,
  conversation: ConversationId,
  message: MessageId,
  at: Millis,
  mustHaveRoom = false,
): Effect[] => {
  const to = rerouteTo(state, from, at, mustHaveRoom);
  if (!to) return [tell(`queue:${from}`, { type: "notRerouted", message, why: "nobody" })];
  return inquire(state, { conversation, message, from, to, account: null, as: null });
};

/** From a servant to another of its seat, to the seat's holder, or wherever that one's would go. */
const rerouteTo = (state: RosterState, from: SeatId, at: Millis, mustHaveRoom: boolean): SeatId | undefined => {
  const seat = state.seats.get(seatOf(from));
  const post = state.posts.get(from);
  if (!seat || !post) return seat && chooseReroute(state, seat, at, mustHaveRoom)?.id;
  const heir = heirOf(state, post, at, mustHaveRoom);
  if (heir) return heir;
  const home = seat.holder && accountOf(seat.holder);
  const mayGoHome = home !== null && !isRestricted(state, home) && !mustHaveRoom;
  return mayGoHome ? seat.id : (chooseReroute(state, seat, at, mustHaveRoom)?.id ?? (mustHaveRoom ? undefined : seat.id));
};

const inquire = (
  state: RosterState,
  reroute: Omit<RosterState["reroutes"][number], "tag">,
  audit: { readonly audit?: AuditDraft } = {},
): Effect[] => {
  const { conversation, to } = reroute;
  const tag = ++state.asked;
  state.reroutes.push({ ...reroute, tag });
  if (to === null) return [{ op: "store", ask: { op: "conversation.get", conversation }, tag }];
  return [
    tell(`queue:${to}`, { type: "conversation.coming", conversation }),
    { op: "store", ask: { op: "conversation.assign", conversation, seat: to, ...audit }, tag },
  ];
};

// ---- conversations that go where less waits ----

const onYielded = (state: RosterState, { seat, conversation, message, seq, at }: Of<"conversation.yielded">): Effect[] => {
  const move = state.moves.underWay.get(conversation);
  if (move && mayTakeOver(state, move, at)) {
    return inquire(state, { conversation, message, from: seat, to: null, account: null, as: "rebalance", seq });
  }
  const stays = tell(`queue:${seat}`, { type: "notRerouted", message, why: "nobody" });
  return [stays, ...keptHere(state, conversation, "the other seat may not take it at present"), ...nextMoves(state, at)];
};

/** The store has said whom the contact knows, or that the conversation is another seat's now, or nothing. */
const onMoveAnswer = (state: RosterState, asked: RosterState["reroutes"][number], event: RerouteAnswer): Effect[] => {
  const { from, to, conversation, message, seq = 1 } = asked;
  const { at } = event;
  const move = state.moves.underWay.get(conversation);
  const queue = `queue:${from}` as const;
  const stays = (why: "known" | "nobody" | "store", text: string): Effect[] => [
    tell(queue, { type: "notRerouted", message, why }),
    ...keptHere(state, conversation, text),
    ...nextMoves(state, at),
  ];
  if (event.type === "store.failed") {
    const text = "the store could not be asked";
    // It may have moved all the same: then its messages are found over there.
    return to === null
      ? stays("store", text)
      : [tell(`queue:${to}`, { type: "queue.reload", from: seq, conversation }), ...stays("store", text)];
  }
  if (event.type === "store.assigned") {
    if (to === null) return [];
    return [
      tell(queue, { type: "rerouted", conversation, message, to }),
      tell(`queue:${to}`, { type: "queue.reload", from: seq, conversation }),
      ...over(state, conversation, event.answer.moved),
      ...nextMoves(state, at),
    ];
  }
  if (knowsLine(state, from, event.answer.warm)) return stays("known", "its contact knows a number of the line");
  if (!move || !mayTakeOver(state, move, at)) return stays("nobody", "the other seat may not take it at present");
  const audit: AuditDraft = {
    at,
    actor: move.by,
    action: "conversation.moved",
    subject: from,
    text: `${conversation} goes from ${from} to ${move.to}, where less waits`,
    evidence: { conversation, to: move.to, waiting: move.waiting },
  };
  return inquire(state, { ...asked, to: move.to }, { audit });
};

const onRerouteAnswer = (state: RosterState, event: RerouteAnswer): Effect[] => {
  const place = state.reroutes.findIndex(({ tag }) => tag === event.tag);
  const [asked] = place < 0 ? [] : state.reroutes.splice(place, 1);
  if (!asked) return [];
  if (asked.as === "rebalance") return onMoveAnswer(state, asked, event);
  const { from, to, account, as, conversation, message } = asked;
  // It may have moved all the same: then its messages are found over there.
  const reloads = to === null ? [] : [tell(`queue:${to}`, { type: "queue.reload", conversation })];
  if (event.type === "store.failed") return [tell(`queue:${from}`, { type: "notRerouted", message, why: "store" }), ...reloads];
  if (event.type === "store.assigned")
    return to === null ? [] : [tell(`queue:${from}`, { type: "rerouted", conversation, message, to }), ...reloads];
  const isWarm = account !== null && event.answer.warm.includes(account);
  if (isWarm) return [tell(`queue:${from}`, { type: "notRerouted", message, why: "warm" })];
  if (as === "new") return [tell(`queue:${from}`, { type: "notRerouted", message, why: "cold" })];
  // Who knows another number of the line waits for the one that the conversation has.
  if (as === "full" && knowsLine(state, from, event.answer.warm))
    return [tell(`queue:${from}`, { type: "notRerouted", message, why: "nobody" })];
  return reroute(state, from, conversation, message, event.at, as === "full");
};

const knowsLine = (state: RosterState, seat: SeatId, warm: readonly AccountId[]): boolean => {
  const line = state.seats.get(seatOf(seat))?.line;
  const masters = (line && state.lines.get(line)?.masters) ?? [];
  return warm.some((account) => masters.includes(account));
};

// ---- health ----

const onHealth = (state: RosterState, event: Extract<Event, { type: "device.health" }>): Effect[] => {
  const device = state.devices.get(event.device);
  if (!device) return [];
  const before = device.state;
  const wasWell = isWell(before);
  const wasHealthy = device.state === "healthy";
  device.state = event.state;
  device.cause = event.cause;
  device.isFinal = event.isFinal;
  if (isWell(event.state)) {
    device.quietSince = null;
    device.lastSeenAt = Math.max(device.lastSeenAt ?? 0, event.lastEvidenceAt ?? event.at);
    device.linked = true;
  } else if (event.state === "suspect") device.quietSince ??= event.at;
  const effects = tellSeats(state, device.id);
  if (isWell(event.state) && !wasWell) effects.push(...seenBy(state, device.id, event.at));
  if (event.state === "healthy" && !wasHealthy) effects.push(...availability(state, [device.id]));
  effects.push(...duty(state, device, before));
  effects.push(...judgeOutage(state, event.at));
  return effects;
};

const tellSeats = (state: RosterState, id: DeviceId): Effect[] => {
  const device = state.devices.get(id);
  if (!device) return [];
  return (state.holds.get(id) ?? []).flatMap((seat) => tellSeat(state, state.seats.get(seat) as SeatView, device));
};

const tellSeat = (state: RosterState, seat: SeatView, device: DeviceView): Effect[] => {
  const to = `seat:${seat.id}` as const;
  const isBanned = state.accounts.get(device.account)?.standing === "banned";
  switch (stateOf(state, device)) {
    case "healthy":
    case "recovering":
      return [tell(to, { type: "holder.well", device: device.id }), ...calm(state, seat)];
    case "suspect":
      return [
        tell(to, { type: "holder.suspect", device: device.id, lastEvidenceAt: device.lastSeenAt }),
        ...watchCandidates(state, seat),
      ];
    case "failed":
      return [
        ...watchCandidates(state, seat),
        tell(to, {
          type: "holder.failed",
          device: device.id,
          cause: isBanned ? "banned" : (device.cause ?? "silent"),
          isFinal: isBanned || device.isFinal,
          lastEvidenceAt: device.lastSeenAt,
        }),
      ];
    default:
      return [];
  }
};

const onSeen = (state: RosterState, id: DeviceId, at: Millis): Effect[] => {
  const device = state.devices.get(id);
  if (!device) return [];
  device.lastSeenAt = at;
  return seenBy(state, id, at);
};

/** A candidate showed life: whoever waits for a ranking of its line gets a new one. */
const seenBy = (state: RosterState, id: DeviceId, at: Millis): Effect[] => {
  const effects: Effect[] = [];
  for (const seat of state.seats.values()) {
    if (seat.asker && candidatesOf(state, seat).some((device) => device.id === id)) effects.push(answer(state, seat, at));
  }
  return effects;
};

/** Seats in need hear of devices that have become able. */
const availability = (state: RosterState, ids: readonly DeviceId[]): Effect[] => {
  const devices = ids.filter((id) => {
    const device = state.devices.get(id);
    return device?.state === "healthy" && device.linked && !device.cordoned;
  });
  if (devices.length === 0) return [];
  const effects: Effect[] = [];
  for (const seat of state.seats.values()) {
    const holder = seat.holder && state.devices.get(seat.holder);
    if (holder && isWell(stateOf(state, holder))) continue;
    // A seat that nobody held yet waits for its own account: the others' turn comes when that one fails, or is no longer there.
    const hasOwn = state.lines.get(seat.line)?.masters.includes(seat.account);
    const able = candidatesOf(state, seat).filter(({ account }) => seat.holder !== null || !hasOwn || account === seat.account);
    if (able.some(({ id }) => devices.includes(id))) effects.push(tell(`seat:${seat.id}`, { type: "candidate.available" }));
  }
  return effects;
};

// ---- seats ----

const onHeld = (state: RosterState, event: Extract<Event, { type: "seat.held" }>): Effect[] => {
  const seat = state.seats.get(event.seat);
  if (!seat) return [];
  seat.left = event.left ? { device: event.left, until: event.at + state.config.cooldown } : null;
  seat.asker = null;
  return onStands(state, event);
};

const onStands = (state: RosterState, event: Pick<Of<"seat.held">, "seat" | "holder" | "term">): Effect[] => {
  const seat = state.seats.get(event.seat);
  if (!seat) return [];
  const before = seat.holder;
  seat.holder = event.holder;
  seat.term = event.term;
  const effects: Effect[] = [];
  if (before && before !== event.holder) {
    effects.push(tell(`master:${accountOf(before)}`, { type: "seat.released", seat: seat.id }));
    drop(state.holds, before, seat.id);
    effects.push(...watch(state, before));
  }
  if (event.holder) {
    if (!(state.holds.get(event.holder) ?? []).includes(seat.id))
      state.holds.set(event.holder, [...(state.holds.get(event.holder) ?? []), seat.id]);
    effects.push(...watch(state, event.holder));
    effects.push(
      tell(`master:${accountOf(event.holder)}`, { type: "seat.granted", seat: seat.id, device: event.holder, term: event.term }),
    );
    const device = state.devices.get(event.holder);
    if (device && device.state !== "unknown") effects.push(...tellSeat(state, seat, device));
  }
  effects.push(...attachServants(state, seat));
  return effects;
};

/** Servants are shared out over the seats of their line in order, and follow their seat's term wherever it goes. */
const attachServants = (state: RosterState, seat: SeatView): Tell[] => {
  const line = state.lines.get(seat.line);
  if (!line) return [];
  const seats = [...state.seats.values()].filter((other) => other.line === seat.line).map(({ id }) => id);
  return servantsOf(line, seats, seat.id).flatMap((servant) => {
    // Where it works, it is granted a post, and only while somebody may speak there.
    if (state.posts.get(postOf(seat.id, servant))?.isKept) return [];
    const device = state.accounts.get(servant)?.devices[0];
    return device ? [tell(`servant:${servant}`, { type: "seat.granted", seat: seat.id, device, term: seat.term })] : [];
  });
};

/** All that a master or servant has been granted, for one that does not know it any more. */
export const dutiesOf = (state: RosterState, account: AccountId): Tell[] =>
  [...state.seats.values()].flatMap((seat) => {
    const { id, holder, term } = seat;
    if (holder && accountOf(holder) === account)
      return [tell(`master:${account}`, { type: "seat.granted", seat: id, device: holder, term })];
    const works = [...state.posts.values()].flatMap(({ id: post, seat: at, servant, open }) =>
      at === id && servant === account && open ? [tell(`servant:${account}`, { type: "seat.granted", seat: post, ...open })] : [],
    );
    return [...attachServants(state, seat).filter(({ to }) => to === `servant:${account}`), ...works];
  });

/** An account is out while its last device has failed, and on duty again as soon as one of them is well. */
const duty = (state: RosterState, device: DeviceView, before: HealthState): Effect[] => {
  const account = state.accounts.get(device.account);
  const others = account?.devices.filter((id) => id !== device.id) ?? [];
  if (!account || others.some((id) => isWell(state.devices.get(id)?.state ?? "unknown"))) return [];
  const to = `${account.role}:${device.account}` as const;
  if (isWell(device.state)) return isWell(before) ? [] : [tell(to, { type: "account.well" })];
  return device.state === "failed" && before !== "failed"
    ? [tell(to, { type: "account.out", why: device.cause ?? "silent" })]
    : [];
};

const drop = (holds: RosterState["holds"], device: DeviceId, seat: SeatId): void => {
  const rest = (holds.get(device) ?? []).filter((other) => other !== seat);
  if (rest.length > 0) holds.set(device, rest);
  else holds.delete(device);
};

// ---- who is watched how closely ----

const isNeeded = (state: RosterState, device: DeviceView): boolean => {
  for (const seat of state.seats.values()) {
    const holder = seat.holder && state.devices.get(seat.holder);
    if (holder && isWell(holder.state) && !seat.asker) continue;
    if (candidatesOf(state, seat).includes(device)) return true;
  }
  return false;
};

export const watch = (state: RosterState, id: DeviceId): Tell[] => {
  const device = state.devices.get(id);
  if (!device) return [];
  const holds = state.holds.has(id);
  const role = state.accounts.get(device.account)?.role;
  const needed = !holds && role === "master" && isNeeded(state, device);
  return [
    tell(`detector:${id}`, {
      type: "watch",
      watch: holds ? "holder" : needed ? "candidate" : role === "servant" ? "servant" : "standby",
    }),
    tell("dialler", { type: "dial.rank", device: id, rank: holds ? 0 : role === "master" ? 1 : 2 }),
  ];
};

const watchAll = (state: RosterState): Effect[] => [...state.devices.keys()].flatMap((id) => watch(state, id));
const watchCandidates = (state: RosterState, seat: SeatView): Effect[] =>
  candidatesOf(state, seat)
    .filter(({ id }) => !state.holds.has(id))
    .map(({ id }) => tell(`detector:${id}`, { type: "watch", watch: "candidate" }));
const calm = (state: RosterState, seat: SeatView): Effect[] =>
  candidatesOf(state, seat).flatMap(({ id }) => (state.holds.has(id) ? [] : watch(state, id)));

// ---- ranking ----

/** Who spoke before may speak again: it is well, and WhatsApp lets its account write. */
const maySpeak = (state: RosterState, id: DeviceId): boolean => {
  const device = state.devices.get(id);
  return device !== undefined && device.linked && !device.cordoned && isWell(stateOf(state, device));
};

/** A banned account speaks for nobody, whatever its links say. */
const stateOf = (state: RosterState, device: DeviceView): HealthState =>
  state.accounts.get(device.account)?.standing === "banned" && isWell(device.state) ? "failed" : device.state;

/** Every other device of the line's masters: the holder's twins, then the rest. */
const candidatesOf = (state: RosterState, seat: SeatView): DeviceView[] => {
  const masters = state.lines.get(seat.line)?.masters ?? [];
  const home = seat.holder ? accountOf(seat.holder) : seat.account;
  // The account may be no master of the line any more: then it has no say.
  const accounts = masters.toSorted((one, other) => Number(other === home) - Number(one === home));
  return accounts.flatMap((account) =>
    (state.accounts.get(account)?.devices ?? [])
      .filter((id) => id !== seat.holder)
      .map((id) => state.devices.get(id) as DeviceView),
  );
};

const answer = (state: RosterState, seat: SeatView, at: Millis): Effect => {
  const { replyTo, former, exclude, named } = seat.asker as NonNullable<SeatView["asker"]>;
  const { ranked, rejected, twinPending } = rank(state, named ? { ...seat, left: null } : seat, exclude, at);
  const isFormerWell = former !== null && former !== seat.holder && maySpeak(state, former);
  return tell(replyTo as `failover:${SeatId}`, { type: "candidates.ranked", ranked, rejected, twinPending, isFormerWell });
};

export const rank = (
  state: RosterState,
  seat: SeatView,
  exclude: readonly DeviceId[],
  at: Millis,
): { ranked: Candidate[]; rejected: { device: DeviceId; why: string }[]; twinPending: boolean } => {
  const home = seat.holder ? accountOf(seat.holder) : seat.account;
  const masters = state.lines.get(seat.line)?.masters ?? [];
  const ranked: Candidate[] = [];
  const rejected: { device: DeviceId; why: string }[] = [];
  let twinPending = false;
  for (const device of candidatesOf(state, seat)) {
    const isTwin = device.account === home;
    const why = fault(state, seat, device, isTwin, exclude, at);
    if (why) {
      rejected.push({ device: device.id, why });
      continue;
    }
    const age = device.lastSeenAt === null ? Number.POSITIVE_INFINITY : at - device.lastSeenAt;
    if (age > state.config.candidateFresh) {
      twinPending ||= isTwin;
      rejected.push({ device: device.id, why: device.lastSeenAt === null ? "never heard of" : `last heard of ${age} ms ago` });
      continue;
    }
    ranked.push({
      device: device.id,
      ladder: isTwin ? "twin" : "account",
      lastSeenAt: device.lastSeenAt as Millis,
      why: isTwin
        ? `same number, heard ${age} ms ago`
        : `priority ${masters.indexOf(device.account) + 1} of ${seat.line}, heard ${age} ms ago`,
    });
  }
  const load = (candidate: Candidate): number => (state.holds.get(candidate.device)?.length ? 1 : 0);
  const order = (candidate: Candidate): number => (candidate.ladder === "twin" ? 0 : 1);
  // A stable sort: equals stay in the line's priority order.
  ranked.sort((one, other) => order(one) - order(other) || load(one) - load(other));
  return { ranked, rejected, twinPending };
};

/** Why a device can't take a seat whatever it says; nothing if it may. */
const fault = (
  state: RosterState,
  seat: SeatView,
  device: DeviceView,
  isTwin: boolean,
  exclude: readonly DeviceId[],
  at: Millis,
): string | undefined => {
  if (exclude.includes(device.id)) return "already tried";
  if (!device.linked) return "not linked";
  if (device.cordoned) return "cordoned";
  const standing = state.accounts.get(device.account)?.standing ?? "good";
  if (standing === "banned") return "account banned";
  if (standing === "restricted" && !isTwin) return "account restricted";
  if (device.state !== "healthy") return `health: ${device.state}`;
  if (seat.left && seat.left.device === device.id && at < seat.left.until && !isGone(state, seat))
    return `left ${Math.round((state.config.cooldown - (seat.left.until - at)) / 1000)} s ago`;
  return undefined;
};

/** Its holder won't come back by itself: where the way back is the only one, a cool-down must not bar it. */
const isGone = (state: RosterState, seat: SeatView): boolean => {
  const holder = seat.holder ? state.devices.get(seat.holder) : undefined;
  return (
    holder !== undefined && stateOf(state, holder) === "failed" && (holder.isFinal || stateOf(state, holder) !== holder.state)
  );
};

// ---- outage ----

/**
 * Many links quiet at once accuse the path, the node or the service. Counted over the masters' linked devices; at least three,
 * because two of two are no crowd. Standbys that are being probed answer within a round trip if it is not an outage. It is over
 * when most are well again: a link that is down by now does not speak either.
 */
const judgeOutage = (state: RosterState, at: Millis): Effect[] => {
  const { of, quiet, down, together } = crowd(state, at);
  if (!state.outage && together >= 3 && quiet * 2 >= of) {
    state.outage = true;
    return [tell("orchestrator", { type: "outage.suspected", quiet, of })];
  }
  if (state.outage && down * 2 < of) {
    state.outage = false;
    return [tell("orchestrator", { type: "outage.over" })];
  }
  return [];
};

/** The masters' linked devices: how many, quiet, not well (but for those that no dial can heal), fallen silent just now. */
export const crowd = (state: RosterState, at: Millis): { of: number; quiet: number; down: number; together: number } => {
  const counts = { of: 0, quiet: 0, down: 0, together: 0 };
  for (const device of state.devices.values()) {
    if (!device.linked || state.accounts.get(device.account)?.role !== "master") continue;
    counts.of++;
    if (!isWell(device.state) && !device.isFinal) counts.down++;
    if (!isQuiet(device)) continue;
    counts.quiet++;
    if (at - (device.quietSince as Millis) <= state.config.togetherWithin) counts.together++;
  }
  return counts;
};
