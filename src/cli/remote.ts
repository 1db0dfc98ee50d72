/** Asks a supervisor on another machine, over its HTTP API. */
import { randomUUID } from "node:crypto";
import { openAsBlob } from "node:fs";
import {
  type ControlAnswers,
  controlErrorCode,
  ControlError,
  type ControlOp,
  type ControlRequest,
  LOCAL_OPS,
} from "../runtime/control-protocol.ts";
import { CliError, type Env } from "./cli.ts";

const ANSWER_WITHIN = 60_000;
/** A file of 100 MB over a slow line. */
const UPLOADED_WITHIN = 1_800_000;

interface Remote {
  readonly url: string;
  readonly key: string;
}

/** The key is not taken from the command line: others on the machine can read that. */
export const remoteOf = (url: string, env: Env): Remote => {
  const key = env["GREENROOM_API_KEY"] ?? "";
  if (!/^https?:\/\/[^/]+/.test(url))
    throw new CliError("E_USAGE", `--url ${url}: expected where the API listens, such as https://fleet.example.org:8080`, 2);
  if (key === "")
    throw new CliError(
      "E_NO_KEY",
      "set GREENROOM_API_KEY to a key of the supervisor: greenroom key create NAME --role admin, on its machine",
      2,
    );
  return { url: url.replace(/\/+$/, ""), key };
};

export const localOnly = (): CliError =>
  new CliError(
    "E_LOCAL_ONLY",
    "this concerns files or the process of the machine that the supervisor runs on: ask it there, without --url",
    2,
  );

/** Throws CliError or ControlError. */
export const askRemote = async <K extends ControlOp>(
  remote: Remote,
  op: K,
  request: ControlRequest<K>,
): Promise<ControlAnswers[K]> => {
  if (LOCAL_OPS.has(op)) throw localOnly();
  const body = JSON.stringify({ op, request: await withoutFile(remote, request) });
  const { answer } = (await post(remote, "/v1/terminal", body, "application/json", ANSWER_WITHIN)) as {
    answer: ControlAnswers[K];
  };
  return answer;
};

/** A file of this machine is uploaded, and named by its id. */
const withoutFile = async (remote: Remote, request: object): Promise<object> => {
  const { content } = request as { content?: { file?: string } };
  if (content?.file === undefined) return request;
  const { file, ...rest } = content;
  const blob = await openAsBlob(file).catch((cause: unknown) => {
    throw new CliError("E_USAGE", `${file} can't be read: ${cause instanceof Error ? cause.message : "unknown"}`, 2);
  });
  const { id } = (await post(remote, "/v1/media", blob, "application/octet-stream", UPLOADED_WITHIN)) as { id: string };
  return { ...request, content: { ...rest, media: id } };
};

const post = async ({ url, key }: Remote, path: string, body: string | Blob, type: string, within: number): Promise<unknown> => {
  const headers = { authorization: `Bearer ${key}`, "content-type": type, "idempotency-key": randomUUID() };
  let response: Response;
  let said: unknown;
  try {
    response = await fetch(`${url}${path}`, {
      method: "POST",
      headers,
      body,
      redirect: "error",
      signal: AbortSignal.timeout(within),
    });
    said = await response.json();
  } catch (cause) {
    const why = cause instanceof Error ? ((cause.cause as Error | undefined)?.message ?? cause.message) : "unknown";
    throw new ControlError(
      "E_NO_ANSWER",
      `${url} could not be asked: ${why}. Is the supervisor's API there, and within reach?`,
      cause,
    );
  }
  if (response.ok) return said;
  const { code, detail, title } = said as { code?: string; detail?: string; title?: string };
  const message = detail ?? title ?? `answered ${response.status}`;
  const known = controlErrorCode(code ?? "");
  // What only the API refuses: the key, its role, its lines, the rate.
  if (known === "E_INTERNAL" && response.status < 500) throw new CliError(code ?? "E_NO_ANSWER", `${url}: ${message}`, 2);
  throw new ControlError(known, message);
};
