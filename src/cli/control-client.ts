/** Asks a running supervisor, and waits for its answer. */
import { connect, type Socket } from "node:net";
import {
  type ControlAnswers,
  ControlError,
  controlErrorCode,
  type ControlOp,
  type ControlRequest,
} from "../runtime/control-protocol.ts";

const ANSWER_WITHIN = 35_000;
/** The status of five hundred devices is about 100 kB. */
const MAX_ANSWER = 64_000_000;

/** Throws ControlError: what the supervisor refused, E_NOT_RUNNING if none listens, E_NO_ANSWER if none came. */
export const askSupervisor = async <K extends ControlOp>(
  path: string,
  op: K,
  request: ControlRequest<K>,
  within = ANSWER_WITHIN,
): Promise<ControlAnswers[K]> => {
  const line = await exchange(path, `${JSON.stringify({ ...request, id: 1, op })}\n`, within);
  const reply = parse(line, path);
  if (reply.ok) return reply.answer as ControlAnswers[K];
  throw new ControlError(controlErrorCode(reply.error.code), reply.error.message);
};

const exchange = (path: string, request: string, within: number): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket: Socket = connect(path);
    const parts: Buffer[] = [];
    let length = 0;
    const done = (result: string | ControlError): void => {
      clearTimeout(timer);
      socket.destroy();
      if (result instanceof ControlError) reject(result);
      else resolve(result);
    };
    const timer = setTimeout(
      () =>
        done(
          new ControlError("E_NO_ANSWER", `the supervisor on ${path} did not answer within ${within / 1000} s. Look at its log`),
        ),
      within,
    );
    socket.once("connect", () => socket.write(request));
    socket.on("data", (bytes: Buffer) => {
      const end = bytes.indexOf(0x0a);
      parts.push(end < 0 ? bytes : bytes.subarray(0, end));
      length += bytes.length;
      if (end >= 0) done(Buffer.concat(parts).toString("utf8"));
      else if (length > MAX_ANSWER)
        done(new ControlError("E_NO_ANSWER", `what listens on ${path} does not stop talking: no supervisor`));
    });
    socket.once("error", (error) => done(unreachable(path, error)));
    socket.once("close", () => done(new ControlError("E_NO_ANSWER", `the supervisor on ${path} hung up before it answered`)));
  });

const unreachable = (path: string, error: Error): ControlError => {
  const code = "code" in error ? error.code : undefined;
  if (code === "ENOENT" || code === "ECONNREFUSED")
    return new ControlError("E_NOT_RUNNING", `no supervisor listens on ${path}. Start it: greenroom up FLEET`, error);
  if (code === "EACCES" || code === "EPERM")
    return new ControlError(
      "E_NOT_RUNNING",
      `${path} may not be opened by you: only the user who started the supervisor may`,
      error,
    );
  return new ControlError("E_NO_ANSWER", `the supervisor on ${path} could not be asked: ${error.message}`, error);
};

type Reply =
  | { readonly ok: true; readonly answer: unknown }
  | { readonly ok: false; readonly error: { readonly code: string; readonly message: string } };

const parse = (line: string, path: string): Reply => {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === "object" && value !== null && "ok" in value) {
      if (value.ok === true && "answer" in value) return { ok: true, answer: value.answer };
      if (value.ok === false && "error" in value && isError(value.error)) return { ok: false, error: value.error };
    }
  } catch {
    // falls through: no JSON is no answer either
  }
  throw new ControlError("E_NO_ANSWER", `what listens on ${path} is no supervisor of this version`);
};

const isError = (value: unknown): value is { code: string; message: string } =>
  typeof value === "object" &&
  value !== null &&
  "code" in value &&
  "message" in value &&
  typeof value.code === "string" &&
  typeof value.message === "string";
