/** What is wrong with a fleet file, and where: one for each thing that has to be changed. */

export type Source =
  | { readonly kind: "file"; readonly file: string; readonly line: number; readonly column: number }
  /** The file as a whole could not be had. */
  | { readonly kind: "whole"; readonly file: string }
  | { readonly kind: "env"; readonly variable: string }
  /** Given in code. */
  | { readonly kind: "data" };

export interface ConfigError {
  readonly source: Source;
  /** `lines.sales.masters.1`; empty for the whole document. */
  readonly path: string;
  /** What was expected, and what to do. */
  readonly message: string;
  /** The file is well-formed, but with these settings the targets can't be met. */
  readonly missesTargets?: true;
}

export const whereOf = (source: Source): string => {
  if (source.kind === "env") return source.variable;
  if (source.kind === "data") return "";
  return source.kind === "whole" ? source.file : `${source.file}:${source.line}:${source.column}`;
};

/** `fleet.yaml:6:10 timers.failed: expected …`; given in code `timers.failed: expected …` */
export const configErrorText = ({ source, path, message }: ConfigError): string =>
  [whereOf(source), path === "" ? "" : `${path}:`, message].filter((part) => part !== "").join(" ");

/** In the order of the file; what came from elsewhere last. */
export const sortErrors = (errors: readonly ConfigError[]): ConfigError[] => {
  const place = ({ source }: ConfigError): [number, number] =>
    source.kind === "file" ? [source.line, source.column] : [source.kind === "whole" ? 0 : Number.MAX_SAFE_INTEGER, 0];
  return errors.toSorted((a, b) => {
    const [[lineA, columnA], [lineB, columnB]] = [place(a), place(b)];
    return lineA - lineB || columnA - columnB;
  });
};

/** Everything that is wrong with a fleet, one a line. */
export class FleetError extends Error {
  readonly code = "E_CONFIG";
  readonly errors: readonly ConfigError[];
  constructor(errors: readonly ConfigError[]) {
    super(errors.map(configErrorText).join("\n"));
    this.name = "FleetError";
    this.errors = errors;
  }
}
