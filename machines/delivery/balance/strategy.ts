/**
 * What a strategy is: it names the seat of a line that takes a new conversation. A known conversation keeps its seat; that is the
 * caller's business. A user's own strategy is one of these, and stands beside ours in `strategies`.
 *
 * A policy is deterministic: the same calls in the same order give the same places. It reads no clock and draws nothing.
 */
import type { AccountId, LineId, Millis, SeatId } from "../../ports/ids.ts";

/** Nobody may take it. */
export const NOBODY = -1;

/**
 * A line's seats by place, 0 to `size` - 1, in an order that stays. Nothing here allocates: a line may have a thousand. The
 * columns are for those who look at all seats, and only to be read.
 */
export interface Seats {
  readonly size: number;
  /** Seats that may take a new conversation. */
  readonly eligible: number;
  seat(place: number): SeatId;
  /** The master whose place it is. */
  account(place: number): AccountId;
  /** Its holder is well, and its account may begin conversations. */
  isEligible(place: number): boolean;
  /** What the fleet file gives it, times what its trend leaves of that: above 0. */
  weight(place: number): number;
  /** By place: 1 if it is eligible, else 0. */
  readonly able: Uint8Array;
  /** By place: 1 if it is eligible and its own master speaks for it, not a stand-in with another number. */
  readonly atHome: Uint8Array;
  readonly weights: Float64Array;
  /** The largest weight of an eligible seat; 0: there is none. */
  readonly heaviest: number;
  /** Writes the expected waits, infinite for who is not eligible, and returns the shortest. */
  waits(at: Millis, into: Float64Array): Millis;
  /** How long one more message would wait for WhatsApp's ack: what is before it, the account's pace, how fast the seat answers. */
  expectedWait(place: number, at: Millis): Millis;
}

/** Whose conversation begins. No number, no name. */
export interface Newcomer {
  /** ISO 3166, two letters; null: not known. */
  readonly country: string | null;
  readonly tier: string | null;
  /** A region that whoever sends has named. */
  readonly region: string | null;
}

/** The place of an eligible seat, or NOBODY. */
export type Policy = (seats: Seats, newcomer: Newcomer, at: Millis) => number;

export interface Strategy {
  readonly name: string;
  /** Once for each line, and again when the line's seats are others. What it remembers is in the policy's closure. */
  begin(line: LineBalance, seats: Seats): Policy;
}

export interface Tiers {
  /** Most urgent first. Contacts of no tier come after all of them. */
  readonly tiers: readonly string[];
  /** So many of the line's first masters take nobody else, as long as another seat can. */
  readonly reserved: number;
}

export interface Region {
  readonly name: string;
  /** Whose contacts belong here. */
  readonly countries: readonly string[];
  readonly masters: readonly AccountId[];
  /** To other regions, in any one unit; one way is enough. A region without a distance is farther than any that has one. */
  readonly distances: Readonly<Record<string, number>>;
}
export interface Geography {
  readonly regions: readonly Region[];
  /** Where contacts belong whom no region names; null: anywhere. */
  readonly otherwise: string | null;
}

/** How a line shares out new conversations. */
export interface LineBalance {
  readonly line: LineId;
  /** The same for settings that say the same; left out: all do. */
  readonly gist?: string;
  readonly strategy: string;
  /** In priority order. */
  readonly masters: readonly AccountId[];
  /** The tier of a contact by its address, before what the store knows; null: none is given. */
  readonly tierOf: (to: { readonly lid: string | null; readonly pn: string | null }) => string | null;
  /** Above 0; a master that is not named has 1. */
  readonly weights: Readonly<Record<AccountId, number>>;
  /** Whether trends of latency and errors move the weights. */
  readonly adaptive: boolean;
  readonly priority: Tiers;
  readonly geo: Geography;
}
