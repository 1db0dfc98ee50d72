/**
 * How the simulated WhatsApp, its network and our machine behave when nothing is wrong. Milliseconds.
 * The round trip and the stalls are the detector model of FAILOVER.md, appendix A.
 */
import type { Millis } from "../../machines/ports/ids.ts";
import type { Random } from "./random.ts";

export interface Tuning {
  /** TCP, TLS, upgrade and Noise handshake, as a multiple of one round trip. */
  readonly handshakeTrips: number;
  /** Server's time to check a login. */
  readonly login: (random: Random) => Millis;
  /** From `<success>` to the end of the offline queue, besides the queue itself. */
  readonly offlineStart: (random: Random) => Millis;
  readonly roundTrip: (random: Random) => Millis;
  /** Stalls per hour and link that delay everything behind them; 0 for none. Longer ones than `stallCap` are faults, not weather. */
  readonly stallsPerHour: number;
  readonly stallMean: Millis;
  readonly stallCap: Millis;
  /** Server's time to take a message. */
  readonly accept: (random: Random) => Millis;
  /** From the server to a phone, or to a device of another account. */
  readonly deliver: (random: Random) => Millis;
  /** Something unasked for (presence, a status, a notification) comes to a device about this often; 0 for never. */
  readonly chatterMean: Millis;
  /** Our own time to encrypt or decrypt one message. */
  readonly crypto: (random: Random) => Millis;
  /** From the gate to the kernel. */
  readonly write: (random: Random) => Millis;
  /** Baileys' query for the devices of a new recipient is given up after this. */
  readonly lookupTimeout: Millis;
  /** How WhatsApp punishes cold messages: more than `coldPerDay` new chats in 24 h restrict the account for `restrictFor`. */
  readonly coldPerDay: number;
  readonly restrictFor: Millis;
  /** So many refused cold messages while restricted get the account banned. */
  readonly refusalsToBan: number;
  /** First offer and each later one is shown so long, and there are so many of them. */
  readonly firstOfferFor: Millis;
  readonly offerFor: Millis;
  readonly offers: number;
}

const roundTrip = (random: Random): Millis =>
  Math.round(
    random.chance(0.01) ? Math.min(random.pareto(400, 2), 2_500) : Math.min(Math.max(random.lognormal(120, 0.45), 50), 400),
  );

export const defaultTuning: Tuning = {
  handshakeTrips: 3,
  login: (random) => random.int(20, 120),
  offlineStart: (random) => random.int(10, 150),
  roundTrip,
  stallsPerHour: 4,
  stallMean: 600,
  stallCap: 2_500,
  accept: (random) => random.int(1, 20),
  deliver: (random) => Math.round(Math.min(Math.max(random.lognormal(150, 0.5), 30), 3_000)),
  chatterMean: 45_000,
  crypto: (random) => random.int(1, 3),
  write: (random) => random.int(0, 1),
  lookupTimeout: 10_000,
  coldPerDay: 40,
  restrictFor: 24 * 3_600_000,
  refusalsToBan: 20,
  firstOfferFor: 60_000,
  offerFor: 20_000,
  offers: 6,
};
