/** One POST, over connections that stay open. Redirects are not followed: a signature is for one address. */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { isIP } from "node:net";
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

export class Poster {
  readonly #url: URL;
  readonly #options: PosterOptions;
  readonly #agent: HttpAgent;

  constructor(options: PosterOptions) {
    this.#options = options;
    this.#url = new URL(options.url);
    const settings = { keepAlive: true, maxSockets: options.connections, maxFreeSockets: options.connections };
    this.#agent = this.#url.protocol === "https:" ? new HttpsAgent(settings) : new HttpAgent(settings);
  }

  /** Resolves for an answer of 2xx. Rejects with PostError. */
  post(body: string, headers: Readonly<Record<string, string>>, stop?: AbortSignal): Promise<PostResult> {
    const { allowPrivate, within } = this.#options;
    const host = this.#url.hostname.replace(/^\[|\]$/g, "");
    if (!allowPrivate && isIP(host) !== 0 && isInside(host)) return Promise.reject(new PostError(new InsideError(host).message));
    const timeout = AbortSignal.timeout(within);
    const signal = stop ? AbortSignal.any([timeout, stop]) : timeout;
    return new Promise((resolve, reject) => {
      const send = this.#url.protocol === "https:" ? httpsRequest : httpRequest;
      const asked = send(this.#url, {
        method: "POST",
        agent: this.#agent,
        signal,
        headers: {
          "content-type": "application/json",
          "content-length": Buffer.byteLength(body),
          "user-agent": "greenroom",
          ...headers,
        },
        ...(allowPrivate ? {} : { lookup: outsideOnly }),
      });
      asked.on("response", (response: IncomingMessage) => {
        const status = response.statusCode ?? 0;
        // Nobody reads what it says; but it must end for the connection to be used again, and not for ever.
        drained(response);
        if (status >= 200 && status < 300) resolve({ status });
        else reject(new PostError(`it answered ${status}`, status));
      });
      asked.on("error", (error) => reject(new PostError(wordsFor(error, timeout, within))));
      asked.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

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
