/**
 * A schedule of faults for one run, all drawn from the seed. Each run has its own mixture: which kinds it knows, how many faults
 * it gets, how they crowd together. A swarm of such runs finds more than many runs of one average mixture (Groce et al., 2012).
 */
import type { AccountId, Millis, NodeId } from "../../machines/ports/ids.ts";
import { seatId } from "../../machines/ports/ids.ts";
import type { FleetDeclaration } from "../../machines/ports/store.ts";
import type { Random } from "../world/random.ts";
import { catalogue, drawFault, type Fault, faultKinds, type FaultKind } from "./catalogue.ts";
import type { Aim, Target } from "./rule.ts";

export interface SwarmOptions {
  readonly declaration: FleetDeclaration;
  readonly nodes: readonly NodeId[];
  readonly regions: readonly string[];
  /** Faults begin within this span. */
  readonly from: Millis;
  readonly to: Millis;
  /** Only these kinds; all unless given. */
  readonly kinds?: readonly FaultKind[];
  /** At most so many; 8 unless given. */
  readonly most?: number;
}

/** In order of time. */
export const drawSwarm = (random: Random, options: SwarmOptions): Fault[] => {
  const { from, to, kinds = faultKinds, most = 8 } = options;
  const mixture = random.shuffle(kinds).slice(0, random.int(1, Math.min(6, kinds.length)));
  const count = random.int(1, most);
  // A third of the runs have their faults within a few seconds of each other, where the interesting interleavings are.
  const span = random.chance(0.67) ? to - from : Math.min(to - from, 15_000);
  const start = random.int(from, to - span);
  const faults = Array.from({ length: count }, () => {
    const kind = random.pick(mixture);
    const aim = aimOf(random, kind);
    return drawFault(kind, random, aimed(random, aim, options), random.int(start, start + span));
  });
  return faults.sort((one, other) => one.at - other.at);
};

/** What takes everything at once teaches little about who stands in for whom: a fifth of those that could hit one device do. */
const WIDE: ReadonlySet<Aim> = new Set(["node", "region", "all"]);
const aimOf = (random: Random, kind: FaultKind): Aim => {
  const { aims } = catalogue[kind];
  const isWide = random.chance(0.2);
  const fitting = aims.filter((aim) => WIDE.has(aim) === isWide);
  return random.pick(fitting.length > 0 ? fitting : aims);
};

const aimed = (random: Random, aim: Aim, { declaration, nodes, regions }: SwarmOptions): Target => {
  const { accounts, lines } = declaration;
  // Masters twice as often as servants: they are what the fleet is about.
  const account = random.pick(random.chance(0.67) ? accounts.filter(({ role }) => role === "master") : accounts);
  switch (aim) {
    case "device":
      return { device: random.pick(account.devices) };
    case "account":
      return { account: account.id };
    case "seat":
      return { seat: random.pick(lines.flatMap(({ id, masters }) => masters.map((master: AccountId) => seatId(id, master)))) };
    case "node":
      return { node: random.pick(nodes) };
    case "region":
      return { region: random.pick(regions) };
    case "all":
      return { all: true };
  }
};
