/**
 * The reference fault model: how often what goes wrong in a year of an ordinary fleet. Assumptions, not measurements: nobody
 * publishes such figures for WhatsApp's companions. Each is on the pessimistic side of what operators of gateways report, and a
 * recorded log can take the place of any of them.
 *
 * `everyHours`: mean time between two of them for one target (device, account, node) or for the whole fleet; exponential in between.
 */
import type { Random } from "../world/random.ts";
import type { Millis } from "../../machines/ports/ids.ts";
import type { Fault } from "./catalogue.ts";
import type { Target } from "./rule.ts";

export interface Rate {
  readonly per: "device" | "account" | "node" | "fleet";
  readonly everyHours: number;
  readonly why: string;
  readonly make: (random: Random, target: Target, at: Millis) => Fault;
}

const spell = (random: Random, median: Millis, sigma = 0.8): Millis => Math.round(random.lognormal(median, sigma));

export const REFERENCE_MODEL: readonly Rate[] = [
  {
    per: "device",
    everyHours: 48,
    why: "WhatsApp ends a link or TCP drops (428, 500, 503, 515): every other day",
    make: (random, target, at) => ({ kind: "close", target, at, for: 0, code: random.pick([428, 428, 428, 500, 503, 515]) }),
  },
  {
    per: "device",
    everyHours: 24 * 14,
    why: "a link that stays open and carries nothing: a NAT or proxy forgot it, every two weeks",
    make: (_random, target, at) => ({ kind: "half-open-link", target, at, for: "permanent" }),
  },
  {
    per: "account",
    everyHours: 24 * 14,
    why: "the path of one account (its proxy) is silent for half a minute or so, every two weeks",
    make: (random, target, at) => ({ kind: "silent-path", target, at, for: spell(random, 30_000), keeps: random.chance(0.5) }),
  },
  {
    per: "account",
    everyHours: 24 * 30,
    why: "the path of one account is slow for a minute, once a month",
    make: (random, target, at) => ({ kind: "slow", target, at, for: spell(random, 60_000), mean: 400 }),
  },
  {
    per: "device",
    everyHours: 24 * 120,
    why: "sends vanish for a while although the link lives, three times a year",
    make: (random, target, at) => ({ kind: "send-swallowed", target, at, for: spell(random, 30_000), share: 1 }),
  },
  {
    per: "device",
    everyHours: 24 * 365,
    why: "a companion is removed on its phone, once a year; its owner links it again the next day at the latest",
    make: (_random, target, at) => ({ kind: "logged-out", target, at, for: "permanent" }),
  },
  {
    per: "device",
    everyHours: 24 * 365,
    why: "the same credentials are opened elsewhere, once a year",
    make: (_random, target, at) => ({ kind: "replaced", target, at, for: 0, returns: 0 }),
  },
  {
    per: "account",
    everyHours: 24 * 365,
    why: "a number is restricted for hours, once a year",
    make: (random, target, at) => ({
      kind: "restricted",
      target,
      at,
      for: spell(random, 6 * 3_600_000),
      announced: random.chance(0.5),
    }),
  },
  {
    per: "account",
    everyHours: 24 * 730,
    why: "a number is banned, once in two years",
    make: (_random, target, at) => ({ kind: "banned", target, at, for: "permanent", code: 406 }),
  },
  {
    per: "node",
    everyHours: 24 * 30,
    why: "the process dies or is deployed anew, once a month, and is back within seconds",
    make: (random, target, at) => ({
      kind: "node-crash",
      target,
      at,
      for: 0,
      tells: random.chance(0.9),
      downFor: spell(random, 3_000, 0.5),
    }),
  },
  {
    per: "node",
    everyHours: 24 * 7,
    why: "the process stands still for a second (a snapshot, a moved virtual machine), once a week",
    make: (random, target, at) => ({ kind: "node-pause", target, at, for: Math.min(spell(random, 800), 8_000) }),
  },
  {
    per: "node",
    everyHours: 24 * 7,
    why: "a slow disk for some seconds, once a week",
    make: (random, target, at) => ({ kind: "store-slow", target, at, for: spell(random, 10_000), mean: 100 }),
  },
  {
    per: "fleet",
    everyHours: 24 * 45,
    why: "WhatsApp is down for everybody, for some minutes, eight times a year",
    make: (random, target, at) => ({
      kind: "outage",
      target,
      at,
      for: spell(random, 5 * 60_000),
      manner: random.pick(["refusing", "silent"]),
    }),
  },
];
