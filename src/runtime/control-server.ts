/**
 * Answers `control-protocol.ts` on a Unix socket (0600). Each client is served one request at a time, clients side by side.
 *
 * Bounds: a request of MAX_REQUEST bytes, MAX_CLIENTS at once, `answerWithin` for an answer, `idleFor` between requests. Nothing
 * that a client does ends more than its own connection.
 */
import { chmodSync, lstatSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { z } from "zod";
import { didYouMean } from "../config/index.ts";
import { ControlError, type ControlHandlers, type ControlOp, REQUESTS } from "./control-protocol.ts";

export interface ControlServerOptions {
  readonly path: string;
  readonly handlers: ControlHandlers;
  /** A handler failed for a reason of its own: a bug. The client is told no more than that. */
  readonly onFault?: (op: string, error: unknown) => void;
  readonly answerWithin?: number;
  readonly idleFor?: number;
}
export interface ControlServer {
  readonly path: string;
  /** Answers under way are finished, within `grace` ms; then the socket is gone. */
  close(grace?: number): Promise<void>;
}

export const MAX_REQUEST = 262_144;
export const MAX_CLIENTS = 64;
const ANSWER_WITHIN = 30_000;
const IDLE_FOR = 60_000;
const GRACE = 500;
const PROBE_FOR = 1000;

/**
 * Throws E_ALREADY_RUNNING if another supervisor listens there, E_SOCKET if the socket can't be made. A socket whose supervisor
 * has died is replaced; any other file is left alone. (Of two that start at once, the store's lock lets only one come this far.)
 */
export const serveControl = async (options: ControlServerOptions): Promise<ControlServer> => {
  const { path } = options;
  await clear(path);
  const clients = new Set<Client>();
  // Half-open: who writes a request and shuts the pipe (`echo … | nc -U`) still gets the answer.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const client = new Client(socket, options, clients.size >= MAX_CLIENTS);
    clients.add(client);
    socket.once("close", () => clients.delete(client));
  });
  await listen(server, path);
  return {
    path,
    close: async (grace = GRACE) => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const client of clients) client.finish();
      const timer = setTimeout(() => {
        for (const client of clients) client.abort();
      }, grace);
      await closed;
      clearTimeout(timer);
    },
  };
};

const listen = (server: Server, path: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once("error", (error) => {
      reject(new ControlError("E_SOCKET", `the control socket ${path} can't be made: ${error.message}`, error));
    });
    // The socket is bound within this call: nobody else can open it before its mode is set.
    const mask = process.umask(0o177);
    try {
      server.listen(path, () => {
        chmodSync(path, 0o600);
        resolve();
      });
    } finally {
      process.umask(mask);
    }
  });

const clear = async (path: string): Promise<void> => {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) return;
  if (!found.isSocket())
    throw new ControlError("E_SOCKET", `${path} is there already, and no socket: move it away, or use --socket`);
  if (await isLive(path)) {
    const ways = "ask it with `greenroom status`, or stop it first";
    throw new ControlError("E_ALREADY_RUNNING", `another supervisor answers on ${path}: ${ways}`);
  }
  rmSync(path, { force: true });
};

/** Only a refusal proves that nobody is there. */
const isLive = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(path);
    const done = (live: boolean): void => {
      socket.destroy();
      resolve(live);
    };
    socket.setTimeout(PROBE_FOR, () => done(true));
    socket.once("connect", () => done(true));
    socket.once("error", (error) => done(!("code" in error) || (error.code !== "ECONNREFUSED" && error.code !== "ENOENT")));
  });

class Client {
  readonly #socket: Socket;
  readonly #options: ControlServerOptions;
  #pending: Buffer = Buffer.alloc(0);
  #isBusy = false;
  #isEnding = false;

