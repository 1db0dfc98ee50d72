/** Seeded numbers, so that a run's latencies can be repeated. The generator is mulberry32 (public domain). */
export type Draw = () => number;

export function seeded(seed: number): Draw {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Milliseconds for one frame in one direction; now and then drawn from the tail. */
export interface Latency {
  /** "out": only what the server sends is late, so that a request and its answer are late once. Default "both". */
  ways?: "both" | "out";
  min: number;
  max: number;
  tailChance?: number;
  tailMaxMs?: number;
}

export function latencyOf(draw: Draw, latency: Latency): Draw {
  return () => {
    const inTail = latency.tailChance !== undefined && draw() < latency.tailChance;
    return inTail
      ? latency.max + draw() * ((latency.tailMaxMs ?? latency.max * 10) - latency.max)
      : latency.min + draw() * (latency.max - latency.min);
  };
}
