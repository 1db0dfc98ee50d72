/**
 * The admin pages: what a test in another process, or a person with curl, may ask of the server.
 *
 * | request                              | body                                  | answer                          |
 * | POST /admin/mock-phone/scan-qr       | the QR string; `?number=`             | {number, device}                |
 * | POST /admin/mock-phone/pairing-code  | {number, code}                        | {number, device}                |
 * | GET /admin/state                     |                                       | accounts, connections, faults   |
 * | POST /admin/faults                   | {kind, target, forMs, ...}            | {id, kind, at}                  |
 * | DELETE /admin/faults/:id             |                                       | {id, healed}                    |
 * | POST /admin/person/:number/send      | {to, text, id?} or {group, text}      | {id}                            |
 * | GET /admin/person/:number/received   |                                       | received, arrivals, receipts    |
 *
 * Anything wrong in a request is answered with 400 and a sentence that says what was expected.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { startFault } from "./admin-faults.ts";
import type { Loopback } from "./index.ts";
import { findByQr } from "./registration.ts";
import type { Service } from "./service.ts";

const BODY_LIMIT = 1024 * 1024;

/** A request that is wrong; its message is the answer. */
export class BadRequest extends Error {}

/** The answer, or a promise of it. */
type Handler = (context: Context) => unknown;
interface Context {
  readonly service: Service;
  readonly loopback: Loopback;
  readonly url: URL;
  readonly body: string;
  /** What stood in place of `:name` in the path. */
  readonly argument: string;
}

const routes: ReadonlyArray<readonly [method: string, path: RegExp, handler: Handler]> = [
  ["POST", /^\/admin\/mock-phone\/scan-qr$/, scan],
  ["POST", /^\/admin\/mock-phone\/pairing-code$/, enterCode],
  ["GET", /^\/admin\/state$/, state],
  ["POST", /^\/admin\/faults$/, injectFault],
  ["DELETE", /^\/admin\/faults\/([0-9]+)$/, healFault],
  ["POST", /^\/admin\/account\/([0-9]+)\/new-chats$/, allowNewChats],
  ["POST", /^\/admin\/person\/([0-9]+)\/send$/, send],
  ["GET", /^\/admin\/person\/([0-9]+)\/received$/, received],
];

/** True when the request was one for the admin pages. */
export function serveAdmin(service: Service, loopback: Loopback, request: IncomingMessage, response: ServerResponse): boolean {
  const url = new URL(request.url ?? "/", "http://localhost");
  if (!url.pathname.startsWith("/admin")) return false;
  answer(service, loopback, request, url).then(
    ([status, body]) => reply(response, status, body),
    (error: unknown) => reply(response, 400, { error: error instanceof Error ? error.message : String(error) }),
  );
  return true;
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(`${JSON.stringify(body)}\n`);
}

async function answer(service: Service, loopback: Loopback, request: IncomingMessage, url: URL): Promise<[number, unknown]> {
  const matching = routes.filter(([, path]) => path.test(url.pathname));
  if (matching.length === 0) return [404, { error: `there is no ${url.pathname}; see GET /admin/state and docs/loopback.md` }];
  const route = matching.find(([method]) => method === request.method);
  if (!route) return [405, { error: `${url.pathname} takes ${matching.map(([method]) => method).join(", ")}` }];
  const [, path, handler] = route;
  const body = await read(request);
  return [200, await handler({ service, loopback, url, body, argument: path.exec(url.pathname)?.[1] ?? "" })];
}

