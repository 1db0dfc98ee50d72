/** App state: settings that devices of one account share as encrypted patches. The server only stores and numbers them. */
import { proto } from "@whiskeysockets/baileys";
import type { Device } from "./directory.ts";
import { bytes, child, children, el, type Node } from "./node.ts";
import type { Service } from "./service.ts";

export function answerAppState(service: Service, device: Device, iq: Node): Node[] {
  const collections = children(child(iq, "sync"), "collection").map((collection) => {
    const name = collection.attrs.name ?? "";
    const patches = device.account.appState.get(name) ?? [];
    const sent = bytes(child(collection, "patch"));
    if (sent) {
      patches.push(Buffer.from(sent));
      device.account.appState.set(name, patches);
      const version = String(patches.length);
      for (const other of device.account.devices.values()) {
        if (other !== device) service.notify(other, "server_sync", [el("collection", { name, version })]);
      }
      return el("collection", { name, version });
    }
    const missing = patches
      .slice(Number(collection.attrs.version ?? "0"))
      .map((patch, at) => numbered(patch, Number(collection.attrs.version ?? "0") + at + 1));
    const attrs = { name, version: String(patches.length) };
    return missing.length === 0 ? el("collection", attrs) : el("collection", attrs, [el("patches", {}, missing)]);
  });
  return [el("sync", {}, collections)];
}

/** The writer leaves the version out; readers need it. */
function numbered(patch: Buffer, version: number): Node {
  const decoded = proto.SyncdPatch.decode(patch);
  decoded.version = proto.SyncdVersion.create({ version });
  return el("patch", {}, Buffer.from(proto.SyncdPatch.encode(decoded).finish()));
}
