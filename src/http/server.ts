/**
 * The HTTP API: from a request to one of `ROUTES` and back. Headers are judged before a body is read: key, role and rate first, so
 * that strangers can make it read nothing.
 *
 * Bounds: `maxBody` for a body, 16 KiB for headers, ARRIVES_WITHIN for a whole request, ANSWER_WITHIN for an answer, CONNECTIONS
 * at once. Logged are route, status and key; never addresses with their queries, bodies or keys.
 */
import { readFileSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest, type FastifyServerOptions } from "fastify";
import type { Logger } from "pino";
import type { z } from "zod";
import type { Millis } from "../../machines/ports/ids.ts";
import type { AuditDraft } from "../../machines/ports/records.ts";
import { Replays } from "../dashboard/replays.ts";
import type { ApiConfig } from "../config/index.ts";
import { HealthLog } from "../metrics/health-log.ts";
import { watchArrival } from "./arriving.ts";
import type { Arrivals } from "../runtime/arrivals.ts";
import { type ControlParts, controlHandlers } from "../runtime/control.ts";
import { ControlError } from "../runtime/control-protocol.ts";
import { sendOnce } from "../runtime/sending.ts";
import { dashboardPages } from "./dashboard.ts";
import { Logins } from "./dashboard-logins.ts";
import { ApiError, apiErrorOf, badRequest, PROBLEM_TYPE, problemOf } from "./errors.ts";
import type { EventFeed } from "./event-feed.ts";
import { EventStreams, type StreamLimits } from "./event-streams.ts";
import { RateLimit } from "./limits.ts";
import { openPages } from "./pages.ts";
import { Refusals } from "./refusals.ts";
import { Requests } from "./requests.ts";
import { type Caller, NOTHING, type Reply, type Route } from "./route.ts";
import { ROUTES } from "./routes/index.ts";
import { idempotencyKey } from "./routes/messages.ts";
import { Scope } from "./scope.ts";
import { type ApiStore, type KeyRow, ROLES } from "./store.ts";

export interface ApiOptions {
  readonly config: ApiConfig;
  readonly parts: ControlParts;
  readonly store: ApiStore;
  readonly arrivals: Arrivals;
  readonly feed: EventFeed;
  readonly logger: Logger;
  readonly streams?: Partial<StreamLimits>;
  /** Milliseconds that an answer may take. */
  readonly answerWithin?: Millis;
  readonly arrivesWithin?: Millis;
}
export interface Api {
  readonly app: FastifyInstance;
  readonly streams: EventStreams;
  /** Resolves to where it listens. Throws ControlError E_SOCKET. */
  listen(): Promise<string>;
  /** Streams are ended; answers under way are finished, within `grace` ms. */
  close(grace?: Millis): Promise<void>;
}

const ARRIVES_WITHIN: Millis = 10_000;
/** A move waits for its end for 25 s. */
const ANSWER_WITHIN: Millis = 30_000;
/** For an answer to an upload: it has to arrive first. A hundred megabytes over the slowest of lines. */
const UPLOAD_WITHIN: Millis = 21_600_000;
const GRACE: Millis = 1000;
const IDLE_FOR: Millis = 60_000;
const CONNECTIONS = 2000;
/** Requests without a valid key that one address may send. */
const STRANGERS = { perSecond: 5, burst: 50 };
const REFUSALS = new Set(["E_NO_KEY", "E_BAD_KEY", "E_KEY_EXPIRED", "E_KEY_REVOKED", "E_FORBIDDEN", "E_SCOPE", "E_RATE"]);

const HEADERS = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
} as const;

declare module "fastify" {
  interface FastifyRequest {
    /** Whose key it is; null before that is known, and where none is needed. */
    apiKey: KeyRow | null;
  }
  interface FastifyContextConfig {
    route?: Route;
  }
}

