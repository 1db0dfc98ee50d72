/**
 * Breadth first through every world within the bounds, so that the first counterexample is a shortest one.
 *
 * Kept of a world that was expanded: its key, and how it was reached. "Every seat can be served again" is judged at the end, backwards
 * from the worlds in which all seats are served, over everything that can happen without a further fault.
 */
import { actionsOf, after, type Action } from "./actions.ts";
import { keyOf } from "./abstraction.ts";
import type { Bounds } from "./bounds.ts";
import { deadlock, isHopeless, isServed, violations } from "./properties.ts";
import { type Cast, World } from "./world.ts";

export interface Step {
  readonly name: string;
  readonly text: string;
}
export interface Counterexample {
  readonly property: string;
  readonly steps: readonly Step[];
}
/** So many worlds are gone on from in one go: some milliseconds. */
const PART = 100;
export interface Progress {
  readonly states: number;
  readonly depth: number;
}
export interface Found {
  readonly states: number;
  /** Actions applied, those that led to a known world included. */
  readonly transitions: number;
  /** Length of the longest of the shortest ways. */
  readonly depth: number;
  /** Worlds not entered because too much was on its way. */
  readonly cut: number;
  readonly exhausted: boolean;
  /** Worlds taken for the same of which the successors were compared as well. */
  readonly compared: number;
  readonly counterexample: Counterexample | null;
}

/** One in so many worlds that are taken for the same has its successors compared. */
const COMPARE_EVERY = 50;
const MAX_SETTLING = 1000;

/** Everything up and served, nothing on its way. */
export const settled = (bounds: Bounds, cast: Cast): World => {
  const world = World.begin(bounds, cast);
  world.boot();
  for (let steps = 0; steps < MAX_SETTLING; steps++) {
    const move = actionsOf(world).find(({ name }) => name.startsWith("land ") || name.startsWith("dial "));
    if (!move) return world;
    move.apply(world);
  }
  throw new Error("the explored fleet does not come into service by itself");
};

interface Way {
  readonly from: number;
  readonly step: Step;
}

type Sample = readonly [id: number, world: World, way: Way];

export class Search {
  readonly #bounds: Bounds;
  readonly #cast: Cast;
  readonly #ids = new Map<string, number>();
  readonly #ways: (Way | null)[] = [];
  readonly #depths: number[] = [];
  /** Worlds in which all seats are served, or can't be by anybody. */
  readonly #served: number[] = [];
  /** For each world, from which others it can be reached without a fault. */
  readonly #reachedFrom: number[][] = [];
  /** For each expanded world, what it leads to. */
  readonly #leadsTo: string[] = [];
  /** Worlds that were taken for a known one, to be compared with it once that is expanded. */
  #samples: Sample[] = [];
  #transitions = 0;
  #cut = 0;
  #merged = 0;
  #compared = 0;

  constructor(bounds: Bounds, cast: Cast) {
    this.#bounds = bounds;
    this.#cast = cast;
  }

  /** In small parts, so that whoever watches may show how far it is, or stop. `from`: the world to begin with. */
  *levels(from: World = settled(this.#bounds, this.#cast)): Generator<Progress, Found> {
    this.#enter(keyOf(from), from, null);
    let level: [number, World][] = [[0, from]];
    for (let depth = 0; level.length > 0; depth++) {
      yield { states: this.#ids.size, depth };
      const next: [number, World][] = [];
      for (const [place, [id, world]] of level.entries()) {
        if (place % PART === PART - 1) yield { states: this.#ids.size, depth };
        const counterexample = this.#expand(id, world, next);
        if (counterexample) return this.#found(counterexample, false);
        if (this.#bounds.states !== null && this.#ids.size > this.#bounds.states) return this.#found(null, false);
      }
      const unlike = this.#compare();
      if (unlike) return this.#found(unlike, false);
      level = next;
    }
    return this.#found(this.#stuck(), true);
  }

  run(from?: World): Found {
    const levels = this.levels(from);
    let step = levels.next();
    while (!step.done) step = levels.next();
    return step.value;
  }

  #expand(id: number, world: World, next: [number, World][]): Counterexample | null {
    const actions = actionsOf(world);
    const [stuck] = deadlock(world, actions);
    if (stuck) return { property: stuck, steps: this.#stepsTo(id) };
    const leads: number[] = [];
    for (const action of actions) {
      const reached = after(world, action);
      this.#transitions++;
      if (reached.flights.length > this.#bounds.flights) {
        this.#cut++;
        continue;
      }
      const way = { from: id, step: stepOf(action) };
      const [wrong] = violations(world, reached);
      if (wrong) return { property: wrong, steps: [...this.#stepsTo(id), way.step] };
      const key = keyOf(reached);
      let to = this.#ids.get(key);
      if (to === undefined) {
        to = this.#enter(key, reached, way);
        next.push([to, reached]);
      } else if (++this.#merged % COMPARE_EVERY === 0) this.#samples.push([to, reached, way]);
      leads.push(to);
      if (action.fault === null) this.#reachedFrom[to]?.push(id);
    }
    this.#leadsTo[id] = leads.toSorted(upwards).join();
    return null;
  }

  /** Whether the samples lead where their likes led. */
  #compare(): Counterexample | null {
    const waiting: Sample[] = [];
    for (const sample of this.#samples) {
      const [id, world, way] = sample;
      const expected = this.#leadsTo[id];
      if (expected === undefined) {
        waiting.push(sample);
        continue;
      }
      this.#compared++;
      const leads = actionsOf(world).flatMap((action) => {
        const reached = after(world, action);
        return reached.flights.length > this.#bounds.flights ? [] : [this.#ids.get(keyOf(reached)) ?? -1];
      });
      if (leads.toSorted(upwards).join() !== expected)
        return { property: "worlds with one key behave alike: this one does not", steps: [...this.#stepsTo(way.from), way.step] };
    }
    this.#samples = waiting;
    return null;
  }

  #enter(key: string, world: World, way: Way | null): number {
    const id = this.#ids.size;
    this.#ids.set(key, id);
    this.#ways.push(way);
    this.#depths.push(way ? (this.#depths[way.from] ?? 0) + 1 : 0);
    this.#reachedFrom.push([]);
    if (isServed(world) || isHopeless(world)) this.#served.push(id);
    return id;
  }

  #stepsTo(id: number): Step[] {
    const steps: Step[] = [];
    for (let way = this.#ways[id]; way; way = this.#ways[way.from]) steps.push(way.step);
    return steps.toReversed();
  }

  /** A nearest world from which no way leads to service without a further fault. */
  #stuck(): Counterexample | null {
    const isFine = new Uint8Array(this.#ids.size);
    const open = [...this.#served];
    for (const id of open) isFine[id] = 1;
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      for (const from of this.#reachedFrom[id] ?? []) {
        if (isFine[from]) continue;
        isFine[from] = 1;
        open.push(from);
      }
    }
    const stuck = isFine.indexOf(0);
    if (stuck < 0) return null;
    return {
      property: "every seat can be served again: from here none of the ways leads back to service",
      steps: this.#stepsTo(stuck),
    };
  }

  #found(counterexample: Counterexample | null, exhausted: boolean): Found {
    return {
      states: this.#ids.size,
      transitions: this.#transitions,
      depth: this.#depths.at(-1) ?? 0,
      cut: this.#cut,
      exhausted,
      compared: this.#compared,
      counterexample,
    };
  }
}

const upwards = (one: number, other: number): number => one - other;
const stepOf = ({ name, text }: Action): Step => ({ name, text });
