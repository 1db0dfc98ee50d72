/**
 * Logins to the dashboard. A cookie stands for the API key that was given at the door, and may do what the key may: no more, no longer.
 *
 * They are kept in memory only: after a restart everybody logs in again. What changes something has to come from the dashboard's own
 * pages; a browser says where from, and a page of another site can't change that.
 */
import { createHash, randomBytes } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { FastifyRequest } from "fastify";
import type { Millis } from "../../machines/ports/ids.ts";
import { ApiError } from "./errors.ts";
import type { KeyRing } from "./keys.ts";
import type { KeyRow } from "./store.ts";

/** A working day. */
export const LOGIN_LASTS: Millis = 8 * 3_600_000;
/** The oldest makes room. */
const LOGINS = 1000;

interface Login {
  readonly key: string;
  readonly until: Millis;
}
type Asking = Pick<FastifyRequest, "headers" | "method"> & { readonly socket: { readonly localPort?: number | undefined } };

export class Logins {
  readonly #keys: KeyRing;
  readonly #now: () => Millis;
  readonly #isTls: boolean;
  /** By the digest of the cookie's value: memory that leaks opens nothing. */
  readonly #logins = new Map<string, Login>();

  constructor(keys: KeyRing, { isTls, now }: { isTls: boolean; now: () => Millis }) {
    this.#keys = keys;
    this.#isTls = isTls;
    this.#now = now;
  }

  /** The cookie to be set. */
  open(key: KeyRow, request: Asking): string {
    const value = randomBytes(32).toString("base64url");
    for (const [digest, { until }] of this.#logins) if (until <= this.#now()) this.#logins.delete(digest);
    if (this.#logins.size >= LOGINS) this.#logins.delete(this.#logins.keys().next().value as string);
    this.#logins.set(digestOf(value), { key: key.id, until: this.#now() + LOGIN_LASTS });
    return this.#cookie(request, value, LOGIN_LASTS / 1000);
  }

  /** The cookie that takes the other one away. */
  close(request: Asking): string {
    this.#logins.delete(digestOf(this.#valueIn(request)));
    return this.#cookie(request, "", 0);
  }

  /** Whose login it is; undefined: nobody's, or it has ended. Throws E_FORBIDDEN if another site's page asks for a change. */
  keyOf(request: Asking): KeyRow | undefined {
    const login = this.#logins.get(digestOf(this.#valueIn(request)));
    if (!login || login.until <= this.#now() || !this.#keys.isValid(login.key)) return undefined;
    if (request.method !== "GET") mustBeOwnPage(request.headers);
    return this.#keys.list().find(({ id }) => id === login.key);
  }

  #valueIn(request: Asking): string {
    const name = this.#name(request);
    for (const pair of (request.headers.cookie ?? "").split(/; */))
      if (pair.startsWith(`${name}=`)) return pair.slice(name.length + 1);
    return "";
  }
  /** Cookies know no ports: two supervisors on one machine must not share one. */
  #name({ socket }: Asking): string {
    return `${this.#isTls ? "__Host-" : ""}greenroom-${socket.localPort ?? 0}`;
  }
  #cookie(request: Asking, value: string, seconds: number): string {
    const isSecure = this.#isTls || request.headers["x-forwarded-proto"] === "https";
    return `${this.#name(request)}=${value}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Strict${isSecure ? "; Secure" : ""}`;
  }
}

/** Throws E_FORBIDDEN unless a page of this very address asks. Browsers that trust the connection say it in `Sec-Fetch-Site`. */
export const mustBeOwnPage = (headers: IncomingHttpHeaders): void => {
  const site = headers["sec-fetch-site"];
  if (site !== undefined ? site === "same-origin" : hostIn(headers.origin) === headers.host) return;
  throw new ApiError(
    "E_FORBIDDEN",
    "a login changes things from the dashboard's own pages only, and this request came from elsewhere: send a key instead",
  );
};
const hostIn = (origin: string | undefined): string | null =>
  origin !== undefined && URL.canParse(origin) ? new URL(origin).host : null;

const digestOf = (value: string): string => createHash("sha256").update(value).digest("hex");
