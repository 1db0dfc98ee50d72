/** Who must hear that a device was linked or unlinked: whoever may have the account's old device list in its cache. */
import type { Device } from "./directory.ts";
import { el } from "./node.ts";
import type { Service } from "./service.ts";

export function announceDevices(service: Service, changed: Device, what: "add" | "remove"): void {
  const { account } = changed;
  const keyIndex = String(changed.id);
  const content = [
    el(what, { device_hash: "2:loopback" }, [
      el("device", { jid: changed.jid, "key-index": keyIndex }),
      el("device", { jid: changed.lid, "key-index": keyIndex }),
    ]),
  ];
  for (const device of service.directory.devices()) {
    if (device === changed) continue;
    if (device.account === account || device.account.warm.has(account.number))
      service.notify(device, "devices", content, account.jid);
  }
}

/** The account loses this device: its link ends as WhatsApp ends it, and what waited for it is dropped. */
export function unlink(service: Service, device: Device): void {
  if (!device.account.devices.delete(device.id)) return;
  announceDevices(service, device, "remove");
  device.stage = "offline";
  device.link?.bye(el("stream:error", { code: "401" }, [el("conflict", { type: "device_removed" })]));
}
