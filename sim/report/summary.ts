/** What a person reads at the end of `greenroom chaos`. */
import type { ChaosDocument, FoundViolation, TimingReport } from "../chaos/totals.ts";
import { inPlainWords } from "../plan/words.ts";
import { percent, table, whole } from "./table.ts";

const NAMES = {
  detection: "fault → detected",
  choice: "detected → chosen",
  inService: "commit → in service",
  firstAck: "fault → first ack",
};

export interface SummaryOptions {
  /** The command that runs one violation's plan again. */
  readonly replay: (violation: FoundViolation) => string;
}

export const summary = (document: ChaosDocument, options: SummaryOptions): string =>
  [
    ...headline(document),
    "",
    ...timings(document),
    "",
    ...faultsThatBit(document.faults),
    ...list("Bounds not owed", document.excluded),
    ...coverage(document),
    "",
    ...verdict(document, options),
    "",
  ].join("\n");

const headline = (document: ChaosDocument): string[] => {
  const { runs, interrupted, simulatedSeconds, wallSeconds, messages, lost, availability, determinism } = document;
  const speed = wallSeconds > 0 ? simulatedSeconds / wallSeconds : 0;
  return [
    ...(interrupted ? ["Interrupted: what follows is of the runs that had ended by then."] : []),
    `${whole(runs)} ${runs === 1 ? "run" : "runs"}, ${whole(simulatedSeconds)} simulated seconds in ${wallSeconds.toFixed(1)} s (${whole(speed)} a second)`,
    `${whole(messages)} messages accepted, ${lost} lost; availability ${percent(availability, 4)}; without a fault ${document.falseNumberChanges} changes of number, ${document.falseTwinHandovers} handovers to a twin`,
    `${determinism.checked} runs repeated, ${determinism.diverged.length === 0 ? "each to the last byte" : `${determinism.diverged.length} DIVERGED: seeds ${determinism.diverged.join(", ")}`}`,
  ];
};

const timings = ({ timings: all }: ChaosDocument): string[] => {
  const rows = [["", "cases", "p50", "p99", "max", "bound", "margin", "worst seed"]];
  for (const [key, report] of Object.entries(all) as [keyof typeof NAMES, TimingReport][]) {
    rows.push([
      NAMES[key],
      whole(report.count),
      ...[report.p50, report.p99, report.max, report.boundMs, report.marginMs].map((ms) => `${ms} ms`),
      report.worstSeed ?? "-",
    ]);
    for (const [name, { count, p50, p99, max, marginMs, worstSeed }] of Object.entries(report.byClass)) {
      rows.push([`  ${name}`, whole(count), `${p50} ms`, `${p99} ms`, `${max} ms`, "", `${marginMs} ms`, worstSeed ?? "-"]);
    }
  }
  return table(rows, "");
};

const list = (title: string, counts: Readonly<Record<string, number>>): string[] => {
  const entries = Object.entries(counts);
  if (entries.length === 0) return [];
  return [`${title}: ${entries.map(([name, count]) => `${name} ${whole(count)}`).join(", ")}`];
};

const faultsThatBit = (counts: Readonly<Record<string, number>>): string[] => {
  const never = Object.keys(counts).filter((kind) => counts[kind] === 0);
  return [
    ...list("Faults that bit", Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))),
    ...(never.length === 0 ? [] : [`Faults that never did: ${never.join(", ")}`]),
  ];
};

const coverage = ({ coverage: { transitions } }: ChaosDocument): string[] => [
  `Transitions taken: ${transitions.taken} of ${transitions.total}; ${Object.keys(transitions.rare).length} rare ones are taken by plans of sim/scenarios/directed.ts (sim/checkers/rare.ts); ${transitions.excused} can't be, for reasons in sim/checkers/excused.ts; ${transitions.missing.length} never${transitions.missing.length > 0 ? ":" : ""}`,
  ...transitions.missing.map((name) => `  ${name}`),
  ...transitions.wronglyExcused.map((name) => `  taken, though excused: ${name}`),
];

const verdict = ({ runs, interrupted, violations }: ChaosDocument, { replay }: SummaryOptions): string[] => {
  if (runs === 0) return ["Nothing was run to its end."];
  if (violations.length === 0) return [interrupted ? "Everything held as far as it went." : "Everything held."];
  return violations.flatMap((violation) => [
    `BROKEN ${violation.property} (seed ${violation.seed}): ${violation.text}`,
    ...(violation.shrunk ? inPlainWords(violation.shrunk).map((line) => `  ${line}`) : []),
    `  ${replay(violation)}`,
  ]);
};
