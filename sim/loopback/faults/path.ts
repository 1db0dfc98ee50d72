/** Paths that still carry something: slowly, in steps, or in one direction. */
import { FREE, HELD } from "../lane.ts";
import { type Draw, type Latency, latencyOf } from "../random.ts";
import { type Fault, type FaultTarget, linkIn, scopeOf } from "./rule.ts";

export interface SlowOptions {
  readonly minMs: number;
  readonly maxMs: number;
  readonly tailChance?: number;
  readonly tailMaxMs?: number;
}

/** Each frame takes longer, in each direction, in place of the usual latency. */
export function slow(target: FaultTarget, { minMs, maxMs, ...tail }: SlowOptions, draw: Draw): Fault {
  const scope = scopeOf(target);
  const latency: Latency = { min: minMs, max: maxMs, ...tail };
  const flow = { held: false, delay: latencyOf(draw, latency) };
  return {
    kind: "slow",
    rule: { flow: (link) => (linkIn(scope, link, target) ? { inbound: flow, outbound: flow } : undefined) },
  };
}

/** TCP repeats a lost packet after this long, and waits twice as long for each further loss (RFC 6298). */
const FIRST_REPEAT_MS = 200;
const LONGEST_MS = 20_000;

/** Packets are lost at this rate. TCP loses no bytes, so what a client sees is frames that come late, in steps. */
export function lossy(target: FaultTarget, rate: number, draw: Draw, usual: Draw | undefined): Fault {
  const scope = scopeOf(target);
  const delay = (): number => {
    let late = usual ? usual() : 0;
    for (let wait = FIRST_REPEAT_MS; late < LONGEST_MS && draw() < rate; wait *= 2) late += wait;
    return late;
  };
  const flow = { held: false, delay };
  return {
    kind: "lossy",
    rule: { flow: (link) => (linkIn(scope, link, target) ? { inbound: flow, outbound: flow } : undefined) },
  };
}

/** One direction is dead, as the device sees it. "in": it hears nothing. "out": it is not heard. */
export function oneWay(target: FaultTarget, dead: "in" | "out", usual: Draw | undefined): Fault {
  const scope = scopeOf(target);
  const alive = usual ? { held: false, delay: usual } : FREE;
  const lanes = dead === "in" ? { inbound: alive, outbound: HELD } : { inbound: HELD, outbound: alive };
  return { kind: "one-way", rule: { flow: (link) => (linkIn(scope, link, target) ? lanes : undefined) } };
}
