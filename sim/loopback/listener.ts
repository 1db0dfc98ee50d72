/** The doors: HTTP and HTTPS on 127.0.0.1, with websocket upgrades, media and the admin pages behind them. */
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { Curve } from "@whiskeysockets/baileys";
import { WebSocketServer } from "ws";
import { certificateChain } from "./certificates.ts";
import { Link, type LinkHandlers } from "./connection.ts";
import type { Dial } from "./faults/rule.ts";
import { login } from "./login.ts";
import { NoiseServer } from "./noise.ts";
import { Registration } from "./registration.ts";
import type { Service } from "./service.ts";
import { handleStanza } from "./stanzas.ts";

/** Nothing here is meant for a network, so nothing else is offered. */
export const HOST = "127.0.0.1";

export interface Doors {
  readonly port: number;
  readonly tlsPort: number | undefined;
  close(): Promise<void>;
}

export interface DoorOptions {
  readonly port: number;
  readonly tls: { readonly port: number; readonly key: string; readonly cert: string } | undefined;
  readonly onRequest: RequestListener;
}

export async function openDoors(service: Service, options: DoorOptions): Promise<Doors> {
  const accept = makeAcceptor(service);
  const plain = createServer(options.onRequest);
  const secure = options.tls && createTlsServer({ key: options.tls.key, cert: options.tls.cert }, options.onRequest);
  const servers: Server[] = secure ? [plain, secure] : [plain];
  const sockets = new Set<Duplex>();
  for (const server of servers) {
    server.on("connection", (socket: Duplex) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
    });
    server.on("upgrade", accept);
  }
  const port = await listen(plain, options.port);
  const tlsPort = secure && (await listen(secure, options.tls?.port ?? 0));
  return {
    port,
    tlsPort,
    close: async () => {
      for (const link of service.links) link.destroy();
      const closed = servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
      for (const socket of sockets) socket.destroy();
      await Promise.all(closed);
    },
  };
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, HOST, () => resolve((server.address() as AddressInfo).port));
  });
}

function makeAcceptor(service: Service): (request: IncomingMessage, socket: Duplex, head: Buffer) => void {
  const statics = Curve.generateKeyPair();
  const certificates = certificateChain(statics.public);
  const upgrader = new WebSocketServer({ noServer: true, perMessageDeflate: false, autoPong: false, skipUTF8Validation: true });
  const handlers = linkHandlers(service);
  return (request, socket, head) => {
    // With the upgrade Node takes its own listener off: a client that resets meanwhile would end this process.
    socket.on("error", () => socket.destroy());
    const dial = readDial(service, request);
    const fate = service.faults.dial(dial);
    if (fate?.kind === "refuse") {
      reset(socket);
      return;
    }
    if (fate) {
      socket.end(`HTTP/1.1 ${fate.status} Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
      return;
    }
    upgrader.handleUpgrade(request, socket, head, (ws) => {
      const link = new Link(ws, socket, dial, new NoiseServer(statics, certificates), handlers);
      service.links.add(link);
      service.reviewFlow(link);
    });
  };
}

function linkHandlers(service: Service): LinkHandlers {
  return {
    introduced: (link, introduction) => {
      if (!introduction.payload.devicePairingData) {
        login(service, link, introduction);
        return;
      }
      const registration = new Registration(link, introduction);
      service.registrations.set(link, registration);
      registration.offer(service);
    },
    stanza: (link, node) => handleStanza(service, link, node),
    waited: (ms) => {
      service.longestStall = Math.max(service.longestStall, ms);
    },
    closed: (link) => {
      service.links.delete(link);
      service.registrations.get(link)?.gone();
      service.registrations.delete(link);
      const { device } = link;
      if (!device || device.link !== link) return;
      device.link = undefined;
      device.stage = "offline";
      service.events.emit("closed", { at: Date.now(), account: device.account.number, device: device.id, link: link.id });
    },
  };
}

/** Who calls, by the hints in the URL. */
function readDial(service: Service, request: IncomingMessage): Dial {
  const query = new URL(request.url ?? "/", "ws://localhost").searchParams;
  const client = query.get("client") ?? undefined;
  const named = query.get("device")?.split(":");
  const device = named?.[0]
    ? { account: named[0], device: Number(named[1] ?? "0") }
    : client === undefined
      ? undefined
      : service.clients.get(client);
  return { hinted: client !== undefined || named !== undefined, client, device };
}

function reset(socket: Duplex & { resetAndDestroy?: () => void }): void {
  try {
    socket.resetAndDestroy?.();
  } catch {
    // TLS: there is no reset to send.
  }
  socket.destroy();
}
