/** Looking people up: does a number exist, which devices does it have, what is its LID. */
import { parseJid, pnJid } from "./jids.ts";
import { bytes, child, children, el, type Node } from "./node.ts";
import type { Service } from "./service.ts";

/** Answers `<usync>`. A person that was asked for by LID is not told its LID again: the client would store it as its own alias. */
export function answerUsync(service: Service, usync: Node): Node {
  const protocols = children(child(usync, "query")).map((node) => node.tag);
  const users = children(child(usync, "list"), "user").map((user) => answerUser(service, user, protocols));
  const result = el(
    "result",
    {},
    protocols.map((tag) => el(tag)),
  );
  return el("usync", {}, [result, el("list", {}, users)]);
}

function answerUser(service: Service, user: Node, protocols: string[]): Node {
  const phone = bytes(child(user, "contact"))?.toString().replace(/\D/g, "");
  const jid = user.attrs.jid ?? pnJid(phone ?? "");
  const account = service.directory.find(jid);
  const content: Node[] = [];
  for (const protocol of protocols) {
    if (protocol === "contact") content.push(el("contact", { type: account ? "in" : "out" }));
    if (!account) continue;
    if (protocol === "devices") {
      const ids = [...account.devices.keys()];
      const devices = [el("device", { id: "0" }), ...ids.map((id) => el("device", { id: String(id), "key-index": String(id) }))];
      content.push(el("devices", {}, [el("device-list", {}, devices)]));
    }
    if (protocol === "lid" && parseJid(jid)?.domain === "pn") content.push(el("lid", { val: account.lid }));
  }
  return el("user", { jid }, content);
}
