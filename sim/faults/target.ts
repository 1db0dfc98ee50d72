import type { Millis } from "../../machines/ports/ids.ts";
import type { FaultWorld, LinkView, Span, Target } from "./rule.ts";

/** In words: "sales-1/a", "the holder of sales/sales-1", "everything". */
export const inWords = (target: Target): string => {
  if ("device" in target) return target.device;
  if ("account" in target) return `account ${target.account}`;
  if ("seat" in target) return `the holder of ${target.seat}`;
  if ("node" in target) return `node ${target.node}`;
  if ("region" in target) return `region ${target.region}`;
  return "everything";
};

export const forHow = (span: Span): string => (span === "permanent" ? "for good" : `for ${seconds(span)}`);

export const seconds = (ms: Millis): string => `${Number((ms / 1000).toFixed(3))} s`;

/** Which links a target means, decided once: the holder of a seat is whoever it was when the fault began. */
export const linkMatcher = (target: Target, world: FaultWorld): ((link: LinkView) => boolean) => {
  if ("all" in target) return () => true;
  if ("node" in target) return (link) => link.node === target.node;
  if ("region" in target) return (link) => link.region === target.region;
  const devices = new Set(world.devices(target));
  return (link) => devices.has(link.device);
};
