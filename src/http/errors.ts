/** What the API refuses, as problem documents (RFC 9457) with codes that do not change. */
import { z } from "zod";
import { StoreError } from "../adapters/sqlite/errors.ts";
import { ControlError, type ControlErrorCode } from "../runtime/control-protocol.ts";

/** Status and title of each code. What the control socket also says has the same code here. */
export const PROBLEMS = {
  E_BAD_REQUEST: [400, "A field is wrong"],
  E_BAD_JSON: [400, "The body is no JSON"],
  E_NO_KEY: [401, "A key is needed"],
  E_BAD_KEY: [401, "The key is not known"],
  E_KEY_EXPIRED: [401, "The key has expired"],
  E_KEY_REVOKED: [401, "The key was revoked"],
  E_FORBIDDEN: [403, "The key's role does not allow this"],
  E_SCOPE: [403, "The key's lines do not allow this"],
  E_NOT_FOUND: [404, "There is nothing here"],
  E_UNKNOWN_SEAT: [404, "There is no such seat"],
  E_UNKNOWN_LINE: [404, "There is no such line"],
  E_UNKNOWN_ACCOUNT: [404, "There is no such account"],
  E_UNKNOWN_DEVICE: [404, "There is no such device"],
  E_UNKNOWN_MESSAGE: [404, "There is no such message"],
  E_UNKNOWN_SUBJECT: [404, "There is no seat, account, device or line of that name"],
  E_UNKNOWN_CONVERSATION: [404, "There is no such conversation"],
  E_UNKNOWN_FAILOVER: [404, "There is no such failover"],
  E_NO_JOURNAL: [404, "The journal does not reach back so far"],
  E_UNKNOWN_ALERT: [404, "There is no such alert"],
  E_UNKNOWN_SILENCE: [404, "There is no such silence"],
  E_UNKNOWN_CHANNEL: [404, "There is no such channel"],
  E_UNKNOWN_KEY: [404, "There is no such key"],
  E_UNKNOWN_WEBHOOK: [404, "There is no such webhook"],
  E_NO_OFFER: [404, "There is nothing to scan or to enter at present"],
  E_METHOD: [405, "Not with this method"],
  E_NOT_ACCEPTABLE: [406, "Not in this form"],
  E_SLOW: [408, "The request took too long to arrive"],
  E_REFUSED: [409, "Not possible at present"],
  E_UNDER_WAY: [409, "The same request is under way"],
  E_OUTCOME_UNKNOWN: [409, "Nobody knows how the same request ended"],
  E_CHANGED: [412, "It has changed since it was read"],
  E_TOO_LARGE: [413, "The request is too large"],
  E_URI_TOO_LONG: [414, "The address is too long"],
  E_MEDIA_TYPE: [415, "The body has to be JSON"],
  E_KEY_REUSED: [422, "The Idempotency-Key belongs to another request"],
  E_FULL: [429, "The line's outbox is full"],
  E_RATE: [429, "Too many requests"],
  E_HEADERS_TOO_LARGE: [431, "The headers are too large"],
  E_INTERNAL: [500, "A bug: the log says more"],
  E_STORE: [503, "The store did not do it"],
  E_UNREACHABLE: [503, "WhatsApp did not answer"],
  E_BUSY: [503, "Too much at once"],
  E_TIMEOUT: [504, "No result in time"],
} as const satisfies Readonly<Record<string, readonly [number, string]>>;
export type ProblemCode = keyof typeof PROBLEMS;

export const PROBLEM_TYPE = "application/problem+json";
export const problemSchema = z
  .strictObject({
    type: z.string().describe("Where the code is explained."),
    title: z.string(),
    status: z.int(),
    code: z.enum(Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]]),
    detail: z.string().describe("What happened, to whom, and what to do next."),
    errors: z
      .array(z.strictObject({ path: z.string(), message: z.string() }))
      .optional()
      .describe("Each field that is wrong."),
  })
  .meta({ id: "Problem" });
type Problem = z.output<typeof problemSchema>;

export class ApiError extends Error {
  readonly code: ProblemCode;
  readonly headers: Readonly<Record<string, string>>;
  readonly errors: Problem["errors"];
  /** Of the key that was refused, for the audit. */
  readonly key: string | null;

  constructor(
    code: ProblemCode,
    message: string,
    {
      headers = {},
      errors,
      cause,
      key = null,
    }: { headers?: Record<string, string>; errors?: Problem["errors"]; cause?: unknown; key?: string | null } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "ApiError";
    this.code = code;
    this.headers = headers;
    this.errors = errors;
    this.key = key;
  }
  get status(): number {
    return PROBLEMS[this.code][0];
  }
}

