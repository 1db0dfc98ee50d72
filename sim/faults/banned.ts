import { oneOf } from "./fields.ts";
import type { FaultBase, FaultRule } from "./rule.ts";
import { forHow, inWords } from "./target.ts";

/** The account is banned: all its links end, and logins fail until it is over. 402 names the end, 406 has none that is told. */
export interface Banned extends FaultBase {
  readonly kind: "banned";
  readonly code: 402 | 406;
}

export const banned: FaultRule<Banned> = {
  kind: "banned",
  aims: ["account", "seat"],
  fields: { code: oneOf(402, 406) },
  describe: ({ target, for: span, code }) => `the account of ${inWords(target)} is banned (${code}) ${forHow(span)}`,
  begin({ target, code }, world, _random, until) {
    const hit = world.devices(target);
    const told = code === 402 && Number.isFinite(until) ? until : null;
    return world.ban(hit, code, told) > 0 ? { end: () => world.pardon(hit) } : null;
  },
  draw: (random, target, at) =>
    random.chance(0.5)
      ? { kind: "banned", target, at, for: Math.round(random.lognormal(120_000, 0.8)), code: 402 }
      : { kind: "banned", target, at, for: "permanent", code: 406 },
};
