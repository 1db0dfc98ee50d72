/**
 * Servants at work: at which posts they stand, under their seat's term, and who inherits what lies there when they fail. Pure.
 *
 * Laws: a post is open only on a well device of its servant, under the present term of its seat; it is closed, its grant gone, and
 * what its queue knows durable, before what lies there is given to others; whatever comes to lie there afterwards goes the same
 * way, until it opens again.
 */
import {
  type AccountId,
  type DeviceId,
  type LineId,
  type Millis,
  postOf,
  type SeatId,
  seatOf,
  type SeatTerm,
  servantOf,
} from "../ports/ids.ts";
import type { LineRow } from "../ports/store.ts";
import { type Effect, type StoreEvent, type Tell, tell } from "../protocol.ts";
import type { RosterState, SeatView } from "./roster/state.ts";

export interface Post {
  readonly id: SeatId;
  readonly seat: SeatId;
  readonly servant: AccountId;
}
export interface WorkInput {
  /** Where servants work, on lines that give them work. */
  readonly posts: readonly Post[];
  /** Others at which something lies: of servants that are gone, or get no work there any more. */
  readonly stray: readonly SeatId[];
  /** How long a servant whose device may heal may be out before others get its work. */
  readonly patience: Millis;
}
export interface PostView extends Post {
  /** The line still gives work to this servant at this seat: only then there is a queue. */
  readonly isKept: boolean;
  open: { readonly device: DeviceId; readonly term: SeatTerm } | null;
  /** The device was well when it was last looked at. */
  isUp: boolean;
  outSince: Millis | null;
  /** The store knows what the queue knows of what lies there; null: the queue is asked. */
  isSettled: boolean | null;
  /** What lay there when it went out has been given to others. */
  isCleared: boolean;
  /** To whom its work went while it was out, as far as that was said. `isCounted`: how much was said too. */
  said: { readonly to: SeatId; readonly isCounted: boolean } | null;
  /** The store is asked, and for whom. `again`: something came to lie there meanwhile. */
  asked: { readonly tag: number; readonly to: SeatId; again: boolean } | null;
  askAfter: Millis;
}

/** Pause before a store that failed is asked again. */
const ASK_AGAIN: Millis = 1_000;

/** Servants are shared out over the seats of their line, in order. */
export const servantsOf = ({ servants }: LineRow, seats: readonly SeatId[], seat: SeatId): readonly AccountId[] =>
  servants.filter((_, index) => index % seats.length === seats.indexOf(seat));

/** Where a servant of the line belongs: its post, if it works there, or else the seat that it follows. */
export const placeOf = ({ lines, seats, posts }: RosterState, id: LineId, servant: AccountId): SeatId | undefined => {
  const line = lines.get(id);
  const own = [...seats.values()].filter((seat) => seat.line === id).map((seat) => seat.id);
  const seat = line && own.find((each) => servantsOf(line, own, each).includes(servant));
  const post = seat && postOf(seat, servant);
  return post && posts.get(post)?.isKept ? post : seat;
};

/** The posts of a line that gives work to its servants. */
export const postsOf = (line: LineRow, seats: readonly SeatId[]): readonly Post[] =>
  seats.flatMap((seat) => servantsOf(line, seats, seat).map((servant) => ({ id: postOf(seat, servant), seat, servant })));

export const postView = (id: SeatId, isKept: boolean): PostView => ({
  id,
  seat: seatOf(id),
  servant: servantOf(id) as AccountId,
  isKept,
  open: null,
  isUp: false,
  outSince: null,
  isSettled: !isKept,
  isCleared: false,
  said: null,
  asked: null,
  askAfter: 0,
});

