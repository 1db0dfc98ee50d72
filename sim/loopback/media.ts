/** Media: the client uploads ciphertext over HTTPS and tells the path to others. Kept in memory, whatever it is. */
import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { el, type Node } from "./node.ts";
import type { Service } from "./service.ts";

const LIMIT = 64 * 1024 * 1024;

/** Without TLS listener there is no host to offer: the client insists on https. */
export function answerMediaConnection(service: Service): Node[] {
  const hosts = service.mediaHost ? [el("host", { hostname: service.mediaHost, maxContentLengthBytes: String(LIMIT) })] : [];
  return [el("media_conn", { auth: "loopback", ttl: "3600", auth_ttl: "3600", max_buckets: "12" }, hosts)];
}

/** True when the request was one for media. */
export function serveMedia(service: Service, request: IncomingMessage, response: ServerResponse): boolean {
  const path = new URL(request.url ?? "/", "https://localhost").pathname;
  if (!path.startsWith("/mms/") && !path.startsWith("/media/")) return false;
  if (request.method === "POST") {
    receive(service, request, response);
    return true;
  }
  const found = service.media.get(path);
  response.writeHead(found ? 200 : 404, { "content-type": "application/octet-stream" });
  response.end(found);
  return true;
}

function receive(service: Service, request: IncomingMessage, response: ServerResponse): void {
  const parts: Buffer[] = [];
  let size = 0;
  request.on("data", (part: Buffer) => {
    size += part.length;
    if (size > LIMIT) request.destroy();
    else parts.push(part);
  });
  request.on("end", () => {
    const path = `/media/${randomBytes(16).toString("hex")}`;
    service.media.set(path, Buffer.concat(parts));
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ url: `https://${service.mediaHost ?? "127.0.0.1"}${path}`, direct_path: path }));
  });
}
