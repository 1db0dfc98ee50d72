/**
 * The connection ends with a code. What the client sees, and what lasts:
 *
 * | code                | on the wire                                   | later logins while the fault lasts |
 * | 428                 | TCP ends or is reset, or `<xmlstreamend/>`    | work                               |
 * | 440                 | stream error, conflict replaced               | work                               |
 * | 401                 | stream error, device removed: it is unlinked  | 401, for ever                      |
 * | 402, 403, 406       | failure; hits the whole account               | the same failure                   |
 * | 411                 | downgrade                                     | the same                           |
 * | 400, 405, 409, 41x  | failure                                       | the same failure                   |
 * | 408, 500, 501, 503, | stream error                                  | work, unless a time was given      |
 * | 515                 |                                               |                                    |
 */
import { unlink } from "../devices.ts";
import { el, type Node } from "../node.ts";
import { devicesIn, type Fault, type FaultTarget, linksIn, type Rule, type Scope, scopeOf } from "./rule.ts";

export interface CloseOptions {
  /** For 428. Default "tcp". */
  readonly how?: "tcp" | "reset" | "xmlstreamend";
  /** For 402: seconds until the ban ends. */
  readonly expireS?: number;
}

const MOMENTARY = new Set([408, 500, 501, 503, 515]);
const ACCOUNT_WIDE = new Set([402, 403, 406]);

export function close(target: FaultTarget, code: number, { how = "tcp", expireS }: CloseOptions = {}): Fault {
  const narrow = scopeOf(target);
  const accountOnly: Scope = typeof target === "object" && "account" in target ? scopeOf({ account: target.account }) : narrow;
  const scope = ACCOUNT_WIDE.has(code) ? accountOnly : narrow;
  const kind = `close-${code}`;
  if (code === 428 || code === 440) {
    return {
      kind,
      once: true,
      rule: {},
      begin: (service) => {
        for (const link of linksIn(service, scope)) {
          if (code === 440) link.bye(REPLACED);
          else if (how === "reset") link.reset();
          else if (how === "xmlstreamend") link.bye(el("xmlstreamend"));
          else link.destroy();
        }
      },
    };
  }
  if (code === 401) {
    return {
      kind,
      once: true,
      rule: {},
      begin: (service) => {
        for (const device of devicesIn(service, scope)) unlink(service, device);
      },
    };
  }
  const word = farewell(code, expireS);
  return {
    kind,
    once: MOMENTARY.has(code),
    rule: refusesLogins(scope, word),
    begin: (service) => sayGoodbye(linksIn(service, scope), word),
  };
}

export const REPLACED: Node = el("stream:error", {}, [el("conflict", { type: "replaced" })]);

function farewell(code: number, expireS: number | undefined): Node {
  if (MOMENTARY.has(code)) return el("stream:error", { code: String(code) });
  if (code === 411) return el("ib", {}, [el("downgrade_webclient")]);
  const expire = code === 402 ? { expire: String(expireS ?? 3600), code: "104" } : {};
  return el("failure", { reason: String(code), location: "loop", ...expire });
}

export const refusesLogins = (scope: Scope, word: Node): Rule => ({
  login: (account, device) => (scope(account, device) ? word : undefined),
});

function sayGoodbye(links: ReturnType<typeof linksIn>, word: Node): void {
  for (const link of links) link.bye(word);
}

/** Logins of clients older than this revision fail with 405; the web page names `named`, by default just that. */
export function outdated(target: FaultTarget, oldest: number, named = oldest): Fault {
  const scope = scopeOf(target);
  const word = farewell(405, undefined);
  return {
    kind: "outdated",
    rule: {
      login: (account, device, revision) => (scope(account, device) && revision < oldest ? word : undefined),
      names: () => named,
    },
  };
}

/** Logins fail with this code; links that are up stay up unless `closes`. */
export function loginRefused(target: FaultTarget, code: number, closes = false): Fault {
  const scope = scopeOf(target);
  return {
    kind: `login-refused-${code}`,
    rule: refusesLogins(scope, farewell(code, undefined)),
    begin: (service) => {
      if (closes) for (const link of linksIn(service, scope)) link.destroy();
    },
  };
}