/** Brings every post to where it should be. `wakeAt`: when time alone changes something. */
export const attend = (state: RosterState, at: Millis): { readonly effects: Effect[]; readonly wakeAt: Millis | null } => {
  const effects: Effect[] = [];
  let wakeAt = Number.POSITIVE_INFINITY;
  for (const post of state.posts.values()) {
    const seat = state.seats.get(post.seat);
    const fitness = seat ? fitnessOf(state, post, seat) : OUT;
    if (fitness.kind === "out") wakeAt = Math.min(wakeAt, retire(state, post, fitness, at, effects));
    else post.outSince = null;
    if (fitness.kind === "unsure") {
      post.isUp = false;
      if (post.open && post.open.term !== seat?.term) effects.push(...close(post, "its seat's term ended"));
    }
    if (fitness.kind === "well" && seat && post.asked === null) effects.push(...stand(post, seat, fitness.device));
  }
  return { effects, wakeAt: Number.isFinite(wakeAt) ? wakeAt : null };
};

type Fitness =
  | { readonly kind: "well"; readonly device: DeviceId }
  /** It may still turn out well: nothing changes. */
  | { readonly kind: "unsure" }
  | { readonly kind: "out"; readonly isFinal: boolean; readonly why: string };
const OUT: Fitness = { kind: "out", isFinal: true, why: "the line gives it no work here any more" };

const fitnessOf = (state: RosterState, post: PostView, seat: SeatView): Fitness => {
  const account = state.accounts.get(post.servant);
  if (!post.isKept || !account) return OUT;
  if (account.standing === "banned") return { kind: "out", isFinal: true, why: "its account is banned" };
  const devices = account.devices.flatMap((id) => state.devices.get(id) ?? []).filter((each) => each.linked && !each.cordoned);
  if (devices.length === 0) return { kind: "out", isFinal: true, why: "it has no linked device that may work" };
  const well = devices.filter((each) => each.state === "healthy" || each.state === "recovering");
  const [first = null] = well;
  if (first) {
    if (seat.holder === null) return { kind: "unsure" };
    return { kind: "well", device: well.find(({ id }) => id === post.open?.device)?.id ?? first.id };
  }
  if (devices.some((each) => each.state !== "failed")) return { kind: "unsure" };
  return { kind: "out", isFinal: devices.every((each) => each.isFinal), why: "its device has failed" };
};

/** Whether a servant may begin conversations at a post: it stands there, and WhatsApp lets its account write to strangers. */
export const mayTakeWork = (state: RosterState, post: PostView): boolean =>
  post.open !== null && post.isUp && state.accounts.get(post.servant)?.standing === "good";

// ---- in service ----

const stand = (post: PostView, { term }: SeatView, device: DeviceId): Tell[] => {
  const { open, isUp, isCleared } = post;
  const isSame = open?.device === device && open.term === term;
  if (isSame && isUp) return [];
  post.open = { device, term };
  post.isUp = true;
  post.isSettled = false;
  post.isCleared = false;
  post.said = null;
  return [
    ...(isSame ? [] : [tell(`servant:${post.servant}`, { type: "seat.granted", seat: post.id, device, term })]),
    tell(`sender:${post.id}`, { type: "sender.open", device, account: post.servant, term }),
    ...(isCleared ? [tell(`queue:${post.id}`, { type: "queue.reload" })] : []),
  ];
};

const close = (post: PostView, why: string): Effect[] => {
  post.open = null;
  post.isUp = false;
  return [
    tell(`sender:${post.id}`, { type: "sender.close", why }),
    tell(`servant:${post.servant}`, { type: "seat.released", seat: post.id }),
  ];
};

// ---- out ----

/** Closes the post, and gives what lies there to others as soon as nobody hopes for the servant any more. */
const retire = (
  state: RosterState,
  post: PostView,
  { isFinal, why }: Extract<Fitness, { kind: "out" }>,
  at: Millis,
  effects: Effect[],
): Millis => {
  // Also where nothing is open here: a predecessor may have opened it.
  if (post.isKept && (post.outSince === null || post.open)) effects.push(...close(post, why));
  post.outSince ??= at;
  const due = Math.max(post.askAfter, isFinal ? 0 : post.outSince + (state.config.work?.patience ?? 0));
  const isOnTheWay = state.reroutes.some(({ from, to }) => from === post.id || to === post.id);
  if (post.isCleared || post.asked || isOnTheWay) return Number.POSITIVE_INFINITY;
  if (at < due) return due;
  if (post.isSettled !== true) {
    if (post.isSettled === false) effects.push(tell(`queue:${post.id}`, { type: "queue.settle" }));
    post.isSettled = null;
    return Number.POSITIVE_INFINITY;
  }
  const to = heirOf(state, post, at, false) ?? post.seat;
  const tag = ++state.asked;
  post.asked = { tag, to, again: false };
  const audit = {
    at,
    actor: "supervisor",
    action: "servant.relieved",
    subject: post.servant,
    text: `what ${post.servant} had to do for ${post.seat} goes to ${servantOf(to) ?? to}: ${why}`,
    evidence: { post: post.id, to },
  };
  effects.push({ op: "store", ask: { op: "post.clear", post: post.id, to, audit }, tag });
  return Number.POSITIVE_INFINITY;
};

