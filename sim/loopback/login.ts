/**
 * From the client's introduction to a live device.
 *
 * | from      | what happens                             | to        |
 * | offline   | login with the right key                 | connected |
 * | connected | the client is active, nothing was missed | live      |
 * | connected | the client is active, stanzas wait       | replaying |
 * | connected | a fault withholds what was missed        | withheld  |
 * | replaying | the client asked for them, all were sent | live      |
 * | any       | the link ends                            | offline   |
 */
import { randomBytes } from "node:crypto";
import type { Link } from "./connection.ts";
import type { Device } from "./directory.ts";
import { REPLACED } from "./faults/close.ts";
import { shareHistory } from "./history.ts";
import { el, type Node, stamp, withAttrs } from "./node.ts";
import type { Introduction } from "./noise.ts";
import type { Service } from "./service.ts";

const failure = (reason: string): Node => el("failure", { reason, location: "loop" });

export function login(service: Service, link: Link, { payload, noiseKey }: Introduction): void {
  const number = String(payload.username ?? "");
  const id = payload.device ?? 0;
  const refusal = service.faults.login(number, id, payload.userAgent?.appVersion?.tertiary ?? 0);
  const device = service.directory.accounts.get(number)?.devices.get(id);
  if (refusal) {
    link.bye(refusal);
    return;
  }
  if (!device?.credentials.noiseKey.equals(noiseKey)) {
    link.bye(failure("401"));
    return;
  }
  if (device.link) replace(service, device, device.link);
  device.link = link;
  device.stage = "connected";
  link.device = device;
  if (link.dial.client !== undefined) service.clients.set(link.dial.client, { account: number, device: id });
  service.reviewFlow(link);
  service.events.emit("opened", { at: Date.now(), account: number, device: id, link: link.id });
  link.send(el("success", { t: stamp(), lid: device.lid, creation: stamp(), props: "1", location: "loop" }));
  const routing = Buffer.concat([Buffer.from([8, 1]), randomBytes(6)]);
  link.send(el("ib", {}, [el("edge_routing", {}, [el("routing_info", {}, routing)])]));
  service.faults.loggedIn(device, link);
}

/** The newer login wins. A link that does not flow could never be told, so it is just cut. */
function replace(service: Service, device: Device, old: Link): void {
  old.device = undefined;
  service.events.emit("closed", { at: Date.now(), account: device.account.number, device: device.id, link: old.id });
  if (old.flows) old.bye(REPLACED);
  else old.destroy();
}

/** The client is ready: first what it missed, then the present. */
export function becomeActive(service: Service, device: Device): void {
  const { link } = device;
  if (!link || device.stage !== "connected") return;
  const fate = service.faults.replay(device);
  if (fate?.kind === "missing") {
    device.stage = "withheld";
    return;
  }
  device.stage = "replaying";
  if (fate) service.faults.after(fate.delayMs, () => offerMissed(service, device, link));
  else offerMissed(service, device, link);
}

function offerMissed(service: Service, device: Device, link: Link): void {
  if (device.link !== link || !link.isOpen) return;
  const { nodes } = device.mailbox.since();
  if (nodes.length === 0) {
    finishReplay(service, device, 0);
    return;
  }
  const count = (tag: string): string => String(nodes.filter((node) => node.tag === tag).length);
  const attrs = {
    count: String(nodes.length),
    message: count("message"),
    receipt: count("receipt"),
    notification: count("notification"),
    appdata: "0",
  };
  link.send(el("ib", {}, [el("offline_preview", attrs)]));
}

/** The client asks for the stanzas that the preview announced. */
export function replayMissed(service: Service, device: Device): void {
  if (device.stage !== "replaying") return;
  const { nodes, upTo } = device.mailbox.since();
  for (const [at, node] of nodes.entries()) service.transmit(device, withAttrs(node, { offline: String(at + 1) }));
  finishReplay(service, device, nodes.length, upTo);
}

function finishReplay(service: Service, device: Device, count: number, upTo = 0): void {
  device.link?.send(el("ib", {}, [el("offline", { count: String(count) })]));
  device.stage = "live";
  if (upTo > 0) for (const node of device.mailbox.since(upTo).nodes) service.transmit(device, node);
  if (device.synced) return;
  device.synced = true;
  shareHistory(service, device).catch((error: unknown) =>
    service.log(`history for ${device.account.number}:${device.id} failed: ${String(error)}`),
  );
}