  constructor(socket: Socket, options: ControlServerOptions, isTooMany: boolean) {
    this.#socket = socket;
    this.#options = options;
    socket.on("error", () => socket.destroy());
    socket.setTimeout(options.idleFor ?? IDLE_FOR, () => {
      if (!this.#isBusy) socket.destroy();
    });
    if (isTooMany) {
      this.#last(new ControlError("E_BUSY", `${MAX_CLIENTS} clients are being served: try again`));
      return;
    }
    socket.on("data", (bytes: Buffer) => {
      this.#pending = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
      this.#next();
    });
    socket.on("end", () => this.finish());
  }

  /** No further requests; the one under way is still answered. */
  finish(): void {
    this.#isEnding = true;
    if (!this.#isBusy) this.#socket.end();
  }
  abort(): void {
    this.#socket.destroy();
  }

  #next(): void {
    if (this.#isBusy) return;
    const end = this.#pending.indexOf(0x0a);
    if (Math.max(end, end < 0 ? this.#pending.length : 0) > MAX_REQUEST) {
      this.#last(new ControlError("E_BAD_REQUEST", `a request is at most ${MAX_REQUEST} bytes`));
    } else if (end < 0) {
      if (this.#isEnding) this.#socket.end();
    } else {
      const line = this.#pending.subarray(0, end).toString("utf8");
      this.#pending = this.#pending.subarray(end + 1);
      this.#isBusy = true;
      this.#socket.pause();
      void this.#serve(line);
    }
  }

  async #serve(line: string): Promise<void> {
    if (line.trim() !== "") {
      const { id, reply } = await answer(line, this.#options);
      await this.#write({ id, ...reply });
    }
    this.#isBusy = false;
    this.#socket.resume();
    this.#next();
  }

  #last(error: ControlError): void {
    this.#socket.removeAllListeners("data");
    this.#socket.end(`${JSON.stringify({ id: null, ...failed(error) })}\n`);
    this.#socket.resume();
  }

  /** Waits until the client has taken it: a client that does not read gets nothing more. */
  #write(document: object): Promise<void> {
    const socket = this.#socket;
    if (socket.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
      socket.once("close", resolve);
      socket.write(`${JSON.stringify(document)}\n`, () => {
        socket.off("close", resolve);
        resolve();
      });
    });
  }
}

type Reply =
  | { readonly ok: true; readonly answer: unknown }
  | { readonly ok: false; readonly error: { code: string; message: string } };
const failed = ({ code, message }: ControlError): Reply => ({ ok: false, error: { code, message } });

const answer = async (line: string, options: ControlServerOptions): Promise<{ id: unknown; reply: Reply }> => {
  let id: unknown = null;
  let op = "";
  try {
    const request = parse(line);
    id = request["id"] ?? null;
    op = typeof request["op"] === "string" ? request["op"] : "";
    const { id: _id, op: _op, ...input } = request;
    return {
      id,
      reply: { ok: true, answer: await within(options.answerWithin ?? ANSWER_WITHIN, call(options.handlers, op, input)) },
    };
  } catch (error) {
    if (error instanceof ControlError) return { id, reply: failed(error) };
    options.onFault?.(op, error);
    return { id, reply: failed(new ControlError("E_INTERNAL", `the supervisor failed to answer ${op}: its log says why`)) };
  }
};

const parse = (line: string): Record<string, unknown> => {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new ControlError("E_BAD_REQUEST", "a request is one JSON object on one line");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new ControlError("E_BAD_REQUEST", "a request is one JSON object on one line");
  return { ...value };
};

/** Checks what is asked, and has it answered. Throws ControlError, and what a handler did not mean to throw. */
export const call = async (handlers: ControlHandlers, op: string, input: unknown): Promise<unknown> => {
  if (!isOp(op)) {
    const known = Object.keys(REQUESTS);
    throw new ControlError(
      "E_BAD_REQUEST",
      `there is no operation "${op.slice(0, 60)}".${didYouMean(op, known)} There are: ${known.join(", ")}`,
    );
  }
  const parsed = REQUESTS[op].safeParse(input);
  if (!parsed.success)
    throw new ControlError("E_BAD_REQUEST", `${op}: ${z.prettifyError(parsed.error).replaceAll(/\s*\n\s*/g, " ")}`);
  const handle = handlers[op] as (request: unknown) => unknown;
  return await handle(parsed.data);
};

const isOp = (op: string): op is ControlOp => Object.hasOwn(REQUESTS, op);

const within = async <T>(limit: number, work: Promise<T>): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new ControlError("E_TIMEOUT", `no result within ${limit / 1000} s`)), limit);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
};
