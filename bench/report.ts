/** How a benchmark says what it measured: figures against what must be reached, with the machine they were measured on. */
import { cpus, totalmem } from "node:os";

export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** Absent: for information only. */
  readonly bound?: { readonly is: "<" | "<=" | ">=" | ">"; readonly than: number };
}
/** What every benchmark gives back; `missed` names the figures that should have been reached and were not. */
export interface Report {
  readonly figures: readonly Figure[];
  readonly missed: readonly string[];
}
export interface BenchOptions {
  /** Print nothing: the caller wants the figures. */
  readonly json: boolean;
  /** Less of everything: to see that it works, not to quote. */
  readonly quick?: boolean;
}

const holds = ({ value, bound }: Figure): boolean => {
  if (!bound) return true;
  switch (bound.is) {
    case "<":
      return value < bound.than;
    case "<=":
      return value <= bound.than;
    case ">=":
      return value >= bound.than;
    case ">":
      return value > bound.than;
  }
};

const shown = ({ value, unit }: Figure): string => {
  const digits = Number.isInteger(value) || Math.abs(value) >= 100 ? 0 : 2;
  return `${value.toFixed(digits)}${unit === "" ? "" : ` ${unit}`}`;
};
const demand = (figure: Figure): string =>
  figure.bound ? `${holds(figure) ? "met" : "MISSED"}, must be ${figure.bound.is} ${figure.bound.than}` : "";

export const machine = (): string =>
  `${cpus().length} × ${cpus()[0]?.model.trim() ?? "unknown processor"}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}`;

/** Prints the figures unless `json`, and says which are missed. */
export const report = (name: string, figures: readonly Figure[], { json }: BenchOptions): Report => {
  const missed = figures
    .filter((figure) => !holds(figure))
    .map((figure) => `${name}: ${figure.what}: ${shown(figure)}, must be ${figure.bound?.is} ${figure.bound?.than}`);
  if (!json) {
    const width = Math.max(...figures.map(({ what }) => what.length));
    const lines = figures.map((figure) =>
      `  ${figure.what.padEnd(width)}  ${shown(figure).padStart(14)}  ${demand(figure)}`.trimEnd(),
    );
    process.stdout.write(`${[`${name} (${machine()})`, ...lines].join("\n")}\n`);
  }
  return { figures, missed };
};

export const median = (values: readonly number[]): number => quantile(values, 0.5);
export const quantile = (values: readonly number[], share: number): number => {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
};
