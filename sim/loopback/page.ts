/** The one script of WhatsApp's web page that clients read: it names the newest revision of the client. */
import { DEFAULT_CONNECTION_CONFIG } from "@whiskeysockets/baileys";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Service } from "./service.ts";

/** True when the request was one for the script. */
export function servePage(service: Service, request: IncomingMessage, response: ServerResponse): boolean {
  if (request.url !== "/sw.js") return false;
  const revision = service.faults.names() ?? DEFAULT_CONNECTION_CONFIG.version[2];
  response.writeHead(200, { "content-type": "application/javascript" });
  response.end(`self.__config = JSON.parse("{\\"server_revision\\":1,\\"client_revision\\":${revision}}");\n`);
  return true;
}
