/** Always: where WhatsApp refuses our version, one device dials for all. */
import { CANARY_EVERY } from "../../machines/account/dialler.ts";
import type { DeviceId, Millis, NodeId } from "../../machines/ports/ids.ts";
import type { Fault } from "../faults/catalogue.ts";
import type { Recorded } from "../world/ledger.ts";
import { eventsAmong, eventsOf, type Property } from "./life.ts";

/** Clocks of nodes go wrong, and timers fire late: two canaries of one clock may be so much closer. */
const CLOSEST: Millis = (CANARY_EVERY * 2) / 3;
const SEVERAL = 2;
/** A login that is taken is heard of that much later at most: what was refused meanwhile may be forgotten with what was before. */
const HEARD_WITHIN: Millis = 1000;

/** What a node knows of the version since somebody last got in. */
class Refusals {
  readonly refused = new Set<DeviceId>();
  /** A person has asked for these. */
  readonly wanted = new Set<DeviceId>();
  last: { readonly device: DeviceId; readonly at: Millis } | null = null;
  letInAt: Millis = Number.NEGATIVE_INFINITY;

  forget(): void {
    this.refused.clear();
    this.wanted.clear();
    this.last = null;
  }
}

export const oneCanary: Property = {
  name: "one-canary",
  says: "once WhatsApp has refused the version of several devices in a row, one dials each half minute until one gets in",
  *broken(life) {
    if (!eventsOf(life, "ended").some(({ reason }) => reason === "outdated")) return;
    const {
      faults,
      from,
      plan: { liveness },
    } = life;
    // A person dials what is healed, each of them at once.
    const isHealed = (device: DeviceId, at: Millis): boolean =>
      liveness !== null && at >= from + liveness.at && liveness.core.includes(device);
    const nodes = new Map<NodeId, Refusals>();
    const links = new Map<number, NodeId>();
    const unlinked = new Set<DeviceId>();
    const on = (node: NodeId | undefined): Refusals => {
      const known = nodes.get(node as NodeId) ?? new Refusals();
      nodes.set(node as NodeId, known);
      return known;
    };
    for (const event of eventsAmong(life, "node", "loggedIn", "ended", "credentials", "fault", "dialled")) {
      if (event.kind === "node" && event.what === "started") on(event.node).forget();
      else if (event.kind === "loggedIn") {
        const node = on(links.get(event.link));
        node.forget();
        node.letInAt = event.at;
      } else if (event.kind === "ended" && event.reason === "outdated") {
        const node = on(links.get(event.link));
        if (event.at - node.letInAt > HEARD_WITHIN) node.refused.add(event.device);
      } else if (event.kind === "credentials") unlinked[event.state === "linked" ? "delete" : "add"](event.device);
      else if (event.kind === "fault")
        for (const device of wantedBy(event, faults)) for (const node of nodes.values()) node.wanted.add(device);
      if (event.kind !== "dialled") continue;
      links.set(event.link, event.node);
      const { device, at } = event;
      const node = on(event.node);
      if (node.refused.size < SEVERAL || node.wanted.has(device) || unlinked.has(device) || isHealed(device, at)) continue;
      if (node.last && node.last.device !== device && at - node.last.at < CLOSEST)
        yield {
          at,
          text: `${device} dialled ${at - node.last.at} ms after ${node.last.device}, though WhatsApp refuses the version`,
        };
      node.last = { device, at };
    }
  },
};

const wantedBy = (event: Extract<Recorded, { kind: "fault" }>, faults: readonly Fault[]): readonly DeviceId[] => {
  const fault = faults[event.index];
  return fault?.kind === "operator" && (fault.order === "redial" || fault.order === "link") ? event.devices : [];
};
