/**
 * Randomness from one seed, split into streams by name. Each purpose (and each device, person, fault) draws from its own, so
 * that what is added or taken away in one place shifts nothing elsewhere: without that, shrinking a run would be useless.
 *
 * Generator: sfc32 (Chris Doty-Humphrey, PractRand), seeded by a 128-bit hash of seed and name.
 */
export interface Random {
  /** In [0, 1), 32 bits of it. */
  float(): number;
  /** In [from, to), for weights and rates. */
  between(from: number, to: number): number;
  /** Whole number in [from, to], both included. */
  int(from: number, to: number): number;
  chance(probability: number): boolean;
  /** Throws on an empty list. */
  pick<T>(list: readonly T[]): T;
  /** A shuffled copy. */
  shuffle<T>(list: readonly T[]): T[];
  exponential(mean: number): number;
  /** `median` is e^mu. */
  lognormal(median: number, sigma: number): number;
  /** From `least` on; the smaller `shape`, the heavier the tail. */
  pareto(least: number, shape: number): number;
}

export interface RandomSource {
  readonly seed: string;
  /** The stream of this name: the same object each time. */
  stream(name: string): Random;
}

export const createRandom = (seed: number | string): RandomSource => {
  const streams = new Map<string, Random>();
  return {
    seed: String(seed),
    stream(name) {
      let stream = streams.get(name);
      if (!stream) {
        stream = new Stream(`${seed}/${name}`);
        streams.set(name, stream);
      }
      return stream;
    },
  };
};

class Stream implements Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor(name: string) {
    [this.#a, this.#b, this.#c, this.#d] = hash128(name);
    for (let i = 0; i < 12; i++) this.#next();
  }

  float(): number {
    return this.#next() / 4_294_967_296;
  }

  between(from: number, to: number): number {
    return from + (to - from) * this.float();
  }

  int(from: number, to: number): number {
    return from + Math.floor(this.float() * (to - from + 1));
  }

  chance(probability: number): boolean {
    return this.float() < probability;
  }

  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new RangeError("nothing to pick from");
    return list[this.int(0, list.length - 1)] as T;
  }

  shuffle<T>(list: readonly T[]): T[] {
    const result = [...list];
    for (let i = result.length - 1; i > 0; i--) {
      const j = this.int(0, i);
      [result[i], result[j]] = [result[j] as T, result[i] as T];
    }
    return result;
  }

  exponential(mean: number): number {
    return -mean * Math.log(1 - this.float());
  }

  /** Box-Muller, one of the pair thrown away: each call takes two draws, whatever was called before. */
  lognormal(median: number, sigma: number): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.float()));
    return median * Math.exp(sigma * radius * Math.cos(2 * Math.PI * this.float()));
  }

  pareto(least: number, shape: number): number {
    return least / (1 - this.float()) ** (1 / shape);
  }

  #next(): number {
    const t = (((this.#a + this.#b) | 0) + this.#d) | 0;
    this.#d = (this.#d + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (this.#c << 21) | (this.#c >>> 11);
    this.#c = (this.#c + t) | 0;
    return t >>> 0;
  }
}

/** cyrb128 (bryc, public domain): good spread from short names. */
const hash128 = (text: string): [number, number, number, number] => {
  let h1 = 1_779_033_703;
  let h2 = 3_144_134_277;
  let h3 = 1_013_904_242;
  let h4 = 2_773_480_762;
  for (let i = 0; i < text.length; i++) {
    const k = text.charCodeAt(i);
    h1 = h2 ^ Math.imul(h1 ^ k, 597_399_067);
    h2 = h3 ^ Math.imul(h2 ^ k, 2_869_860_233);
    h3 = h4 ^ Math.imul(h3 ^ k, 951_274_213);
    h4 = h1 ^ Math.imul(h4 ^ k, 2_716_044_179);
  }
  h1 = Math.imul(h3 ^ (h1 >>> 18), 597_399_067);
  h2 = Math.imul(h4 ^ (h2 >>> 22), 2_869_860_233);
  h3 = Math.imul(h1 ^ (h3 >>> 17), 951_274_213);
  h4 = Math.imul(h2 ^ (h4 >>> 19), 2_716_044_179);
  h1 ^= h2 ^ h3 ^ h4;
  return [h1 >>> 0, (h2 ^ h1) >>> 0, (h3 ^ h1) >>> 0, (h4 ^ h1) >>> 0];
};
