/** One word for how a device is: what operators of other gateways know as the session's status. Their words: docs/api.md. */
import type { DeviceStatus } from "../runtime/control-protocol.ts";

export const DEVICE_STATUSES = [
  "unlinked", // its owner has to link it
  "linking", // a QR or pairing code is on show
  "connecting",
  "online", // sends and receives
  "suspect", // connected, and silent for too long
  "failed", // connected, and given up: its seat has moved, or is about to
  "retrying", // the link ended; it is dialled again after a pause
  "replaced", // the same credentials were opened elsewhere
  "outdated", // WhatsApp refuses this client's version
  "banned", // of its account, for a time or for good
  "loggedOut", // removed from its account: to be linked anew
  "stopped",
] as const;
type Status = (typeof DEVICE_STATUSES)[number];

/** By the state of the connection's chart; a device in service is as well as its health. */
const BY_STATE: Readonly<Record<string, Status>> = {
  unlinked: "unlinked",
  linking: "linking",
  unleased: "connecting",
  waiting: "connecting",
  connecting: "connecting",
  opened: "connecting",
  backingOff: "retrying",
  replaced: "replaced",
  evicted: "replaced",
  outdated: "outdated",
  suspended: "banned",
  banned: "banned",
  wiping: "loggedOut",
  unwiped: "loggedOut",
  loggedOut: "loggedOut",
  stopped: "stopped",
};

export const deviceStatus = ({ state, health, link }: Pick<DeviceStatus, "state" | "health" | "link">): Status => {
  if (state === "serving") {
    if (health === "failed") return "failed";
    return health === "suspect" || health === "repairing" ? "suspect" : "online";
  }
  const status = BY_STATE[state] ?? "stopped";
  // It has asked for its lease, in order to be linked.
  return status === "connecting" && link !== "linked" ? "linking" : status;
};
