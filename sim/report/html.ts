/** The summary as HTML, shown beside the film: a piece of a page, without references or a style of its own. */
import type { ChaosDocument, Distribution, FoundViolation, TimingReport } from "../chaos/totals.ts";
import { inPlainWords } from "../plan/words.ts";
import { escaped } from "./junit.ts";
import { percent, whole } from "./table.ts";

const TITLES = {
  detection: "Fault to detection",
  choice: "Detection to choice of a candidate",
  inService: "Commit to service",
  firstAck: "Fault to first acknowledgement",
};

export const reportHtml = (document: ChaosDocument, replay: (violation: FoundViolation) => string): string => {
  const { runs, interrupted, simulatedSeconds, wallSeconds, violations, coverage, determinism } = document;
  const state = violations.length === 0 ? "held" : "broken";
  const words =
    violations.length > 0 ? `${violations.length} broken` : interrupted ? "held as far as it went" : "everything held";
  return `<h2>Greenroom chaos <span class="${state}">${words}</span></h2>
<dl>${[
    ["Runs", `${whole(runs)}${interrupted ? ", interrupted" : ""}`],
    ["Simulated", `${whole(simulatedSeconds)} s`],
    ["Took", `${wallSeconds.toFixed(1)} s`],
    ["Messages accepted", whole(document.messages)],
    ["Lost", String(document.lost)],
    ["Availability", percent(document.availability, 4)],
    ["Changes of number without a fault", String(document.falseNumberChanges)],
    ["Handovers to a twin without a fault", String(document.falseTwinHandovers)],
    ["Runs repeated", `${determinism.checked}, diverged ${determinism.diverged.length}`],
    ["Transitions taken", `${coverage.transitions.taken} of ${coverage.transitions.total}`],
    ["Rare ones, taken by plans of their own", String(Object.keys(coverage.transitions.rare).length)],
    ["That no run can take, with a reason", String(coverage.transitions.excused)],
  ]
    .map(([name, value]) => `<div><dt>${escaped(name ?? "")}</dt><dd>${escaped(value ?? "")}</dd></div>`)
    .join("")}</dl>
${violations.map((violation) => broken(violation, replay(violation))).join("\n")}
${(Object.entries(document.timings) as [keyof typeof TITLES, TimingReport][]).map(([key, report]) => timing(TITLES[key], report)).join("\n")}
${counts("Faults that bit", document.faults)}
${counts("Bounds not owed, by reason", document.excluded)}
${names("Transitions never taken", coverage.transitions.missing)}
${names("Transitions taken, though there is a reason why nobody could", coverage.transitions.wronglyExcused)}
`;
};

const broken = (violation: FoundViolation, command: string): string =>
  `<section class="violation"><h3>${escaped(violation.property)}</h3><p>Seed ${escaped(violation.seed)}: ${escaped(violation.text)}</p>${
    violation.shrunk
      ? `<ol>${inPlainWords(violation.shrunk)
          .map((line) => `<li>${escaped(line)}</li>`)
          .join("")}</ol>`
      : ""
  }<pre>${escaped(command)}</pre></section>`;

const timing = (title: string, report: TimingReport): string => {
  const row = (name: string, { count, p50, p99, max, marginMs, worstSeed }: Distribution): string =>
    `<tr><td>${escaped(name)}</td><td>${count}</td><td>${p50}</td><td>${p99}</td><td>${max}</td><td>${marginMs}</td><td>${escaped(worstSeed ?? "")}</td><td><i style="width:${Math.min(100, (100 * max) / report.boundMs).toFixed(1)}%"></i></td></tr>`;
  return `<h3>${escaped(title)}: within ${report.boundMs} ms, margin ${report.marginMs} ms</h3><table>
<thead><tr><th>fault, rung</th><th>cases</th><th>p50 ms</th><th>p99 ms</th><th>max ms</th><th>margin ms</th><th>worst seed</th><th>of the bound</th></tr></thead>
<tbody>${row("all", report)}${Object.entries(report.byClass)
    .map(([name, each]) => row(name, each))
    .join("")}</tbody></table>`;
};

const counts = (title: string, entries: Readonly<Record<string, number>>): string =>
  Object.keys(entries).length === 0
    ? ""
    : `<h3>${escaped(title)}</h3><table><tbody>${Object.entries(entries)
        .map(([name, count]) => `<tr><td>${escaped(name)}</td><td>${whole(count)}</td></tr>`)
        .join("")}</tbody></table>`;

const names = (title: string, list: readonly string[]): string =>
  list.length === 0 ? "" : `<h3>${escaped(title)}</h3><ul>${list.map((name) => `<li>${escaped(name)}</li>`).join("")}</ul>`;