export const createApi = (options: ApiOptions): Api => {
  const { config, parts, store, feed, logger } = options;
  const { views, supervisor } = parts;
  const now = (): Millis => views.now();
  const write = (entry: AuditDraft): void => void supervisor.ask("audit.append", { entries: [entry] });
  const refusals = new Refusals(write, now);
  const logins = new Logins(parts.keys, { isTls: config.tls !== null, now });
  const flushing = setInterval(() => refusals.flush(), 60_000);
  flushing.unref();
  const streams = new EventStreams({
    feed,
    read: async (afterSeq, limit) => (await views.ask("events.read", { afterSeq, limit })).rows,
    onCutOff: () => logger.warn("a reader of events was too slow: it was cut off"),
    ...(options.streams ? { limits: options.streams } : {}),
  });
  const headers = { ...HEADERS, ...(config.tls ? { "strict-transport-security": "max-age=31536000" } : {}) };
  const door = new Door(options, new Requests(store, now), logins, streams, headers);
  const app = fastify(serverOptions(options));
  app.server.maxConnections = CONNECTIONS;
  app.decorateRequest("apiKey", null);
  // A body is JSON, or nothing.
  app.removeContentTypeParser("text/plain");
  app.addHook("onRequest", async (request, reply) => {
    void reply.headers(headers);
    door.admit(request);
    watchArrival(request.raw, {
      within: options.arrivesWithin ?? ARRIVES_WITHIN,
      isLarge: request.routeOptions.config.route?.takesBytes === true,
      onSlow: () => hangUp(new SlowRequest(), request.raw.socket),
    });
  });
  app.addHook("onResponse", async (request, reply) => {
    const { route } = request.routeOptions.config;
    logger.debug(
      {
        endpoint: endpointOf(request),
        key: request.apiKey?.id ?? null,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
      },
      route ? "answered" : "answered, without a key",
    );
  });
  app.setErrorHandler((error, request, reply) => {
    const known = apiErrorOf(error);
    if (!known) logger.error({ err: error, endpoint: endpointOf(request) }, "a request could not be answered");
    else if (known.status >= 500)
      logger.warn({ err: known.cause ?? known, endpoint: endpointOf(request) }, "a request was not answered");
    const problem = known ?? new ApiError("E_INTERNAL", "the supervisor failed to answer: its log says why");
    if (REFUSALS.has(problem.code))
      refusals.note({
        code: problem.code,
        endpoint: endpointOf(request),
        key: request.apiKey?.id ?? problem.key,
        address: request.ip,
      });
    return answerProblem(reply, problem);
  });
  app.setNotFoundHandler((request) => {
    throw door.nothingHere(request);
  });
  const dashboard = dashboardPages({
    logins,
    authenticate: (request, secret) => door.authenticate(request, secret),
    note: (entry) => write({ ...entry, at: now() }),
  });
  for (const page of [...openPages(ROUTES), ...dashboard]) app.route(page);
  const add = (to: FastifyInstance, route: Route): void => {
    to.route({
      method: route.method,
      url: route.path.replaceAll(/\{(\w+)\}/g, ":$1"),
      config: { route },
      ...(route.takesBytes ? { handlerTimeout: UPLOAD_WITHIN } : {}),
      handler: (request, reply) => door.answer(route, request, reply),
    });
  };
  for (const route of ROUTES) if (!route.takesBytes) add(app, route);
  // There a body is what it is, and nobody reads it but the handler.
  void app.register(async (bytes) => {
    bytes.removeAllContentTypeParsers();
    bytes.addContentTypeParser("*", (_request, payload, done) => done(null, payload));
    for (const route of ROUTES) if (route.takesBytes) add(bytes, route);
  });
  return {
    app,
    streams,
    listen: async () => {
      try {
        await app.listen({ host: config.host, port: config.port });
      } catch (error) {
        throw new ControlError(
          "E_SOCKET",
          `the API can't listen on ${config.host}:${config.port}: ${error instanceof Error ? error.message : String(error)}. Choose another api.port or api.host`,
          error,
        );
      }
      return addressOf(app.server, config);
    },
    close: async (grace = GRACE) => {
      clearInterval(flushing);
      streams.close();
      // Whoever has connected and says nothing, or is answered for long, holds up no shutdown.
      const cut = setTimeout(() => app.server.closeAllConnections(), grace);
      await app.close();
      clearTimeout(cut);
      refusals.flush();
    },
  };
};

const addressOf = (server: Server, { host, tls }: ApiConfig): string => {
  const { port } = server.address() as AddressInfo;
  return `${tls ? "https" : "http"}://${host.includes(":") ? `[${host}]` : host}:${port}`;
};

const endpointOf = (request: FastifyRequest): string => {
  const { route } = request.routeOptions.config;
  return route ? `${route.method} ${route.path}` : `${request.method} (no endpoint)`;
};

/** Who may come in, and what happens then. */
class Door {
  readonly #options: ApiOptions;
  readonly #requests: Requests;
  readonly #logins: Logins;
  readonly #streams: EventStreams;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #rate: RateLimit;
  readonly #replays: Replays;
  readonly #health = new HealthLog();
  readonly #strangers: RateLimit;
  readonly #paths: readonly { readonly matches: RegExp; readonly method: string }[];

