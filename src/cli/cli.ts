/** What every command shares: where text goes, how it ends, and how an error is told. */
import { type ConfigError, configErrorText, FleetError } from "../config/index.ts";
import { ControlError, type ControlErrorCode } from "../runtime/control-protocol.ts";
import { StoreError } from "../adapters/sqlite/errors.ts";

/** 0 fine, 1 what was checked does not hold, 2 bad usage or configuration, 3 something needed is out of reach, 130 interrupted. */
export type ExitCode = 0 | 1 | 2 | 3 | 130;
export type Stream = NodeJS.WriteStream;
export type Env = Readonly<Record<string, string | undefined>>;

export class CliError extends Error {
  readonly code: string;
  readonly exitCode: ExitCode;
  constructor(code: string, message: string, exitCode: ExitCode) {
    super(message);
    this.name = "CliError";
    this.code = code;
    this.exitCode = exitCode;
  }
}

/** Every error of a fleet file, one a line. */
export const configFault = (file: string, errors: readonly ConfigError[]): CliError => {
  const count = errors.length === 1 ? "1 error" : `${errors.length} errors`;
  return new CliError("E_CONFIG", `${errors.map(configErrorText).join("\n")}\n${file}: ${count}. Nothing was started`, 2);
};

export class Cli {
  readonly stdout: Stream;
  readonly stderr: Stream;
  readonly env: Env;
  exitCode: ExitCode = 0;

  constructor(stdout: Stream, stderr: Stream, env: Env) {
    this.stdout = stdout;
    this.stderr = stderr;
    this.env = env;
  }

  print(text: string): void {
    this.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
  }
  /** The one document of `--json`. */
  json(document: unknown): void {
    this.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
  }
  note(text: string): void {
    this.stderr.write(`${text}\n`);
  }

  /** Carries a command out and remembers how it ended; with `json` an error is a document, too. */
  async run(json: boolean, work: () => Promise<ExitCode>): Promise<void> {
    try {
      this.exitCode = await work();
    } catch (error) {
      const told = toldAs(error);
      if (json) this.json({ error: { code: told.code, message: told.message } });
      this.note(`${told.code} ${told.message}`);
      this.exitCode = told.exitCode;
    }
  }
}

const toldAs = (error: unknown): { code: string; message: string; exitCode: ExitCode } => {
  if (error instanceof CliError) return error;
  if (error instanceof FleetError) return configFault("plugins", error.errors);
  if (error instanceof ControlError) return { code: error.code, message: error.message, exitCode: CONTROL_EXITS[error.code] };
  if (error instanceof StoreError)
    return { code: error.code, message: error.message.replace(`${error.code} `, ""), exitCode: storeExit(error) };
  throw error;
};

const CONTROL_EXITS: { readonly [C in ControlErrorCode]: ExitCode } = {
  E_BAD_REQUEST: 2,
  E_UNKNOWN_SEAT: 2,
  E_UNKNOWN_LINE: 2,
  E_UNKNOWN_ACCOUNT: 2,
  E_UNKNOWN_DEVICE: 2,
  E_UNKNOWN_MESSAGE: 2,
  E_UNKNOWN_SUBJECT: 2,
  E_UNKNOWN_KEY: 2,
  E_UNKNOWN_WEBHOOK: 2,
  E_KEY_REUSED: 2,
  E_CHANGED: 1,
  E_REFUSED: 1,
  E_FULL: 1,
  E_STORE: 3,
  E_UNREACHABLE: 3,
  E_BUSY: 3,
  E_TIMEOUT: 3,
  E_INTERNAL: 3,
  E_ALREADY_RUNNING: 3,
  E_SOCKET: 3,
  E_NOT_RUNNING: 3,
  E_NO_ANSWER: 3,
};

/** A key that is there and wrong has to be corrected; what can't be had just now is out of reach. */
const storeExit = ({ code }: StoreError): ExitCode =>
  code === "E_KEY_WRONG" || code === "E_KEY_MALFORMED" || code === "E_KEY_EXPOSED" || code === "E_KEY_MISSING" ? 2 : 3;
