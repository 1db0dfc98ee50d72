/**
 * A route is data: method, path, role, schemas, handler. The server, the OpenAPI document, the role test and the fuzzer all read
 * the same table.
 */
import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import type { FailoverRecord } from "../../machines/ports/records.ts";
import type { HealthLog } from "../metrics/health-log.ts";
import type { Arrivals } from "../runtime/arrivals.ts";
import type { ControlHandlers, SendAnswer } from "../runtime/control-protocol.ts";
import type { GroupDesk } from "../runtime/group-desk.ts";
import type { MediaDesk } from "../runtime/media-desk.ts";
import type { SendRequest } from "../runtime/sending.ts";
import type { Views } from "../runtime/views.ts";
import type { ProblemCode } from "./errors.ts";
import type { Wanted } from "./event-streams.ts";
import type { Scope } from "./scope.ts";
import type { ApiStore, KeyRole, KeyRow } from "./store.ts";

/** Who is asking, and what may be asked on their behalf. */
export interface Caller {
  readonly key: KeyRow;
  /** For the audit: `key:NAME`. */
  readonly by: string;
  readonly scope: Scope;
  readonly handlers: ControlHandlers;
  readonly views: Views;
  readonly store: ApiStore;
  readonly arrivals: Arrivals;
  readonly media: MediaDesk;
  readonly groups: GroupDesk;
  /** Of the fleet file as it is. */
  readonly fleetTag: () => string | null;
  /** Nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  /** A page that plays a change of holder; null: too long ago. */
  readonly replay: (record: FailoverRecord) => Promise<string | null>;
  readonly health: HealthLog;
  readonly send: (message: SendRequest) => Promise<SendAnswer>;
  readonly streams: {
    /** From then on the reply is the stream's. */
    open(reply: FastifyReply, wanted: Wanted): void;
  };
  /** Whether the key still counts. */
  readonly isWelcome: () => boolean;
}

type Shape = z.ZodObject;
type Answers = Readonly<Record<number, z.ZodType>>;
/** One of the answers that the route declares. `raw`: no JSON. */
export type Answer<A extends Answers> = {
  readonly [S in keyof A]: {
    readonly status: S;
    readonly body: z.input<A[S]>;
    readonly headers?: Readonly<Record<string, string>>;
  };
}[keyof A];

interface Input<P extends Shape, Q extends Shape, B extends z.ZodType> {
  readonly params: z.output<P>;
  readonly query: z.output<Q>;
  readonly body: z.output<B>;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

interface RouteOf<P extends Shape, Q extends Shape, B extends z.ZodType, A extends Answers> {
  readonly method: "GET" | "POST" | "DELETE";
  /** As OpenAPI writes it: `/v1/seats/{line}/{account}`. */
  readonly path: string;
  readonly id: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  /** The least that a key must be; null: no key is asked for. */
  readonly role: KeyRole | null;
  /** About the whole fleet: a key that is bound to lines is refused. */
  readonly isWhole?: boolean;
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** The body is bytes and no JSON: a stream, or undefined where there is none. */
  readonly takesBytes?: boolean;
  readonly answers: A;
  /** Media types of answers that are no JSON; the schema is then text or bytes. */
  readonly types?: readonly string[];
  /** What it may refuse, besides what every route may. */
  readonly refuses: readonly ProblemCode[];
  /**
   * Of a POST, what an Idempotency-Key does. `stored`: the first answer is given again. `own`: the handler sees to it. A function
   * is `stored`, and takes out of the answer what must not be kept.
   */
  readonly repeats?: "stored" | "own" | ((body: unknown) => unknown);
  readonly handle: (caller: Caller, input: Input<P, Q, B>, reply: FastifyReply) => Promise<Answer<A>> | Answer<A>;
}

/** Of any schemas: for tables. */
export interface Route {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly id: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly role: KeyRole | null;
  readonly isWhole: boolean;
  readonly params: Shape;
  readonly query: Shape;
  readonly body: z.ZodType | null;
  readonly takesBytes: boolean;
  readonly answers: Answers;
  readonly types: readonly string[];
  readonly refuses: readonly ProblemCode[];
  readonly repeats: "stored" | "own" | ((body: unknown) => unknown);
  readonly handle: (
    caller: Caller,
    input: { params: unknown; query: unknown; body: unknown; headers: FastifyRequest["headers"] },
    reply: FastifyReply,
  ) => Promise<Reply> | Reply;
}
export interface Reply {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export const NOTHING = z.strictObject({});
type Nothing = typeof NOTHING;

type Optional = "params" | "query" | "body" | "refuses";
export const route = <A extends Answers, P extends Shape = Nothing, Q extends Shape = Nothing, B extends z.ZodType = Nothing>(
  declared: Omit<RouteOf<P, Q, B, A>, Optional> & Partial<Pick<RouteOf<P, Q, B, A>, Optional>>,
): Route =>
  ({
    isWhole: false,
    takesBytes: false,
    params: NOTHING,
    query: NOTHING,
    body: null,
    types: [],
    refuses: [],
    repeats: "stored",
    ...declared,
  }) as unknown as Route;

export const answer = <const S extends number, T>(
  status: S,
  body: T,
  headers: Readonly<Record<string, string>> = {},
): { readonly status: S; readonly body: T; readonly headers: Readonly<Record<string, string>> } => ({ status, body, headers });
export const ok = <T>(body: T, headers: Readonly<Record<string, string>> = {}) => answer(200, body, headers);
