/** What the roster knows, and the few questions about it that all its parts ask. */
import type { Allowance } from "../../delivery/caps.ts";
import {
  type AccountId,
  accountOf,
  type ConversationId,
  type DeviceId,
  type LineId,
  type MessageId,
  type Millis,
  type SeatId,
  type SeatTerm,
} from "../../ports/ids.ts";
import type { FailoverCause } from "../../ports/records.ts";
import type { LineRow, Role, Standing } from "../../ports/store.ts";
import type { Address, HealthState } from "../../protocol.ts";
import type { Moves } from "../moves.ts";
import type { PostView, WorkInput } from "../posts.ts";

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
  /** When it last failed because nothing that it sent was acknowledged. */
  unansweredAt: Millis | null;
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
  /** When something is due that no event brings. */
  wakeAt: Millis | null;
  /** While most masters' links are out together. `returnedAt`: since when some are well again; null: none is. */
  outage: { readonly returnedAt: Millis | null } | null;
}

export const isWell = (state: HealthState): boolean => state === "healthy" || state === "recovering";

/** WhatsApp lets the account go on with the chats that it has, and begin none. */
export const isRestricted = (state: RosterState, account: AccountId): boolean =>
  beginsNothing(state.accounts.get(account)?.standing ?? "good");

export const beginsNothing = (standing: Standing): boolean => standing === "restricted" || standing === "capped";

/** A banned account speaks for nobody, whatever its links say. */
export const stateOf = (state: RosterState, device: DeviceView): HealthState =>
  state.accounts.get(device.account)?.standing === "banned" && isWell(device.state) ? "failed" : device.state;

/** Whether the device is a candidate of a seat, for who asks about many: among a thousand seats no list of a thousand is made for each. */
export const candidacyOf = (state: RosterState, { id, account }: DeviceView): ((seat: SeatView) => boolean) => {
  const lines = new Set<LineId>();
  for (const { id: line, masters } of state.lines.values()) if (masters.includes(account)) lines.add(line);
  return ({ line, holder }) => holder !== id && lines.has(line);
};

/** Every other device of the line's masters: the holder's twins, then the rest. */
export const candidatesOf = (state: RosterState, seat: SeatView): DeviceView[] => {
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
