import type { DeviceId } from "../../machines/ports/ids.ts";
import { flag, oneOf } from "./fields.ts";
import type { FaultBase, FaultRule, Order, Target } from "./rule.ts";
import { forHow, inWords } from "./target.ts";

const ORDERS = [
  "failover",
  "switchover",
  "rebalance",
  "pause",
  "resume",
  "cordon",
  "redial",
  "link",
  "restart",
  "unlink",
] as const;

/**
 * An operator gives an order at the worst moment. `failover`: the seat moves now. `switchover`: it moves once nothing is under way. `pause`: nothing moves by itself. `resume`:
 * whatever holds moves back no longer does. `cordon`: the device may take no seat. `redial`: its link is dialled now. `link`: it is
 * to be linked again, and its owner is there to do it. `restart`: its link is dropped and dialled. `unlink`: it is to be removed from
 * its account; both are refused in earnest while it speaks for a seat. `rebalance`: what waits on the seat's line is shared out again.
 * What lasts is taken back at the end. Seeds draw neither `resume` nor `link`: the liveness phase has a person who does both; nor
 * `restart`, `unlink`, `rebalance`.
 */
export interface Operator extends FaultBase {
  readonly kind: "operator";
  readonly order: (typeof ORDERS)[number];
  /** Gives the order twice in one breath. */
  readonly twice: boolean;
}

export const operator: FaultRule<Operator> = {
  kind: "operator",
  aims: ["seat", "device", "node"],
  fields: { order: oneOf(...ORDERS), twice: flag },
  describe: ({ target, for: span, order, twice }) =>
    `an operator orders ${WORDS[order](inWords(target))}${order === "pause" || order === "cordon" ? ` ${forHow(span)}` : ""}${twice ? ", twice" : ""}`,
  begin({ target, order, twice }, world) {
    const orders = ordersOf(order, target, world.devices(target));
    const heard = (twice ? [...orders, ...orders] : orders).filter((each) => world.order(each)).length;
    if (heard === 0) return null;
    if (order === "pause") return { end: () => void world.order({ kind: "resume" }) };
    if (order !== "cordon") return {};
    return {
      end() {
        for (const each of orders) if (each.kind === "cordon") world.order({ ...each, cordoned: false });
      },
    };
  },
  draw(random, target, at) {
    const order =
      "seat" in target
        ? random.pick(["failover", "switchover"] as const)
        : "node" in target
          ? "pause"
          : random.pick(["cordon", "redial"] as const);
    const lasts = order === "pause" || order === "cordon";
    const span = lasts ? Math.round(random.lognormal(20_000, 0.8)) : 0;
    return { kind: "operator", target, at, for: span, order, twice: random.chance(0.2) };
  },
};

const WORDS = {
  failover: (whom: string) => `another holder in place of ${whom}`,
  switchover: (whom: string) => `that another holder takes ${whom} over`,
  rebalance: (whom: string) => `that what waits on the line of ${whom} is shared out again`,
  pause: () => "a pause of all automatic moves",
  resume: () => "that seats move by themselves again",
  cordon: (whom: string) => `that ${whom} takes no seat`,
  redial: (whom: string) => `a new dial of ${whom}`,
  link: (whom: string) => `that ${whom} be linked again`,
  restart: (whom: string) => `that ${whom} be restarted`,
  unlink: (whom: string) => `that ${whom} be unlinked`,
} as const;

const ordersOf = (order: Operator["order"], target: Target, devices: readonly DeviceId[]): Order[] => {
  switch (order) {
    case "failover":
    case "switchover":
    case "rebalance":
      return "seat" in target ? [{ kind: order, seat: target.seat }] : [];
    case "pause":
      return [{ kind: "pause" }];
    case "resume":
      return [{ kind: "resume" }];
    case "cordon":
      return devices.map((device) => ({ kind: "cordon", device, cordoned: true }));
    case "redial":
    case "link":
    case "restart":
    case "unlink":
      return devices.map((device) => ({ kind: order, device }));
  }
};