export const problemOf = (error: ApiError): Problem => {
  const [status, title] = PROBLEMS[error.code];
  return {
    type: `/docs#${error.code}`,
    title,
    status,
    code: error.code,
    detail: error.message,
    ...(error.errors ? { errors: error.errors } : {}),
  };
};

/** Fields by their path, in a shape that shows nothing of what was sent. */
export const badRequest = (where: "params" | "query" | "body" | "headers", error: z.ZodError): ApiError => {
  const wrong = error.issues.map((issue) => waysOf(issue, [where]));
  const first = (wrong[0] ?? []).flatMap((way) => way.slice(0, 1)).map(({ path, message }) => `${path}: ${message}`);
  return new ApiError("E_BAD_REQUEST", first.join("; or ") || "a field is wrong", { errors: wrong.flat(2) });
};

interface WrongField {
  readonly path: string;
  readonly message: string;
}
/** Where there is a choice: what is against the way that was meant, which is the one with the least against it; of equals, each. */
const waysOf = (issue: z.core.$ZodIssue, above: readonly string[]): readonly (readonly WrongField[])[] => {
  const path = [...above, ...issue.path.map(String)];
  if (issue.code !== "invalid_union" || issue.errors.length === 0)
    return [[{ path: path.join(".").slice(0, 200), message: issue.message.slice(0, 300) }]];
  const least = Math.min(...issue.errors.map(({ length }) => length));
  return issue.errors.filter(({ length }) => length === least).map((way) => way.flatMap((each) => waysOf(each, path).flat()));
};

/** Codes of the control socket that mean something else, or nothing, to a client of the API. */
const RENAMED: Partial<Readonly<Record<ControlErrorCode, ProblemCode>>> = { E_NOT_RUNNING: "E_BUSY" };

const CODES_OF_FASTIFY: Readonly<Record<string, readonly [ProblemCode, string]>> = {
  FST_ERR_CTP_INVALID_JSON_BODY: ["E_BAD_JSON", "the body is no JSON"],
  FST_ERR_CTP_EMPTY_JSON_BODY: ["E_BAD_JSON", "the body is empty, and its type says JSON"],
  FST_ERR_CTP_BODY_TOO_LARGE: ["E_TOO_LARGE", "the body is larger than api.maxBody allows"],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ["E_MEDIA_TYPE", "a body has to be JSON, and say so: Content-Type: application/json"],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ["E_BAD_REQUEST", "the body is not as long as Content-Length says"],
  FST_ERR_BAD_URL: ["E_BAD_REQUEST", "the address is not well-formed"],
  FST_ERR_MAX_PARAM_LENGTH: ["E_URI_TOO_LONG", "a part of the address is too long"],
  FST_ERR_ASYNC_CONSTRAINT: ["E_BAD_REQUEST", "the address is not well-formed"],
  FST_ERR_HANDLER_TIMEOUT: ["E_TIMEOUT", "there was no result in time; it may still come about: look before you ask again"],
};

/** undefined: nobody meant to throw this. */
export const apiErrorOf = (error: unknown): ApiError | undefined => {
  if (error instanceof ApiError) return error;
  if (error instanceof ControlError) {
    const code = RENAMED[error.code] ?? error.code;
    if (!(code in PROBLEMS)) return undefined;
    if (code === "E_STORE") return storeTrouble(error);
    const headers: Record<string, string> = code === "E_FULL" ? { "retry-after": "5" } : {};
    return new ApiError(code as ProblemCode, error.message, { headers, cause: error });
  }
  if (error instanceof StoreError) return storeTrouble(error);
  if (!(error instanceof Error) || !("code" in error)) {
    // What the parser says of wrong JSON shows some of it.
    return error instanceof SyntaxError && "statusCode" in error
      ? new ApiError("E_BAD_JSON", "the body is no JSON", { cause: error })
      : undefined;
  }
  const known = CODES_OF_FASTIFY[String(error.code)];
  return known && new ApiError(known[0], known[1], { cause: error });
};

/** Paths of files are the operator's business, not the client's. */
const storeTrouble = (cause: Error): ApiError =>
  new ApiError("E_STORE", "the store did not do it; the supervisor's log says why. Ask again in a moment", {
    cause,
    headers: { "retry-after": "1" },
  });
