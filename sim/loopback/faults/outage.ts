/** WhatsApp itself is down, whole or for some accounts. */
import { upgrade503, refuse } from "./dials.ts";
import { type Fault, type FaultTarget, linksIn, scopeOf } from "./rule.ts";
import { silentPath } from "./silent-path.ts";
import { el } from "../node.ts";

/** "refusing": links end with 503, dials get HTTP 503. "silent": nothing is answered. "dead": links and dials are reset. */
export type OutageManner = "refusing" | "silent" | "dead";

export function outage(target: FaultTarget, manner: OutageManner): Fault {
  if (manner === "silent") return { ...silentPath(target), kind: "outage" };
  if (manner === "dead") return { ...refuse(target, { cut: true }), kind: "outage" };
  return {
    ...upgrade503(target),
    kind: "outage",
    begin: (service) => {
      for (const link of linksIn(service, scopeOf(target))) link.bye(el("stream:error", { code: "503" }));
    },
  };
}
