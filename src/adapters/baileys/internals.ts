/**
 * The one file that reaches past Baileys' typed surface. `socket` is a protected field of its websocket wrapper; what we need of
 * it Baileys does not offer: an end without a closing handshake, and the answer to a refused upgrade.
 * test/adapters/baileys/internals.test.ts fails if a version of Baileys changes what is used here.
 */
import type { WASocket } from "@whiskeysockets/baileys";
import type { ClientRequest, IncomingMessage } from "node:http";
import type WebSocket from "ws";

interface Wrapper {
  socket: WebSocket | null;
  close: () => Promise<void>;
}
const wrapperOf = (sock: WASocket): Wrapper => sock.ws as unknown as Wrapper;

export const rawSocket = (sock: WASocket): WebSocket => {
  const { socket } = wrapperOf(sock);
  if (!socket || typeof socket.terminate !== "function") {
    throw new Error("E_BAILEYS_CHANGED this version of Baileys has no websocket at ws.socket: use the pinned version");
  }
  return socket;
};

/**
 * Node finds out by a failed access whether a key is a key object, and that failure takes a stack trace: three quarters of what it
 * costs to encrypt or decrypt a small frame with Baileys' bare keys. Errors made by `work` in this turn have no stack.
 */
export const withoutStacks = <T>(work: () => T): T => {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return work();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
};

/**
 * Frames are decrypted in the turn in which the socket gives them to its wrapper, and handed on some turns later. Baileys' callbacks
 * for stanzas (`CB:`) answer without looking whether the socket has closed meanwhile, and nobody waits for their promises: such a
 * rejection ends the process. What could not be answered any more is kept from them, and what fails all the same, as a write to a
 * connection that is just being reset does, comes to `failed`.
 */
export const readWithoutStacks = (sock: WASocket, failed: (error: unknown) => void): void => {
  const emit = sock.ws.emit.bind(sock.ws);
  sock.ws.emit = (event: string | symbol, ...args: unknown[]) => {
    if (typeof event === "string" && event.startsWith("CB:")) {
      if (!sock.ws.isOpen || sock.ws.listenerCount(event) === 0) return false;
      for (const listener of sock.ws.rawListeners(event)) {
        Promise.resolve(Reflect.apply(listener, sock.ws, args)).catch(failed);
      }
      return true;
    }
    return event === "message" ? withoutStacks(() => emit(event, ...args)) : emit(event, ...args);
  };
};

/**
 * Makes Baileys' own `end()` immediate: it awaits `ws.close()` before it reports anything, and a silent peer makes that last 30 s.
 */
export const closeAtOnce = (sock: WASocket): void => {
  const socket = rawSocket(sock);
  wrapperOf(sock).close = () => {
    socket.terminate();
    return Promise.resolve();
  };
};

/**
 * Baileys subscribes to `unexpected-response`, which switches off the abort inside `ws`: an upgrade answered with 503 then hangs
 * for ever. Ours takes its place.
 */
export const onRefusedUpgrade = (sock: WASocket, refused: (status: number) => void): void => {
  const socket = rawSocket(sock);
  socket.removeAllListeners("unexpected-response");
  socket.on("unexpected-response", (request: ClientRequest, response: IncomingMessage) => {
    request.destroy();
    refused(response.statusCode ?? 0);
  });
};

/**
 * Ends the socket now, and makes sure that nothing of it is heard, or remembered, any longer.
 * Queries still waiting are rejected at once instead of holding timers until their own deadlines.
 */
export const abandon = (sock: WASocket): void => {
  const socket = rawSocket(sock);
  socket.terminate();
  // Baileys' end() drops the `close` listeners of waiting queries before the socket closes: let them hear it first.
  sock.ws.emit("close");
  sock.ws.removeAllListeners();
  // The wrapper forwards every socket error to itself, and an emitter without an `error` listener throws.
  sock.ws.on("error", () => undefined);
  socket.on("error", () => undefined);
};