  constructor(
    options: ApiOptions,
    requests: Requests,
    logins: Logins,
    streams: EventStreams,
    headers: Readonly<Record<string, string>>,
  ) {
    this.#options = options;
    this.#requests = requests;
    this.#logins = logins;
    this.#streams = streams;
    this.#headers = headers;
    const now = (): Millis => performance.now();
    const { views, supervisor } = options.parts;
    supervisor.onFact((fact) => this.#health.note(fact));
    this.#replays = new Replays({
      read: async (afterSeq, limit) => (await views.ask("journal.read", { afterSeq, limit })).entries,
      now: () => views.now(),
    });
    this.#rate = new RateLimit(options.config.rateLimit, now);
    this.#strangers = new RateLimit(STRANGERS, now);
    this.#paths = ROUTES.map(({ method, path }) => ({
      method,
      matches: new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+")}$`),
    }));
  }

  /** Throws unless it is a key that counts, now. */
  authenticate(request: FastifyRequest, secret: string | undefined): KeyRow {
    try {
      return this.#options.parts.keys.authenticate(secret);
    } catch (error) {
      this.#count(this.#strangers, request.ip, "this address");
      throw error;
    }
  }

  /** Throws unless the key that is sent, or that of the login, may use the endpoint, now. */
  admit(request: FastifyRequest): void {
    const { route } = request.routeOptions.config;
    if (!route) return;
    const secret = secretIn(request);
    const key = (secret === undefined && this.#logins.keyOf(request)) || this.authenticate(request, secret);
    request.apiKey = key;
    this.#count(this.#rate, key.id, `the key ${key.id}`);
    if (route.role !== null && ROLES.indexOf(key.role) < ROLES.indexOf(route.role))
      throw new ApiError("E_FORBIDDEN", `the key ${key.id} has the role ${key.role}, and this takes ${route.role}`);
    if (route.isWhole && key.lines !== null)
      throw new ApiError("E_SCOPE", `the key ${key.id} is bound to ${key.lines.join(", ")}, and this is about the whole fleet`);
  }

  async answer(route: Route, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> {
    const caller = this.#callerOf(request.apiKey as KeyRow, request);
    const input = {
      params: checked("params", route.params, request.params),
      query: checked("query", route.query, request.query),
      body: bodyOf(route, request),
      headers: request.headers,
    };
    const name = nameIn(request);
    const work = async (): Promise<Reply> => route.handle(caller, input, reply);
    const isStored = route.method === "POST" && route.repeats !== "own" && name !== undefined;
    const { status, body, headers } = isStored
      ? await this.#requests.once(
          { key: caller.key.id, name, what: [route.id, input.params, input.query, input.body] },
          work,
          typeof route.repeats === "function" ? route.repeats : (all) => all,
        )
      : await work();
    // A stream has taken the reply.
    if (reply.sent) return undefined;
    if (headers) void reply.headers(headers);
    return reply.code(status).send(body);
  }

  /** Of an address that no endpoint has: whether another method would do. */
  nothingHere(request: FastifyRequest): ApiError {
    this.#count(this.#strangers, request.ip, "this address");
    const path = request.url.split("?", 1)[0] ?? "";
    const allowed = this.#paths.filter(({ matches }) => matches.test(path)).map(({ method }) => method);
    if (allowed.length === 0) return new ApiError("E_NOT_FOUND", "there is no such endpoint: /docs lists them");
    return new ApiError("E_METHOD", `this endpoint takes ${allowed.join(", ")}`, { headers: { allow: allowed.join(", ") } });
  }

  #callerOf(key: KeyRow, request: FastifyRequest): Caller {
    const { parts, store, arrivals } = this.#options;
    const by = `key:${key.name}`;
    return {
      key,
      by,
      store,
      arrivals,
      media: parts.media,
      groups: parts.groups,
      fleetTag: () => parts.fleet.tag,
      signal: request.signal,
      views: parts.views,
      scope: new Scope(key.lines, () => parts.views.roster()),
      handlers: controlHandlers({ ...parts, by }),
      replay: (record) => this.#replays.page(record),
      health: this.#health,
      send: (message) => sendOnce(parts, message),
      isWelcome: () => (secretIn(request) === undefined ? this.#logins.keyOf(request) !== undefined : parts.keys.isValid(key.id)),
      streams: {
        open: (reply, wanted) => {
          const { raw } = reply;
          this.#streams.open(raw, this.#headers, wanted);
          reply.hijack();
        },
      },
    };
  }

  #count(limit: RateLimit, caller: string, who: string): void {
    const wait = limit.take(caller);
    if (wait === 0) return;
    const seconds = Math.ceil(wait / 1000);
    throw new ApiError("E_RATE", `${who} has sent too many requests: wait ${seconds} s`, {
      headers: { "retry-after": String(seconds) },
    });
  }
}