/** Another servant of the seat that may begin conversations, or undefined. `mustHaveRoom`: its account's cap must allow one now. */
export const heirOf = (state: RosterState, { id, seat }: Post, at: Millis, mustHaveRoom: boolean): SeatId | undefined => {
  const { allowance } = state.config;
  const hasRoom = ({ servant }: Post): boolean => !mustHaveRoom || !allowance || allowance.nextAt(servant, true, at) <= at;
  return [...state.posts.values()].find(
    (post) => post.seat === seat && post.id !== id && mayTakeWork(state, post) && hasRoom(post),
  )?.id;
};

/** The store has given the post's conversations away, or nobody knows. */
export const onCleared = (state: RosterState, event: StoreEvent<"post.clear">): Effect[] => {
  const post = [...state.posts.values()].find(({ asked }) => asked?.tag === event.tag);
  if (!post?.asked) return [];
  const { to, again } = post.asked;
  post.asked = null;
  // A store that failed may have done it all the same.
  const moved = event.type === "store.failed" ? null : event.answer.moved;
  if (moved === null) post.askAfter = event.at + ASK_AGAIN;
  post.isCleared = moved !== null && !again;
  return [
    ...(post.isKept ? [tell(`queue:${post.id}`, { type: "queue.clear" })] : []),
    // Whatever it was, what has come there was never there before.
    ...(moved === 0 ? [] : [...sayRelieved(post, to, moved), tell(`queue:${to}`, { type: "queue.reload", isAll: true })]),
  ];
};

/** Once for each heir while the servant is out: its quiet conversations follow one by one, as they are written to. */
const sayRelieved = (post: PostView, to: SeatId, moved: number | null): Effect[] => {
  const isCounted = moved !== null;
  if (post.said?.to === to && (post.said.isCounted || !isCounted)) return [];
  post.said = { to, isCounted };
  return [{ op: "event", event: { type: "servant.relieved", subject: post.id, data: { servant: post.servant, to, moved } } }];
};

/** Its queue has nothing under way, and the store knows what became of everything: what others read of it is true. */
export const onSettled = (state: RosterState, id: SeatId): void => {
  const post = state.posts.get(id);
  if (post?.isSettled === null) post.isSettled = true;
};

/** Something was accepted for a post at which nobody stands. */
export const onLeft = (state: RosterState, id: SeatId): void => {
  let post = state.posts.get(id);
  if (!post) {
    post = postView(id, false);
    state.posts.set(id, post);
  }
  post.isCleared = false;
  if (post.asked) post.asked.again = true;
};

// ---- for those who ask ----

/** What a post's queue that was started again has to know: who stands there, or that the roster waits for it. */
export const openingOf = (state: RosterState, id: SeatId): Tell[] => {
  const post = state.posts.get(id);
  if (post?.open) return [tell(`sender:${id}`, { type: "sender.open", account: post.servant, ...post.open })];
  return post?.isSettled === null ? [tell(`queue:${id}`, { type: "queue.settle" })] : [];
};

/** Posts that are open on the device. */
export const postsOn = (state: RosterState, device: DeviceId): readonly SeatId[] => {
  const ids: SeatId[] = [];
  for (const { id, open } of state.posts.values()) if (open?.device === device) ids.push(id);
  return ids;
};