async function read(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > BODY_LIMIT) throw new BadRequest(`the body is longer than ${BODY_LIMIT} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

/** A JSON object whose named fields are strings; optional ones end with a question mark. */
function fields(body: string, ...names: string[]): Record<string, string | undefined> {
  const expected = `expected a JSON object with ${names.join(", ")}`;
  const parsed = parseJson(body, expected);
  const found: Record<string, string | undefined> = {};
  for (const name of names) {
    const key = name.replace("?", "");
    const value = parsed[key];
    if (value === undefined && name.endsWith("?")) continue;
    if (typeof value !== "string") throw new BadRequest(`${expected}; "${key}" is ${JSON.stringify(value) ?? "missing"}`);
    found[key] = value;
  }
  return found;
}

export function parseJson(body: string, expected: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch (cause) {
    throw new BadRequest(expected, { cause });
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) throw new BadRequest(expected);
  return { ...parsed };
}

/** Whose phone scans: the one that is named, else the number that the client took as its name, else a new one. */
async function scan({ service, loopback, url, body }: Context): Promise<unknown> {
  const { registration } = findByQr(service, body.trim());
  const named = url.searchParams.get("number") ?? registration.pushName?.replace(/^\+/, "");
  const number = named !== undefined && /^[1-9][0-9]{4,14}$/.test(named) ? named : freshNumber(service);
  return { number, ...(await loopback.account(number).scanQr(body.trim())) };
}

function freshNumber(service: Service): string {
  for (let last = 1; ; last++) {
    const number = `1555000${String(last).padStart(4, "0")}`;
    if (!service.directory.accounts.has(number)) return number;
  }
}

async function enterCode({ loopback, body }: Context): Promise<unknown> {
  const { number = "", code = "" } = fields(body, "number", "code");
  return { number, ...(await loopback.account(number).enterPairingCode(code)) };
}

function state({ service, loopback }: Context): unknown {
  const accounts = [...service.directory.accounts.values()].map(
    ({ number, jid, lid, name, devices, standing, coldSends, warm }) => ({
      number,
      jid,
      lid,
      name,
      restricted: standing.restrictedUntil !== undefined,
      newChatsLeft: Math.max(0, standing.quota - coldSends),
      chats: warm.size,
      devices: [...devices.values()].map(({ id, stage, mailbox, credentials }) => ({
        device: id,
        stage,
        waiting: mailbox.size,
        preKeys: credentials.preKeys.length,
      })),
    }),
  );
  return {
    url: loopback.url,
    tlsUrl: loopback.tlsUrl,
    rootPublicKey: loopback.rootPublicKey.toString("hex"),
    waitingForPhone: [...service.registrations.values()].map(({ pushName, code }) => ({ name: pushName, codeFor: code?.number })),
    accounts,
    connections: loopback.connections(),
    faults: loopback.faults.active().map(({ id, kind, at }) => ({ id, kind, at })),
    groups: [...service.groups.values()].map(({ jid, subject, members }) => ({
      jid,
      subject,
      members: [...members.keys()].map(({ number }) => number),
    })),
  };
}

function injectFault({ loopback, body }: Context): unknown {
  const { id, kind, at } = startFault(
    loopback.faults,
    parseJson(body, 'expected a JSON object like {"kind":"close","target":{"account":"15550001001"},"code":503}'),
  );
  return { id, kind, at };
}

function healFault({ service, argument }: Context): unknown {
  const fault = service.faults.find(Number(argument));
  if (!fault) throw new BadRequest(`no fault ${argument} is active: it is over, or never began`);
  fault.heal();
  return { id: fault.id, healed: true };
}

function allowNewChats({ loopback, body, argument }: Context): unknown {
  const wanted = 'expected a JSON object like {"left":5}';
  const { left } = parseJson(body, wanted);
  if (typeof left !== "number" || !Number.isSafeInteger(left) || left < 0) throw new BadRequest(wanted);
  loopback.account(argument).allowNewChats(left);
  return { number: argument, left };
}

function send({ loopback, body, argument }: Context): unknown {
  const { to, group, text = "", id } = fields(body, "to?", "group?", "text", "id?");
  const person = loopback.person(argument);
  const options = id === undefined ? {} : { id };
  if (group !== undefined) return { id: person.sendGroup(group, text, options) };
  if (to === undefined) throw new BadRequest('expected "to" (a number) or "group" (a jid)');
  return { id: person.send(to, text, options) };
}

function received({ loopback, argument }: Context): unknown {
  const { received: messages, arrivals, receipts, ownCopies, duplicatesSuppressed, rawCount } = loopback.person(argument);
  return { received: messages, arrivals, receipts, ownCopies, duplicatesSuppressed, rawCount };
}
