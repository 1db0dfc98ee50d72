/** One POST, over connections that stay open. Redirects are not followed: a signature is for one address. */
import { Agent as HttpAgent, type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { isIP } from "node:net";
import { isDeepStrictEqual } from "node:util";
import type { Millis } from "../../machines/ports/ids.ts";
import { InsideError, isInside, outsideOnly } from "./address.ts";

export interface PosterOptions {
  readonly url: string;
  readonly allowPrivate: boolean;
  /** For all of it: connecting, sending, the answer's head. */
  readonly within: Millis;
  readonly connections: number;
}
export type PostResult = { readonly status: number };

/** Why it was not delivered, without a word about the body. */
export class PostError extends Error {
  /** null: there was no answer. */
  readonly status: number | null;
  constructor(message: string, status: number | null = null) {
    super(message);
    this.name = "PostError";
    this.status = status;
  }
}

/** Where to, and the connections there. */
interface Way {
  readonly url: URL;
  readonly options: PosterOptions;
  readonly agent: HttpAgent;
  /** What has no answer yet. */
  readonly underWay: Set<ClientRequest>;
}

export class Poster {
  #way: Way;
  /** Those that are left, for as long as something is under way there. */
  readonly #left = new Set<Way>();
  #isClosed = false;

  constructor(options: PosterOptions) {
    this.#way = wayOf(options);
  }

  /** What is under way ends where it began; what comes later goes the new way. */
  change(options: PosterOptions): void {
    if (isDeepStrictEqual(options, this.#way.options)) return;
    const old = this.#way;
    this.#way = wayOf(options);
    this.#left.add(old);
    this.#endIfLeft(old);
  }

  /** Resolves for an answer of 2xx. Rejects with PostError. */
  async post(body: string, headers: Readonly<Record<string, string>>): Promise<PostResult> {
    if (this.#isClosed) throw new PostError(BROKEN_OFF);
    const way = this.#way;
    try {
      return await posted(way, body, headers);
    } finally {
      this.#endIfLeft(way);
    }
  }

  /** What is under way is broken off, and nothing is posted any more. */
  close(): void {
    this.#isClosed = true;
    for (const { agent, underWay } of [this.#way, ...this.#left]) {
      // Also those that wait for a connection: the agent would make one for them.
      for (const asked of underWay) asked.destroy(new PostError(BROKEN_OFF));
      agent.destroy();
    }
  }

  #endIfLeft(way: Way): void {
    if (way.underWay.size === 0 && this.#left.delete(way)) way.agent.destroy();
  }
}

const BROKEN_OFF = "it was broken off: the webhook has ended";

const wayOf = (options: PosterOptions): Way => {
  const { connections } = options;
  const url = new URL(options.url);
  const settings = { keepAlive: true, maxSockets: connections, maxFreeSockets: connections };
  const agent = url.protocol === "https:" ? new HttpsAgent(settings) : new HttpAgent(settings);
  return { url, options, agent, underWay: new Set() };
};

const posted = (
  { url, agent, underWay, options: { allowPrivate, within } }: Way,
  body: string,
  headers: Readonly<Record<string, string>>,
): Promise<PostResult> => {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (!allowPrivate && isIP(host) !== 0 && isInside(host)) return Promise.reject(new PostError(new InsideError(host).message));
  const timeout = AbortSignal.timeout(within);
  return new Promise((resolve, reject) => {
    const send = url.protocol === "https:" ? httpsRequest : httpRequest;
    const asked = send(url, {
      method: "POST",
      agent,
      signal: timeout,
      headers: {
        "content-type": "application/json",
        "content-length": Buffer.byteLength(body),
        "user-agent": "greenroom",
        ...headers,
      },
      ...(allowPrivate ? {} : { lookup: outsideOnly }),
    });
    underWay.add(asked);
    asked.on("response", (response: IncomingMessage) => {
      underWay.delete(asked);
      const status = response.statusCode ?? 0;
      // Nobody reads what it says; but it must end for the connection to be used again, and not for ever.
      drained(response);
      if (status >= 200 && status < 300) resolve({ status });
      else reject(new PostError(`it answered ${status}`, status));
    });
    asked.on("error", (error) => {
      underWay.delete(asked);
      reject(error instanceof PostError ? error : new PostError(wordsFor(error, timeout, within)));
    });
    asked.end(body);
  });
};

/** More of an answer than this is not waited for. */
const MAX_ANSWER = 65_536;
const drained = (response: IncomingMessage): void => {
  let size = 0;
  response.on("data", (part: Buffer) => {
    size += part.length;
    if (size > MAX_ANSWER) response.destroy();
  });
  response.on("error", () => undefined);
};

const wordsFor = (error: NodeJS.ErrnoException, timeout: AbortSignal, within: Millis): string => {
  if (timeout.aborted) return `it did not answer within ${within / 1000} s`;
  if (error instanceof InsideError) return error.message;
  return /^[A-Z_]{1,40}$/.test(error.code ?? "") ? `it could not be reached (${error.code})` : "it could not be reached";
};