const secretIn = ({ headers }: FastifyRequest): string | undefined => {
  const bearer = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? "")?.[1];
  return bearer ?? (headers.authorization === undefined ? one(headers["x-api-key"]) : "");
};
const one = (header: string | string[] | undefined): string | undefined => (Array.isArray(header) ? header[0] : header);

const nameIn = ({ headers }: FastifyRequest): string | undefined => {
  const given = one(headers["idempotency-key"]);
  if (given === undefined) return undefined;
  const parsed = idempotencyKey.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new ApiError("E_BAD_REQUEST", `headers.idempotency-key: ${parsed.error.issues[0]?.message ?? "wrong"}`);
};

const checked = <T extends z.ZodType>(where: "params" | "query" | "body", schema: T, value: unknown): z.output<T> => {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw badRequest(where, parsed.error);
};

const bodyOf = (route: Route, { body }: FastifyRequest): unknown => {
  if (route.takesBytes) return body;
  return route.method === "POST" ? checked("body", route.body ?? NOTHING, body ?? {}) : undefined;
};

const answerProblem = (reply: FastifyReply, problem: ApiError): FastifyReply =>
  reply
    .headers(problem.headers)
    .code(problem.status)
    .type(PROBLEM_TYPE)
    .send(JSON.stringify(problemOf(problem)));

const serverOptions = ({ config, answerWithin, arrivesWithin = ARRIVES_WITHIN }: ApiOptions): FastifyServerOptions => {
  const http = {
    headersTimeout: Math.min(arrivesWithin, 5000),
    // A body has limits of its own: see arriving.ts.
    requestTimeout: 0,
    connectionsCheckingInterval: Math.min(1000, arrivesWithin),
    maxHeaderSize: 16_384,
  };
  const options = {
    logger: false,
    bodyLimit: config.maxBody,
    requestTimeout: 0,
    keepAliveTimeout: IDLE_FOR,
    connectionTimeout: IDLE_FOR,
    handlerTimeout: answerWithin ?? ANSWER_WITHIN,
    exposeHeadRoutes: false,
    forceCloseConnections: "idle",
    routerOptions: { maxParamLength: 600 },
    clientErrorHandler: hangUp,
    frameworkErrors: (error: Error, _request: FastifyRequest, reply: FastifyReply) => {
      void reply.headers(HEADERS);
      answerProblem(reply, apiErrorOf(error) ?? new ApiError("E_BAD_REQUEST", "the address is not well-formed"));
    },
  };
  return {
    ...options,
    ...(config.tls ? { https: { ...http, ...tlsFiles(config.tls), minVersion: "TLSv1.2" } } : { http }),
  } as unknown as FastifyServerOptions;
};

const tlsFiles = ({ cert, key }: NonNullable<ApiConfig["tls"]>): { cert: Buffer; key: Buffer } => {
  const read = (setting: string, file: string): Buffer => {
    try {
      return readFileSync(file);
    } catch (error) {
      throw new ControlError(
        "E_SOCKET",
        `api.tls.${setting}: ${file} can't be read: ${error instanceof Error ? error.message : String(error)}`,
        error,
      );
    }
  };
  return { cert: read("cert", cert), key: read("key", key) };
};

class SlowRequest extends Error {
  readonly code = "ERR_HTTP_REQUEST_TIMEOUT";
}
const TOO_SLOW: ReadonlySet<string> = new Set(["ERR_HTTP_REQUEST_TIMEOUT"]);
/** What came was no request: one answer, and the line is dead. */
const hangUp = (error: Error & { code?: string }, socket: Socket): void => {
  if (error.code === "ECONNRESET" || socket.destroyed || !socket.writable) return void socket.destroy();
  const code = TOO_SLOW.has(error.code ?? "")
    ? "E_SLOW"
    : error.code === "HPE_HEADER_OVERFLOW"
      ? "E_HEADERS_TOO_LARGE"
      : "E_BAD_REQUEST";
  const problem = problemOf(
    new ApiError(code, code === "E_SLOW" ? "the request did not arrive in time" : "this is no HTTP request that is understood"),
  );
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${problem.status} ${problem.title}\r\nConnection: close\r\nContent-Type: ${PROBLEM_TYPE}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  socket.destroySoon();
};
