/** What arrives from a linked device, sorted by tag. */
import type { Link } from "./connection.ts";
import type { Device } from "./directory.ts";
import { replayMissed } from "./login.ts";
import { child, type Node } from "./node.ts";
import { handleQuery } from "./queries.ts";
import { acceptReceipt } from "./receipts.ts";
import { registrationStanza } from "./registration.ts";
import { acceptMessage } from "./routing.ts";
import type { Service } from "./service.ts";

export function handleStanza(service: Service, link: Link, node: Node): void {
  const registration = service.registrations.get(link);
  try {
    if (registration) registrationStanza(service, registration, node);
    else if (link.device) deviceStanza(service, link.device, node);
  } catch (error) {
    // One stanza that we cannot read must not take the others along.
    service.log(
      `stanza <${node.tag}> not understood: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
  }
}

function deviceStanza(service: Service, device: Device, node: Node): void {
  switch (node.tag) {
    case "iq":
      handleQuery(service, device, node);
      break;
    case "message":
      acceptMessage(service, device, node);
      break;
    case "receipt":
      acceptReceipt(service, device, node);
      break;
    case "ack":
      device.mailbox.confirm(node.attrs.class ?? "", node.attrs.id, node.attrs.participant ?? node.attrs.to);
      break;
    case "ib":
      if (child(node, "offline_batch")) replayMissed(service, device);
      break;
    default:
      break;
  }
}
