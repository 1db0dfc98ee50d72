/** What a line's balancing is when nothing is said about it. */
import type { AccountId, LineId } from "../../ports/ids.ts";
import { roundRobin } from "./round-robin.ts";
import type { LineBalance, Tiers } from "./strategy.ts";

export const NO_TIERS: Tiers = { tiers: [], reserved: 0 };

export const balanceOf = (line: LineId, masters: readonly AccountId[], given: Partial<LineBalance> = {}): LineBalance => ({
  line,
  masters,
  tierOf: () => null,
  strategy: roundRobin.name,
  weights: {},
  adaptive: false,
  priority: NO_TIERS,
  geo: { regions: [], otherwise: null },
  ...given,
});
