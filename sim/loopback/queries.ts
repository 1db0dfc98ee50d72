/** Everything a client asks with `<iq>` once it is logged in. */
import { answerAppState } from "./app-state.ts";
import type { Device } from "./directory.ts";
import { unlink } from "./devices.ts";
import { answerGroups } from "./groups.ts";
import { becomeActive } from "./login.ts";
import { answerMediaConnection } from "./media.ts";
import { answerMex } from "./mex.ts";
import { child, children, el, type Node, SERVER } from "./node.ts";
import { answerKeys, upload } from "./prekeys.ts";
import type { Service } from "./service.ts";
import { answerUsync } from "./usync.ts";

/** A request that is refused, as the client sees it. */
export class Refusal extends Error {
  readonly code: number;
  constructor(code: number, text: string) {
    super(text);
    this.code = code;
  }
}

type Answer = (service: Service, device: Device, iq: Node) => Node[] | undefined;

const PRIVACY = ["readreceipts", "last", "online", "profile", "status", "groupadd", "calladd"];

const answers: Record<string, Answer> = {
  encrypt: (service, device, iq) => {
    if (child(iq, "count")) return [el("count", { value: String(device.credentials.preKeys.length) })];
    if (child(iq, "digest")) return [el("digest", {}, [])];
    const keys = child(iq, "key");
    if (keys) return [answerKeys(service, keys)];
    if (iq.attrs.type === "set") upload(device, iq);
    return undefined;
  },
  privacy: (_service, _device, iq) =>
    iq.attrs.type === "get"
      ? [
          el(
            "privacy",
            {},
            PRIVACY.map((name) => el("category", { name, value: "all" })),
          ),
        ]
      : undefined,
  abt: () => [el("props", { protocol: "1", hash: "loopback" }, [])],
  blocklist: () => [el("list", {}, [])],
  usync: (service, _device, iq) => {
    const usync = child(iq, "usync");
    return usync && [answerUsync(service, usync)];
  },
  "w:sync:app:state": (service, device, iq) => answerAppState(service, device, iq),
  "w:g2": (service, device, iq) => answerGroups(service, device, iq),
  "w:m": (service) => answerMediaConnection(service),
  "w:mex": (service, device, iq) => answerMex(service, device, iq),
  "w:profile:picture": () => {
    throw new Refusal(404, "item-not-found");
  },
};

export function handleQuery(service: Service, device: Device, iq: Node): void {
  const { id, type, xmlns, to } = iq.attrs;
  if (type !== "get" && type !== "set") return;
  const base = { from: to ?? SERVER, id };
  try {
    const content = answers[xmlns ?? ""]?.(service, device, iq);
    service.transmit(device, content ? el("iq", { ...base, type: "result" }, content) : el("iq", { ...base, type: "result" }));
  } catch (error) {
    const code = error instanceof Refusal ? error.code : 500;
    const text = error instanceof Error ? error.message : String(error);
    service.log(`query ${xmlns ?? ""} of ${device.account.number}:${device.id} refused: ${text}`);
    service.transmit(device, el("iq", { ...base, type: "error" }, [el("error", { code: String(code), text })]));
    return;
  }
  if (xmlns === "passive" && child(iq, "active")) becomeActive(service, device);
  if (xmlns === "md" && children(iq).some((node) => node.tag === "remove-companion-device")) unlink(service, device);
}
