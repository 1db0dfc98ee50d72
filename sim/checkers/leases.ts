/** Always, where leases end with time: nobody keeps a link for longer than the right to it. */
import type { DeviceId, Millis } from "../../machines/ports/ids.ts";
import type { Fault } from "../faults/catalogue.ts";
import { eventsAmong, type Property } from "./life.ts";
import { overlaps, timelineOf } from "./timeline.ts";

/** A loop that stood still can end nothing. What it missed it makes up for in the turn in which it goes on. */
const STOPPED: ReadonlySet<Fault["kind"]> = new Set(["node-pause", "late-timers", "node-crash"]);

export const linksEndWithLeases: Property = {
  name: "links-end-with-leases",
  says: "a link has ended before its device's lease has, unless the node could not do anything just then; so nobody else can have opened it beside",
  *broken(life) {
    const { lease } = life.plan.fleet.settings;
    if (!lease) return;
    const stops = timelineOf(life).faults.filter(({ fault }) => STOPPED.has(fault.kind));
    const wasStopped = (from: Millis, to: Millis): boolean => stops.some((span) => overlaps(span, from - lease.ttl, to));
    const until = new Map<DeviceId, Millis>();
    const up = new Map<DeviceId, number>();
    const outlived = (device: DeviceId, at: Millis): string | null => {
      const end = until.get(device) ?? 0;
      if (!up.has(device) || at <= end || wasStopped(end, at)) return null;
      return `the link of ${device} was up ${at - end} ms after its lease had ended`;
    };
    for (const event of eventsAmong(life, "lease", "dialled", "dropped", "ended")) {
      if (event.kind === "lease") {
        // Taken again after it had ended: the link was without for so long.
        const text = outlived(event.device, event.at);
        if (text) yield { at: event.at, text };
        until.set(event.device, event.node === null ? event.at : event.until);
      } else if (event.kind === "dialled") up.set(event.device, event.link);
      else if (up.get(event.device) === event.link) {
        const text = outlived(event.device, event.at);
        if (text) yield { at: event.at, text };
        up.delete(event.device);
      }
    }
    for (const device of up.keys()) {
      const text = outlived(device, life.to);
      if (text) yield { at: life.to, text };
    }
  },
};
